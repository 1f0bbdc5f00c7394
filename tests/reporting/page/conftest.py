"""A study and a run to draw pages from, with names that would break a careless page."""

import os
from pathlib import Path

import numpy as np
import pytest

# pytest puts this folder on the path.
from simulated_files import Images, make_images, simulate, write_data, write_explanation, write_run, write_study

from simam_jax.reporting.page import write_page

EFFECTS = {"simam": 1.5, "se:reduction=8": 0.0}


@pytest.fixture(scope="session")
def images() -> Images:
    return make_images(np.random.default_rng(0))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, images: Images) -> Path:
    folder = tmp_path_factory.mktemp("data") / "prepared"
    write_data(folder, images)
    return folder


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory, images: Images, data: Path) -> Path:
    """Three attentions, eight seeds, and a page."""
    folder = tmp_path_factory.mktemp("studies") / "study"
    write_study(folder, images, data=data, effects=EFFECTS)
    for attention in ("none", "simam"):
        simam = {"attention3": 4, "attention4": 2} if attention == "simam" else {}
        write_explanation(folder / "explanations" / f"towernet-{attention}" / "an_image", simam=simam)
    write_page(folder)
    return folder


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, images: Images, data: Path) -> Path:
    """A finished run, evaluated, whose data folder its config names relative to a folder above it."""
    top = data.parent
    folder = top / "runs" / "one"
    write_run(folder, simulate(np.random.default_rng(5), images, 0.5), data=Path(os.path.relpath(data, top)))
    write_page(folder)
    return folder
