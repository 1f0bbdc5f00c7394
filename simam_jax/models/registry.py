"""Networks by name."""

import inspect
import math
from collections.abc import Callable, Mapping
from functools import partial
from numbers import Integral

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import DTypeLike

from simam_jax.layers.preactivation import PreBasicBlock, PreBottleneck
from simam_jax.layers.residual import BasicBlock, Bottleneck
from simam_jax.models.cifar_resnet import cifar_resnet, cifar_wide_resnet
from simam_jax.models.mobilenet_v2 import cifar_mobilenet_v2, mobilenet_v2
from simam_jax.models.resnet import resnet
from simam_jax.models.towernet import towernet
from simam_jax.models.vgg import STAGE_SIZES, vgg

_DTYPES = ("float32", "bfloat16", "float16")
_CIFAR_DEPTHS = (20, 56, 110)


_NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "towernet": towernet,
    **{f"vgg{depth}": partial(vgg, depth, False) for depth in STAGE_SIZES},
    **{f"vgg{depth}_bn": partial(vgg, depth, True) for depth in STAGE_SIZES},
    "resnet18": partial(resnet, BasicBlock, (2, 2, 2, 2)),
    "resnet34": partial(resnet, BasicBlock, (3, 4, 6, 3)),
    "resnet50": partial(resnet, Bottleneck, (3, 4, 6, 3)),
    "resnet101": partial(resnet, Bottleneck, (3, 4, 23, 3)),
    "resnet152": partial(resnet, Bottleneck, (3, 8, 36, 3)),
    "resnet50d": partial(resnet, Bottleneck, (3, 4, 6, 3), variant_d=True),
    "resnext50_32x4d": partial(resnet, Bottleneck, (3, 4, 6, 3), groups=32, width_per_group=4),
    "mobilenet_v2": mobilenet_v2,
    **{f"cifar_resnet{depth}": partial(cifar_resnet, depth, BasicBlock) for depth in _CIFAR_DEPTHS},
    **{f"cifar_resnet{depth}_bottleneck": partial(cifar_resnet, depth, Bottleneck) for depth in _CIFAR_DEPTHS},
    **{f"cifar_preresnet{depth}": partial(cifar_resnet, depth, PreBasicBlock) for depth in _CIFAR_DEPTHS},
    **{f"cifar_preresnet{depth}_bottleneck": partial(cifar_resnet, depth, PreBottleneck) for depth in _CIFAR_DEPTHS},
    "cifar_wrn_28_10": partial(cifar_wide_resnet, 28, 10),
    "cifar_mobilenet_v2": cifar_mobilenet_v2,
}
# Every other network is plain unless asked.
_OWN_ATTENTION = {"towernet": "simam"}
# What a builder takes beyond these is what makes one network of a family another.
_OPTIONS = {"features_only", "dropout", "width"}


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
        attention: a spec of `simam_jax.create_attention`; "auto" is the network's own default, SimAM in TowerNet and
            none in the others.
        placement: the operation of a residual block after which the attention stands: conv2, bn2, conv3, bn3 or add;
            or one a stage joined by "/", where "none" leaves a stage plain. "auto" is where SimAM's authors put it.
        dtype: compute dtype, or its name: float32, bfloat16 or float16.
        options: the network's own: `features_only=True` makes it give its stages' outputs, for detection and
            segmentation; `dropout` (VGG, MobileNetV2, WideResNet), `width` (MobileNetV2).

    Returns:
        A module whose `init(key, images, train=False)` gives {"params", "batch_stats"} and whose `apply` maps
        normalised float images (B, H, W, 3) to float32 logits (B, num_classes).

    Raises:
        ValueError: an unknown name, attention, placement, dtype or option, or one out of its range.
    """
    if name not in _NETWORKS:
        raise ValueError(f"unknown network {name!r}: it is one of {', '.join(names())}")
    if not isinstance(num_classes, Integral) or num_classes < 1:
        raise ValueError(f"num_classes must be a whole number from 1, got {num_classes!r}")
    if not isinstance(placement, str):
        raise ValueError(f"placement must be a name, such as auto or conv2, got {placement!r}")
    try:
        compute_dtype = jnp.dtype(dtype)
    except TypeError:
        compute_dtype = None
    if compute_dtype is None or compute_dtype.name not in _DTYPES:
        raise ValueError(f"unknown dtype {dtype!r}: it is one of {', '.join(_DTYPES)}")
    build = _NETWORKS[name]
    known = inspect.signature(build).parameters.keys() & _OPTIONS
    if unknown := sorted(options.keys() - known):
        raise ValueError(f"network {name!r} has no option {unknown[0]!r}: it has {', '.join(sorted(known))}")
    _check(options)
    if attention == "auto":
        attention = _OWN_ATTENTION.get(name, "none")
    return build(num_classes=num_classes, attention=attention, placement=placement, dtype=compute_dtype, **options)


def _check(options: Mapping[str, object]) -> None:
    dropout, width = options.get("dropout", 0.0), options.get("width", 1.0)
    if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        raise ValueError(f"dropout must be a number from 0 to below 1, got {dropout!r}")
    if not isinstance(width, int | float) or not 0 < width < math.inf:
        raise ValueError(f"width must be a positive number, got {width!r}")
