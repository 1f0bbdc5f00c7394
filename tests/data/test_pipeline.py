from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from simam_jax.data.pipeline import eval_batches, train_batches
from simam_jax.data.records import Records
from simam_jax.data.view import FixedView, RandomResizedCrop
from simam_jax.errors import UsageError


class Painted:
    """Images of one colour each: the place in the red channel, the label in the green one."""

    def __init__(self, count: int):
        self.labels = (np.arange(count) % 3).astype(np.int32)
        self.names = [f"{label}/{place}" for place, label in enumerate(self.labels)]
        self.bad: set[int] = set()
        self.reads = 0

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, place: int) -> tuple[np.ndarray, int]:
        self.reads += 1
        if place in self.bad:
            raise OSError("gone")
        image = np.zeros((5, 4, 3), np.uint8)
        image[..., 0], image[..., 1] = place, self.labels[place]
        return image, int(self.labels[place])


SQUEEZED = FixedView(8, antialias=False, resize_to=0)
CROPPED = RandomResizedCrop(8, antialias=False, least_area=0.08, seed=7)


def records(count: int = 10, view=SQUEEZED, cache_gb: float = 1.0, on_bad_record: str = "fail") -> Records:
    return Records(Painted(count), view, cache_gb=cache_gb, on_bad_record=on_bad_record)


def take(batches, count: int) -> list[dict]:
    with closing(iter(batches)) as iterator:
        return [{name: np.array(values) for name, values in next(iterator).items()} for _ in range(count)]


def places(batches) -> np.ndarray:
    return np.concatenate([batch["image"][:, 0, 0, 0] for batch in batches]).astype(int)


def test_batches_are_what_training_takes():
    (batch,) = take(train_batches(records(), batch_size=4, seed=0), 1)
    assert {name: (values.shape, values.dtype.name) for name, values in batch.items()} == {
        "image": ((4, 8, 8, 3), "uint8"),
        "label": ((4,), "int32"),
        "mask": ((4,), "float32"),
        "index": ((4,), "uint32"),
    }
    np.testing.assert_array_equal(batch["label"], batch["image"][:, 0, 0, 1])
    np.testing.assert_array_equal(batch["index"], [0, 1, 2, 3])


def test_every_pass_has_every_record_once_and_batches_run_over_its_end():
    batches = take(train_batches(records(10), batch_size=4, seed=0), 5)
    order = places(batches).reshape(2, 10)
    assert [sorted(each) for each in order.tolist()] == [list(range(10))] * 2
    assert (order[0] != order[1]).any()


def test_orders_never_repeat_over_seeds_and_passes():
    seen = set()
    for seed in range(8):
        order = places(take(train_batches(records(20), batch_size=20, seed=seed), 12)).reshape(12, 20)
        seen |= {tuple(each) for each in order.tolist()}
    assert len(seen) == 8 * 12


@pytest.mark.parametrize("start", [1, 7, 1000])
def test_the_stream_can_start_at_any_step(start):
    from_start = take(train_batches(records(10), batch_size=4, seed=3), 9)
    if start < 9:
        (batch,) = take(train_batches(records(10), batch_size=4, seed=3, start_step=start), 1)
        np.testing.assert_array_equal(batch["image"], from_start[start]["image"])
    (later,) = take(train_batches(records(10), batch_size=4, seed=3, start_step=start), 1)
    np.testing.assert_array_equal(later["index"], np.arange(4) + 4 * start)


@pytest.mark.parametrize("view", [SQUEEZED, CROPPED])
@pytest.mark.parametrize("process_count", [1, 2, 4])
def test_processes_share_the_same_global_batches(process_count, view):
    alone = take(train_batches(records(10, view), batch_size=8, seed=1, start_step=2, workers=0), 3)
    shares = [
        take(
            train_batches(
                records(10, view),
                batch_size=8,
                seed=1,
                start_step=2,
                process_index=index,
                process_count=process_count,
                workers=0,
            ),
            3,
        )
        for index in range(process_count)
    ]
    for step, batch in enumerate(alone):
        for name, values in batch.items():
            np.testing.assert_array_equal(np.concatenate([share[step][name] for share in shares]), values)


@pytest.mark.parametrize(("before", "after"), [((1, 0), (2, 1)), ((2, 1), (1, 2)), ((1, 2), (4, 0)), ((4, 0), (1, 0))])
def test_going_on_with_other_processes_and_workers_repeats_and_skips_nothing(before, after):
    """Three batches with so many processes and workers each, three more with others: the bits of six with one."""
    found = global_batches(*before, start=0) + global_batches(*after, start=3)
    alone = take(train_batches(records(), batch_size=8, seed=1), 6)
    for batch, expected in zip(found, alone, strict=True):
        for name, values in expected.items():
            np.testing.assert_array_equal(batch[name], values)
    np.testing.assert_array_equal(np.concatenate([batch["index"] for batch in found]), np.arange(6 * 8))
    passes = places(found)[:40].reshape(4, 10)
    assert [sorted(each) for each in passes.tolist()] == [list(range(10))] * 4


def global_batches(process_count: int, workers: int, *, start: int) -> list[dict]:
    """Three batches of eight, from all processes."""
    shares = []
    for index in range(process_count):
        share = train_batches(
            records(cache_gb=0.0),
            batch_size=8,
            seed=1,
            start_step=start,
            process_index=index,
            process_count=process_count,
            workers=workers,
        )
        shares.append(take(share, 3))
    return [
        {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}
        for parts in zip(*shares, strict=True)
    ]


@pytest.mark.parametrize("process_count", [1, 2])
@pytest.mark.parametrize("count", [8, 9, 3])
def test_evaluation_counts_every_record_once(process_count, count):
    shares = [
        list(eval_batches(records(count), batch_size=4, process_index=index, process_count=process_count))
        for index in range(process_count)
    ]
    assert {len(share) for share in shares} == {-(-count // 4)}
    batches = [batch for share in shares for batch in share]
    indices = np.concatenate([batch["index"] for batch in batches])
    counted = indices[np.concatenate([batch["mask"] for batch in batches]) > 0].tolist()
    assert sorted(counted) == list(range(count))


@pytest.mark.parametrize(
    ("view", "cache_gb", "cached"),
    [(SQUEEZED, 1.0, True), (FixedView(4, False, 6), 1.0, True), (SQUEEZED, 0.0, False), (CROPPED, 1.0, False)],
)
def test_a_set_that_fits_and_looks_the_same_is_decoded_once(view, cache_gb, cached):
    held = records(10, view, cache_gb=cache_gb)
    for _ in range(4):
        for place in range(10):
            held.read(place, place)
    assert held.cached == cached
    assert held._examples.reads == (10 if cached else 40)


@pytest.mark.parametrize("view", [SQUEEZED, CROPPED])
def test_worker_processes_give_the_same_batches(view):
    threads, processes = (
        take(train_batches(records(10, view, 0.0), batch_size=4, seed=0, start_step=1, workers=workers), 4)
        for workers in (0, 2)
    )
    for one, other in zip(threads, processes, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_a_bad_record_fails_by_name():
    held = records()
    held._examples.bad = {3}
    with pytest.raises(UsageError, match="cannot read the image 0/3: gone"):
        list(eval_batches(held, batch_size=5))


def test_a_bad_record_can_be_left_out(log):
    held = records(on_bad_record="skip")
    held._examples.bad = {3}
    batches = list(eval_batches(held, batch_size=5))
    np.testing.assert_array_equal(np.concatenate([batch["mask"] for batch in batches]), [1, 1, 1, 0, 1, 1, 1, 1, 1, 1])
    assert "left out: 0/3: gone" in log.text


def test_another_word_for_what_to_do_with_a_bad_record_is_refused():
    with pytest.raises(ValueError, match="on_bad_record"):
        records(on_bad_record="ignore")


def test_pixels_of_photographs_are_the_seeds_to_one_level(golden, photographs: Path):
    from simam_jax.data.caltech101 import SEED_MEAN, SEED_STD
    from simam_jax.data.decode import decode, resize

    with np.load(golden / "towernet_paddle.npz") as arrays:
        files, inputs = arrays["files"], np.transpose(arrays["inputs_nchw"], (0, 2, 3, 1))
    for file, wanted in zip(files, inputs, strict=True):
        pixels = resize(decode((photographs / str(file)).read_bytes()), 256, antialias=False)
        assert np.abs(pixels - (wanted * SEED_STD + SEED_MEAN) * 255).max() <= 1.001
