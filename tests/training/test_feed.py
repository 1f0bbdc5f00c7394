"""Batches go to the devices ahead of their use, in order, and the thread that moves them can be ended."""

import time

import grain
import numpy as np
import pytest

from simam_jax.training.feed import feed
from simam_jax.training.mesh import create_mesh


def batches(count: int) -> grain.IterDataset:
    return grain.MapDataset.range(count).map(lambda i: {"label": np.array([i, -i], np.int32)}).to_iter_dataset()


def test_all_come_in_order():
    moved = feed(batches(5), create_mesh())
    assert [batch["label"].tolist() for batch in moved] == [[i, -i] for i in range(5)]
    moved.close()


def test_one_that_is_left_early_reads_no_further():
    read = []

    def note(record):
        read.append(record["label"][0])
        time.sleep(0.01)
        return record

    moved = feed(batches(10_000).map(note), create_mesh())
    assert next(moved)["label"].tolist() == [0, 0]
    moved.close()
    seen = len(read)
    time.sleep(0.2)
    assert len(read) == seen < 100


def test_an_error_comes_where_its_batch_would():
    def fail(record):
        if record["label"][0] == 1:
            raise ValueError("a bad image")
        return record

    moved = feed(batches(3).map(fail), create_mesh())
    next(moved)
    with pytest.raises(ValueError, match="a bad image"):
        next(moved)
    moved.close()
