"""Makes a prepared folder out of a source: split, checked, stored, described."""

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from simam_jax.data.archive import Limits
from simam_jax.data.atomic_folder import atomic_folder
from simam_jax.data.content import Content
from simam_jax.data.filling import fill
from simam_jax.data.finished import find_finished
from simam_jax.data.manifest import FORMATS, Manifest, write_manifest
from simam_jax.data.origins import find_source, open_source
from simam_jax.data.progress import Progress
from simam_jax.data.resumable_folder import remove_leftovers, require_same_plan, resumable_folder
from simam_jax.data.selection import class_names, select
from simam_jax.data.shard_filling import fill_shards
from simam_jax.data.split import Placement, place
from simam_jax.data.tfds_shards import dataset_name, require_packages
from simam_jax.errors import StorageError, UsageError

Filler = Callable[[Path, Sequence[Placement], Progress], Content]
"""Stores images in a folder and says what it then holds."""

_DEFAULT = Limits()
_NOT_OURS_TO_WRITE = (errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENAMETOOLONG)


def prepare(
    source: str,
    out: str | os.PathLike[str],
    *,
    classes: str | None = None,
    eval_every: int = 5,
    format: str = "files",
    strict: bool = False,
    max_bytes: int = _DEFAULT.max_bytes,
    max_files: int = _DEFAULT.max_files,
    progress: Progress | None = None,
) -> Manifest:
    """Prepares a data set: `OUT/{train,eval}/CLASS/FILE`, `OUT/preview.png`, `OUT/manifest.json` and `OUT/names.json`.

    With the format "array_record" the files are records of `OUT/NAME/1.0.0/NAME-*.array_record-*`, a TFDS set, in the
    same order; the rest is the same. Shards that are finished when this is interrupted stay in a hidden folder beside
    `out`, and the next call goes on behind them.

    The folder appears all at once, when everything is done. Where it is there already, made from the same source with
    the same options, nothing is done.

    Args:
      source: a class-folder tree, a folder of CIFAR's binary files, an archive of either, `caltech101`,
        `caltech101_16`, `digits` or `tfds:NAME`.
      out: the folder to make.
      classes: takes only these: a named subset, or names separated by commas.
      eval_every: every n-th image of a class, from the first, is for evaluation, unless the source is split already.
      format: "files" or "array_record".
      strict: fail where an image is bad, instead of leaving it out.
      max_bytes: the most that an archive may unpack to.
      max_files: the most members that an archive may have.
      progress: is told how far the work is and which images are left out.

    Raises:
      UsageError: the arguments, the source or what is in `out` will not do; with `strict`, a bad image.
      StorageError: the folder cannot be written.
      Nothing is left behind in either case, but for finished shards.
    """
    progress = progress or Progress()
    if eval_every < 2:
        raise UsageError(f"eval_every is {eval_every}: it must be 2 or more, or no image would be left to train on")
    if format not in FORMATS:
        raise UsageError(f"format is {format!r}: it must be one of {', '.join(FORMATS)}")
    found, target = find_source(source), Path(out).expanduser().resolve()
    options = {"classes": list(class_names(classes)) if classes else [], "eval_every": eval_every, "format": format}
    finished = find_finished(target, found.name, options)
    if finished is not None:
        remove_leftovers(target)
        progress.say(f"{target} is prepared already: nothing to do (remove it to prepare it anew)")
        return _unless_strict(finished, strict)
    if found.path is not None and target.is_relative_to(found.path):
        raise UsageError(f"{target} lies inside its source {found.path}: choose another place for it")

    def build(folder: Path, workspace: Path, fill: Filler) -> Manifest:
        originals = open_source(found, workspace=workspace, limits=Limits(max_bytes, max_files), progress=progress)
        chosen = select(select(originals, found.classes), options["classes"])
        content = fill(folder, place(chosen, eval_every), progress)
        manifest = _unless_strict(Manifest(source=found.name, options=options, **content), strict)
        write_manifest(folder, manifest)
        shutil.rmtree(workspace, ignore_errors=True)
        return manifest

    plan = {"source": found.name, **options}
    require_same_plan(target, plan)
    try:
        if format == "files":
            with atomic_folder(target) as folder:
                return build(folder, folder / ".source", fill)
        require_packages()
        with resumable_folder(target, plan, progress) as work:
            filler = partial(fill_shards, shards=work.shards, name=dataset_name(target), strict=strict)
            return build(work.content, work.source, filler)
    except FileExistsError:  # somebody else was faster
        finished = find_finished(target, found.name, options)
        if finished is None:
            raise
        return _unless_strict(finished, strict)
    except OSError as error:
        said = f"cannot write {error.filename or target}: {error.strerror or error}"
        raise (UsageError if error.errno in _NOT_OURS_TO_WRITE else StorageError)(said) from error


def _unless_strict(manifest: Manifest, strict: bool) -> Manifest:
    if strict and manifest.excluded:
        first = manifest.excluded[0]
        raise UsageError(
            f"bad images in {manifest.source}: {len(manifest.excluded)}, "
            f"the first {first['path']} ({first['reason']}): remove them, or leave out --strict"
        )
    return manifest
