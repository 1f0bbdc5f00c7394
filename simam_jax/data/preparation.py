"""Makes a prepared folder out of a source: split, checked, copied, described."""

import errno
import os
import shutil
from pathlib import Path

from simam_jax.data.archive import Limits
from simam_jax.data.atomic_folder import atomic_folder
from simam_jax.data.filling import fill
from simam_jax.data.finished import find_finished
from simam_jax.data.manifest import Manifest, write_manifest
from simam_jax.data.origins import find_source, open_source
from simam_jax.data.progress import Progress
from simam_jax.data.selection import class_names, select
from simam_jax.data.split import place
from simam_jax.errors import StorageError, UsageError

_DEFAULT = Limits()
_NOT_OURS_TO_WRITE = (errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENAMETOOLONG)


def prepare(
    source: str,
    out: str | os.PathLike[str],
    *,
    classes: str | None = None,
    eval_every: int = 5,
    strict: bool = False,
    max_bytes: int = _DEFAULT.max_bytes,
    max_files: int = _DEFAULT.max_files,
    progress: Progress | None = None,
) -> Manifest:
    """Prepares a data set: `OUT/{train,eval}/CLASS/FILE`, `OUT/preview.png` and `OUT/manifest.json`.

    The folder appears all at once, when everything is done. Where it is there already, made from the same source with
    the same options, nothing is done.

    Args:
      source: a class-folder tree, a folder of CIFAR's binary files, an archive of either, `caltech101`,
        `caltech101_16`, `digits` or `tfds:NAME`.
      out: the folder to make.
      classes: takes only these: a named subset, or names separated by commas.
      eval_every: every n-th image of a class, from the first, is for evaluation, unless the source is split already.
      strict: fail where an image is bad, instead of leaving it out.
      max_bytes: the most that an archive may unpack to.
      max_files: the most members that an archive may have.
      progress: is told how far the work is and which images are left out.

    Raises:
      UsageError: the arguments, the source or what is in `out` will not do; with `strict`, a bad image.
      StorageError: the folder cannot be written.
      Nothing is left behind in either case.
    """
    progress = progress or Progress()
    if eval_every < 2:
        raise UsageError(f"eval_every is {eval_every}: it must be 2 or more, or no image would be left to train on")
    found, target = find_source(source), Path(out).expanduser().resolve()
    options = {"classes": list(class_names(classes)) if classes else [], "eval_every": eval_every}
    finished = find_finished(target, found.name, options)
    if finished is not None:
        progress.say(f"{target} is prepared already: nothing to do (remove it to prepare it anew)")
        return _unless_strict(finished, strict)
    if found.path is not None and target.is_relative_to(found.path):
        raise UsageError(f"{target} lies inside its source {found.path}: choose another place for it")
    try:
        with atomic_folder(target) as folder:
            workspace = folder / ".source"
            originals = open_source(found, workspace=workspace, limits=Limits(max_bytes, max_files), progress=progress)
            chosen = select(select(originals, found.classes), options["classes"])
            content = fill(folder, place(chosen, eval_every), progress)
            manifest = _unless_strict(Manifest(source=found.name, options=options, **content), strict)
            write_manifest(folder, manifest)
            shutil.rmtree(workspace, ignore_errors=True)
    except FileExistsError:  # somebody else was faster
        finished = find_finished(target, found.name, options)
        if finished is None:
            raise
        return _unless_strict(finished, strict)
    except OSError as error:
        said = f"cannot write {error.filename or target}: {error.strerror or error}"
        raise (UsageError if error.errno in _NOT_OURS_TO_WRITE else StorageError)(said) from error
    return manifest


def _unless_strict(manifest: Manifest, strict: bool) -> Manifest:
    if strict and manifest.excluded:
        first = manifest.excluded[0]
        raise UsageError(
            f"bad images in {manifest.source}: {len(manifest.excluded)}, "
            f"the first {first['path']} ({first['reason']}): remove them, or leave out --strict"
        )
    return manifest
