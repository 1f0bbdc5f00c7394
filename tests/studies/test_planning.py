"""What a study is before anything is trained."""

import pytest

from simam_jax.data.preparation import prepare
from simam_jax.studies.planning import Plan, plan
from simam_jax.studies.study import Study


@pytest.fixture
def planned(tmp_path, root):
    """The plan of a study of handwritten digits."""
    prepare("digits", tmp_path / "digits", classes="0,1")

    def planned(**asked) -> Plan:
        config = f"{root}/configs/towernet.py:{tmp_path / 'digits'}"
        return plan(
            Study(config, "", **{"models": (), "attentions": ("none", "simam"), "seeds": 8, "epochs": 0, **asked})
        )

    return planned


def test_an_attention_in_several_spellings_is_compared_once(planned, log):
    spellings = ("none", "simam", "simam:e_lambda=1e-4", "se:reduction=16", "simam:e_lambda=0.0001", "simam:", "se")
    with log.at_level("WARNING", logger="simam_jax"):
        assert planned(attentions=spellings).study.attentions == ("none", "simam", "se:reduction=16")
    assert "simam:e_lambda=1e-4, simam:e_lambda=0.0001, simam:, se: the same as one before" in log.text
    different = ("none", "simam", "simam:e_lambda=0.1", "se", "se:reduction=8")
    assert planned(attentions=different).study.attentions == different
