"""From a config to what a run is made of. A config's section is the keyword arguments of one factory."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grain
import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.sharding import Mesh
from ml_collections import ConfigDict

from simam_jax.data.dataset import Dataset, open_dataset, open_splits
from simam_jax.data.manifest import FILE_NAME
from simam_jax.data.pipeline import eval_batches, train_batches
from simam_jax.data.preparation import prepare
from simam_jax.data.records import Examples, Records
from simam_jax.data.view import eval_view, train_view
from simam_jax.errors import UsageError
from simam_jax.models.registry import create_model
from simam_jax.ops.augment import create_augment
from simam_jax.ops.implementation import implementation
from simam_jax.training.epochs import Epochs
from simam_jax.training.mesh import check_batch_size, create_mesh, gather, on_mesh, replicated, scatter, split
from simam_jax.training.metrics import EvalMetrics
from simam_jax.training.optimizer import create_optimizer
from simam_jax.training.processes import from_first
from simam_jax.training.schedule import create_schedule
from simam_jax.training.state import TrainState, create_state
from simam_jax.training.step import Batch, TrainStep, make_forward, make_train_step, measure

_log = logging.getLogger(__name__)

# What `prepare` makes without a download: a run may do so itself.
_EMBEDDED = ("digits",)
_BEST_METRICS = ("accuracy", "balanced_accuracy", "top5")


@dataclass(frozen=True)
class Experiment:
    """Data, network and compiled steps of a run.

    Attributes:
        dataset: what it is trained on.
        records: the splits train, eval and perhaps val.
        epochs: where they end.
        mesh: the devices.
        model: the network.
        state_like: the state's shapes, dtypes and shardings.
        create_state: gives the state before the first step, on the mesh.
        train_step: (state, batch) → (state, metrics), compiled for one shape; the state given is used up.
        eval_step: (state, batch) → metrics, likewise.
    """

    dataset: Dataset
    records: dict[str, Records]
    epochs: Epochs
    mesh: Mesh
    model: nn.Module
    state_like: TrainState
    create_state: Callable[[], TrainState]
    train_step: TrainStep
    eval_step: Callable[[TrainState, Batch], EvalMetrics]
    seed: int
    eval_batch_size: int
    workers: int

    @property
    def selection(self) -> str:
        """The split by which the best checkpoint is chosen."""
        return "val" if "val" in self.records else "eval"

    def train_batches(self, start_step: int) -> grain.IterDataset:
        """This process's training batches from a step on."""
        return train_batches(
            self.records["train"],
            batch_size=self.epochs.batch_size,
            seed=self.seed,
            start_step=start_step,
            process_index=jax.process_index(),
            process_count=jax.process_count(),
            workers=self.workers,
        )

    def eval_batches(self, split_name: str) -> grain.IterDataset:
        """This process's batches of a whole split."""
        return eval_batches(
            self.records[split_name],
            batch_size=self.eval_batch_size,
            process_index=jax.process_index(),
            process_count=jax.process_count(),
        )


def build(config: ConfigDict) -> Experiment:
    """Everything a run needs, compiled; nothing is written.

    Raises:
        UsageError: the config or the data is wrong; the message names the section.
    """
    _check_checkpoint(**config.checkpoint)
    _check_numbers(config)
    with _section("model"):
        # Names are read before the data is, which may take a download.
        create_model(**{**config.model, "num_classes": config.model.num_classes or 1})
    with _section("augment"):
        augment = create_augment(**config.augment)
    mesh = create_mesh()
    check_batch_size("batch_size", config.batch_size, mesh)
    check_batch_size("eval_batch_size", config.eval_batch_size, mesh)
    if config.micro_batches < 1 or config.batch_size % (config.micro_batches * mesh.size):
        raise UsageError(
            f"config.micro_batches is {config.micro_batches}: batch_size, {config.batch_size}, must be a multiple "
            f"of it times the number of devices, {mesh.size}"
        )
    try:
        traced_with = implementation(config.implementation)
    except ValueError as error:
        raise UsageError(f"config.implementation: {error}") from error
    dataset = open_data(config.data)
    splits = open_splits(dataset, val_fraction=config.data.val_fraction)
    with _section("data"):
        records = _create_records(splits, config.data, seed=config.seed)
    epochs = Epochs(config.epochs, len(records["train"]), config.batch_size)
    with _section("model"):
        model = create_model(**{**config.model, "num_classes": _num_classes(config.model, dataset)})
    with _section("schedule"):
        schedule = create_schedule(**config.schedule, epochs=epochs)
    with _section("optimizer"):
        optimizer = create_optimizer(**config.optimizer, learning_rate=schedule)

    def initial() -> TrainState:
        return create_state(model, optimizer, image_size=config.data.image_size, seed=config.seed)

    with _section("model"):
        state_like = on_mesh(jax.eval_shape(initial), mesh, shard=config.mesh.shard_state)
    train_step = make_train_step(
        model,
        optimizer,
        learning_rate=schedule,
        augment=augment,
        mean=dataset.mean,
        std=dataset.std,
        seed=config.seed,
        micro_batches=config.micro_batches,
        rematerialise=config.rematerialise,
        gather=partial(gather, mesh=mesh),
        scatter=partial(scatter, mesh=mesh, shard=config.mesh.shard_state),
    )
    forward = make_forward(model, mean=dataset.mean, std=dataset.std, gather=partial(gather, mesh=mesh))

    def eval_step(state: TrainState, batch: Batch) -> EvalMetrics:
        return measure(forward(state, batch), batch)

    # Compiled for one shape here, a step can never be traced again: another shape is an error.
    whole = replicated(mesh)
    of_state = jax.tree.map(lambda leaf: leaf.sharding, state_like)
    image_size = config.data.image_size
    with traced_with:
        lowered_step = _jit(train_step, config.deterministic, donate_argnums=0, out_shardings=(of_state, whole)).lower(
            state_like, batch_like(config.batch_size, image_size, mesh)
        )
        lowered_eval = _jit(eval_step, config.deterministic, out_shardings=whole).lower(
            state_like, batch_like(config.eval_batch_size, image_size, mesh)
        )
    return Experiment(
        dataset=dataset,
        records=records,
        epochs=epochs,
        mesh=mesh,
        model=model,
        state_like=state_like,
        create_state=jax.jit(initial, out_shardings=of_state),
        train_step=lowered_step.compile(),
        eval_step=lowered_eval.compile(),
        seed=config.seed,
        eval_batch_size=config.eval_batch_size,
        workers=config.data.workers,
    )


def _check_checkpoint(*, every_epochs: int, best_metric: str, best_above: float) -> None:
    del best_above
    if every_epochs < 1:
        raise UsageError(f"config.checkpoint: every_epochs must be at least 1, got {every_epochs}")
    # The best is the largest: a loss would keep the worst.
    if best_metric not in _BEST_METRICS:
        raise UsageError(f"config.checkpoint: best_metric is one of {', '.join(_BEST_METRICS)}, got {best_metric!r}")


def _check_numbers(config: ConfigDict) -> None:
    least = {"epochs": 1, "seed": 0, "log_every": 0, "data.workers": -1, "data.cache_gb": 0.0}
    for field, bound in least.items():
        section, _, name = field.rpartition(".")
        value = (config[section] if section else config)[name]
        if not value >= bound:
            raise UsageError(f"config.{field} must be at least {bound:g}, got {value}")
    if config.seed >= 2**32:
        raise UsageError(f"config.seed must be below 2**32, of which JAX takes no more, got {config.seed}")


def batch_like(batch_size: int, image_size: int, mesh: Mesh) -> dict[str, jax.ShapeDtypeStruct]:
    """A global batch's shapes, dtypes and shardings."""
    shapes = {
        "image": ((batch_size, image_size, image_size, 3), jnp.uint8),
        "label": ((batch_size,), jnp.int32),
        "mask": ((batch_size,), jnp.float32),
        "index": ((batch_size,), jnp.uint32),
    }
    return {name: jax.ShapeDtypeStruct(*shape, sharding=split(mesh)) for name, shape in shapes.items()}


def open_data(data: ConfigDict) -> Dataset:
    """The dataset of a config's `data`, prepared first where that needs no download.

    Raises:
        UsageError: there is none; the message says how to make it.
    """
    if not data.dir:
        raise UsageError("the config has no data: give a prepared folder or tfds:NAME as --config.data.dir")
    if not data.dir.startswith("tfds:"):
        from_first(partial(_prepare_missing, data))
    return open_dataset(data.dir)


def _prepare_missing(data: ConfigDict) -> None:
    if (Path(data.dir) / FILE_NAME).exists():
        return
    command = f"python -m simam_jax.prepare --source {data.source or 'SOURCE'} --out {data.dir}"
    if data.source not in _EMBEDDED:
        raise UsageError(
            f"no prepared data in {data.dir}: make it with `{command}`, "
            f"or try `--config configs/towernet.py:digits`, which prepares itself"
        )
    _log.info("preparing %s, once: %s", data.dir, command)
    prepare(data.source, data.dir)


def _create_records(splits: Mapping[str, Examples], data: ConfigDict, *, seed: int) -> dict[str, Records]:
    trained_on, held_out = train_view(seed=seed, **data), eval_view(**data)
    return {
        name: Records(
            examples,
            trained_on if name == "train" else held_out,
            cache_gb=data.cache_gb,
            on_bad_record=data.on_bad_record,
        )
        for name, examples in splits.items()
    }


def _num_classes(model: ConfigDict, dataset: Dataset) -> int:
    known = len(dataset.classes)
    if model.num_classes not in (0, known):
        raise ValueError(f"num_classes is {model.num_classes} where the data has {known} classes; 0 takes the data's")
    return known


def _jit(function: Callable, deterministic: bool, **options) -> jax.stages.Wrapped:
    # A GPU's fastest kernels add up in any order.
    flags = {"xla_gpu_deterministic_ops": True} if deterministic and jax.default_backend() == "gpu" else None
    return jax.jit(function, compiler_options=flags, **options)


@contextmanager
def _section(name: str) -> Iterator[None]:
    """Says which section of the config was wrong."""
    try:
        yield
    except UsageError:
        raise
    except (ValueError, TypeError) as error:
        raise UsageError(f"config.{name}: {error}") from error
