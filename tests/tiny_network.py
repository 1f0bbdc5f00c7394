"""A network that compiles in no time, in place of the config's, and runs of it."""

from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import linen as nn
from ml_collections import ConfigDict

from simam_jax.layers.attention import create_attention
from simam_jax.training import experiment
from simam_jax.training.checkpoints import Checkpoints
from simam_jax.training.config import load_config
from simam_jax.training.experiment import build
from simam_jax.training.saved import saved_like

_OVERRIDES = (
    "--config.epochs=2",
    "--config.batch_size=8",
    "--config.eval_batch_size=4",
    "--config.data.image_size=16",
    "--config.augment.flip=True",
    "--config.checkpoint.best_above=-1.0",
    "--config.log_every=2",
)


class TinyNetwork(nn.Module):
    """A convolution, batch norm, attention and dropout."""

    num_classes: int
    attention: str

    @nn.compact
    def __call__(self, x, *, train):
        x = nn.Conv(8, (3, 3), strides=2, use_bias=False, name="conv")(x)
        x = nn.relu(nn.BatchNorm(use_running_average=not train, momentum=0.9, name="norm")(x))
        x = create_attention(self.attention, name="attention")(x, train=train)
        x = nn.Dropout(0.1, deterministic=not train)(x.mean((-3, -2)))
        return nn.Dense(self.num_classes, name="head")(x)


def use_tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has training make a `TinyNetwork`, whatever the config's network is."""

    def create(*, num_classes: int, attention: str, **_: object) -> nn.Module:
        return TinyNetwork(num_classes, attention)

    monkeypatch.setattr(experiment, "create_model", create)


def tiny_config(root: Path, data: Path, seed: int, attention: str, *overrides: str) -> ConfigDict:
    """Of six steps in two epochs."""
    own = (f"--config.seed={seed}", f"--config.model.attention={attention}")
    return load_config(f"{root}/configs/towernet.py:{data}", [*_OVERRIDES, *own, *overrides])


def last_state(config: ConfigDict, run: Path) -> Sequence[np.ndarray]:
    """The leaves of what a run has saved last."""
    built = build([config])
    checkpoints = Checkpoints(run / "checkpoints")
    try:
        saved = checkpoints.load(checkpoints.steps[-1], saved_like(built.state_like, built.mesh))
    finally:
        checkpoints.close()
    return [np.asarray(leaf) for leaf in jax.tree.leaves(saved["state"])]
