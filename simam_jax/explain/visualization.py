"""Pictures of what a run's network looks at in images, as they come."""

import errno
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simam_jax.data.atomic_folder import atomic_folder
from simam_jax.data.decode import BadImageError
from simam_jax.data.view import FixedView
from simam_jax.errors import StorageError, UsageError
from simam_jax.explain.explainer import Explainer
from simam_jax.inference.inputs import Input
from simam_jax.reporting.explanation import Explanation
from simam_jax.reporting.explanation_files import write_pictures
from simam_jax.reporting.heatmap import fit
from simam_jax.reporting.picture_names import image_stems

# No picture is drawn larger, so no more of an image is kept.
_MOST_PIXELS = 1024


class Visualized(NamedTuple):
    """The pictures of one image, or why there are none.

    Attributes:
        path: the image.
        files: the pictures, the sheet with all of them first.
        error: why there are none; "" where there are.
    """

    path: str
    files: tuple[Path, ...] = ()
    error: str = ""


class _Loaded(NamedTuple):
    seen: np.ndarray
    """What the network gets, uint8 (S, S, 3)."""
    picture: np.ndarray
    """The same in the image's own shape."""


def visualize(
    explainer: Explainer, view: FixedView, inputs: Sequence[Input], out: Path, *, classes: Sequence[str] | None = None
) -> Iterator[Visualized]:
    """Draws images batch by batch, each into a folder of its own, which is there whole or not at all.

    Args:
        explainer: the network.
        view: its own.
        inputs: the images.
        out: where the folders go, named after the images; made where it is not there.
        classes: of each input the class that Grad-CAM explains; "", and None for all, is the class answered.

    Returns:
        One an input, in order.

    Raises:
        UsageError: a folder is there already, and nothing is drawn; or the network knows no such class.
        ValueError: there are not as many classes as inputs.
        StorageError: the pictures cannot be written.
    """
    wanted = [""] * len(inputs) if classes is None else classes
    for name in dict.fromkeys(wanted):
        explainer.label_of(name)
    folders = [out / stem for stem in image_stems(each.path for each in inputs)]
    for folder in folders:
        if folder.exists() or folder.is_symlink():
            raise UsageError(f"{folder} is there already: take another --out, or move it away")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(out, error) from error
    return _visualize(explainer, view, list(zip(inputs, folders, wanted, strict=True)))


def _visualize(explainer: Explainer, view: FixedView, every: Sequence[tuple[Input, Path, str]]) -> Iterator[Visualized]:
    rest = iter(every)
    while group := list(islice(rest, explainer.batch_size)):
        loaded = [_load(source, view) for source, _, _ in group]
        drawn = [
            (each.seen, name) for each, (_, _, name) in zip(loaded, group, strict=True) if isinstance(each, _Loaded)
        ]
        seen, classes = zip(*drawn, strict=True) if drawn else ((), ())
        explanations = iter(explainer(np.stack(seen), classes) if drawn else ())
        for (source, folder, _), each in zip(group, loaded, strict=True):
            if isinstance(each, _Loaded):
                yield _draw(source.path, each.picture, next(explanations), folder)
            else:
                yield Visualized(source.path, error=each)


def _load(source: Input, view: FixedView) -> _Loaded | str:
    try:
        pixels = source.decode()
        seen = view(pixels)
    except BadImageError as error:
        return str(error)
    # What is squeezed for the network is drawn in its own shape; what is cut out has it already.
    picture = seen if view.resize_to else pixels
    return _Loaded(seen, fit(picture, _MOST_PIXELS) if max(picture.shape) > _MOST_PIXELS else picture)


def _draw(path: str, picture: np.ndarray, explanation: Explanation, folder: Path) -> Visualized:
    if not explanation.finite:
        return Visualized(path, error="the network's answer, or what it is made of, is not finite")
    try:
        with atomic_folder(folder) as partial:
            names = write_pictures(partial, picture, explanation, name=path)
    except OSError as error:
        if error.errno == errno.EEXIST:
            raise UsageError(f"{folder} was made by somebody else in the meantime") from error
        raise _cannot_write(folder, error) from error
    return Visualized(path, tuple(folder / name for name in names))


def _cannot_write(folder: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot write to {folder}: {error.strerror or error}")
