"""Tasks in processes of this machine."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from simam_jax.errors import Stopped
from simam_jax.studies.lifeline import lead
from simam_jax.studies.local_tasks import run_tasks, visible_gpus
from simam_jax.studies.signals import Signals
from simam_jax.studies.tasks import Task

TELLS_AND_WAITS = """
import os, pathlib, sys, time
told = pathlib.Path(sys.argv[1])
told.with_suffix(".partial").write_text(str(os.getpid()))
told.with_suffix(".partial").rename(told)
time.sleep(60)
"""
SAVES = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""


def python(code: str, *words: object) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *map(str, words))


@pytest.fixture
def ended():
    """(name, code) of each task, in order."""
    return []


@pytest.fixture
def report(ended):
    return lambda task, code: ended.append((task.name, code))


def wait_for(path, seconds=20):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_commands_follow_each_other_and_a_failure_ends_no_other(tmp_path, report, ended):
    tasks = [
        Task("good", (python("print('one')"), python("print('two')")), tmp_path / "logs" / "good"),
        Task("bad", (python("import sys; print('why'); sys.exit(3)"), python("print('never')")), tmp_path / "bad"),
        Task("killed", (python("import os; os.kill(os.getpid(), 9)"),), tmp_path / "killed"),
        Task("last", (python("print('here too')"),), tmp_path / "last"),
    ]
    with Signals() as signals:
        run_tasks(tasks, report, signals)
    assert ended == [("good", 0), ("bad", 3), ("killed", -9), ("last", 0)]
    assert (tmp_path / "logs" / "good").read_text() == "one\ntwo\n"
    assert [task.reason() for task in tasks] == ["two", "why", "", "here too"]


def test_several_at_a_time_share_the_processors(tmp_path, report, ended):
    code = "import os; print(*os.sched_getaffinity(0)); print(os.environ['XLA_PYTHON_CLIENT_PREALLOCATE'])"
    tasks = [Task(str(number), (python(code),), tmp_path / str(number)) for number in range(3)]
    with Signals() as signals:
        run_tasks(tasks, report, signals, jobs=2)
    assert sorted(ended) == [("0", 0), ("1", 0), ("2", 0)]
    cpus = [set((tmp_path / str(number)).read_text().splitlines()[0].split()) for number in range(2)]
    if len(os.sched_getaffinity(0)) > 1:
        assert not cpus[0] & cpus[1]
    assert cpus[0] | cpus[1] == set(map(str, os.sched_getaffinity(0)))
    assert (tmp_path / "0").read_text().splitlines()[1] == "false"


def test_a_signal_is_handed_on_and_nothing_more_begins(tmp_path, report, ended):
    tasks = [
        Task("first", (python(SAVES, tmp_path / "started"), python("print('never')")), tmp_path / "log1"),
        Task("second", (python("print('never')"),), tmp_path / "log2"),
    ]
    with Signals() as signals:
        killer = subprocess.Popen(
            python("import os,sys,time,pathlib\nwhile not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.01)\n"
                   "os.kill(int(sys.argv[1]), 15)", os.getpid(), tmp_path / "started")
        )  # fmt: skip
        with pytest.raises(Stopped, match="stopped by SIGTERM") as stop:
            run_tasks(tasks, report, signals)
        killer.wait()
    assert stop.value.exit_code == 75
    assert ended == [("first", 75)]
    assert not (tmp_path / "log2").exists()


def test_what_a_report_raises_ends_the_others(tmp_path):
    def refuse(task, code):
        wait_for(tmp_path / "pid")
        raise ValueError(task.name)

    tasks = [
        Task("slow", (python(TELLS_AND_WAITS, tmp_path / "pid"),), tmp_path / "log1"),
        Task("quick", (python("print()"),), tmp_path / "log2"),
    ]
    began = time.monotonic()
    with Signals() as signals, pytest.raises(ValueError, match="quick"):
        run_tasks(tasks, refuse, signals, jobs=2)
    assert time.monotonic() - began < 40
    assert not is_running(int((tmp_path / "pid").read_text()))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux has the signal at the parent's death")
def test_a_process_ends_when_its_parent_is_killed(tmp_path):
    """As a study that is killed takes its trials with it."""
    parent_code = (
        "import subprocess,sys,json; from simam_jax.studies.lifeline import lead; "
        "p=subprocess.Popen(lead(json.loads(sys.argv[1]))); print(p.pid, flush=True); p.wait()"
    )
    parent = subprocess.Popen(
        python(parent_code, json.dumps(python(SAVES, tmp_path / "started"))), stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    wait_for(tmp_path / "started")
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 10
    while is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_command_is_led_to_its_processors():
    assert lead(["a", "b"], [0, 2])[-4:] == ["--cpus", "0,2", "a", "b"]


def test_gpus_are_those_that_are_visible(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert visible_gpus() == ["3", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []
