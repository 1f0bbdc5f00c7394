"""A run's network that explains, compiled once."""

import numpy as np
import pytest

LAYERS = ("stage4", "inception1")


@pytest.fixture(scope="session")
def classifier(tiny_run):
    """Without optimizer and data."""
    from simam_jax.inference.restore import restore

    return restore(tiny_run.path, "latest")


@pytest.fixture(scope="session")
def explainer(classifier):
    """Of two layers."""
    from simam_jax.explain.explainer import Explainer

    return Explainer(classifier, layers=LAYERS)


@pytest.fixture(scope="session")
def images():
    """One more than are computed at once, on two devices."""
    return np.random.default_rng(0).integers(0, 256, (9, 128, 128, 3), np.uint8)


@pytest.fixture(scope="session")
def explanations(explainer, images):
    """Of all images."""
    return explainer(images)
