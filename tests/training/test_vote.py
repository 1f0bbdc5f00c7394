from simam_jax.training.divergence import IN_FLIGHT
from simam_jax.training.vote import Vote


def test_the_largest_weight_is_known_a_few_ballots_later():
    vote = Vote()
    weights = [0, 2, 1, 0, 0, 0]
    assert [vote.cast(weight) for weight in weights] == [0] * IN_FLIGHT + weights[:-IN_FLIGHT]
