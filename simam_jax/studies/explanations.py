"""Pictures of what a variant looks at in a few evaluation images, for the study's page."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from simam_jax.studies.trials import Trial

MOST_IMAGES = 4


def explanation_folder(trial: Trial) -> Path:
    """Where the pictures of a trial's variant go: a folder an image."""
    return trial.study_folder / "explanations" / trial.variant.name


def explanation_command(trial: Trial, images: Sequence[Path]) -> tuple[str, ...]:
    """What draws them, into a folder that is not yet theirs."""
    shutil.rmtree(_unfinished(trial), ignore_errors=True)
    program = (sys.executable, "-m", "simam_jax.visualize")
    return (*program, "--run", str(trial.run), "--out", str(_unfinished(trial)), *map(str, images))


def keep_explanations(trial: Trial) -> None:
    """Gives drawn pictures their folder."""
    _unfinished(trial).rename(explanation_folder(trial))


def example_images(data: Path, classes: Sequence[str]) -> list[Path]:
    """The first evaluation image of a few classes, evenly spaced; none where the data are not files in folders."""
    step = max(len(classes) / MOST_IMAGES, 1)
    chosen = [classes[int(place * step)] for place in range(min(MOST_IMAGES, len(classes)))]
    folders = [data / "eval" / name for name in chosen]
    firsts = [min((p for p in f.iterdir() if p.is_file()), default=None) for f in folders if f.is_dir()]
    return [first for first in firsts if first is not None]


def _unfinished(trial: Trial) -> Path:
    folder = explanation_folder(trial)
    return folder.with_name(f".{folder.name}.partial")
