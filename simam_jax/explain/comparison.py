"""Grad-CAM of two runs side by side, such as with and without attention."""

from collections.abc import Sequence

import numpy as np

from simam_jax.errors import UsageError
from simam_jax.explain.explainer import Explainer
from simam_jax.inference.restore import Classifier
from simam_jax.reporting.explanation import Explanation


def explain_side_by_side(
    first: Classifier,
    second: Classifier,
    images: Sequence[np.ndarray],
    classes: Sequence[str],
    *,
    layers: Sequence[str] = (),
) -> list[tuple[Explanation, Explanation]]:
    """Explains the same images by two networks, for the same classes, each seeing them in its own way.

    The maps' units differ between networks: compare where they are large, not how large.

    Args:
        first, second: of the same classes, in the same order.
        images: decoded, uint8 (H, W, 3) of any sizes; at least one.
        classes: of each image the class that Grad-CAM explains, such as the true one.
        layers: that Grad-CAM is of, in both; none is each network's own, see `choose_layers`.

    Raises:
        UsageError: the runs know other classes, or one of the networks has no such layer or class.
        BadImageError: an image is too narrow for a view.
    """
    if first.classes != second.classes:
        raise UsageError("the runs know other classes, so that one cannot be set beside the other")
    return list(zip(*(_explain(each, images, classes, layers) for each in (first, second)), strict=True))


def _explain(
    classifier: Classifier, images: Sequence[np.ndarray], classes: Sequence[str], layers: Sequence[str]
) -> list[Explanation]:
    explainer = Explainer(classifier, layers=layers)
    return explainer(np.stack([classifier.view(image) for image in images]), classes)
