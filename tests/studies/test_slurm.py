"""Tasks as jobs of submitit, by its executor for this machine."""

import sys
from pathlib import Path

import pytest

from simam_jax.errors import Stopped, UsageError
from simam_jax.studies.signals import Signals
from simam_jax.studies.slurm import create_executor, run_on_slurm
from simam_jax.studies.tasks import Task

submitit = pytest.importorskip("submitit")


@pytest.fixture
def executor(tmp_path, root, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    return submitit.LocalExecutor(tmp_path / "slurm")


def task(name: str, folder: Path, code: str) -> Task:
    return Task(
        name, ((sys.executable, "-c", code, str(folder)), (sys.executable, "-c", "print('then')")), folder / name
    )


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_jobs_end_with_their_codes_and_75_is_submitted_again(tmp_path, executor):
    ended = {}
    stops_once = (
        "import pathlib,sys; p = pathlib.Path(sys.argv[1], 'once'); c = 0 if p.exists() else 75; p.touch(); sys.exit(c)"
    )
    tasks = [
        task("good", tmp_path, "print('first')"),
        task("bad", tmp_path, "import sys; sys.exit(3)"),
        task("stopped", tmp_path, stops_once),
    ]
    with Signals() as signals:
        run_on_slurm(tasks, lambda each, code: ended.update({each.name: code}), signals, executor=executor, poll_s=0.1)
    assert ended == {"good": 0, "bad": 3, "stopped": 0}
    assert (tmp_path / "good").read_text() == "first\nthen\n"
    assert (tmp_path / "stopped").read_text() == "then\n"


def test_without_slurm(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="there is no Slurm here"):
        create_executor(tmp_path / "slurm", {}, jobs=2)


def test_options_become_those_of_sbatch(tmp_path, monkeypatch):
    (tmp_path / "srun").write_text("#!/bin/sh\n")
    (tmp_path / "srun").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = create_executor(
        tmp_path / "slurm", {"partition": "gpu", "time": "30", "reservation": "me"}, jobs=3
    ).parameters
    assert (found["partition"], found["time"], found["array_parallelism"]) == ("gpu", 30, 3)
    assert found["additional_parameters"] == {"no_requeue": True, "reservation": "me"}


def test_without_submitit(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UsageError, match="needs submitit: pip install submitit"):
        create_executor(tmp_path / "slurm", {}, jobs=2)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_signal_cancels_the_jobs(tmp_path, executor):
    class Interrupted(Signals):
        """A signal that comes as soon as the job runs."""

        @property
        def received(self):
            import signal

            return [signal.SIGTERM] if (tmp_path / "started").exists() else []

        @received.setter
        def received(self, value):
            pass

    code = "import pathlib,sys,time; pathlib.Path(sys.argv[1], 'started').touch(); time.sleep(30)"
    with pytest.raises(Stopped, match="SIGTERM"):
        run_on_slurm([task("slow", tmp_path, code)], lambda *_: None, Interrupted(), executor=executor, poll_s=0.1)
