import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simam_jax.data.subset import cut_validation


class Labelled:
    def __init__(self, labels):
        self.labels = np.array(labels, np.int32)
        self.names = [str(place) for place in range(len(labels))]

    def __len__(self):
        return len(self.labels)

    def read(self, place):
        return np.full((1, 1, 3), place, np.uint8), int(self.labels[place])


@given(st.lists(st.integers(2, 40), min_size=1, max_size=5), st.floats(0.01, 0.9))
def test_validation_is_a_stratified_part_of_training(sizes, fraction):
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    train, val = cut_validation(Labelled(labels), fraction)
    assert sorted([*train.names, *val.names], key=int) == [str(place) for place in range(len(labels))]
    for label, size in enumerate(sizes):
        held_out = int((val.labels == label).sum())
        assert held_out == min(max(round(size * fraction), 1), size - 1)


def test_a_subset_reads_its_own_places():
    _, val = cut_validation(Labelled([0] * 10), 0.2)
    assert [int(val.read(place)[0][0, 0, 0]) for place in range(len(val))] == [int(name) for name in val.names]
