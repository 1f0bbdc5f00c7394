"""Takes some of a source's classes: by list, or by the name of a known subset."""

import difflib
from collections.abc import Iterable, Sequence

from simam_jax.data import caltech101
from simam_jax.data.original import Original
from simam_jax.errors import UsageError

SUBSETS = {"caltech101_16": caltech101.CLASSES_16}


def class_names(selection: str) -> tuple[str, ...]:
    """The classes that `--classes` means, sorted: those of a named subset, or a list separated by commas.

    Raises:
      UsageError: the list is empty.
    """
    names = SUBSETS.get(selection) or tuple(name.strip() for name in selection.split(",") if name.strip())
    if not names:
        raise UsageError("no class is named: give a list such as ant,bass or one of " + ", ".join(SUBSETS))
    return tuple(sorted(set(names)))


def select(originals: Iterable[Original], wanted: Sequence[str]) -> list[Original]:
    """Keeps the images of the wanted classes; all of them where none is named.

    Raises:
      UsageError: a class that the source lacks; names the nearest it has.
    """
    originals = list(originals)
    if not wanted:
        return originals
    known = sorted({original.class_name for original in originals})
    missing = sorted(set(wanted) - set(known))
    if missing:
        near = difflib.get_close_matches(missing[0], known, n=3)
        hint = f"nearest: {', '.join(near)}" if near else f"it has {', '.join(known[:20])}" + " …" * (len(known) > 20)
        raise UsageError(f"the source has no class {', '.join(missing)} ({hint})")
    return [original for original in originals if original.class_name in set(wanted)]
