"""What classifiers still recognise in images made worse."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from jax.sharding import Mesh

from simam_jax.data.corruption import CORRUPTIONS, STRENGTHS, corrupt
from simam_jax.data.pipeline import eval_batches
from simam_jax.data.records import Records
from simam_jax.errors import UsageError
from simam_jax.inference.forward import Forward
from simam_jax.inference.restore import Classifier
from simam_jax.inference.split import Split
from simam_jax.training.feed import feed

Recognised = Mapping[tuple[str, int], np.ndarray]
"""By corruption and strength which images were recognised, bool (N,), in the order of `evaluate`."""


def measure_robustness(classifiers: Sequence[Classifier], split: Split, forward: Forward) -> list[Recognised]:
    """Runs classifiers over a split once for every corruption at every strength.

    Images are corrupted as the networks would see them, after their view, the same for every classifier. Each is
    corrupted once, however many classifiers there are: that takes longer than asking a small network.

    Args:
        classifiers: checkpoints of one run.
        split: the images; cached, they are decoded once.
        forward: of one of them.

    Returns:
        One for each classifier.

    Raises:
        UsageError: no image could be read.
    """
    if not classifiers:
        return []
    forwards = [forward.at(each) for each in classifiers]
    found: list[dict[tuple[str, int], np.ndarray]] = [{} for _ in classifiers]
    for name in CORRUPTIONS:
        for strength in STRENGTHS:
            worse = split.records.changed_by(partial(_corrupt, name, strength))
            for each, marks in zip(found, _recognised(worse, forwards, classifiers[0].mesh), strict=True):
                if not len(marks):
                    raise UsageError(f"no image of the {split.label} split could be read")
                each[name, strength] = marks
    return list(found)


def _recognised(records: Records, forwards: Sequence[Forward], mesh: Mesh) -> list[np.ndarray]:
    marks: list[list[np.ndarray]] = [[] for _ in forwards]
    for batch in feed(eval_batches(records, batch_size=forwards[0].batch_size), mesh):
        counts, labels = np.asarray(batch["mask"]) > 0, np.asarray(batch["label"])
        for each, forward in zip(marks, forwards, strict=True):
            each.append((np.asarray(forward(batch)).argmax(-1) == labels)[counts])
    return [np.concatenate(each) for each in marks]


def _corrupt(name: str, strength: int, image: np.ndarray, place: int) -> np.ndarray:
    return corrupt(image, name, strength, index=place)
