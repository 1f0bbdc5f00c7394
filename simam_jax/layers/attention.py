"""Attention by name: the one contract `module(x, *, train=False)` and the specs that choose a module."""

import ast
import dataclasses

from flax import linen as nn

from simam_jax.layers.bam import BAM
from simam_jax.layers.cbam import CBAM
from simam_jax.layers.coord import CoordinateAttention
from simam_jax.layers.eca import ECA
from simam_jax.layers.ese import ESE
from simam_jax.layers.gc import GC
from simam_jax.layers.ge import GatherExcite
from simam_jax.layers.identity import Identity
from simam_jax.layers.se import SE
from simam_jax.layers.simam import SimAM
from simam_jax.layers.srm import SRM
from simam_jax.layers.triplet import TripletAttention

_MODULES: dict[str, type[nn.Module]] = {
    "none": Identity,
    "simam": SimAM,
    "se": SE,
    "cbam": CBAM,
    "eca": ECA,
    "gc": GC,
    "srm": SRM,
    "ge": GatherExcite,
    "ese": ESE,
    "bam": BAM,
    "coord": CoordinateAttention,
    "triplet": TripletAttention,
}


def attention_names() -> list[str]:
    """The names that `create_attention` knows, sorted."""
    return sorted(_MODULES)


def create_attention(spec: str | None, *, name: str | None = None) -> nn.Module:
    """A new attention module `module(x, *, train=False)` on (..., H, W, C).

    Args:
        spec: "NAME" or "NAME:key=value,…", such as "se:reduction=8"; None and "none" give the identity.
        name: the Linen module's name in its parent.

    Raises:
        ValueError: an unknown name or option, listing the known ones, or an option's value of the wrong type or one
            that the module refuses.
    """
    if not isinstance(spec, str | None):
        raise ValueError(f"an attention is a name with options, such as 'se:reduction=8', or None, got {spec!r}")
    kind, _, options = (spec or "none").partition(":")
    if kind not in _MODULES:
        raise ValueError(f"unknown attention {kind!r}: it is one of {', '.join(attention_names())}")
    return _MODULES[kind](**_parse_options(kind, options), name=name)


def attention_kind(spec: str | None) -> str:
    """The name in a spec, without its options."""
    return (spec or "none").partition(":")[0]


def split_e_lambda(spec: str | None) -> tuple[str | None, float | None]:
    """A spec of SimAM as one without λ, and its λ; any other as it is, and None.

    Raises:
        ValueError: as `create_attention`.
    """
    if attention_kind(spec) != "simam":
        return spec, None
    module = create_attention(spec)
    assert isinstance(module, SimAM)
    return "simam", float(module.e_lambda)


def is_attention(module: nn.Module) -> bool:
    """Whether this is one of the modules that a name stands for, the identity not counted."""
    return isinstance(module, tuple(_MODULES.values())) and not isinstance(module, Identity)


def _parse_options(kind: str, options: str) -> dict[str, object]:
    fields = {f.name: f for f in dataclasses.fields(_MODULES[kind]) if f.name not in ("parent", "name")}
    parsed: dict[str, object] = {}
    for option in filter(None, options.split(",")):
        key, equals, text = option.partition("=")
        if not equals or key not in fields:
            hint = f"write key=value with key one of: {', '.join(fields)}" if fields else "it has none"
            raise ValueError(f"attention {kind!r} has no option {option!r}: {hint}")
        parsed[key] = _parse_value(kind, key, text, type(fields[key].default))
    return parsed


_KINDS = {int: "a whole number", float: "a number"}


def _parse_value(kind: str, key: str, text: str, expected: type) -> object:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    if expected is float and type(value) is int:
        value = float(value)
    if type(value) is not expected:
        raise ValueError(f"attention {kind!r}: option {key} takes {_KINDS[expected]}, got {text!r}")
    return value
