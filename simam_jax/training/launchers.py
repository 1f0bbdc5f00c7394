"""What programs that start a group of processes leave in the environment of each. Imports no JAX."""

import importlib.util
import os

from simam_jax.errors import UsageError

_OPEN_MPI = "OMPI_COMM_WORLD_SIZE"
# Set by launchers that JAX knows, in every process of a group of several.
_GROUP_SIZES = ("SLURM_STEP_NUM_TASKS", _OPEN_MPI)
# By which JAX knows Open MPI; from its version 5 on it is not set.
_OPEN_MPI_4 = "OMPI_MCA_orte_hnp_uri"


def started_by_launcher() -> bool:
    """Whether Slurm (a step of several tasks) or Open MPI has started this process as one of several."""
    return any(_size(name) > 1 for name in _GROUP_SIZES)


def detection_method() -> str | None:
    """JAX's name for the way in which it is to find the group that has been started; None leaves it to JAX.

    Raises:
        UsageError: that needs a package that is missing.
    """
    if _size(_OPEN_MPI) == 1 or _OPEN_MPI_4 in os.environ:
        return None
    if importlib.util.find_spec("mpi4py") is None:
        raise UsageError(
            "Open MPI 5 does not say where its first process is: pip install mpi4py, or start each process with "
            "--coordinator HOST:PORT --processes N --process I"
        )
    return "mpi4py"


def _size(name: str) -> int:
    return int(os.environ.get(name, "1"))


def hush_jax() -> None:
    """Keeps JAX from warning of how it holds a group together; to be called before it is imported.

    Warnings of XLA's go with it, unless TF_CPP_MIN_LOG_LEVEL is set; errors are said.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
