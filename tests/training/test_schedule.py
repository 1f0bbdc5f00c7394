import math
from collections.abc import Callable

import jax
import numpy as np
import pytest

from simam_jax.training.epochs import Epochs
from simam_jax.training.schedule import create_schedule

RUN = {"learning_rate": 0.01, "epochs": Epochs(10, images=320, batch_size=8)}


def rates(**options) -> np.ndarray:
    schedule = create_schedule(**{**RUN, **options})
    return np.array([float(schedule(step)) for step in range(400)])


def rates_of_cifar(**options) -> Callable[[int], float]:
    """The recipe on 50,000 images, of which an epoch is 390.625 batches."""
    epochs = Epochs(164, images=50_000, batch_size=128)
    recipe = {"name": "step", "learning_rate": 0.1, "milestones": (82, 123), "epochs": epochs}
    return jax.jit(create_schedule(**{**recipe, **options}))


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


def test_steps_fall_before_the_first_batch_of_their_epochs():
    rate = rates_of_cifar()
    # 32,031.25 and 48,046.875 batches: the one that runs over the epoch's end is still of the epoch before.
    wanted = {0: 0.1, 32_031: 0.1, 32_032: 0.01, 48_046: 0.01, 48_047: 0.001, 64_062: 0.001}
    assert {step: float(rate(step)) for step in wanted} == pytest.approx(wanted, rel=1e-7)


def test_steps_are_exact_where_a_share_of_the_whole_runs_steps_is_not():
    """5 epochs of 7 images in batches of 3 are 12 steps; epoch 3 begins at 7, where 3/5 of 12 would be 8."""
    rate = create_schedule(
        name="step", learning_rate=1.0, milestones=(3,), decay=0.5, epochs=Epochs(5, images=7, batch_size=3)
    )
    assert [float(rate(step)) for step in range(12)] == [1.0] * 7 + [0.5] * 5


def test_milestones_may_lie_within_an_epoch():
    np.testing.assert_allclose(
        rates(name="step", milestones=(0.5, 9.975), decay=0.5), [0.01] * 20 + [0.005] * 379 + [0.0025], rtol=1e-6
    )


def test_a_warm_up_moves_no_milestone():
    plain, warmed = (rates(name="step", milestones=(4, 6), warmup_epochs=each) for each in (0.0, 2.5))
    np.testing.assert_allclose(warmed[:100], np.arange(100) / 100 * 0.01, rtol=1e-5, atol=1e-9)
    np.testing.assert_array_equal(warmed[100:], plain[100:])


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
        ({"name": "step"}, "milestones are missing"),
        ({"name": "step", "milestones": (3, 3)}, r"milestones must rise, .* got \(3, 3\)"),
        ({"name": "step", "milestones": (0, 3)}, "milestones must rise, after epoch 0 and below the run's 10 epochs"),
        ({"name": "step", "milestones": (3, 10)}, "milestones must rise"),
        ({"name": "step", "milestones": (3, math.nan)}, "milestones must rise"),
        ({"name": "step", "milestones": ("3",)}, "milestones must rise"),
        (
            {"name": "step", "milestones": (2, 3), "warmup_epochs": 2.0},
            "after the warm-up of 2.0",
        ),
        ({"name": "step", "milestones": (3,), "decay": 0.0}, "decay"),
        ({"name": "step", "milestones": (3,), "decay": 10.0}, "decay"),
    ],
)
def test_what_is_wrong_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        create_schedule(**{**RUN, **options})
