"""What repeated measurements come to."""

import pytest

from simam_jax.profiling.timing import iterations_for, spread


def test_spread():
    assert spread([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0, 3)
    assert spread([1.0, 2.0]).median == 1.5


@pytest.mark.parametrize(("each", "expected"), [(0.1, 10), (2.0, 1), (0.0, 2000), (0.3, 3)])
def test_iterations_fill_the_time(each, expected):
    assert iterations_for(each, 1.0) == expected
