"""What a person sees while a run goes on: a live bar on a terminal, plain lines of the log elsewhere."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from simam_jax.training.processes import is_first


class TrainingProgress:
    """A context that shows a run's progress on stderr where that is a terminal."""

    def __init__(self, *, steps: int, epochs: int, step: int):
        """A run of `steps` steps and `epochs` epochs that is at `step`."""
        self._epochs = epochs
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps,"),
            TimeElapsedColumn(),
            TextColumn("gone,"),
            TimeRemainingColumn(),
            TextColumn("left {task.fields[best]} {task.fields[doing]}"),
            console=Console(stderr=True),
            disable=not (sys.stderr.isatty() and is_first()),
            # Results go to stdout: only where that is the same terminal must they pass above the bar.
            redirect_stdout=sys.stdout.isatty(),
            speed_estimate_period=120,
        )
        self._task = self._bar.add_task(
            "", total=steps, completed=step, epoch=f"-/{epochs}", doing="compiling", best=""
        )

    def __enter__(self) -> "TrainingProgress":
        self._bar.start()
        return self

    def __exit__(self, *_) -> None:
        self._bar.stop()

    def at(self, step: int, epoch: int, doing: str = "") -> None:
        """Shows that `step` updates are done, in `epoch` (from 0)."""
        shown = f"{min(epoch, self._epochs - 1)}/{self._epochs}"
        self._bar.update(self._task, completed=step, epoch=shown, doing=doing)

    def best(self, value: float, epoch: int) -> None:
        """Shows the best so far."""
        self._bar.update(self._task, best=f"(best {value:.4f} at epoch {epoch})")
