"""Tasks as jobs of submitit, by its executor for this machine."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from simam_jax.errors import Stopped, UsageError
from simam_jax.studies.signals import Signals
from simam_jax.studies.slurm import create_executor, run_on_slurm
from simam_jax.studies.slurm_job import SlurmJob
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


def job(folder: Path, *codes: str) -> SlurmJob:
    commands = tuple((sys.executable, "-c", code, str(folder)) for code in codes)
    return SlurmJob(Task("task", commands, folder / "log"))


@pytest.fixture
def handlers():
    """Puts back the handlers that a job sets in this process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR2, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


WAITS = "import pathlib,sys,time; pathlib.Path(sys.argv[1], 'started').touch(); time.sleep(60)"
NEVER = "import pathlib,sys; pathlib.Path(sys.argv[1], 'never').touch()"


@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGTERM])
def test_a_notice_ends_a_command_that_has_nothing_to_save_with_75(tmp_path, handlers, number):
    """As one that is importing, measuring or drawing: SIGTERM ends it where it is."""

    def notice():
        while not (tmp_path / "started").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    watcher = threading.Thread(target=notice)
    watcher.start()
    assert job(tmp_path, WAITS, NEVER)() == 75
    watcher.join()
    assert not (tmp_path / "never").exists()


def test_a_command_that_slurm_itself_ends_is_submitted_again(tmp_path, handlers):
    """At a preemption every process of the job gets SIGTERM from Slurm."""
    assert job(tmp_path, "import os; os.kill(os.getpid(), 15)", NEVER)() == 75
    assert job(tmp_path, "import os; os.kill(os.getpid(), 9)", NEVER)() == -9
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("moment", ["before", "between"])
def test_a_notice_while_no_command_runs_is_not_lost(tmp_path, handlers, monkeypatch, moment):
    popen = subprocess.Popen

    def start(*words, **options):
        process = popen(*words, **options)
        os.kill(os.getpid(), signal.SIGUSR2)  # before anybody knows the process
        return process

    every = job(tmp_path, WAITS, NEVER)
    if moment == "before":
        every._note()
    else:
        monkeypatch.setattr(subprocess, "Popen", start)
    assert every() == 75
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("error", [
    submitit.core.utils.FailedJobError("sbatch: error: no\nsbatch: error: bad partition\n"),
    FileNotFoundError("no such file: sbatch: error: bad partition"),
])  # fmt: skip
def test_what_slurm_refuses_is_one_line(tmp_path, executor, monkeypatch, error):
    def refuse(jobs):
        raise error

    monkeypatch.setattr(executor, "submit_array", refuse)
    with (
        Signals() as signals,
        pytest.raises(UsageError, match=r"Slurm refuses the jobs: .*sbatch: error: bad partition$"),
    ):
        run_on_slurm([task("a", tmp_path, "")], lambda *_: None, signals, executor=executor, poll_s=0.1)


def test_a_damaged_list_of_jobs_is_named(tmp_path, executor):
    (tmp_path / "slurm").mkdir(exist_ok=True)
    (tmp_path / "slurm" / "jobs.json").write_text("{")
    with Signals() as signals, pytest.raises(UsageError, match=r"jobs\.json is damaged"):
        run_on_slurm([task("a", tmp_path, "")], lambda *_: None, signals, executor=executor)


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
            return [signal.SIGTERM] if (tmp_path / "started").exists() else []

        @received.setter
        def received(self, value):
            pass

    code = "import pathlib,sys,time; pathlib.Path(sys.argv[1], 'started').touch(); time.sleep(30)"
    with pytest.raises(Stopped, match="SIGTERM"):
        run_on_slurm([task("slow", tmp_path, code)], lambda *_: None, Interrupted(), executor=executor, poll_s=0.1)
