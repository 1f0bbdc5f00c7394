"""A real run, small enough to train in a test: three classes of handwritten digits, six steps, two checkpoints."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

# A comma and a space, as a class folder may have them; ASCII order is label order.
CLASSES = ("one", "two, or so", "zero")
_DIGITS = (1, 2, 0)
_IMAGES_A_CLASS = 10

OVERRIDES = [
    "--config.epochs=2",
    "--config.batch_size=8",
    "--config.eval_batch_size=4",
    "--config.data.image_size=128",
    "--config.checkpoint.best_above=-1.0",
    "--config.schedule.learning_rate=0.001",
]


class TinyRun(NamedTuple):
    """A finished run.

    Attributes:
        path: its folder.
        data: the prepared folder: 8 training and 2 evaluation images a class.
    """

    path: Path
    data: Path


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, root: Path) -> TinyRun:
    """Trained once; a test that changes it takes a copy."""
    from simam_jax.data.preparation import prepare
    from simam_jax.training.config import load_config
    from simam_jax.training.loop import train

    folder = tmp_path_factory.mktemp("tiny")
    _write_images(folder / "images")
    prepare(str(folder / "images"), str(folder / "data"))
    train(load_config(f"{root / 'configs' / 'towernet.py'}:{folder / 'data'}", OVERRIDES), folder / "run")
    return TinyRun(folder / "run", folder / "data")


def _write_images(folder: Path) -> None:
    images, targets = load_digits(return_X_y=True)
    for name, digit in zip(CLASSES, _DIGITS, strict=True):
        (folder / name).mkdir(parents=True)
        for number, pixels in enumerate(images[targets == digit][:_IMAGES_A_CLASS].reshape(-1, 8, 8)):
            Image.fromarray((pixels * 255 / 16).astype(np.uint8)).save(folder / name / f"{number:02}.png")
