"""What a study's folder says of its trials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simam_jax.errors import UsageError
from simam_jax.reporting.page.json_file import read_object
from simam_jax.reporting.page.palette import styles
from simam_jax.reporting.page.run_files import is_run, read_run
from simam_jax.reporting.page.variant import Trial, Variant

_FIGURES = (
    "parameters",
    "multiply_adds",
    "train_ms_per_image",
    "inference_ms_per_image",
    "peak_bytes",
    "last_epochs_loss_change",
)


@dataclass(frozen=True)
class StudyFiles:
    """A study.

    Attributes:
        path: its folder.
        asked: study.json's content.
        data: of results.json: the folder, classes, counts and preview, as far as it says.
        variants: in order.
        chosen: where val speaks for the options of an attention: network, attention, among, val_accuracy, accuracy.
    """

    path: Path
    asked: Mapping[str, Any]
    data: Mapping[str, Any]
    variants: Sequence[Variant]
    chosen: Sequence[Mapping[str, Any]] = ()


def is_study(folder: Path) -> bool:
    """Whether a folder holds a study, be it without results."""
    return (folder / "results.json").is_file() or (folder / "study.json").is_file()


def read_study(folder: Path) -> StudyFiles:
    """Reads a study's results, and the runs that they are of.

    Raises:
        UsageError: there are none yet, or a file is damaged.
    """
    path = folder / "results.json"
    if not path.is_file():
        raise UsageError(
            f"{folder} is a study without results: let `python -m simam_jax.compare` come to its end first"
        )
    found = read_object(path)
    try:
        rows = found["variants"]
        chosen = styles([row["attention"] for row in rows])
        variants = [_variant(folder, row, chosen[row["attention"]]) for row in rows]
        asked, data = dict(found.get("study") or {}), dict(found.get("data") or {})
        return StudyFiles(folder, asked, data, variants, list(found.get("chosen") or ()))
    except (KeyError, TypeError, AttributeError) as error:
        what = f"the field {error} is missing" if isinstance(error, KeyError) else error
        raise UsageError(f"{path} is damaged ({what}): run `python -m simam_jax.compare` again") from error


def _variant(folder: Path, row: Mapping[str, Any], style: int) -> Variant:
    return Variant(
        network=row["network"],
        attention=row["attention"],
        style=style,
        trials=[_trial(folder, each) for each in row["trials"]],
        figures={name: float(row[name]) for name in _FIGURES if row.get(name) is not None},
        comparison={name: each for name, each in (row.get("comparison") or {}).items() if each},
    )


def _trial(folder: Path, row: Mapping[str, Any]) -> Trial:
    run = folder / row["run"]
    scores = {
        checkpoint: {name: float(value) for name, value in (row.get(checkpoint) or {}).items() if value is not None}
        for checkpoint in ("best", "last")
    }
    return Trial(row["seed"], read_run(run) if is_run(run) else None, row["state"], scores, row.get("robustness"))
