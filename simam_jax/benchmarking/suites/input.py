"""Images from class folders to batches, and how long a step waits for them."""

import importlib.util
import json
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simam_jax.benchmarking.competition import compete
from simam_jax.benchmarking.contestant import Contestant, ContestantError
from simam_jax.benchmarking.field import PEERS, Field, jax_contestant, torch_contestant
from simam_jax.benchmarking.plan import Budget, Plan
from simam_jax.benchmarking.rows import OURS, Row, make_rows
from simam_jax.benchmarking.suites.step import StepCase
from simam_jax.errors import UsageError
from simam_jax.profiling.timing import spread

_log = logging.getLogger(__name__)

WAITING = "of which waiting"

_NEEDED = ("grain", "PIL", "cv2", "clu", "ml_collections")
_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp"}
_IMAGE_SIZE = 256
# Of a run: one alone may be ready from before, or half of the next.
_BATCHES = 8


@dataclass(frozen=True)
class Images:
    """Image files in class folders.

    Attributes:
        title: what they are, for the results.
        root: the folder; files are named from it.
        files, labels: names and class numbers.
    """

    title: str
    root: Path
    files: tuple[str, ...]
    labels: tuple[int, ...]


def find_images(data: Path | None) -> Images:
    """The images of a prepared folder's `train` or of a tree of class folders; without one, scikit-learn's photographs.

    Raises:
        UsageError: there are none.
    """
    if data is None:
        return _photographs()
    root = data / "train" if (data / "train").is_dir() else data
    paths = sorted(path for path in root.glob("*/*") if path.suffix.lower() in _ENDINGS) if root.is_dir() else []
    if not paths:
        raise UsageError(f"--data {data} has no class folders with .jpg, .png or .bmp images")
    classes = sorted({path.parent.name for path in paths})
    names = tuple(str(path.relative_to(root)) for path in paths)
    return Images(data.name, root, names, tuple(classes.index(path.parent.name) for path in paths))


def _photographs() -> Images:
    found = importlib.util.find_spec("sklearn")
    folder = Path(found.origin or "").parent / "datasets" / "images" if found else Path("nowhere")
    names = sorted(path.name for path in folder.glob("*.jpg"))
    if not names:
        raise UsageError("the input suite takes scikit-learn's photographs, which are not here: give --data DIR")
    # As many as a small data set has, so that the cases are like those of others.
    repeated = names * 64
    return Images("scikit-learn's photographs", folder, tuple(repeated), tuple(names.index(each) for each in repeated))


def measure_input(field: Field, plan: Plan, budget: Budget, data: Path | None = None) -> Iterator[list[Row]]:
    """Seconds an image of every pipeline; then seconds a step on cached images, and those it waits for them."""
    lacking = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        _log.warning("left out: input: this installation lacks %s (pip install 'simam-jax[train]')", ", ".join(lacking))
        return
    try:
        images = find_images(data)
    except UsageError as error:
        _log.warning("left out: input: %s", error)
        return
    with tempfile.TemporaryDirectory(prefix="simam_jax-") as folder:
        listing = Path(folder) / "images.json"
        content = {"root": str(images.root), "files": images.files, "labels": images.labels}
        listing.write_text(json.dumps(content))
        yield from _decoding(field, plan, budget, images, listing)
        yield from _waiting(plan, budget, images, listing)


def _decoding(field: Field, plan: Plan, budget: Budget, images: Images, listing: Path) -> Iterator[list[Row]]:
    workers, batch = plan.cores, 8 if plan.small else 32
    spec = {
        "job": "decode",
        "list": str(listing),
        "image_size": _IMAGE_SIZE,
        "antialias": False,
        "batch": batch,
        "workers": workers,
        "batches": _BATCHES,
        "ahead": 4 + 4 * workers,
    }
    budget.begin_case()
    with ExitStack() as stack:
        contestants = [stack.enter_context(each) for each in _decoders(field)]
        case = f"{images.title} to {_IMAGE_SIZE}², {workers} workers"
        outcome = compete(f"input: {case}", spec, contestants, plan=plan, budget=budget)
    a_image = {who: [seconds / (batch * _BATCHES) for seconds in values] for who, values in outcome.samples.items()}
    for who, values in a_image.items():
        _log.info("input: %s: %.0f images/s a core", who, 1 / (spread(values).median * workers))
    yield make_rows("input", case, "uint8", a_image)


def _decoders(field: Field) -> list[Contestant]:
    antialiased = jax_contestant("ours, antialiased")
    antialiased.options["antialias"] = True
    contestants = [jax_contestant(OURS), antialiased]
    if field.peer_python:
        contestants.append(torch_contestant("PyTorch DataLoader", field.peer_python))
    if not (PEERS / "tf_data.py").exists():
        _log.warning("left out: input: tf.data: the peers' programs are in a checkout only, not in a package")
    elif importlib.util.find_spec("tensorflow") is None:
        _log.warning("left out: input: tf.data: TensorFlow is not installed")
    else:
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}
        contestants.append(Contestant("tf.data", [sys.executable, str(PEERS / "tf_data.py")], environment=quiet))
    return contestants


def _waiting(plan: Plan, budget: Budget, images: Images, listing: Path) -> Iterator[list[Row]]:
    size, batch = (128, 4) if plan.small else (256, 128 if plan.gpu else 32)
    case = StepCase("towernet", "simam", "bfloat16" if plan.gpu else "float32", size, batch)
    title = f"input: {case.name}, cached"
    if not budget.begin_case():
        _log.warning("left out for want of time: %s", title)
        return
    spec: dict[str, Any] = {**case.spec("waiting", listing), "list": str(listing), "antialias": False}
    steps, waits = [], []
    count = 3 if plan.small else 20 if plan.gpu else 3
    try:
        with jax_contestant(OURS) as contestant:
            contestant.prepare(spec, timeout=budget.timeout)
            for _ in range(plan.rounds):
                answer = contestant.run(count, timeout=budget.timeout)
                steps.append(answer["seconds"] / count)
                waits.append(answer["waited"] / count)
    except ContestantError as error:
        _log.warning("left out: %s: %s", title, error)
        return
    rows = make_rows("input", f"{case.name}, cached", case.dtype, {OURS: steps, WAITING: waits})
    _log.info("%s: a step waits for %.2f %% of its time", title, 100 * (rows[1].ratio_to_ours or 0))
    yield rows
