"""The training and the evaluation step: pure functions of the state, the batch and the seed."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from jaxtyping import Array, Float, Key, PyTree

from simam_jax.ops.augment import Augment, normalise
from simam_jax.ops.convolution import OUTPUT
from simam_jax.training.metrics import TOP, EvalMetrics, TrainMetrics, cross_entropy, hits
from simam_jax.training.state import Seed, TrainState

Batch = Mapping[str, Array]
"""image uint8 (B, H, W, 3), label int32 (B,), mask float32 (B,), index uint32 (B,)."""

TrainStep = Callable[[TrainState, Batch, Seed], tuple[TrainState, TrainMetrics]]
Forward = Callable[[TrainState, Batch], Float[Array, "B classes"]]


def _as_it_is(tree: PyTree) -> PyTree:
    return tree


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
    micro_batches: int = 1,
    rematerialise: bool = False,
    gather: Callable[[PyTree], PyTree] = _as_it_is,
    scatter: Callable[[PyTree], PyTree] = _as_it_is,
) -> TrainStep:
    """One update by the mean cross-entropy over the examples that count.

    The step's third argument is the seed of augmentation (with an image's index) and of dropout (with the step).

    In micro-batches it is the same update, but for a network with batch norm, whose statistics are then a micro-batch's
    and which moves its running ones once a micro-batch, and for dropout, which draws anew for each.

    Args:
        model: as `simam_jax.create_model` gives it.
        optimizer: its updates are added to the parameters.
        learning_rate: reported with the metrics; the optimizer has it already.
        augment: applied to every image under a key of the image's own place in the stream.
        mean, std: of the normalisation.
        micro_batches: parts that the batch is cut into and worked on one after another, for less memory.
        rematerialise: keep only what convolutions give for the backward pass, and compute the rest again there.
        gather: brings the state's parameters whole to every device, where the state is split.
        scatter: splits the gradient as the state is split, so that each device updates its own part.
    """

    def train_step(state: TrainState, batch: Batch, seed: Seed) -> tuple[TrainState, TrainMetrics]:
        key = jax.random.key(seed)
        images = jax.vmap(augment)(_keys(jax.random.fold_in(key, _AUGMENT), batch["index"]), batch["image"])
        dropout = jax.random.fold_in(jax.random.fold_in(key, _DROPOUT), state.step)

        whole_params = gather(state.params)
        count = jnp.maximum(batch["mask"].sum(), 1)

        def loss_and_logits(params, batch_stats, part, dropout):
            """This part's share of the batch's mean loss."""

            def logits_of(params, images):
                return model.apply(
                    {"params": params, "batch_stats": batch_stats},
                    normalise(images, mean, std),
                    train=True,
                    mutable=["batch_stats"],
                    rngs={"dropout": dropout},
                )

            logits, updated = (remember_convolutions(logits_of) if rematerialise else logits_of)(params, part["image"])
            losses = cross_entropy(logits, part["label"])
            return (losses * part["mask"]).sum() / count, (logits, losses, updated.get("batch_stats", {}))

        differentiate = jax.value_and_grad(loss_and_logits, has_aux=True)
        whole = {"image": images, "label": batch["label"], "mask": batch["mask"]}
        if micro_batches == 1:
            (_, (logits, losses, batch_stats)), gradient = differentiate(
                whole_params, state.batch_stats, whole, dropout
            )
        else:

            def add(carry, part):
                gradient, batch_stats = carry
                images, number = part
                (_, (logits, losses, batch_stats)), more = differentiate(
                    whole_params, batch_stats, images, jax.random.fold_in(dropout, number)
                )
                return (jax.tree.map(jnp.add, gradient, more), batch_stats), (logits, losses)

            start = (jax.tree.map(jnp.zeros_like, whole_params), state.batch_stats)
            parts = jax.tree.map(lambda a: _cut(a, micro_batches), whole), jnp.arange(micro_batches)
            (gradient, batch_stats), outputs = jax.lax.scan(add, start, parts)
            logits, losses = (_join(a) for a in outputs)
        gradient = scatter(gradient)
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
            batch_stats=batch_stats,
            opt_state=opt_state,
        )
        return state, metrics

    return train_step


def remember_convolutions(function: Callable) -> Callable:
    """The same function, whose backward pass keeps what convolutions gave and computes the rest again.

    What lies between convolutions is cheap to compute and as large to keep. XLA:CPU undoes it; GPUs and TPUs do not.
    """
    return jax.checkpoint(function, policy=jax.checkpoint_policies.save_only_these_names(OUTPUT))


def make_forward(
    model: nn.Module,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    gather: Callable[[PyTree], PyTree] = _as_it_is,
) -> Forward:
    """Logits of a batch in evaluation mode; `gather` as in `make_train_step`."""

    def forward(state: TrainState, batch: Batch) -> Float[Array, "B classes"]:
        return cast(Array, model.apply(gather(state.variables), normalise(batch["image"], mean, std), train=False))

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


def _cut(a: Array, parts: int) -> Array:
    """(B, …) as (parts, B / parts, …). Every part takes its share from each device's images, so that none is moved."""
    return jnp.swapaxes(a.reshape(a.shape[0] // parts, parts, *a.shape[1:]), 0, 1)


def _join(a: Array) -> Array:
    """What was cut, in its first order."""
    return jnp.swapaxes(a, 0, 1).reshape(-1, *a.shape[2:])


def _keys(key: Key[Array, ""], index: Array) -> Key[Array, "B"]:
    return jax.vmap(jax.random.fold_in, (None, 0))(key, index)
