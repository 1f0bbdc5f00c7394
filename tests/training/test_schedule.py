import math

import numpy as np
import pytest

from simam_jax.training.schedule import create_schedule

RUN = {"learning_rate": 0.01, "steps": 400, "epochs": 10}


def rates(**options) -> np.ndarray:
    schedule = create_schedule(**{**RUN, **options})
    return np.array([float(schedule(step)) for step in range(400)])


def test_cosine_falls_once_over_the_run():
    wanted = [0.005 * (1 + math.cos(math.pi * step / 400)) for step in range(400)]
    np.testing.assert_allclose(rates(name="cosine"), wanted, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize(("t_max", "half"), [(0, 10), (25, 25)])
def test_cosine_wave_is_the_seeds(t_max, half):
    wanted = [0.005 * (1 + math.cos(math.pi * step / half)) for step in range(400)]
    np.testing.assert_allclose(rates(name="cosine_wave", t_max=t_max), wanted, rtol=1e-3, atol=1e-7)


def test_warm_up_rises_first():
    values = rates(name="cosine", warmup_epochs=1.0)
    np.testing.assert_allclose(values[:40], np.arange(40) / 40 * 0.01, rtol=1e-5, atol=1e-9)
    assert values[40] == pytest.approx(0.01)
    assert values[-1] < 1e-6


def test_constant():
    np.testing.assert_allclose(rates(name="constant"), 0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "cosin"}, "unknown schedule 'cosin'"),
        ({"name": "cosine", "learning_rate": 0.0}, "learning_rate"),
        ({"name": "cosine", "learning_rate": math.nan}, "learning_rate"),
        ({"name": "cosine", "warmup_epochs": 10.0}, "warmup_epochs"),
        ({"name": "cosine_wave", "t_max": -1}, "t_max"),
    ],
)
def test_what_is_wrong_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        create_schedule(**{**RUN, **options})
