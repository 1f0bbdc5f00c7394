"""The script for Cloud TPUs with gcloud stood in for: nothing here was run on a TPU."""

import shlex
import subprocess

import pytest
from stand_in import StandIn, environment


@pytest.fixture
def pod(root, tmp_path):
    def run(*arguments, exit_codes=(0,), **variables):
        gcloud = StandIn(tmp_path / "bin", "gcloud", exit_codes=exit_codes)
        done = subprocess.run(
            ["bash", f"{root}/launch/tpu/pod.sh", *arguments],
            env=environment(tmp_path / "bin", NAME="mine", ZONE="here-a", **variables),
            capture_output=True,
            text=True,
            check=False,
        )
        for call in gcloud.calls:
            assert call[:3] == ["compute", "tpus", "tpu-vm"]
            assert call[-1] == "--zone=here-a"
        return done, [call[3:-1] for call in gcloud.calls]

    return run


def remote(call):
    """The command that a call has all hosts run."""
    assert call[:3] == ["ssh", "mine", "--worker=all"]
    return call[3].removeprefix("--command=")


def test_create_and_delete(pod):
    done, calls = pod("create", TYPE="v5litepod-8", RUNTIME="r", SPOT="yes")
    assert calls == [["create", "mine", "--accelerator-type=v5litepod-8", "--version=r", "--spot"]]
    assert "+ gcloud compute tpus tpu-vm create 'mine'" in done.stderr


def test_a_tpu_is_not_spot_unless_asked_for(pod):
    assert "--spot" not in pod("create")[1][0]


def test_install_takes_the_last_commit_to_every_host(pod, root):
    if not (root / ".git").exists():
        pytest.skip("not a checkout: git archive has nothing to take")
    done, (copy, install, mount) = pod("install", SHARE="10.0.0.2:/share")
    assert done.returncode == 0, done.stderr
    assert copy[0] == "scp"
    assert copy[2:] == ["mine:simam_jax.tar.gz", "--worker=all"]
    assert "install train,tpu" in remote(install)
    assert "mount -t nfs '10.0.0.2:/share' /mnt/share" in remote(mount)
    for command in (install, mount):
        subprocess.run(["bash", "-n", "-c", remote(command)], check=True)


def test_run(pod):
    done, (call,) = pod("run", "--config.model.name=a b", CONFIG="c.py:d", RUN="r")
    assert done.returncode == 0
    command = shlex.split(remote(call).split("exec ")[1])
    assert command == [
        ".venv/bin/python", "-m", "simam_jax.main", "--config", "c.py:d", "--workdir", "r", "--coordinator", "auto",
        "--config.model.name=a b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("variables", "config", "run"),
    [
        ({}, "configs/towernet.py:digits", "runs/mine"),
        ({"SHARE": "10.0.0.2:/share"}, "configs/towernet.py:/mnt/share/data/flowers", "/mnt/share/runs/mine"),
    ],
)
def test_what_is_not_said_lies_where_there_is_a_place_for_it(pod, variables, config, run):
    _, (call,) = pod("run", **variables)
    assert f"--config {config} --workdir {run} " in remote(call).replace("'", "")


def test_75_starts_again_and_other_codes_do_not(pod):
    done, calls = pod("run", exit_codes=[75, 75, 3])
    assert (done.returncode, len(calls)) == (3, 3)
    assert "started again, 2 of" in done.stderr


def test_restarts_are_limited(pod):
    done, calls = pod("run", exit_codes=[75], RESTARTS="2")
    assert (done.returncode, len(calls)) == (75, 3)


def test_stop_interrupts_what_run_started(pod):
    _, (run,) = pod("run")
    _, calls = pod("stop")
    assert "echo $$ >.pid" in remote(run)
    assert remote(calls[-1]) == 'kill -INT "$(cat simam_jax/.pid)"'


@pytest.mark.parametrize("words", [[], ["crate"]])
def test_what_is_no_subcommand(pod, words):
    done, calls = pod(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "create, install, run, stop, delete" in done.stderr
    assert calls == []
