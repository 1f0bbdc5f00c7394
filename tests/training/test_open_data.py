"""Of several processes one prepares, and the others open what they may see only later."""

import shutil
import threading
import time
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from simam_jax.errors import UsageError
from simam_jax.training import experiment


@pytest.fixture
def asked(monkeypatch):
    """This process is not the first of its group; what it has the first do."""
    asked = []
    monkeypatch.setattr(experiment, "is_first", lambda: False)
    monkeypatch.setattr(experiment, "from_first", asked.append)
    return asked


def open_data(folder: Path):
    return experiment.open_data(ConfigDict({"dir": str(folder), "source": "digits"}))


def test_what_appears_late_is_waited_for(asked, tiny_run, tmp_path):
    def appear():
        time.sleep(0.2)
        shutil.copytree(tiny_run.data, tmp_path / "data")

    thread = threading.Thread(target=appear)
    thread.start()
    assert open_data(tmp_path / "data").classes == ("one", "two, or so", "zero")
    thread.join()
    assert len(asked) == 1


def test_the_first_is_asked_wherever_the_data_is_seen(asked, tiny_run):
    """Or the processes would not ask equally often."""
    open_data(tiny_run.data)
    assert len(asked) == 1


def test_what_never_appears_is_missing(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "_UNSEEN_S", 0.1)
    with pytest.raises(UsageError, match="no prepared data in"):
        open_data(tmp_path / "data")
