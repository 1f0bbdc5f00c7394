"""Data are prepared by the first process only, and all ask it."""

import pytest
from ml_collections import ConfigDict

from simam_jax.data.preparation import prepare
from simam_jax.errors import UsageError
from simam_jax.training import experiment


def data(folder, source: str = "digits") -> ConfigDict:
    return ConfigDict({"dir": str(folder), "source": source})


def test_the_first_is_asked_also_where_the_data_are_seen(monkeypatch, tmp_path):
    """A process that looks late sees them, while another may have looked too early."""
    asked = []
    monkeypatch.setattr(experiment, "from_first", lambda function: asked.append(function()))
    prepare("digits", tmp_path / "digits", classes="0,1")
    assert experiment.open_data(data(tmp_path / "digits")).classes == ("0", "1")
    assert asked == [None]


def test_what_only_a_download_would_bring_is_not_prepared(tmp_path):
    with pytest.raises(UsageError, match=r"no prepared data in .*: make it with `python -m simam_jax.prepare"):
        experiment.open_data(data(tmp_path / "flowers", source="flowers"))
