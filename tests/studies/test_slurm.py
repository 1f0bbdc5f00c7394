"""Tasks as jobs of submitit, by its executor for this machine."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from simam_jax.errors import Stopped, UsageError
from simam_jax.studies import slurm_jobs
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


class FakeSlurm:
    """A cluster whose jobs are in the states that a test says, by submitit's interface."""

    def __init__(self, folder: Path):
        folder.mkdir()
        self.folder = folder
        self.states: dict[str, list[str]] = {}  # of each job, look after look; the last one stays
        self.results: dict[str, int] = {}
        self.submitted: dict[str, list[str]] = {}

    def job_class(self, folder: Path, job_id: str) -> "FakeJob":
        return FakeJob(self, job_id)

    def submit_array(self, jobs: list[SlurmJob]) -> list["FakeJob"]:
        ids = [f"{100 + len(self.submitted) + place}" for place in range(len(jobs))]
        self.submitted |= {job_id: list(job._task.writes) for job_id, job in zip(ids, jobs, strict=True)}
        return [FakeJob(self, job_id) for job_id in ids]


class FakeJob:
    """One of its jobs; submitted ones have ended well at the first look."""

    def __init__(self, slurm: FakeSlurm, job_id: str):
        self._slurm, self.job_id = slurm, job_id
        self._left = list(slurm.states.get(job_id, ["COMPLETED"]))

    @property
    def state(self) -> str:
        return self._left[0]

    def done(self, force_check: bool = False) -> bool:
        if len(self._left) > 1:
            self._left.pop(0)
        return self.state not in ("PENDING", "RUNNING", "UNKNOWN", "PREEMPTED")

    def exception(self) -> None:
        assert self.done(), "submitit would wait for ever"

    def result(self) -> int:
        return self._slurm.results.get(self.job_id, 0)

    def cancel(self, check: bool) -> None:
        self._left = ["CANCELLED"]


@pytest.fixture
def slurm(tmp_path):
    return FakeSlurm(tmp_path / "slurm")


@pytest.fixture
def go_on(slurm, tmp_path):
    """Runs tasks, each named and by what it writes, beside jobs of an earlier call; gives what they ended with."""

    def go_on(tasks: dict[str, tuple[str, ...]], earlier: dict[str, list[str]]) -> list[tuple[str, int]]:
        if earlier:
            (slurm.folder / "jobs.json").write_text(json.dumps(earlier))
        ended = []
        with Signals() as signals:
            run_on_slurm(
                [Task(name, (), tmp_path / name, writes) for name, writes in tasks.items()],
                lambda task, code: ended.append((task.name, code)), signals, executor=slurm, poll_s=0.0,
            )  # fmt: skip
        return ended

    return go_on


def test_jobs_of_an_earlier_call_are_found_again(slurm, go_on):
    slurm.states = {"7_0": ["PENDING", "RUNNING", "COMPLETED"], "7_1": ["COMPLETED"]}
    slurm.results = {"7_0": 3}
    tasks = {"a": ("trials/a",), "b": ("trials/b",), "c": ("trials/c",)}
    ended = go_on(tasks, {"7_0": ["trials/a"], "7_1": ["trials/b"]})
    assert sorted(ended) == [("a", 3), ("b", 0), ("c", 0)]
    assert slurm.submitted == {"100": ["trials/b"], "101": ["trials/c"]}
    assert not (slurm.folder / "jobs.json").exists()


def test_they_are_found_however_trials_are_grouped_now(slurm, go_on):
    """Otherwise two jobs would train the same trial."""
    slurm.states = {"7_0": ["RUNNING", "RUNNING", "COMPLETED"], "7_1": ["PENDING"] * 4 + ["COMPLETED"]}
    alone, together = {"a": ("trials/a",), "b": ("trials/b",)}, {"a+1": ("trials/a", "trials/b"), "c": ("trials/c",)}
    assert go_on(together, {"7_0": ["trials/a"], "7_1": ["trials/b"]}) == [("c", 0), ("a+1", 0)]
    assert slurm.submitted == {"100": ["trials/c"], "101": ["trials/a", "trials/b"]}
    slurm.submitted.clear()
    assert go_on(alone, {"7_0": ["trials/a", "trials/b"]}) == [("a", 0), ("b", 0)]
    assert slurm.submitted == {"100": ["trials/a"], "101": ["trials/b"]}


def test_jobs_of_other_tasks_are_left_alone(slurm, go_on):
    slurm.states = {"7": ["RUNNING"]}
    assert go_on({"costs": ("costs/a.json",)}, {"7": ["trials/a"]}) == [("costs", 0)]
    assert json.loads((slurm.folder / "jobs.json").read_text()) == {"7": ["trials/a"]}


def test_a_job_that_was_preempted_without_a_result_is_submitted_again(slurm, go_on):
    """submitit waits for it to be queued again."""
    slurm.states = {"100": ["PENDING", "RUNNING", "PREEMPTED"]}
    assert go_on({"a": ("trials/a",)}, {}) == [("a", 0)]
    assert list(slurm.submitted) == ["100", "101"]


@pytest.mark.parametrize(("queue", "submitted"), [("7_1\n8\n", ["trials/a"]), (None, [])])
def test_a_job_that_slurm_has_forgotten_is_not_waited_for(slurm, go_on, monkeypatch, queue, submitted):
    """Unless the controller, who may be away, has it in its queue."""

    def squeue(words, **options):
        if queue is None:
            raise FileNotFoundError("squeue")
        return subprocess.CompletedProcess(words, 0, stdout=queue)

    monkeypatch.setattr(slurm_jobs.subprocess, "run", squeue)
    slurm.states = {job: ["UNKNOWN", "UNKNOWN", "COMPLETED"] for job in ("7_0", "7_1")}
    tasks = {"a": ("trials/a",), "b": ("trials/b",)}
    assert sorted(go_on(tasks, {"7_0": ["trials/a"], "7_1": ["trials/b"]})) == [("a", 0), ("b", 0)]
    assert [name for names in slurm.submitted.values() for name in names] == submitted


def test_a_list_of_jobs_of_another_kind_is_named(slurm, go_on):
    (slurm.folder / "jobs.json").write_text('{"towernet-none-seed0": "7_0"}')
    with pytest.raises(UsageError, match=r"jobs\.json is damaged: '7_0' is no list"):
        go_on({"a": ("trials/a",)}, {})
