"""What a study asks: which networks with which attentions, on what, over how many seeds."""

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from simam_jax.errors import UsageError
from simam_jax.reporting.whole_files import write_whole
from simam_jax.studies.attentions import distinct_attentions
from simam_jax.training.run_folder import later_fields

FILE_NAME = "study.json"
BASELINE = "none"

# By a field's type, whether what JSON has can be one.
_KINDS: dict[Any, Callable[[Any], bool]] = {
    str: lambda value: isinstance(value, str),
    int: lambda value: type(value) is int,
    tuple[str, ...]: lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    Mapping[str, Any]: lambda value: isinstance(value, dict),
}
# What differs between trials, and the option that says it.
TRIAL_FIELDS = {"seed": "--seeds", "model.name": "--models", "model.attention": "--attentions"}


@dataclass(frozen=True)
class Study:
    """A study; the fields are those of `study.json`.

    Attributes:
        config: address of the config that all trials share, FILE[:ARG].
        data: a prepared folder or tfds:NAME; "" is the config's own.
        models: names of networks.
        attentions: specs; one of them is the baseline "none".
        seeds: how many; they are 0 … seeds − 1.
        epochs: of every trial.
        overrides: further words --config.FIELD=VALUE.
        executor: where trials run; may change from one call to the next.
        fields: the config as it was read, but for what differs between trials and for what changes nothing.
        fingerprint: of the data.
    """

    config: str
    data: str
    models: tuple[str, ...]
    attentions: tuple[str, ...]
    seeds: int
    epochs: int
    overrides: tuple[str, ...] = ()
    executor: str = "serial"
    fields: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""

    @property
    def family(self) -> int:
        """How many networks with an attention are compared with the baseline."""
        return len(self.models) * (len(self.attentions) - 1)

    def as_json(self) -> dict[str, Any]:
        """The content of `study.json`."""
        return json.loads(json.dumps(dataclasses.asdict(self)))


def read_study(path: Path) -> Study:
    """Reads a study file, written by hand or by an earlier study.

    Raises:
        UsageError: it is missing or damaged, or a field is missing, unknown or of a wrong type.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the study {path}: {getattr(error, 'strerror', None) or error}") from error
    except ValueError as error:
        raise UsageError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} is no study: it is no JSON object")
    known = {each.name: each for each in dataclasses.fields(Study)}
    if unknown := sorted(content.keys() - known):
        raise UsageError(f"{path} has an unknown field {unknown[0]!r}: a study has {', '.join(known)}")
    given: dict[str, Any] = {"data": "", "models": [], "attentions": [BASELINE, "simam"], "seeds": 8, "epochs": 0}
    given |= content
    if not given.get("config"):
        raise UsageError(f"{path} is no study: it has no config")
    for name, value in given.items():
        if not _KINDS[known[name].type](value):
            raise UsageError(f"{path}: {name} cannot be {value!r}")
    values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in given.items()}
    return Study(**values)


def join_earlier(study: Study, folder: Path) -> Study:
    """The study of a folder with what is asked for added: more networks, attentions or seeds repeat no trial.

    Args:
        study: what is asked for, with its fields and fingerprint.
        folder: the study's; it need not be there.

    Returns:
        The union with what was asked for before; an attention that is spelt otherwise now keeps its first spelling.

    Raises:
        UsageError: the folder holds something else, or a study of another config or of other data that has begun.
    """
    earlier = _read_earlier(folder)
    if earlier is None:
        return study
    if difference := _difference(earlier, study):
        if _has_begun(folder):
            raise UsageError(f"{folder} is a study {difference}")
        return study
    return replace(
        study,
        models=tuple(dict.fromkeys([*earlier.models, *study.models])),
        attentions=distinct_attentions([*earlier.attentions, *study.attentions]),
        seeds=max(earlier.seeds, study.seeds),
    )


def drop_unbegun(study: Study, folder: Path) -> None:
    """Removes the costs of a study of another config, or of other data, of which no trial has begun."""
    earlier = _read_earlier(folder)
    if earlier is not None and _difference(earlier, study) and not _has_begun(folder):
        shutil.rmtree(folder / "costs", ignore_errors=True)


def _read_earlier(folder: Path) -> Study | None:
    path = folder / FILE_NAME
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(not p.name.startswith(".") for p in folder.iterdir())):
            raise UsageError(f"{folder} is no study and not empty: choose another --out")
        return None
    earlier = read_study(path)
    return earlier if earlier.fields else None  # else it is written by hand, and nothing was done by it


def _has_begun(folder: Path) -> bool:
    """Whether a trial has, or a job in Slurm's queue may."""
    return any(folder.glob("trials/*/config.json")) or (folder / "slurm" / "jobs.json").exists()


def _difference(earlier: Study, study: Study) -> str:
    """In what they differ that a study has for all of its trials; "" of one that may go on."""
    earlier = replace(earlier, fields=_with_later(earlier.fields, study.fields))
    names = sorted({*earlier.fields, *study.fields})
    differing = [
        f"{name} ({earlier.fields.get(name)!r} there, {study.fields.get(name)!r} here)"
        for name in names
        if earlier.fields.get(name) != study.fields.get(name)
    ]
    if differing:
        return f"of another config, which differs in {'; '.join(differing)}"
    return "" if earlier.fingerprint == study.fingerprint else "on other data: the fingerprints differ"


def _with_later(fields: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """An earlier study's fields with those that its version had not yet, which say what its trials did."""
    later = json.loads(json.dumps(later_fields()))
    return {**{name: value for name, value in later.items() if name in ours}, **fields}


def write_study(folder: Path, study: Study) -> None:
    """Writes `study.json`, whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    write_whole(folder, {FILE_NAME: json.dumps(study.as_json(), indent=2, ensure_ascii=False) + "\n"})
