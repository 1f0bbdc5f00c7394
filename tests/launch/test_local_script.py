"""Several processes on this machine, each a stand-in that is quick and ends as it is told."""

import os
import signal
import subprocess
import sys
import time

import pytest
from stand_in import environment

# Called as `python -m simam_jax.main …` and, for a free port, as `python -c …`.
PROCESS = """
import os, signal, sys, time
words = sys.argv[1:]
if words[0] == "-c":
    exec(words[1])
    sys.exit()
number = words[words.index("--process") + 1]
plan = os.environ[f"PLAN_{number}"]
if plan == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
elif plan != "killed":
    def stop(number, frame):
        os.write(1, b"stopped\\n")  # not print: it may be at it
        time.sleep(0.3)
        sys.exit(75 if number == signal.SIGTERM else 130)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
print("words", *words, os.environ.get("XLA_FLAGS", ""), os.environ.get("CUDA_VISIBLE_DEVICES", "none"), flush=True)
if plan == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if plan.isdigit():
    sys.exit(int(plan))
print("waits", flush=True)
time.sleep(60)
"""


@pytest.fixture
def start(root, tmp_path):
    started = []

    def run(*arguments, plans, **variables):
        python = tmp_path / "python"
        python.write_text(f"#!{sys.executable}\n{PROCESS}")
        python.chmod(0o755)
        script = subprocess.Popen(
            # Whoever runs the tests in the background ignores SIGINT, and a shell cannot take that back.
            ["env", "--default-signal=INT", f"{root}/launch/local.sh", *arguments],
            env=environment(
                tmp_path,
                PYTHON=str(python),
                PROCESSES=str(len(plans)),
                **{f"PLAN_{number}": plan for number, plan in enumerate(plans)},
                **variables,
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(script)
        return script

    yield run
    for script in started:
        if script.poll() is None:
            os.killpg(script.pid, signal.SIGKILL)
        script.stdout.close()
        script.stderr.close()


def finish(script):
    printed, said = script.communicate(timeout=30)
    return script.returncode, printed, said


def until_they_wait(script, processes):
    for stream, count in ((script.stdout, 1), (script.stderr, processes - 1)):
        for _ in range(count):
            while "waits" not in stream.readline():
                assert script.poll() is None


def test_what_each_process_is_told(start):
    code, printed, said = finish(start("--config.epochs=3", plans=["0", "0"], CONFIG="c.py", DEVICES="2"))
    assert code == 0
    words = printed.split()
    assert words[1:6] == ["-m", "simam_jax.main", "--config", "c.py", "--config.epochs=3"]
    assert words[words.index("--processes") + 1] == "2"
    assert words[words.index("--process") + 1] == "0"
    host, port = words[words.index("--coordinator") + 1].split(":")
    assert host == "127.0.0.1"
    assert 0 < int(port) < 2**16
    assert "--xla_force_host_platform_device_count=2 none" in printed
    assert "[1] words" in said
    assert "--process 1" in said
    assert f"127.0.0.1:{port}" in said
    assert "2 processes of 2 virtual devices: " in said


def test_each_process_has_one_of_the_gpus_that_are_there(start):
    _, printed, said = finish(start(plans=["0", "0"], CUDA_VISIBLE_DEVICES="4,7"))
    assert printed.split()[-1] == "4"
    assert "--process 1  7" in said


@pytest.mark.parametrize(("sent", "expected"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_signal_is_passed_on_to_all(start, sent, expected):
    script = start(plans=["waits", "waits", "waits"])
    until_they_wait(script, 3)
    script.send_signal(sent)
    code, _, said = finish(script)
    assert code == expected
    assert said.count(f"ended with {expected}") == 3


def test_the_terminals_ctrl_c_reaches_each_process_once(start):
    script = start(plans=["waits", "waits"])
    until_they_wait(script, 2)
    os.killpg(script.pid, signal.SIGINT)
    code, printed, said = finish(script)
    assert code == 130
    assert printed == "stopped\n"
    assert said.count("[1] stopped") == 1


@pytest.mark.parametrize(
    ("plans", "expected"), [(["75", "2"], 2), (["0", "3"], 3), (["75", "75"], 75), (["75", "killed"], 137)]
)
def test_75_only_where_none_failed_otherwise(start, plans, expected):
    assert finish(start(plans=plans))[0] == expected


def test_the_others_are_killed_when_their_time_is_up(start):
    began = time.monotonic()
    code, _, said = finish(start(plans=["deaf", "75"], GRACE="1"))
    assert 1 <= time.monotonic() - began < 15
    assert code == 75, "that we killed one is not why it failed"
    assert "killed 1 s later: process 0" in said
