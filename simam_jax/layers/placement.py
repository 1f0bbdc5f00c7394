"""Where in a network's blocks its attention stands."""

from functools import partial
from typing import NamedTuple

from jaxtyping import Array

from simam_jax.layers.attention import attention_kind, create_attention
from simam_jax.layers.factories import ModuleFactory


class Placed(NamedTuple):
    """An attention, and the operation of a block after which it stands; none where that is "none"."""

    attention: ModuleFactory
    operation: str

    def __call__(self, operation: str, x: Array, *, train: bool) -> Array:
        """Attends to x, the output of `operation`, if this is where the attention stands, else returns x."""
        return self.attention(name="attention")(x, train=train) if operation == self.operation else x


class Positions(NamedTuple):
    """Where an attention can stand in a kind of block.

    Attributes:
        operations: those that it can stand after, in their order.
        simam: after which SimAM's authors put SimAM.
        others: after which they put the attentions that they compare it with.
    """

    operations: tuple[str, ...]
    simam: str
    others: str


def place(attention: str | None, placement: str, positions: Positions, *, stages: int) -> tuple[Placed, ...]:
    """The attention of every stage of a network.

    Args:
        attention: a spec of `create_attention`.
        placement: "auto" for the authors' own, one of the blocks' operations, or "none"; or one of these a stage,
            joined by "/".
        positions: of the network's blocks.
        stages: how many stages the network has.

    Raises:
        ValueError: an unknown attention or option, an operation that the blocks lack, or another number of stages.
    """
    create_attention(attention)  # a wrong spec fails here, not at the first call
    words = placement.split("/")
    if len(words) not in (1, stages):
        raise ValueError(f"placement {placement!r} is of {len(words)} stages where the network has {stages}")
    own = positions.simam if attention_kind(attention) == "simam" else positions.others
    known = ("auto", *positions.operations, "none")
    for word in words:
        if word not in known:
            raise ValueError(f"no placement {word!r} in this network's blocks: it is one of {', '.join(known)}")
    placed = [Placed(partial(create_attention, attention), own if word == "auto" else word) for word in words]
    return tuple(placed if len(words) == stages else placed * stages)
