"""What a checkpoint holds, for whoever writes or reads one."""

from typing import TypedDict

from jax.sharding import Mesh

from simam_jax.training.mesh import on_mesh
from simam_jax.training.metrics import TrainMetrics
from simam_jax.training.state import TrainState


class Saved(TypedDict):
    """A run at a step: its state, and its training metrics since the last line of metrics.jsonl."""

    state: TrainState
    window: TrainMetrics


def saved_like(state_like: TrainState, mesh: Mesh) -> Saved:
    """A checkpoint's shapes, dtypes and shardings, by those of its state."""
    return Saved(state=state_like, window=on_mesh(TrainMetrics.empty(), mesh))
