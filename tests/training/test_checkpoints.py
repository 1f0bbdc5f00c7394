import resource
import shutil
from contextlib import contextmanager
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simam_jax.errors import StorageError, UsageError
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


def test_later_checkpoints_can_be_removed(checkpoints):
    for step in (1, 2):
        checkpoints.save(step, state(step))
    checkpoints.remove_after(1)
    assert checkpoints.steps == [1]


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
        opened.close()
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
    for name in files(tmp_path / "checkpoints" / "2"):
        truncate(tmp_path / "checkpoints" / "2" / name)
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


def test_when_all_are_damaged_nothing_is_started_over(checkpoints, tmp_path):
    checkpoints.save(1, state(1))
    for name in files(tmp_path / "checkpoints" / "1"):
        truncate(tmp_path / "checkpoints" / "1" / name)
    with pytest.raises(StorageError, match=r"every checkpoint in .* is damaged"):
        checkpoints.load_latest(like())
