"""The wire to a contestant, and how one fails."""

import json
import sys
from pathlib import Path

import pytest

from simam_jax.benchmarking.competition import compete
from simam_jax.benchmarking.contestant import Contestant, ContestantError
from simam_jax.benchmarking.plan import Budget, Plan

FAKE = str(Path(__file__).with_name("fake_contestant.py"))
PLAN = Plan(small=True, gpu=False, cores=2)


def fake(who: str, **how) -> Contestant:
    return Contestant(who, [sys.executable, FAKE, json.dumps({"name": who, **how})], options={"own": who})


def test_it_prepares_with_its_own_options_and_runs():
    with fake("a", facts={"work": 7}) as contestant:
        facts = contestant.prepare({"job": "x"}, timeout=20.0)
        assert facts == {"work": 7, "spec": {"prepare": {"job": "x", "own": "a"}}}
        assert contestant.run(5, timeout=20.0) == {"seconds": 0.005}


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"dies": "start"}, "ended with 1: no such device"),
        ({"dies": "prepare"}, "ended with 1: MemoryError: no memory left"),
        ({"refuses": True}, "cannot do that"),
    ],
)
def test_a_failure_says_why(how, said):
    with fake("a", **how) as contestant, pytest.raises(ContestantError, match=said):
        contestant.prepare({}, timeout=20.0)


def test_a_program_that_is_not_there():
    with Contestant("a", ["/nowhere/python"]) as contestant, pytest.raises(ContestantError, match="cannot be started"):
        contestant.start()


def test_one_that_hangs_is_ended_and_can_start_again():
    with fake("a", hangs=True) as contestant:
        contestant.prepare({}, timeout=20.0)
        with pytest.raises(ContestantError, match="took too long"):
            contestant.run(1, timeout=0.2)
        with pytest.raises(ContestantError, match="is not running"):
            contestant.run(1, timeout=0.2)
        contestant.prepare({}, timeout=20.0)


def test_a_round_is_everybody_in_turn(tmp_path):
    log = str(tmp_path / "log")
    with fake("a", log=log) as a, fake("b", log=log) as b, fake("r", log=log) as limit:
        compete("case", {}, [a, b], plan=PLAN, budget=Budget(60.0), limit=(limit, {}))
    order = Path(log).read_text().split()
    assert order == ["a", "a", "b", "b", "r", "r"] * (1 + PLAN.rounds)


def test_whoever_fails_is_said_and_the_others_go_on(log):
    with fake("a") as a, fake("b", dies="run") as b, fake("c", refuses=True) as c:
        outcome = compete("case", {}, [a, b, c], plan=PLAN, budget=Budget(60.0))
    assert list(outcome.samples) == ["a"]
    assert outcome.samples["a"] == pytest.approx([0.001] * PLAN.rounds)
    assert "left out: case: b: ended with 3" in log.text
    assert "left out: case: c: cannot do that" in log.text


def test_the_limit_is_scaled_to_the_work_of_the_others():
    with (
        fake("a", seconds=0.004, facts={"work": 30}) as a,
        fake("r", seconds=0.001, facts={"work": 10}) as limit,
    ):
        outcome = compete("case", {}, [a], plan=PLAN, budget=Budget(60.0), limit=(limit, {}))
    assert outcome.limit == pytest.approx([0.003] * PLAN.rounds)
