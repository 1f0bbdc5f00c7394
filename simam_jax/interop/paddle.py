"""Weights of the seed's PaddlePaddle networks."""

from collections.abc import Iterator, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from simam_jax.interop.assembly import Source, assemble, conv_kernel
from simam_jax.models.registry import create_model
from simam_jax.models.towernet import SMALLEST_IMAGE


def from_paddle(name: str, arrays: Mapping[str, ArrayLike]) -> dict:
    """The variables {"params", "batch_stats"} of network `name` from Paddle's state dict.

    Args:
        name: a network that the seed built in Paddle: towernet.
        arrays: parameters and batch statistics under Paddle's names; convolutions (out, in, h, w), linear layers
            (in, out).

    Raises:
        ValueError: no such network, or arrays and variables do not match one to one; the difference is listed.
    """
    if name not in _SOURCES:
        raise ValueError(f"no Paddle weights are known for {name!r}: it is one of {', '.join(sorted(_SOURCES))}")
    num_classes = np.size(arrays["b6.bias"]) if "b6.bias" in arrays else 1
    model = create_model(name, num_classes=num_classes)
    images = jax.ShapeDtypeStruct((1, SMALLEST_IMAGE, SMALLEST_IMAGE, 3), jnp.float32)
    shapes = jax.eval_shape(lambda key, x: model.init(key, x, train=False), jax.random.key(0), images)
    return assemble(shapes, _SOURCES[name](), arrays)


def _towernet() -> Iterator[Source]:
    for stage in (1, 2, 3, 4):
        yield from _conv(f"params/stage{stage}/conv", f"b{stage}.0.0")
        yield Source(f"params/stage{stage}/norm/scale", f"b{stage}.0.1.weight")
        yield Source(f"params/stage{stage}/norm/bias", f"b{stage}.0.1.bias")
        yield Source(f"batch_stats/stage{stage}/norm/mean", f"b{stage}.0.1._mean")
        yield Source(f"batch_stats/stage{stage}/norm/var", f"b{stage}.0.1._variance")
    routes = {
        "route1": "route1x1_1",
        "route3_reduce": "route1x1_2",
        "route3": "route3x3_2",
        "route5_reduce": "route1x1_3",
        "route5": "route5x5_3",
        "route_pool": "route1x1_4",
    }
    for inception, place in ((1, "b5.0"), (2, "b5.3"), (3, "b5.6")):
        for ours, theirs in routes.items():
            yield from _conv(f"params/inception{inception}/{ours}", f"{place}.{theirs}")
    yield Source("params/head/kernel", "b6.weight")
    yield Source("params/head/bias", "b6.bias")


def _conv(variable: str, name: str) -> Iterator[Source]:
    yield Source(f"{variable}/kernel", f"{name}.weight", conv_kernel)
    yield Source(f"{variable}/bias", f"{name}.bias")


_SOURCES = {"towernet": _towernet}
