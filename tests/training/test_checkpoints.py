import errno
import gc
import os
import resource
import shutil
from contextlib import contextmanager
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp

from simam_jax.command import explain
from simam_jax.errors import StorageError, UsageError
from simam_jax.training import checkpoint_reading
from simam_jax.training.checkpoints import Checkpoints
from simam_jax.training.experiment import on_mesh
from simam_jax.training.mesh import create_mesh, replicated


def state(step: int):
    values = {"w": jnp.full((64, 8), step, jnp.float32), "nested": {"b": jnp.arange(3.0) * step}, "n": jnp.int32(step)}
    return jax.device_put(values, replicated(create_mesh()))


LIKE = jax.eval_shape(lambda: state(0))


def like():
    return on_mesh(LIKE, create_mesh())


def equal(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


@pytest.fixture
def checkpoints(tmp_path):
    opened = Checkpoints(tmp_path / "checkpoints", writable=True)
    yield opened
    opened.close()


def test_best_latest_and_one_to_fall_back_on_are_kept(checkpoints):
    for step, value in ((1, 0.6), (2, 0.7), (3, None), (4, None), (5, None)):
        checkpoints.save(step, state(step), best_value=value)
    assert checkpoints.steps == [2, 4, 5]
    assert checkpoints.best == (2, 0.7)
    assert equal(checkpoints.load(2, like()), state(2))
    step, latest = checkpoints.load_latest(like())
    assert step == 5
    assert equal(latest, state(5))


def test_a_step_can_be_saved_again(checkpoints):
    checkpoints.save(1, state(1))
    checkpoints.save(1, state(1), best_value=0.9)
    assert checkpoints.best == (1, 0.9)


def test_none_is_none(checkpoints):
    assert checkpoints.load_latest(like()) is None
    assert checkpoints.best is None


def test_reading_makes_no_folder(tmp_path):
    with pytest.raises(UsageError, match="no checkpoints in"):
        Checkpoints(tmp_path / "nothing")
    assert not list(tmp_path.iterdir())


def files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [truncate, Path.unlink, flip])
def test_damage_to_any_file_is_noticed_or_harmless(tmp_path, damage):
    """Every file of the newest checkpoint in turn: it gives its own state to the bit, or the one before it is used."""
    whole = tmp_path / "whole"
    saved = Checkpoints(whole, writable=True)
    saved.save(1, state(1), best_value=0.6)
    saved.save(2, state(2), best_value=0.7)
    saved.close()
    noticed = []
    for place, name in enumerate(files(whole / "2")):
        copy = tmp_path / f"copy{place}"
        shutil.copytree(whole, copy)
        damage(copy / "2" / name)
        opened = Checkpoints(copy, writable=True)
        step, found = opened.load_latest(like())
        assert equal(found, state(step)), name
        if step == 1:
            noticed.append(name)
        assert opened.steps == [1, 2][:step]
        opened.close()
        assert sorted(path.name for path in copy.iterdir()) == ["1", "2" if step == 2 else "2.damaged"]
    assert any("ocdbt" in str(name) or "/d/" in str(name) for name in noticed)


@contextmanager
def no_file_larger_than(size: int):
    """As a full disk: a write beyond the limit fails."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))


def large_state(seed: int):
    values = {"w": np.random.default_rng(seed).random((256, 256), np.float32)}
    return jax.device_put(values, replicated(create_mesh()))


@pytest.mark.parametrize("step", [1, 2], ids=["saved again", "new"])
def test_a_save_that_fails_leaves_the_earlier_ones_as_they_were(tmp_path, capfd, step):
    folder = tmp_path / "checkpoints"
    opened = Checkpoints(folder, writable=True)
    opened.save(1, large_state(1), best_value=0.6)
    with no_file_larger_than(20_000), pytest.raises(StorageError, match=f"cannot save the checkpoint of step {step} "):
        opened.save(step, large_state(step + 1))
    assert opened.steps == [1]
    opened.close()
    assert capfd.readouterr() == ("", "")
    again = Checkpoints(folder, writable=True)
    assert again.best == (1, 0.6)
    found = again.load(1, on_mesh(jax.eval_shape(lambda: large_state(1)), create_mesh()))
    assert equal(found, large_state(1))
    again.save(2, large_state(2))
    assert again.steps == [1, 2]
    again.close()
    assert sorted(path.name for path in folder.iterdir()) == ["1", "2"]


def test_a_folder_that_cannot_be_written_is_said_at_once(checkpoints, tmp_path):
    folder = tmp_path / "checkpoints"
    shutil.rmtree(folder)
    folder.write_text("a file in its place")
    with pytest.raises(StorageError, match="cannot save the checkpoint of step 1"):
        checkpoints.save(1, state(1))


def test_a_replacement_that_was_killed_is_undone(checkpoints, tmp_path):
    checkpoints.save(1, state(1), best_value=0.7)
    folder = tmp_path / "checkpoints"
    (folder / "1").rename(folder / "1.replaced")
    (folder / "1.orbax-checkpoint-tmp").mkdir()
    again = Checkpoints(folder, writable=True)
    assert again.best == (1, 0.7)
    assert equal(again.load(1, like()), state(1))
    again.close()
    assert [path.name for path in folder.iterdir()] == ["1"]


def test_a_reader_passes_over_what_is_damaged(checkpoints, tmp_path):
    checkpoints.save(1, state(1), best_value=0.6)
    checkpoints.save(2, state(2), best_value=0.7)
    tear(tmp_path / "checkpoints" / "2")
    before = files(tmp_path)
    reader = Checkpoints(tmp_path / "checkpoints")
    assert reader.best == (1, 0.6)
    assert equal(reader.load(1, like()), state(1))
    reader.close()
    assert files(tmp_path) == before


def test_a_best_checkpoint_that_lost_its_metrics_is_not_silently_another(checkpoints, tmp_path, log):
    checkpoints.save(1, state(1), best_value=0.6)
    checkpoints.save(2, state(2), best_value=0.7)
    (metrics,) = (tmp_path / "checkpoints" / "2").rglob("metrics/metrics")
    metrics.unlink()
    reader = Checkpoints(tmp_path / "checkpoints")
    assert reader.best == (1, 0.6)
    reader.close()
    assert "checkpoints/2 is damaged and passed over" in log.text


def test_what_was_put_aside_stays_and_is_no_checkpoint(checkpoints, tmp_path):
    folder = tmp_path / "checkpoints"
    for step in (1, 2):
        checkpoints.save(step, state(step))
    kept = tear(folder / "2")
    assert checkpoints.load_latest(like())[0] == 1
    checkpoints.save(2, state(2))
    checkpoints.save(3, state(3))
    again = Checkpoints(folder, writable=True)
    assert again.steps == [2, 3]
    again.close()
    assert {name: (folder / "2.damaged" / name).read_bytes() for name in kept} == kept


def tear(checkpoint: Path) -> dict[Path, bytes]:
    """Cuts every file in half; what they then hold."""
    for name in files(checkpoint):
        truncate(checkpoint / name)
    return {name: (checkpoint / name).read_bytes() for name in files(checkpoint)}


def test_when_all_are_damaged_nothing_is_started_over(checkpoints, tmp_path):
    checkpoints.save(1, state(1))
    tear(tmp_path / "checkpoints" / "1")
    for _ in range(2):
        with pytest.raises(StorageError, match=r"every checkpoint in .* is damaged; they are left as they are"):
            checkpoints.load_latest(like())
        with pytest.raises(StorageError, match=r"every checkpoint in .* is damaged; they are left as they are"):
            Checkpoints(tmp_path / "checkpoints", writable=True)


@pytest.fixture
def untouched(checkpoints, tmp_path):
    """Two checkpoints, of which no file is touched."""
    for step in (1, 2):
        checkpoints.save(step, state(step))
    before = files(tmp_path)
    yield
    assert files(tmp_path) == before


@pytest.mark.parametrize("where", ["metadata", "load"])
@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(errno.ESTALE, "Stale file handle"), StorageError),
        (OSError(errno.EIO, "Input/output error"), StorageError),
        (PermissionError(errno.EACCES, "Permission denied"), StorageError),
        (ValueError("RESOURCE_EXHAUSTED: Too many open files [os_error_code='24']"), StorageError),
        (MemoryError(), MemoryError),
        (jax.errors.JaxRuntimeError("UNAVAILABLE: connection reset by peer"), jax.errors.JaxRuntimeError),
    ],
)
def test_an_error_that_says_nothing_of_the_files_ends_the_run(
    untouched, checkpoints, tmp_path, monkeypatch, where, error, raised
):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(ocp, where, fail)
    with pytest.raises(raised):
        checkpoints.load_latest(like())
    if where == "metadata":
        with pytest.raises(raised):
            Checkpoints(tmp_path / "checkpoints", writable=True)


@pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")  # asyncio's, which cannot open one
def test_too_many_open_files(untouched, tmp_path):
    _, hard = before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")), hard))
    try:
        with pytest.raises(OSError, match="Too many open files") as caught:
            Checkpoints(tmp_path / "checkpoints", writable=True)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        gc.collect()
    assert explain(caught.value)[1] == 4


@pytest.mark.parametrize("damaged_here", [False, True])
def test_processes_that_disagree(untouched, checkpoints, tmp_path, monkeypatch, damaged_here):
    if damaged_here:
        tear(tmp_path / "checkpoints" / "2")
    others = None if damaged_here else "the checkpoint of step 2 is damaged"
    monkeypatch.setattr(checkpoint_reading, "from_all", lambda said: [said, others])
    blamed = 0 if damaged_here else 1
    with pytest.raises(StorageError, match=f"is damaged.*; but only to process {blamed} of 2: it is left as it is"):
        checkpoints.load_latest(like())


def test_of_several_processes_only_storage_s_own_errors_are_storage_s(checkpoints, monkeypatch):
    """What else fails in Orbax may be that a process is gone."""
    monkeypatch.setattr("simam_jax.training.checkpoints.several", lambda: True)
    for error, raised in (
        (OSError(errno.ENOSPC, "No space left on device"), StorageError),
        (ValueError("a part is not there"), ValueError),
    ):

        def fail(*_, error=error, **__):
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(ocp.training.Checkpointer, "save", fail)
            with pytest.raises(raised):
                checkpoints.save(1, state(1))


def test_a_process_that_is_lost_during_a_save_is_not_a_full_disk(checkpoints, monkeypatch, tmp_path):
    checkpoints.save(1, state(1), best_value=0.6)
    lost = jax.errors.JaxRuntimeError("INTERNAL: Gloo all-reduce failed: connection closed by peer")

    def fail(*_, **__):
        raise ValueError("cannot wait for the others") from lost

    with monkeypatch.context() as patch:
        patch.setattr(ocp.training.Checkpointer, "save", fail)
        with pytest.raises(ValueError, match="cannot wait"):
            checkpoints.save(1, state(2))
    again = Checkpoints(tmp_path / "checkpoints", writable=True)
    assert again.best == (1, 0.6)
    again.close()
