"""Draws what a finished trial's network looks at in a few evaluation images, for the study's page.

    python -m simam_jax.studies.explanations RUN FOLDER IMAGE…

Grad-CAM is of the class whose folder an IMAGE lies in, whatever the network answers, so that networks can be compared.
FOLDER is there when all is drawn, or not at all.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from simam_jax import command
from simam_jax.errors import UsageError
from simam_jax.studies.trials import Trial

MOST_IMAGES = 4
EXPLAINED_SEED = 0
"""Of each variant the trial with this seed is explained."""

_log = logging.getLogger("simam_jax.studies.explanations")


def explanation_folder(trial: Trial) -> Path:
    """Where the pictures of a trial's variant go: a folder an image."""
    return trial.study_folder / "explanations" / trial.variant.name


def explanation_command(trial: Trial, images: Sequence[Path]) -> tuple[str, ...]:
    """What draws them."""
    program = (sys.executable, "-m", "simam_jax.studies.explanations")
    return (*program, str(trial.run), str(explanation_folder(trial)), *map(str, images))


def example_images(data: Path, classes: Sequence[str]) -> list[Path]:
    """The first evaluation image of a few classes, evenly spaced; none where the data are not files in folders."""
    step = max(len(classes) / MOST_IMAGES, 1)
    chosen = [classes[int(place * step)] for place in range(min(MOST_IMAGES, len(classes)))]
    folders = [data / "eval" / name for name in chosen]
    images = [[p for p in f.iterdir() if p.is_file() and not p.name.startswith(".")] for f in folders if f.is_dir()]
    return [min(each) for each in images if each]


def explain(run: Path, folder: Path, images: Sequence[Path]) -> None:
    """Draws images, each by its own class.

    Args:
        run: a finished run's folder.
        folder: where the pictures go.
        images: in folders named after their classes.

    Raises:
        UsageError: no image can be drawn, or a class is none of the run's.
        StorageError: the checkpoint is damaged, or the pictures cannot be written.
    """
    from simam_jax.data.atomic_folder import atomic_folder
    from simam_jax.explain.explainer import Explainer
    from simam_jax.explain.visualization import visualize
    from simam_jax.inference.inputs import Input
    from simam_jax.inference.restore import restore

    classifier = restore(run)
    inputs = [Input(str(image)) for image in images]
    with atomic_folder(folder) as partial:
        # Of what was drawn before it was stopped, nothing is left.
        found = list(
            visualize(
                Explainer(classifier), classifier.view, inputs, partial, classes=[image.parent.name for image in images]
            )
        )
        for each in found:
            if each.error:
                _log.warning("warning: %s: %s", each.path, each.error)
        if not any(each.files for each in found):
            raise UsageError(f"no image can be drawn: {found[0].path}: {found[0].error}")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program."""
    run, folder, *images = sys.argv[1:] if argv is None else argv
    explain(Path(run), Path(folder), [Path(image) for image in images])
    return 0


if __name__ == "__main__":
    sys.exit(command.run(main))
