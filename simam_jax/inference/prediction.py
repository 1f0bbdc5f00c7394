"""A checkpoint asked about any images, as they come."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
from scipy.special import softmax

from simam_jax.data.decode import BadImageError
from simam_jax.errors import UsageError
from simam_jax.inference.forward import Forward
from simam_jax.inference.inputs import Input
from simam_jax.inference.restore import Classifier
from simam_jax.reporting.prediction import Guess, Prediction

# Images a call: few enough that the first answers come soon, and enough to keep a device busy.
_BATCH_SIZE = 16


def predict(classifier: Classifier, inputs: Iterable[Input], *, top_k: int) -> Iterator[list[Prediction]]:
    """Asks about images, batch by batch; two batches of resized images are in memory at most.

    Args:
        classifier: the network.
        inputs: the images; one that cannot be read gives a prediction with an error.
        top_k: how many classes an image gets, or all where there are fewer.

    Returns:
        Predictions, one an input, in order, as each batch is done.

    Raises:
        UsageError: top_k is below 1.
    """
    if top_k < 1:
        raise UsageError(f"--top-k must be at least 1, got {top_k}")
    return _predict(classifier, inputs, top_k)


def _predict(classifier: Classifier, inputs: Iterable[Input], top_k: int) -> Iterator[list[Prediction]]:
    forward = Forward(classifier, batch_size=_BATCH_SIZE)
    for batch in _load_ahead(classifier, inputs, forward.batch_size):
        images = [pixels for _, pixels in batch if isinstance(pixels, np.ndarray)]
        logits = iter(forward.images(np.stack(images)) if images else ())
        yield [
            _answer(each.path, next(logits), classifier.classes, top_k)
            if isinstance(pixels, np.ndarray)
            else Prediction(each.path, error=pixels)
            for each, pixels in batch
        ]


# Pixels, uint8 (S, S, 3), or why there are none.
_Loaded = np.ndarray | str


def _load_ahead(
    classifier: Classifier, inputs: Iterable[Input], batch_size: int
) -> Iterator[list[tuple[Input, _Loaded]]]:
    """Batches of inputs and their pixels; the next batch is decoded in threads meanwhile."""
    rest = iter(inputs)
    pool = ThreadPoolExecutor(os.cpu_count())
    started: deque[list[tuple[Input, Future[_Loaded]]]] = deque()
    try:
        while group := list(islice(rest, batch_size)):
            started.append([(each, pool.submit(_load, classifier, each)) for each in group])
            if len(started) > 1:
                yield [(each, future.result()) for each, future in started.popleft()]
        for group in started:
            yield [(each, future.result()) for each, future in group]
    finally:
        pool.shutdown(cancel_futures=True)


def _load(classifier: Classifier, source: Input) -> _Loaded:
    try:
        return classifier.view(source.decode())
    except BadImageError as error:
        return str(error)


def _answer(path: str, logits: np.ndarray, classes: tuple[str, ...], top_k: int) -> Prediction:
    if not np.isfinite(logits).all():
        return Prediction(path, error="the network's answer is not finite")
    probabilities = softmax(logits.astype(np.float64))
    # Stable: of equally probable classes the lower label comes first, as in the metrics.
    order = np.argsort(-probabilities, kind="stable")[:top_k]
    return Prediction(path, tuple(Guess(classes[label], float(probabilities[label])) for label in order))
