"""From a config to what a run is made of. A config's section is the keyword arguments of one factory."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import grain
import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.sharding import Mesh
from ml_collections import ConfigDict

from simam_jax.data.dataset import Dataset, check_val_fraction, open_dataset, open_splits
from simam_jax.data.manifest import FILE_NAME
from simam_jax.data.pipeline import eval_batches, train_batches
from simam_jax.data.preparation import prepare
from simam_jax.data.records import Examples, Records, check_bad_record
from simam_jax.data.view import View, eval_view, train_view
from simam_jax.errors import UsageError
from simam_jax.layers.simam import every_e_lambda
from simam_jax.models.registry import create_model
from simam_jax.ops.augment import create_augment
from simam_jax.ops.implementation import implementation
from simam_jax.training.epochs import Epochs
from simam_jax.training.mesh import (
    check_batch_size,
    create_mesh,
    everywhere,
    gather,
    on_mesh,
    replicated,
    scatter,
    split,
)
from simam_jax.training.metrics import EvalMetrics, TrainMetrics
from simam_jax.training.optimizer import create_optimizer
from simam_jax.training.processes import from_first, is_first
from simam_jax.training.programs import Programs
from simam_jax.training.schedule import create_schedule
from simam_jax.training.state import TrainState, create_state
from simam_jax.training.step import Batch, make_forward, make_train_step, measure
from simam_jax.training.traits import Traits, tell_apart

_log = logging.getLogger(__name__)

# What `prepare` makes without a download: a run may do so itself.
_EMBEDDED = ("digits",)
# A client of NFS remembers for up to a minute that a file was not there.
_UNSEEN_S = 90.0
_BEST_METRICS = ("accuracy", "balanced_accuracy", "top5")


@dataclass(frozen=True)
class Experiment:
    """Data, network and steps of a run, or of several that differ in nothing but their traits.

    Attributes:
        dataset: what is trained on.
        training_records: the split train, as the run of a seed sees it.
        records: the splits eval and perhaps val.
        epochs: where they end.
        mesh: the devices.
        model: the network.
        state_like: a state's shapes, dtypes and shardings.
        create_state: gives the state of a run before the first step, on the mesh.
        programs: the steps.
        traits: of each run, on the mesh.
    """

    dataset: Dataset
    training_records: Callable[[int], Records]
    records: dict[str, Records]
    epochs: Epochs
    mesh: Mesh
    model: nn.Module
    state_like: TrainState
    create_state: Callable[[Traits], TrainState]
    programs: Programs
    traits: tuple[Traits, ...]
    eval_batch_size: int
    workers: int

    @property
    def selection(self) -> str:
        """The split by which the best checkpoint is chosen."""
        return "val" if "val" in self.records else "eval"

    def train_batches(self, seed: int, start_step: int) -> grain.IterDataset:
        """This process's training batches of the run of a seed, from a step on."""
        return train_batches(
            self.training_records(seed),
            batch_size=self.epochs.batch_size,
            seed=seed,
            start_step=start_step,
            process_index=jax.process_index(),
            process_count=jax.process_count(),
            workers=self.workers,
            streams=len(self.traits),
        )

    def eval_batches(self, split_name: str) -> grain.IterDataset:
        """This process's batches of a whole split."""
        return eval_batches(
            self.records[split_name],
            batch_size=self.eval_batch_size,
            process_index=jax.process_index(),
            process_count=jax.process_count(),
        )


def build(configs: Sequence[ConfigDict]) -> Experiment:
    """Everything that a run needs, or several that are trained side by side, not compiled yet; nothing is written.

    Args:
        configs: of each run; they differ in seed and SimAM's λ alone.

    Raises:
        UsageError: a config or the data is wrong; the message names the section.
    """
    config, traits = tell_apart(configs)
    # Before the data is looked for, which may take a download.
    check_config(config)
    with _section("model"):
        create_model(**{**config.model, "num_classes": config.model.num_classes or 1})
    augment = create_augment(**config.augment)
    mesh = create_mesh()
    check_batch_size("batch_size", config.batch_size, mesh)
    check_batch_size("eval_batch_size", config.eval_batch_size, mesh)
    if config.batch_size % (config.micro_batches * mesh.size):
        raise UsageError(
            f"config.micro_batches is {config.micro_batches}: batch_size, {config.batch_size}, must be a multiple "
            f"of it times the number of devices, {mesh.size}"
        )
    dataset = open_data(config.data)
    splits = open_splits(dataset, val_fraction=config.data.val_fraction)
    with _section("data"):
        training_records = _training_records(splits.pop("train"), config.data)
        records = {name: _records(examples, eval_view(**config.data), config.data) for name, examples in splits.items()}
        images = len(training_records(config.seed))
    epochs = Epochs(config.epochs, images, config.batch_size)
    with _section("model"):
        model = create_model(**{**config.model, "num_classes": _num_classes(config.model, dataset)})
    with _section("schedule"):
        schedule = create_schedule(**config.schedule, epochs=epochs)
    with _section("optimizer"):
        optimizer = create_optimizer(**config.optimizer, learning_rate=schedule)

    def initial(own: Traits) -> TrainState:
        return create_state(model, optimizer, image_size=config.data.image_size, seed=own.seed)

    with _section("model"):
        state_like = on_mesh(jax.eval_shape(initial, traits[0]), mesh, shard=config.mesh.shard_state)
    train_step = make_train_step(
        model,
        optimizer,
        learning_rate=schedule,
        augment=augment,
        mean=dataset.mean,
        std=dataset.std,
        micro_batches=config.micro_batches,
        rematerialise=config.rematerialise,
        gather=partial(gather, mesh=mesh),
        scatter=partial(scatter, mesh=mesh, shard=config.mesh.shard_state),
    )
    forward = make_forward(model, mean=dataset.mean, std=dataset.std, gather=partial(gather, mesh=mesh))

    def train_own(state: TrainState, batch: Batch, own: Traits) -> tuple[TrainState, TrainMetrics]:
        with every_e_lambda(own.e_lambda):
            return train_step(state, batch, own.seed)

    def eval_own(state: TrainState, batch: Batch, own: Traits) -> EvalMetrics:
        with every_e_lambda(own.e_lambda):
            return measure(forward(state, batch), batch)

    image_size = config.data.image_size
    return Experiment(
        dataset=dataset,
        training_records=training_records,
        records=records,
        epochs=epochs,
        mesh=mesh,
        model=model,
        state_like=state_like,
        create_state=jax.jit(initial, out_shardings=jax.tree.map(lambda leaf: leaf.sharding, state_like)),
        programs=Programs(
            train_own,
            eval_own,
            state_like=state_like,
            traits_like=on_mesh(traits[0], mesh),
            train_like=batch_like(config.batch_size, image_size, mesh),
            eval_like=batch_like(config.eval_batch_size, image_size, mesh),
            metrics=replicated(mesh),
            deterministic=config.deterministic,
            tracing=partial(implementation, config.implementation),
        ),
        traits=tuple(everywhere(own, mesh) for own in traits),
        eval_batch_size=config.eval_batch_size,
        workers=config.data.workers,
    )


def check_config(config: ConfigDict) -> None:
    """Refuses what is wrong with all but the network, whatever the data and the devices are; it takes no time.

    Raises:
        UsageError: the message names the field or its section.
    """
    _check_checkpoint(**config.checkpoint)
    _check_numbers(config)
    if config.batch_size % config.micro_batches:
        raise UsageError(
            f"config.micro_batches is {config.micro_batches}: batch_size, {config.batch_size}, must be a multiple of it"
        )
    with _section("augment"):
        create_augment(**config.augment)
    with _section("implementation"):
        implementation(config.implementation)
    with _section("data"):
        train_view(seed=config.seed, **config.data)
        check_bad_record(config.data.on_bad_record)
        check_val_fraction(config.data.val_fraction)
    # As of a single batch: what is refused of these does not depend on how many images there are.
    epochs = Epochs(config.epochs, images=config.batch_size, batch_size=config.batch_size)
    with _section("schedule"):
        schedule = create_schedule(**config.schedule, epochs=epochs)
    with _section("optimizer"):
        create_optimizer(**config.optimizer, learning_rate=schedule)


def _check_checkpoint(*, every_epochs: int, best_metric: str, best_above: float) -> None:
    del best_above
    if every_epochs < 1:
        raise UsageError(f"config.checkpoint: every_epochs must be at least 1, got {every_epochs}")
    # The best is the largest: a loss would keep the worst.
    if best_metric not in _BEST_METRICS:
        raise UsageError(f"config.checkpoint: best_metric is one of {', '.join(_BEST_METRICS)}, got {best_metric!r}")


def _check_numbers(config: ConfigDict) -> None:
    least = {
        **dict.fromkeys(("epochs", "batch_size", "eval_batch_size", "micro_batches"), 1),
        **{"log_every": 0, "data.workers": -1, "data.cache_gb": 0.0},
    }
    for field, bound in least.items():
        section, _, name = field.rpartition(".")
        value = (config[section] if section else config)[name]
        if not value >= bound:
            raise UsageError(f"config.{field} must be at least {bound:g}, got {value}")


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
        manifest = Path(data.dir) / FILE_NAME
        # Asked by the first alone: to another the folder may appear in the meantime, or only later.
        from_first(partial(_make_sure_of, manifest, data.source))
        deadline = time.monotonic() + _UNSEEN_S
        while not (is_first() or manifest.exists() or time.monotonic() > deadline):
            time.sleep(1)
    return open_dataset(data.dir)


def _make_sure_of(manifest: Path, source: str) -> None:
    if manifest.exists():
        return
    command = f"python -m simam_jax.prepare --source {source or 'SOURCE'} --out {manifest.parent}"
    if source not in _EMBEDDED:
        raise UsageError(
            f"no prepared data in {manifest.parent}: make it with `{command}`, "
            f"or try `--config configs/towernet.py:digits`, which prepares itself"
        )
    _log.info("preparing %s, once: %s", manifest.parent, command)
    prepare(source, manifest.parent)


def _training_records(examples: Examples, data: ConfigDict) -> Callable[[int], Records]:
    """The records of a seed's run; where all see the same images they are the same records, with one cache."""
    seen = cache(lambda view: _records(examples, view, data))
    return lambda seed: seen(train_view(seed=seed, **data))


def _records(examples: Examples, view: View, data: ConfigDict) -> Records:
    return Records(examples, view, cache_gb=data.cache_gb, on_bad_record=data.on_bad_record)


def _num_classes(model: ConfigDict, dataset: Dataset) -> int:
    known = len(dataset.classes)
    if model.num_classes not in (0, known):
        raise ValueError(f"num_classes is {model.num_classes} where the data has {known} classes; 0 takes the data's")
    return known


@contextmanager
def _section(name: str) -> Iterator[None]:
    """Says which section of the config was wrong."""
    try:
        yield
    except UsageError:
        raise
    except (ValueError, TypeError) as error:
        raise UsageError(f"config.{name}: {error}") from error
