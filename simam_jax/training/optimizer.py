"""Optimizers by name."""

import math

import optax


def create_optimizer(
    *,
    name: str,
    learning_rate: optax.Schedule,
    momentum: float = 0.9,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> optax.GradientTransformation:
    """The optimizer that a config's `optimizer` describes.

    Args:
        name: "sgd".
        learning_rate: of every step.
        momentum: in [0, 1); 0 is off.
        nesterov: whether the momentum looks ahead.
        weight_decay: L2 penalty, added to the gradient of every parameter before the momentum, as the seed does; 0 is
            off.

    Raises:
        ValueError: an unknown name or a number out of range.
    """
    if name != "sgd":
        raise ValueError(f"unknown optimizer {name!r}: it is one of sgd")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must be at least 0 and below 1, got {momentum}")
    if not (math.isfinite(weight_decay) and weight_decay >= 0):
        raise ValueError(f"weight_decay must be at least 0 and finite, got {weight_decay}")
    return optax.chain(
        optax.add_decayed_weights(weight_decay),
        optax.sgd(learning_rate, momentum=momentum or None, nesterov=nesterov),
    )
