"""A run goes on without a few images, and not without many."""

import pytest

from simam_jax.errors import StorageError
from simam_jax.training.left_out import check_left_out


def lines(*left_out: int, epoch: int = 0) -> list[dict]:
    """Of one epoch; where nothing was left out, a line does not say so."""
    return [{"epoch": epoch, "train/loss": 1.0} | ({"train/left_out": count} if count else {}) for count in left_out]


def test_a_tenth_of_an_epoch_may_be_left_out():
    check_left_out([], epoch=0, images=24)
    check_left_out(lines(0, 5, 0, 5), epoch=0, images=100)


def test_a_bad_image_weighs_the_same_however_often_lines_are_written():
    """Of a batch of 8 it is more than a tenth."""
    check_left_out(lines(1), epoch=0, images=1000)


def test_more_end_the_run_with_their_numbers():
    said = "^11 of the 100 training images of epoch 3 could not be read, more than 10%: see to"
    with pytest.raises(StorageError, match=said):
        check_left_out(lines(5, 6, epoch=3), epoch=3, images=100)


def test_each_epoch_counts_for_itself():
    check_left_out([*lines(9, epoch=0), *lines(9, epoch=1)], epoch=1, images=100)
