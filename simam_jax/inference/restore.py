"""From a run's folder to a network that can be asked."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import jax
from flax import linen as nn
from jax.sharding import Mesh
from ml_collections import ConfigDict

from simam_jax.data.view import FixedView, eval_view
from simam_jax.errors import StorageError, UsageError
from simam_jax.models.registry import create_model
from simam_jax.training.checkpoints import Checkpoints
from simam_jax.training.epochs import Epochs
from simam_jax.training.mesh import create_mesh, on_mesh
from simam_jax.training.optimizer import create_optimizer
from simam_jax.training.run_folder import RunFolder
from simam_jax.training.saved import saved_like
from simam_jax.training.schedule import create_schedule
from simam_jax.training.state import TrainState, create_state


@dataclass(frozen=True)
class Classifier:
    """A trained network, and all it takes to ask it about an image.

    Attributes:
        model: the network.
        state: as training left it, on the mesh, without the optimizer's part.
        step: updates done.
        mesh: the devices.
        classes: class names in label order.
        mean, std: of the normalisation, RGB, in 0…1.
        view: how decoded pixels become what it takes.
        implementation: of the operations, as it was trained.
    """

    model: nn.Module
    state: TrainState
    step: int
    mesh: Mesh
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    view: FixedView
    implementation: str


def restore(run: Path, checkpoint: str = "best") -> Classifier:
    """Restores a checkpoint of a run, on all devices, whatever it was trained on; it needs no data.

    Args:
        run: the run's folder.
        checkpoint: "best", "latest" or a step.

    Raises:
        UsageError: this is no run, or it has no such checkpoint.
        StorageError: the checkpoint is damaged; the message lists the others.
    """
    folder = RunFolder(run)
    config = folder.config()
    facts = folder.facts()
    checkpoints = Checkpoints(folder.checkpoints)
    try:
        step = _choose(run, checkpoints, checkpoint)
        mesh = create_mesh()
        model, state_like = _build(run, config, num_classes=len(facts["classes"]))
        state = _load(checkpoints, step, saved_like(on_mesh(state_like, mesh), mesh))["state"]
    finally:
        checkpoints.close()
    return Classifier(
        model=model,
        state=dataclasses.replace(state, opt_state=()),
        step=step,
        mesh=mesh,
        classes=tuple(facts["classes"]),
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        view=eval_view(**config.data),
        implementation=config.implementation,
    )


def _choose(run: Path, checkpoints: Checkpoints, word: str) -> int:
    steps = checkpoints.steps
    if not steps:
        raise UsageError(f"{run} has no checkpoint yet")
    if word == "latest":
        return steps[-1]
    if word == "best":
        best = checkpoints.best
        if best is None:
            raise UsageError(f"{run} has no best checkpoint yet: take --checkpoint latest, which is step {steps[-1]}")
        return best.step
    if word not in map(str, steps):
        raise UsageError(f"{run} has no checkpoint {word!r}: it is best, latest or a step, and {_list(steps)}")
    return int(word)


def _build(run: Path, config: ConfigDict, *, num_classes: int) -> tuple[nn.Module, TrainState]:
    """The network, and its state's shapes as training had them."""
    try:
        model = create_model(**{**config.model, "num_classes": num_classes})
        # Any will do: the optimizer's state has the same shapes.
        schedule = create_schedule(name="constant", learning_rate=1.0, epochs=Epochs(1, images=1, batch_size=1))
        optimizer = create_optimizer(**config.optimizer, learning_rate=schedule)
    except (ValueError, TypeError) as error:
        raise UsageError(f"the config of {run} does not fit this version: {error}") from error
    size, seed = config.data.image_size, config.seed
    return model, jax.eval_shape(lambda: create_state(model, optimizer, image_size=size, seed=seed))


def _load(checkpoints: Checkpoints, step: int, like):
    try:
        return checkpoints.load(step, like)
    except StorageError as error:
        others = [other for other in checkpoints.steps if other != step]
        hint = f"{_list(others)}, to be asked for by --checkpoint STEP" if others else "there is no other"
        raise StorageError(f"{error}; {hint}") from error


def _list(steps: list[int]) -> str:
    return f"there are steps {', '.join(map(str, steps))}" if len(steps) > 1 else f"there is step {steps[0]}"
