import pytest
from hypothesis import given
from hypothesis import strategies as st

from simam_jax.errors import UsageError
from simam_jax.training.epochs import Epochs


@given(st.integers(1, 30), st.integers(1, 500), st.data())
def test_epochs_end_where_their_images_have_been_seen(count, images, data):
    epochs = Epochs(count, images, data.draw(st.integers(1, images)))
    ends = [epochs.end(epoch) for epoch in range(count)]
    assert ends == sorted(set(ends))
    assert epochs.steps == ends[-1]
    for epoch, end in enumerate(ends):
        assert (end - 1) * epochs.batch_size < (epoch + 1) * images <= end * epochs.batch_size
        assert epochs.ended_at(end) == epoch
        assert epochs.of(end - 1) == epoch
        assert epochs.start(epoch + 1) == end
    inner = set(range(epochs.steps + 1)) - set(ends)
    assert all(epochs.ended_at(step) is None for step in inner)


@pytest.mark.parametrize("arguments", [(0, 10, 2), (1, 10, 0), (1, 10, 11), (1, 0, 1)])
def test_what_cannot_be_is_refused(arguments):
    with pytest.raises(UsageError, match="must be"):
        Epochs(*arguments)
