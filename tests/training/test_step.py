from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from simam_jax.errors import UsageError
from simam_jax.layers.convolution import SquareConv
from simam_jax.ops.augment import create_augment
from simam_jax.training.config import load_config
from simam_jax.training.experiment import build
from simam_jax.training.optimizer import create_optimizer
from simam_jax.training.state import create_state
from simam_jax.training.step import make_train_step, remember_convolutions

SIZE, BATCH = 32, 8


class Small(nn.Module):
    """Three convolutions, with or without batch norm."""

    norm: bool = True

    @nn.compact
    def __call__(self, x, *, train):
        conv = partial(SquareConv, kernel_size=3, kernel_init=nn.initializers.he_normal(), dtype=jnp.float32)
        for number in range(3):
            x = conv(8, name=f"conv{number}")(x)
            x = nn.BatchNorm(use_running_average=not train, momentum=0.9, name=f"norm{number}")(x) if self.norm else x
            x = nn.relu(x)
        return nn.Dense(3, name="head")(x.mean((-3, -2)))


def rate(step):
    return jnp.float32(0.1)


def compiled(model, **options):
    """A compiled step, and the state it starts from."""
    optimizer = create_optimizer(name="sgd", momentum=0.9, weight_decay=1e-4, learning_rate=rate)
    step = make_train_step(
        model,
        optimizer,
        learning_rate=rate,
        augment=create_augment(),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        **options,
    )
    state = jax.jit(lambda: create_state(model, optimizer, image_size=SIZE, seed=0))()
    seed = jnp.uint32(0)
    program = jax.jit(step).lower(state, batch(), seed).compile()
    return lambda state, batch: program(state, batch, seed), state


def batch():
    rng = np.random.default_rng(0)
    return {
        "image": jnp.asarray(rng.integers(0, 256, (BATCH, SIZE, SIZE, 3), np.uint8)),
        "label": jnp.asarray(rng.integers(0, 3, BATCH), jnp.int32),
        "mask": jnp.asarray([1, 1, 0, 1, 1, 1, 1, 1], jnp.float32),
        "index": jnp.arange(BATCH, dtype=jnp.uint32),
    }


def check_equal(ours, theirs):
    for our, their in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("parts", [2, 4])
def test_micro_batches_are_the_same_update(parts):
    """Of a network without batch norm; one image does not count, so that the parts weigh differently."""
    whole, state = compiled(Small(norm=False))
    cut, _ = compiled(Small(norm=False), micro_batches=parts)
    (state_whole, metrics_whole), (state_cut, metrics_cut) = whole(state, batch()), cut(state, batch())
    check_equal(state_cut, state_whole)
    check_equal(metrics_cut.compute(), metrics_whole.compute())


def test_running_statistics_move_once_a_micro_batch():
    step, state = compiled(Small(), micro_batches=2)
    normalised = (np.asarray(batch()["image"]) / 255 - 0.5) / 0.25
    conv = state.params["conv0"]
    running = np.zeros(8)
    for number in range(2):
        # Every second image, so that each device has its share of every part.
        seen = jax.lax.conv_general_dilated(
            normalised[number::2].astype(np.float32), conv["kernel"], (1, 1), "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )  # fmt: skip
        running = 0.9 * running + 0.1 * np.asarray(seen.mean((0, 1, 2)) + conv["bias"])
    after, _ = step(state, batch())
    np.testing.assert_allclose(after.batch_stats["norm0"]["mean"], running, atol=1e-6)


def test_rematerialisation_is_the_same_update():
    plain, state = compiled(Small())
    again, _ = compiled(Small(), rematerialise=True)
    check_equal(again(state, batch())[0], plain(state, batch())[0])


def test_rematerialisation_keeps_the_convolutions_outputs():
    """By what is handed to the backward pass; XLA:CPU undoes it, other platforms do not."""
    model = Small()
    images = jnp.ones((BATCH, SIZE, SIZE, 3))
    variables = jax.jit(partial(model.init, train=False))(jax.random.key(0), images)

    def logits(params):
        return model.apply({**variables, "params": params}, images, train=True, mutable=["batch_stats"])[0]

    def kept(function):
        handed = jax.eval_shape(lambda params: jax.vjp(function, params)[1], variables["params"])
        return sum(each.size * each.dtype.itemsize for each in jax.tree.leaves(handed))

    outputs = 3 * images[..., :1].nbytes * 8
    assert outputs <= kept(remember_convolutions(logits)) < outputs + images.nbytes + 100_000
    assert kept(logits) > 2 * outputs


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["--config.batch_size=6", "--config.micro_batches=2"],
            "must be a multiple of it times the number of devices, 2",
        ),
        (["--config.micro_batches=3", "--config.batch_size=8"], "batch_size, 8, must be a multiple of it$"),
        (["--config.micro_batches=0"], "config.micro_batches must be at least 1, got 0"),
        (["--config.implementation=fast"], "config.implementation: .* one of auto, own, xla, got 'fast'"),
    ],
)
def test_what_the_config_may_not_ask(overrides, message, root):
    config = load_config(f"{root}/configs/towernet.py", overrides)
    with pytest.raises(UsageError, match=message):
        build([config])
