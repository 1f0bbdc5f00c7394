"""The seed's rules: which of a class's images are for evaluation, and under which names they are kept."""

import dataclasses
import itertools
from collections.abc import Iterable

from simam_jax.data.original import Original

SPLITS = ("train", "eval")


@dataclasses.dataclass(frozen=True, slots=True)
class Placement:
    """Where an image goes: `SPLIT/CLASS/NAME` below the prepared folder."""

    original: Original
    split: str
    name: str

    @property
    def path(self) -> str:
        """`SPLIT/CLASS/NAME`."""
        return f"{self.split}/{self.original.class_name}/{self.name}"


def place(originals: Iterable[Original], eval_every: int) -> list[Placement]:
    """Gives every image its split and its name, in the order of class, split as the source has it, and original name.

    The index that decides runs over a class's originals sorted by name (code points), whether they are good or not, so
    that a bad file moves no other. Images that come with a split keep it.
    """
    placements = []
    ordered = sorted(originals, key=lambda one: (one.class_name, one.split or "", one.name))
    for (_, given), group in itertools.groupby(ordered, key=lambda one: (one.class_name, one.split)):
        members = list(group)
        names = stored_names(original.name for original in members)
        for index, original in enumerate(members):
            split = given or split_of(index, eval_every)
            placements.append(Placement(original, split, names[original.name]))
    return placements


def split_of(index: int, eval_every: int) -> str:
    """The split of the file at `index` of its class's sorted listing: "eval" for the first and every n-th after it."""
    return "eval" if index % eval_every == 0 else "train"


def stored_names(names: Iterable[str]) -> dict[str, str]:
    """Maps the file names of one class to the names they are stored under: spaces become underscores.

    Where that would repeat a name, the file that had the spaces gets a number: beside `x_0.jpg`, `x 0.jpg` becomes
    `x_0_2.jpg`. Names without spaces stay as they are. The result does not depend on the order of `names`.
    """
    names = sorted(set(names))
    stored = {name: name for name in names if " " not in name}
    taken = set(stored)
    for name in names:
        if name not in stored:
            stored[name] = _free_name(name.replace(" ", "_"), taken)
            taken.add(stored[name])
    return stored


def _free_name(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{stem}_{number}{dot}{ending}"
    return free
