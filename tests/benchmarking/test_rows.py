"""Rows: ratios, limits, and what the file has."""

import pytest

from simam_jax.benchmarking.plan import SUITES, Budget, Plan
from simam_jax.benchmarking.rows import Row, make_rows
from simam_jax.benchmarking.suites.step import loss_differences, step_cases, tell_differences

FIELDS = ["suite", "case", "who", "dtype", "median_s", "min_s", "max_s", "n", "ratio_to_ours", "limit_fraction"]


def test_ratio_and_limit():
    rows = make_rows("step", "c", "float32", {"ours": [2.0, 1.0, 3.0], "peer": [4.0], "gone": []}, limit=0.5)
    assert [row.as_json() for row in rows] == [
        dict(zip(FIELDS, ("step", "c", "ours", "float32", 2.0, 1.0, 3.0, 3, 1.0, 0.25), strict=True)),
        dict(zip(FIELDS, ("step", "c", "peer", "float32", 4.0, 4.0, 4.0, 1, 2.0, 0.125), strict=True)),
    ]


def test_without_ours_there_is_no_ratio():
    (row,) = make_rows("step", "c", "float32", {"peer": [4.0]})
    assert (row.ratio_to_ours, row.limit_fraction) == (None, None)


def test_bytes_are_no_seconds():
    row = Row("memory", "c", "ours", "float32", (100.0,), unit="bytes").as_json()
    assert list(row) == [*FIELDS, "median_bytes"]
    assert (row["median_s"], row["median_bytes"], row["n"]) == (None, 100.0, 1)


def test_losses_are_compared_with_ours(log):
    facts = {"ours": {"losses": [2.0, 0.5]}, "a": {"losses": [2.0002, 0.5]}, "b": {"losses": [2.0, float("nan")]}}
    differences = loss_differences(facts | {"limit": {"work": 1}})
    assert differences["a"] == pytest.approx(1e-4)
    tell_differences("case", differences | {"c": 0.5}, 1e-3)
    assert [record.getMessage().split()[4] for record in log.records] == ["b", "c"]
    assert loss_differences({"a": {"losses": [1.0]}}) == {}


def test_every_machine_has_every_network_plain_and_with_simam():
    for small, gpu in ((True, False), (False, False), (False, True)):
        cases = step_cases(Plan(small=small, gpu=gpu, cores=2))
        assert len({(case.network, case.attention, case.dtype) for case in cases}) == len(cases) == 12
    assert {case.batch for case in cases} == {128}
    assert cases[0].dtype == "bfloat16"


def test_all_suites_on_a_gpu_fit_into_eight_minutes():
    plan = Plan(small=False, gpu=True, cores=16)
    assert sum(plan.budget(suite).seconds for suite in SUITES) < 480
    budget = Budget(100.0, end=0.0)
    assert budget.timeout == 1.0
    assert not budget.begin_case()


def test_a_case_begins_only_if_the_longest_before_would_fit(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("simam_jax.benchmarking.plan.time.monotonic", lambda: now[0])
    budget = Budget(100.0, _start=0.0)
    began = []
    times = [(1.0, "slow"), (31.0, "slow"), (61.0, "slow"), (71.0, "slow"), (72.0, "quick"), (99.0, "quick")]
    for now[0], kind in times:
        began.append(budget.begin_case(kind))
    assert began == [True, True, True, False, True, False]
