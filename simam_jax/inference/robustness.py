"""What a classifier still recognises in images made worse."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from simam_jax.data.corruption import CORRUPTIONS, STRENGTHS, corrupt
from simam_jax.inference.evaluation import evaluate
from simam_jax.inference.forward import Forward
from simam_jax.inference.restore import Classifier
from simam_jax.inference.split import Split


def measure_robustness(classifier: Classifier, split: Split, forward: Forward) -> Mapping[tuple[str, int], np.ndarray]:
    """Runs a classifier over a split once for every corruption at every strength.

    Images are corrupted as the network would see them, after their view, the same for every classifier.

    Args:
        classifier: the network.
        split: the images; cached, they are decoded once.
        forward: the classifier's.

    Returns:
        By corruption and strength which images were recognised, bool (N,), in the order of `evaluate`.

    Raises:
        UsageError: no image could be read.
    """
    found = {}
    for name in CORRUPTIONS:
        for strength in STRENGTHS:
            records = split.records.changed_by(partial(_corrupt, name, strength))
            worse = evaluate(classifier, replace(split, records=records), forward)
            found[name, strength] = worse.labels == worse.predictions
    return found


def _corrupt(name: str, strength: int, image: np.ndarray, place: int) -> np.ndarray:
    return corrupt(image, name, strength, index=place)
