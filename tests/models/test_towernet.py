from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import traverse_util

from simam_jax.interop import from_paddle
from simam_jax.interop.paddle import _SOURCES
from simam_jax.models import create_model
from simam_jax.models.towernet import TowerNet
from simam_jax.training.optimizer import create_optimizer
from simam_jax.training.step import make_train_step

# Convolution biases before a batch norm: their gradient is zero in exact arithmetic.
DEAD = {f"b{stage}.0.0.bias" for stage in (1, 2, 3, 4)}
LABELS = 16


@partial(jax.jit, static_argnums=0)
def init(model, images):
    return model.init(jax.random.key(1), images, train=False)


@partial(jax.jit, static_argnums=0)
def logits_of(model, variables, images):
    return model.apply(variables, images, train=False)


def relative(found, wanted) -> float:
    return float(np.abs(np.asarray(found) - wanted).max() / np.abs(wanted).max())


@pytest.fixture(scope="module")
def paddle(golden) -> dict[str, np.ndarray]:
    with np.load(golden / "towernet_paddle.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def variables(paddle):
    return from_paddle("towernet", {key[5:]: value for key, value in paddle.items() if key.startswith("init/")})


@pytest.fixture(scope="module")
def images(paddle) -> jax.Array:
    return jnp.asarray(np.transpose(paddle["inputs_nchw"], (0, 2, 3, 1)))


def by_paddles_names(tree) -> dict[str, np.ndarray]:
    """Variables under Paddle's names."""
    flat = traverse_util.flatten_dict(tree, sep="/")
    return {
        source.name: np.asarray(flat[source.variable]) for source in _SOURCES["towernet"]() if source.variable in flat
    }


def test_parameters(variables):
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == 1_362_176


def test_golden_eval_logits(paddle, variables, images):
    logits = logits_of(create_model("towernet", num_classes=LABELS), variables, images)
    assert relative(logits, paddle["eval_logits"]) <= 1e-4


def train_three_steps(paddle, variables, images, dtype):
    """Losses, first gradient and state of three steps of the seed's recipe on the four images."""
    model = TowerNet(LABELS, dtype=dtype)
    optimizer = create_optimizer(
        name="sgd", learning_rate=lambda step: jnp.float32(0.01), momentum=0.9, weight_decay=2e-4
    )
    labels = jnp.asarray(paddle["labels"])

    @jax.jit
    def step(variables, opt_state):
        def loss(params):
            logits, updated = model.apply({**variables, "params": params}, images, train=True, mutable=["batch_stats"])
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), updated

        (value, updated), gradient = jax.value_and_grad(loss, has_aux=True)(variables["params"])
        updates, opt_state = optimizer.update(gradient, opt_state, variables["params"])
        return {"params": optax.apply_updates(variables["params"], updates), **updated}, opt_state, value, gradient

    opt_state, losses, gradients = optimizer.init(variables["params"]), [], []
    for _ in range(3):
        variables, opt_state, value, gradient = step(variables, opt_state)
        losses.append(float(value))
        gradients.append(gradient)
    logits = logits_of(model, variables, images)
    return {"losses": losses, "gradient": gradients[0], "variables": variables, "logits": logits}


@pytest.fixture(scope="module")
def trained(paddle, variables, images):
    return train_three_steps(paddle, variables, images, jnp.float32)


@pytest.fixture(scope="module")
def trained_as_paddle_decided(paddle, variables, images):
    """In float64, with one ReLU decided as in the golden run.

    Paddle's float32 takes the input of stage 2's ReLU at image 0, channel 0, (52, 46) for +2.4e-7, where it is -1.3e-7
    exactly and in Paddle's own float64. That one gradient, let through or not, moves the logits after three steps by
    1.3e-3, so what float32 gives there is chance; a nudge of the channel's bias decides it.
    """
    with jax.enable_x64(True):
        exact = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), variables)
        bias = exact["params"]["stage2"]["norm"]["bias"]
        exact["params"]["stage2"]["norm"]["bias"] = bias.at[0].add(3e-7)
        return train_three_steps(paddle, exact, jnp.asarray(images, jnp.float64), jnp.float64)


@pytest.fixture(params=["trained", "trained_as_paddle_decided"])
def either(request):
    return request.getfixturevalue(request.param)


def test_golden_losses(paddle, either):
    assert relative(either["losses"], paddle["train_losses"]) <= 1e-3


def test_golden_gradient_norms(paddle, either):
    found = {name: np.linalg.norm(value) for name, value in by_paddles_names({"params": either["gradient"]}).items()}
    wanted = {key[len("grad0_norm/") :]: value for key, value in paddle.items() if key.startswith("grad0_norm/")}
    assert found.keys() == wanted.keys()
    assert {name for name in found if name not in DEAD and relative(found[name], wanted[name]) > 1e-3} == set()
    assert max(found[name] for name in DEAD) < 1e-4


def test_golden_batch_statistics_after_three_steps(paddle, either):
    found = by_paddles_names(either["variables"])
    statistics = {key[len("after3/") :]: value for key, value in paddle.items() if key.startswith("after3/")}
    assert max(relative(found[name], value) for name, value in statistics.items()) <= 1e-3


def test_golden_weights_after_three_steps(paddle, trained_as_paddle_decided):
    found = by_paddles_names(trained_as_paddle_decided["variables"])
    norms = {key[len("after3_norm/") :]: value for key, value in paddle.items() if key.startswith("after3_norm/")}
    assert found.keys() == norms.keys()
    errors = {name: relative(np.linalg.norm(found[name]), norms[name]) for name in found if name not in DEAD}
    assert max(errors.values()) <= 1e-3
    assert all(np.linalg.norm(found[name]) < 1e-4 for name in DEAD)


def test_golden_logits_after_three_steps(paddle, trained_as_paddle_decided):
    assert relative(trained_as_paddle_decided["logits"], paddle["after3_eval_logits"]) <= 1e-3


def test_the_training_step_makes_the_golden_losses(paddle, variables, golden, photographs):
    """From the files, through decode, resize, the step's own normalisation, loss and optimizer."""
    from simam_jax.data.caltech101 import SEED_MEAN, SEED_STD
    from simam_jax.data.decode import decode, resize
    from simam_jax.training.state import TrainState

    pixels = [resize(decode((photographs / str(file)).read_bytes()), 256, antialias=False) for file in paddle["files"]]
    batch = {
        "image": jnp.asarray(np.stack(pixels)),
        "label": jnp.asarray(paddle["labels"]),
        "mask": jnp.ones(4),
        "index": jnp.arange(4, dtype=jnp.uint32),
    }
    level = (np.stack(pixels) / 255 - SEED_MEAN) / SEED_STD - np.transpose(paddle["inputs_nchw"], (0, 2, 3, 1))
    assert np.abs(level * SEED_STD).max() <= 1.001 / 255

    def rate(step):
        return jnp.float32(0.01)

    optimizer = create_optimizer(name="sgd", learning_rate=rate, momentum=0.9, weight_decay=2e-4)
    step = make_train_step(
        create_model("towernet", num_classes=LABELS), optimizer,
        learning_rate=rate, augment=lambda key, image: image, mean=SEED_MEAN, std=SEED_STD,
    )  # fmt: skip
    state = TrainState(jnp.zeros((), jnp.int32), variables["params"], variables["batch_stats"],
                       optimizer.init(variables["params"]))  # fmt: skip
    _, metrics = jax.jit(step)(state, batch, jnp.uint32(0))
    # Pixels are rounded to 8 bits here, so the loss is near, not equal.
    assert abs(float(metrics.compute()["loss"]) / paddle["train_losses"][0] - 1) < 5e-3


def test_initialisation_is_paddles():
    model = create_model("towernet", num_classes=LABELS)
    variables = init(model, jnp.zeros((1, 128, 128, 3)))
    params = variables["params"]
    kernel = np.asarray(params["stage4"]["conv"]["kernel"]).ravel()
    deviation = np.sqrt(2 / (3 * 3 * 256))
    assert abs(kernel.std() / deviation - 1) < 0.01
    assert np.abs(kernel).max() > 3.5 * deviation  # not truncated
    head = np.asarray(params["head"]["kernel"])
    bound = np.sqrt(6 / (256 + LABELS))
    assert bound * 0.98 < np.abs(head).max() <= bound
    assert abs(head.std() / (bound / np.sqrt(3)) - 1) < 0.05
    biases = [leaf for path, leaf in traverse_util.flatten_dict(params).items() if path[-1] == "bias"]
    assert not any(np.any(bias) for bias in biases)


@pytest.mark.parametrize("size", [(127, 256), (256, 64)])
def test_small_images_are_refused(size):
    model = create_model("towernet", num_classes=2)
    with pytest.raises(ValueError, match="at least 128x128 pixels, got"):
        jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, *size, 3)), train=False))


def test_bfloat16_computes_low_and_answers_high():
    model = create_model("towernet", num_classes=3, dtype="bfloat16")
    images = jax.random.normal(jax.random.key(0), (2, 128, 128, 3))
    variables = init(model, images)
    low = logits_of(model, variables, images)
    high = logits_of(create_model("towernet", num_classes=3), variables, images)
    assert low.dtype == jnp.float32
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    np.testing.assert_allclose(low, high, atol=0.05 * float(jnp.abs(high).max()))
    assert (low != high).any()


def test_logits_of_an_image_do_not_depend_on_its_batch():
    model = create_model("towernet", num_classes=3)
    images = jax.random.normal(jax.random.key(0), (2, 128, 160, 3))
    variables = init(model, images)
    single = logits_of(model, variables, images[1:])
    np.testing.assert_allclose(logits_of(model, variables, images)[1:], single, atol=1e-5)
