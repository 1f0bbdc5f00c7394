"""What tells apart runs of one program: their seeds, and SimAM's λ."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float32
from ml_collections import ConfigDict

from simam_jax.errors import UsageError
from simam_jax.layers.attention import split_e_lambda
from simam_jax.training.config import flatten
from simam_jax.training.state import Seed


class Traits(NamedTuple):
    """What a step takes beside state and batch.

    Attributes:
        seed: of the run.
        e_lambda: every SimAM's λ in place of its own; None leaves it that.
    """

    seed: Seed
    e_lambda: np.float32 | Float32[Array, ""] | None = None


def tell_apart(configs: Sequence[ConfigDict]) -> tuple[ConfigDict, tuple[Traits, ...]]:
    """The config of the program that trains runs, and what each has to itself, on the host.

    A run by itself leaves λ to its network. Of several the network has the default, so that the program is the same
    whatever theirs are.

    Raises:
        UsageError: a seed below 0 or from 2**32, an attention that there is none of, or runs that differ in more than
            seed and λ.
    """
    for config in configs:
        if config.seed < 0:
            raise UsageError(f"config.seed must be at least 0, got {config.seed}")
        if config.seed >= 2**32:
            raise UsageError(f"config.seed must be below 2**32, of which JAX takes no more, got {config.seed}")
    if len(configs) == 1:
        return configs[0], (Traits(np.uint32(configs[0].seed)),)
    first, *others = (_without_traits(config) for config in configs)
    for other in others:
        theirs, ours = flatten(other), flatten(first)
        if differing := sorted(name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name)):
            raise UsageError(f"runs of one program differ in seed and SimAM's λ alone, not in {', '.join(differing)}")
    return first, tuple(map(_traits, configs))


def _traits(config: ConfigDict) -> Traits:
    e_lambda = _split(config)[1]
    return Traits(np.uint32(config.seed), None if e_lambda is None else np.float32(e_lambda))


def _without_traits(config: ConfigDict) -> ConfigDict:
    common = config.copy_and_resolve_references()
    with common.unlocked():
        common.seed = 0
        common.model.attention = _split(config)[0]
    return common


def _split(config: ConfigDict) -> tuple[str | None, float | None]:
    try:
        return split_e_lambda(config.model.attention)
    except ValueError as error:
        raise UsageError(f"config.model: {error}") from error
