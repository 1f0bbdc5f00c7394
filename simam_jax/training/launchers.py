"""What programs that start a group of processes leave in the environment of each. Imports no JAX."""

import os

# Set by launchers that JAX knows, in every process of a group of several.
_GROUP_SIZES = ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE")


def started_by_launcher() -> bool:
    """Whether Slurm (a step of several tasks) or Open MPI has started this process as one of several."""
    return any(int(os.environ.get(size, "1")) > 1 for size in _GROUP_SIZES)


def hush_jax() -> None:
    """Keeps JAX from warning of how it holds a group together; to be called before it is imported.

    Warnings of XLA's go with it, unless TF_CPP_MIN_LOG_LEVEL is set; errors are said.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
