"""What a study's folder says of its trials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simam_jax.errors import UsageError
from simam_jax.reporting.costs_text import UNSAID
from simam_jax.reporting.headline import headline_epoch
from simam_jax.reporting.json_file import read_object
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
        selection: the split on which each trial's best epoch was chosen, "val" or "eval".
        chosen: where val speaks for the options of an attention: network, attention, among,
            left_out, seeds, val_accuracy, accuracy.
        lacking: what was not measured or drawn: network, attention, what.
    """

    path: Path
    asked: Mapping[str, Any]
    data: Mapping[str, Any]
    variants: Sequence[Variant]
    selection: str
    chosen: Sequence[Mapping[str, Any]] = ()
    lacking: Sequence[Mapping[str, str]] = ()


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
            f"{folder} is a study without results: let `python -m simam_jax.compare` come to the end of a trial first"
        )
    found = read_object(path)
    try:
        rows = found["variants"]
        chosen = styles([row["attention"] for row in rows])
        selection = "val" if found.get("selection") == "val" else "eval"
        shown = headline_epoch(selection)
        variants = [_variant(folder, row, chosen[row["attention"]], shown) for row in rows]
        chosen_options, lacking = list(found.get("chosen") or ()), list(found.get("lacking") or ())
        asked, data = dict(found.get("study") or {}), dict(found.get("data") or {})
        return StudyFiles(folder, asked, data, variants, selection, chosen_options, lacking)
    except (KeyError, TypeError, AttributeError) as error:
        what = f"the field {error} is missing" if isinstance(error, KeyError) else error
        raise UsageError(f"{path} is damaged ({what}): run `python -m simam_jax.compare` again") from error


def _variant(folder: Path, row: Mapping[str, Any], style: int, shown: str) -> Variant:
    return Variant(
        network=row["network"],
        attention=row["attention"],
        style=style,
        trials=[_trial(folder, each, shown) for each in row["trials"]],
        figures={name: float(row[name]) for name in _FIGURES if row.get(name) is not None},
        device=str(row.get("device") or ""),
        memory=str(row.get("memory") or UNSAID),
        comparison=_without_nothing(row.get("comparison") or {}),
    )


def _without_nothing(comparison: Mapping[str, Any]) -> dict[str, Any]:
    robustness = {epoch: each for epoch, each in (comparison.get("robustness") or {}).items() if each}
    return {name: each for name, each in {**comparison, "robustness": robustness}.items() if each}


def _trial(folder: Path, row: Mapping[str, Any], shown: str) -> Trial:
    run = folder / row["run"]
    scores = {
        checkpoint: {name: float(value) for name, value in (row.get(checkpoint) or {}).items() if value is not None}
        for checkpoint in ("best", "last")
    }
    read = read_run(run) if is_run(run) else None
    return Trial(row["seed"], read, row["state"], scores, shown, row.get("robustness"))
