"""A benchmark's table."""

import pytest

from simam_jax.benchmarking.rows import Row
from simam_jax.reporting.benchmark_text import describe_benchmark, simam_costs


def rows() -> list[dict]:
    made = [
        Row("step", "towernet 256² b32 simam", "ours", "float32", (1.1,), 1.0, 0.5),
        Row("step", "towernet 256² b32 none", "ours", "float32", (1.0,), 1.0, 0.5),
        Row("step", "towernet 256² b32 simam", "limit: matmul", "float32", (0.5,), 0.5, 1.0),
        Row("memory", "towernet 256² b32 simam", "ours", "float32", (2.0**30,), unit="bytes"),
    ]
    return [row.as_json() for row in made]


def test_table():
    lines = describe_benchmark(rows()).splitlines()
    assert lines[1].split("  ")[-1] == "50 %"
    assert "1,024 MiB" in lines[4]
    assert lines[-1].split() == ["towernet", "256²", "b32", "ours", "float32", "+10.0", "%"]
    assert describe_benchmark([]) == "nothing was measured"


def test_the_cost_of_simam_needs_both():
    assert simam_costs(rows()[:1]) == []
    ((case, who, dtype, cost),) = simam_costs(rows())
    assert (case, who, dtype) == ("towernet 256² b32", "ours", "float32")
    assert cost == pytest.approx(0.1)
