"""The training and the evaluation step: pure functions of (state, batch)."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from jaxtyping import Array, Float, Key

from simam_jax.ops.augment import Augment, normalise
from simam_jax.training.metrics import TOP, EvalMetrics, TrainMetrics, cross_entropy, hits
from simam_jax.training.state import TrainState

Batch = Mapping[str, Array]
"""image uint8 (B, H, W, 3), label int32 (B,), mask float32 (B,), index uint32 (B,)."""

TrainStep = Callable[[TrainState, Batch], tuple[TrainState, TrainMetrics]]
Forward = Callable[[TrainState, Batch], Float[Array, "B classes"]]

# What is random draws from its own stream of the run's seed, whose plain key is the initial weights'.
_AUGMENT, _DROPOUT = 1, 2


def make_train_step(
    model: nn.Module,
    optimizer: optax.GradientTransformation,
    *,
    learning_rate: optax.Schedule,
    augment: Augment,
    mean: Sequence[float],
    std: Sequence[float],
    seed: int,
) -> TrainStep:
    """One update by the mean cross-entropy over the examples that count.

    Args:
        model: as `simam_jax.create_model` gives it.
        optimizer: its updates are added to the parameters.
        learning_rate: reported with the metrics; the optimizer has it already.
        augment: applied to every image under a key of the image's own place in the stream.
        mean, std: of the normalisation.
        seed: of augmentation (with an image's index) and dropout (with the step).
    """

    def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, TrainMetrics]:
        key = jax.random.key(seed)
        images = jax.vmap(augment)(_keys(jax.random.fold_in(key, _AUGMENT), batch["index"]), batch["image"])
        dropout = jax.random.fold_in(jax.random.fold_in(key, _DROPOUT), state.step)

        def mean_loss(params):
            logits, updated = model.apply(
                {"params": params, "batch_stats": state.batch_stats},
                normalise(images, mean, std),
                train=True,
                mutable=["batch_stats"],
                rngs={"dropout": dropout},
            )
            losses = cross_entropy(logits, batch["label"])
            loss = (losses * batch["mask"]).sum() / jnp.maximum(batch["mask"].sum(), 1)
            return loss, (logits, losses, updated)

        (_, (logits, losses, updated)), gradient = jax.value_and_grad(mean_loss, has_aux=True)(state.params)
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
        # One value an example, as CLU wants it beside a mask.
        everywhere = jnp.ones_like(batch["mask"])
        metrics = TrainMetrics.single_from_model_output(
            loss=losses,
            hit=hits(logits, batch["label"]).astype(jnp.float32),
            mask=batch["mask"],
            grad_norm=everywhere * optax.tree.norm(gradient),
            learning_rate=everywhere * learning_rate(state.step),
        )
        state = dataclasses.replace(
            state,
            step=state.step + 1,
            params=optax.apply_updates(state.params, updates),
            batch_stats=updated.get("batch_stats", {}),
            opt_state=opt_state,
        )
        return state, metrics

    return train_step


def make_forward(model: nn.Module, *, mean: Sequence[float], std: Sequence[float]) -> Forward:
    """Logits of a batch in evaluation mode."""

    def forward(state: TrainState, batch: Batch) -> Float[Array, "B classes"]:
        return cast(Array, model.apply(state.variables, normalise(batch["image"], mean, std), train=False))

    return forward


def measure(logits: Float[Array, "B classes"], batch: Batch) -> EvalMetrics:
    """The metrics of a batch's logits."""
    labels = batch["label"]
    return EvalMetrics.single_from_model_output(
        logits=logits,
        labels=labels,
        mask=batch["mask"],
        loss=cross_entropy(logits, labels),
        hit=hits(logits, labels).astype(jnp.float32),
        hit_top5=hits(logits, labels, top=TOP).astype(jnp.float32),
    )


def _keys(key: Key[Array, ""], index: Array) -> Key[Array, "B"]:
    return jax.vmap(jax.random.fold_in, (None, 0))(key, index)
