"""The images that a run is evaluated on."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simam_jax.data.dataset import Dataset, open_dataset
from simam_jax.data.records import Examples, Records
from simam_jax.data.subset import cut_validation
from simam_jax.data.view import eval_view
from simam_jax.errors import UsageError
from simam_jax.training.run_folder import RunFolder

_log = logging.getLogger(__name__)

SPLITS = ("eval", "train", "val")

# In one line of an error.
_MOST_NAMED = 8


@dataclass(frozen=True)
class Split:
    """A split, as the run sees images that it does not train on.

    Attributes:
        label: its name; of data that the run was not trained on, also what that data is.
        names: the images' names, in order.
        records: the images; one that cannot be read is logged and does not count.
        batch_size: of the run's own evaluation.
    """

    label: str
    names: Sequence[str]
    records: Records
    batch_size: int


def open_split(run: Path, name: str = "eval", data: str = "", *, cache_gb: float = 0.0) -> Split:
    """Opens a split of a run's data, or of other data of the same classes, about which it warns.

    Args:
        run: the run's folder.
        name: "eval", "train" or "val".
        data: a prepared folder or "tfds:NAME"; "" is the run's own.
        cache_gb: as `Records` takes it, for images that are to be read more than once.

    Raises:
        UsageError: this is no run, it has no such split, or the data is missing or of other classes.
    """
    folder = RunFolder(run)
    config: Any = folder.config()
    facts = folder.facts()
    if name not in SPLITS:
        raise UsageError(f"unknown split {name!r}: it is one of {', '.join(SPLITS)}")
    if name == "val" and not config.data.val_fraction:
        raise UsageError(f"{run} has no val split, since its data.val_fraction is 0: take --split eval or train")
    address = data or config.data.dir
    dataset = _open(address, given=bool(data))
    _check_classes(run, facts["classes"], address, dataset.classes)
    examples = _find(dataset, name, config.data.val_fraction)
    if not len(examples):
        raise UsageError(f"the {name} split of {address} is empty")
    label = name
    if dataset.fingerprint != facts["fingerprint"]:
        label = f"{name}@{_stem(address)}-{dataset.fingerprint[:8]}"
        _log.warning("warning: %s is not the data that %s was trained on: their fingerprints differ", address, run)
    records = Records(
        examples,
        eval_view(**config.data),
        cache_gb=cache_gb,
        on_bad_record="skip",
    )
    return Split(label, examples.names, records, config.eval_batch_size)


def _open(address: str, *, given: bool) -> Dataset:
    try:
        return open_dataset(address)
    except UsageError as error:
        if given:
            raise
        raise UsageError(f"the run's data cannot be opened: {error}; or say where it is by --data DIR") from error


def _find(dataset: Dataset, name: str, val_fraction: float) -> Examples:
    if name == "eval" or not val_fraction:
        return dataset.open_split(name)
    train, val = cut_validation(dataset.open_split("train"), val_fraction)
    return val if name == "val" else train


def _check_classes(run: Path, ours: Sequence[str], address: str, theirs: Sequence[str]) -> None:
    if tuple(ours) == tuple(theirs):
        return
    lacking = [name for name in ours if name not in theirs]
    strange = [name for name in theirs if name not in ours]
    said = [f"it lacks {_some(lacking)}"] if lacking else []
    said += [f"it has {_some(strange)}, which the run does not know"] if strange else []
    said += [] if said else [f"it has them in the order {_some(theirs)}"]
    raise UsageError(f"{address} has other classes than {run}: {'; '.join(said)}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (f" and {len(names) - _MOST_NAMED} more" if names[_MOST_NAMED:] else "")


def _stem(address: str) -> str:
    return re.sub(r"[^\w.-]+", "_", Path(address).name.removeprefix("tfds:"))
