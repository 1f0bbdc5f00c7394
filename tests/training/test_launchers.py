"""How a group is found that a launcher has started."""

import pytest

from simam_jax.errors import UsageError
from simam_jax.training import launchers

OPEN_MPI = {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_LOCAL_RANK": "1"}
VERSION_4 = {"OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://10.96.0.1:34911"}
SLURM = {"SLURM_STEP_NUM_TASKS": "2"}


@pytest.fixture
def started(monkeypatch):
    """Sets what a launcher sets, and whether mpi4py is installed."""

    def start(variables: dict[str, str], *, mpi4py: bool = False) -> None:
        for name in {**OPEN_MPI, **VERSION_4, **SLURM}:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(launchers.importlib.util, "find_spec", lambda name: mpi4py or None)

    return start


@pytest.mark.parametrize(
    ("variables", "several"),
    [({}, False), (OPEN_MPI, True), (OPEN_MPI | {"OMPI_COMM_WORLD_SIZE": "1"}, False), (SLURM, True)],
)
def test_a_group_is_one_of_several(started, variables, several):
    started(variables)
    assert launchers.started_by_launcher() == several


@pytest.mark.parametrize("variables", [{}, SLURM, OPEN_MPI | VERSION_4, {"OMPI_COMM_WORLD_SIZE": "1"}])
def test_what_jax_finds_by_itself_is_left_to_it(started, variables):
    started(variables)
    assert launchers.detection_method() is None


def test_of_open_mpi_5_mpi4py_is_asked(started):
    started(OPEN_MPI, mpi4py=True)
    assert launchers.detection_method() == "mpi4py"


def test_without_it_the_ways_out_are_named(started):
    started(OPEN_MPI)
    with pytest.raises(UsageError, match=r"Open MPI 5 .* pip install mpi4py, or .* --coordinator HOST:PORT"):
        launchers.detection_method()
