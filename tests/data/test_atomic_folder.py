"""However a preparation ends, its folder is whole or not there."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from observed import files_below, nothing_left

from simam_jax.data import preparation
from simam_jax.data.atomic_folder import atomic_folder
from simam_jax.data.manifest import read_manifest
from simam_jax.data.preparation import prepare
from simam_jax.errors import StorageError, UsageError


@pytest.mark.parametrize(
    ("number", "error"), [(errno.ENOSPC, StorageError), (errno.EROFS, StorageError), (errno.EACCES, UsageError)]
)
def test_what_cannot_be_written_says_so_and_leaves_nothing(class_tree, out, monkeypatch, number, error):
    write_bytes = Path.write_bytes

    def failing(path: Path, data: bytes) -> int:
        if path.name == "image_0004.png":
            raise OSError(number, os.strerror(number), str(path))
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", failing)
    with pytest.raises(error, match=rf"^cannot write .*image_0004\.png: {os.strerror(number)}$"):
        prepare(str(class_tree), out)
    assert nothing_left(out)


def test_a_place_below_a_file_is_refused(class_tree, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match=r"^cannot write .*file"):
        prepare(str(class_tree), tmp_path / "file" / "photos")


SLOW = """
import sys, time
from simam_jax.data import intake, preparation
decode = intake.decode
intake.decode = lambda data: time.sleep(0.05) or decode(data)
preparation.prepare(*sys.argv[1:])
"""


def partials(out: Path) -> list[Path]:
    return [path for path in out.parent.glob(".*") if ".partial-" in path.name] if out.parent.exists() else []


def wait_for(condition, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def test_kill_9_leaves_no_folder_and_the_next_run_makes_it(class_tree, out, tmp_path):
    whole = prepare(str(class_tree), tmp_path / "whole")
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(class_tree), str(out)])
    wait_for(lambda: sum(1 for path in partials(out) for _ in path.rglob("*.png")) >= 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    assert len(partials(out)) == 1
    assert prepare(str(class_tree), out).fingerprint == whole.fingerprint
    assert files_below(out) == files_below(tmp_path / "whole")
    assert partials(out) == []


def test_a_run_that_lives_is_not_disturbed(class_tree, out):
    with atomic_folder(out) as other:
        prepare(str(class_tree), out)
        assert other.exists()
        shutil.rmtree(out)
        (other / "theirs").write_bytes(b"")
    assert [path.name for path in out.iterdir()] == ["theirs"]


def test_the_slower_of_two_runs_takes_what_the_faster_made(class_tree, out, monkeypatch):
    fill = preparation.fill

    def overtaken(*arguments):
        monkeypatch.setattr(preparation, "fill", fill)
        prepare(str(class_tree), out)
        return fill(*arguments)

    monkeypatch.setattr(preparation, "fill", overtaken)
    manifest = prepare(str(class_tree), out)
    assert manifest == read_manifest(out)
    assert partials(out) == []


def test_the_slower_of_two_different_runs_is_refused(class_tree, out, monkeypatch):
    fill = preparation.fill

    def overtaken(*arguments):
        monkeypatch.setattr(preparation, "fill", fill)
        prepare(str(class_tree), out, eval_every=3)
        return fill(*arguments)

    monkeypatch.setattr(preparation, "fill", overtaken)
    with pytest.raises(UsageError, match="eval_every 3 and not 5"):
        prepare(str(class_tree), out)
    assert partials(out) == []
    assert read_manifest(out).options["eval_every"] == 3
