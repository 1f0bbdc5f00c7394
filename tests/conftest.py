"""What all tests share: two virtual CPU devices, strictness, and where the reference data lies."""

import gc
import logging
import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

# Before JAX is first imported.
os.environ["JAX_PLATFORMS"] = "cpu"
# Most of the tests' time would be LLVM's optimisation, and nothing here runs for long. Commands that are started have
# it, but for `process_group`'s.
# XLA_FLAGS=--xla_backend_optimization_level=3 brings it back.
os.environ["XLA_FLAGS"] = (
    f"--xla_force_host_platform_device_count=2 --xla_backend_optimization_level=0 {os.environ.get('XLA_FLAGS', '')}"
).strip()
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"

import hypothesis
from jaxtyping import install_import_hook

# How long an example takes is the machine's business.
hypothesis.settings.register_profile("any_machine", deadline=None)
hypothesis.settings.load_profile("any_machine")

_hook = install_import_hook("simam_jax", "beartype.beartype")
_hook.__enter__()

ROOT = Path(__file__).parents[1]

pytest_plugins = ["tiny_run"]


def pytest_configure(config: pytest.Config) -> None:
    """Compiled programs are kept, but not in the user's folder; pytest's worker processes share them."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="simam_jax-compiled-")
        os.environ["JAX_COMPILATION_CACHE_DIR"] = folder
        config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def python_environment() -> dict[str, str]:
    """The environment of a command run as a user would: one device, nothing of the tests' strictness."""
    # The last is set by JAX, when it is imported here.
    ours = {"XLA_FLAGS", "JAX_NUMPY_RANK_PROMOTION", "TF_CPP_MIN_LOG_LEVEL"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONEXECUTABLE": sys.executable}


@pytest.fixture(scope="module", autouse=True)
def _little_garbage() -> None:
    """Leaves little to look through for whoever collects garbage, as statsmodels does whenever it corrects p.

    What JAX and TensorFlow have imported and compiled until here is kept anyway, and is most of it.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """What the project's log says, also after a command has turned it to stderr."""
    monkeypatch.setattr(logging.getLogger("simam_jax"), "propagate", True)
    return caplog


def _shared(name: str) -> Path:
    path = ROOT.parent / "shared" / name
    if not path.exists():
        pytest.skip(f"reference data {name} is not here; it lies beside the project's folder where there is one")
    return path


@pytest.fixture(scope="session")
def golden() -> Path:
    """Numbers from the seed's own network, made with Paddle."""
    return _shared("golden")


@pytest.fixture(scope="session")
def photographs() -> Path:
    """Real photographs in class folders."""
    return _shared("data/caltech101_16/Images")
