"""Networks by name."""

from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import DTypeLike

from simam_jax.layers.attention import create_attention
from simam_jax.models.towernet import TowerNet

_DTYPES = ("float32", "bfloat16", "float16")


def _towernet(num_classes: int, attention: str | None, placement: str, dtype: jnp.dtype) -> nn.Module:
    if placement != "auto":
        raise ValueError(f"towernet has no placement {placement!r}: it has auto, after its max-pools")
    spec = "simam" if attention == "auto" else attention
    create_attention(spec)  # an unknown spec fails here, not at the first call
    return TowerNet(num_classes, partial(create_attention, spec), dtype)


_NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "towernet": _towernet,
}


def names() -> list[str]:
    """The names that `create_model` knows, sorted."""
    return sorted(_NETWORKS)


def create_model(
    name: str,
    *,
    num_classes: int,
    attention: str | None = "auto",
    placement: str = "auto",
    dtype: DTypeLike = jnp.float32,
    **options: object,
) -> nn.Module:
    """A network as a Linen module, `model.apply(variables, images, train=…)`.

    Args:
        name: one of `simam_jax.models.names()`.
        num_classes: width of the classifier, at least 1.
        attention: a spec of `simam_jax.create_attention`; "auto" is the network's own default.
        placement: where the attention stands in a block; "auto" is the source's.
        dtype: compute dtype, or its name: float32, bfloat16 or float16.
        options: the network's own, such as a width multiplier.

    Returns:
        A module whose `init(key, images, train=False)` gives {"params", "batch_stats"} and whose `apply` maps
        normalised float images (B, H, W, 3) to float32 logits (B, num_classes).

    Raises:
        ValueError: an unknown name, attention, placement, dtype or option, or num_classes below 1.
    """
    if name not in _NETWORKS:
        raise ValueError(f"unknown network {name!r}: it is one of {', '.join(names())}")
    if num_classes < 1:
        raise ValueError(f"num_classes must be at least 1, got {num_classes}")
    try:
        compute_dtype = jnp.dtype(dtype)
    except TypeError:
        compute_dtype = None
    if compute_dtype is None or compute_dtype.name not in _DTYPES:
        raise ValueError(f"unknown dtype {dtype!r}: it is one of {', '.join(_DTYPES)}")
    try:
        return _NETWORKS[name](
            num_classes=num_classes, attention=attention, placement=placement, dtype=compute_dtype, **options
        )
    except TypeError as error:
        raise ValueError(f"network {name!r}: {error}") from error
