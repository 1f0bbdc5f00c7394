"""Attentions that are the same, however they are spelt."""

from collections.abc import Iterable

from flax import linen as nn

from simam_jax.errors import UsageError
from simam_jax.layers.attention import create_attention


def distinct_attentions(specs: Iterable[str]) -> tuple[str, ...]:
    """Each attention once, by its first spelling: `simam`, and not `simam:e_lambda=1e-4` after it, whose λ is the same.

    Raises:
        UsageError: a spec is none.
    """
    found: dict[nn.Module, str] = {}
    for spec in specs:
        try:
            found.setdefault(create_attention(spec), spec)
        except ValueError as error:
            raise UsageError(f"attention {spec!r}: {error}") from error
    return tuple(found.values())
