"""A folder that appears all at once, and whose unfinished work outlasts an interruption."""

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simam_jax.data.atomic_folder import locked, make_parent, rename
from simam_jax.data.progress import Progress
from simam_jax.errors import UsageError

_PLAN = "plan.json"


@dataclasses.dataclass(frozen=True)
class Work:
    """Where a folder is made.

    Attributes:
      content: what becomes the folder; empty.
      shards: parts that are finished, if there are any; they outlast an interruption.
      source: for what the source has to unpack; not there.
    """

    content: Path
    shards: Path
    source: Path


def unfinished(target: Path) -> Path:
    """The hidden folder beside `target` where it is made."""
    return target.parent / f".{target.name}.unfinished"


@contextlib.contextmanager
def resumable_folder(target: Path, plan: Mapping[str, Any], progress: Progress) -> Iterator[Work]:
    """Gives a place to work, and renames its `content` to `target` where the block ends well.

    Where the block raises, or the process is killed, the shards stay for the next call; without any nothing stays.

    Args:
      target: the folder to make.
      plan: what it is made from, which `require_same_plan` has seen.
      progress: is told what stays.

    Raises:
      UsageError: another process is at it.
      FileExistsError: `target` has become a folder that is not empty in the meantime.
      OSError: a folder cannot be made, or the rename fails.
    """
    make_parent(target)
    folder = unfinished(target)
    folder.mkdir(exist_ok=True)
    work = Work(folder / "content", folder / "shards", folder / "source")
    with _alone(folder, target):
        try:
            shutil.rmtree(work.content, ignore_errors=True)
            shutil.rmtree(work.source, ignore_errors=True)
            (folder / _PLAN).write_text(json.dumps(plan), encoding="utf-8")
            work.content.mkdir()
            yield work
            rename(work.content, target)
        except FileExistsError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        except BaseException:
            _keep_shards(folder, work, progress)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def require_same_plan(target: Path, plan: Mapping[str, Any]) -> None:
    """Checks that nothing is being made of `target`, or the same.

    Raises:
      UsageError: something else is.
    """
    try:
        there = json.loads((unfinished(target) / _PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # nothing is, or nothing came of it
        return
    differing = [f"{name} {there.get(name)!r} and not {plan[name]!r}" for name in plan if there.get(name) != plan[name]]
    if differing:
        raise UsageError(
            f"{target} is half prepared from {', '.join(differing)}: "
            f"finish that, choose another place, or remove {unfinished(target)}"
        )


def remove_leftovers(target: Path) -> None:
    """Removes what a process that was killed at its very end left beside the finished `target`."""
    # OSError: there is nothing, or somebody is at it.
    with contextlib.suppress(OSError), locked(unfinished(target)) as is_left:
        if is_left:
            shutil.rmtree(unfinished(target))


@contextlib.contextmanager
def _alone(folder: Path, target: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder))
        except BlockingIOError:
            raise UsageError(f"another process is preparing {target}: wait until it has ended") from None
        yield


def _keep_shards(folder: Path, work: Work, progress: Progress) -> None:
    if not any(work.shards.glob("*.json")):
        shutil.rmtree(folder, ignore_errors=True)
        return
    shutil.rmtree(work.content, ignore_errors=True)
    shutil.rmtree(work.source, ignore_errors=True)
    progress.say(f"what is finished stays in {folder}: the same command goes on from there")
