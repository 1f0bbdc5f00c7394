import jax.numpy as jnp
import numpy as np
import optax
import pytest

from simam_jax.training.optimizer import create_optimizer


@pytest.mark.parametrize("nesterov", [False, True])
def test_coupled_decay_and_momentum_by_hand(nesterov):
    optimizer = create_optimizer(
        name="sgd", learning_rate=lambda step: 0.1 / (step + 1), momentum=0.9, nesterov=nesterov, weight_decay=0.01
    )
    params, velocity = jnp.array([1.0, -2.0]), np.zeros(2)
    state, by_hand = optimizer.init(params), np.array([1.0, -2.0])
    for step in range(3):
        gradient = np.array([0.5, 0.25]) * (step + 1)
        updates, state = optimizer.update(jnp.asarray(gradient), state, params)
        params = optax.apply_updates(params, updates)
        decayed = gradient + 0.01 * by_hand
        velocity = 0.9 * velocity + decayed
        by_hand = by_hand - 0.1 / (step + 1) * (decayed + 0.9 * velocity if nesterov else velocity)
    np.testing.assert_allclose(params, by_hand, rtol=1e-6)


@pytest.mark.parametrize("options", [{"name": "adam"}, {"momentum": 1.0}, {"weight_decay": -1.0}])
def test_what_is_wrong_is_named(options):
    with pytest.raises(ValueError, match=next(iter(options)) if "name" not in options else "unknown optimizer 'adam'"):
        create_optimizer(**{"name": "sgd", "learning_rate": lambda step: 0.1, **options})
