"""The results of a benchmark as a table, and what follows from them."""

from collections.abc import Mapping, Sequence
from typing import Any

from simam_jax.reporting.text_table import align

_PLAIN, _SIMAM = " none", " simam"


def describe_benchmark(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line for every row, and what SimAM costs in each network.

    Args:
        rows: those of the result file.
    """
    if not rows:
        return "nothing was measured"
    header = ("suite", "case", "who", "dtype", "median", "min–max", "n", "ratio to ours", "of limit")
    parts = [align([header, *map(_line, rows)], left=4)]
    costs = simam_costs(rows)
    if costs:
        lines = [("SimAM's cost", "", "", ""), *((c, w, d, f"{100 * cost:+.1f} %") for c, w, d, cost in costs)]
        parts.append(align(lines, left=3))
    return "\n\n".join(parts)


def simam_costs(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, float]]:
    """(case, who, dtype, time with SimAM over time without it, less 1) of the networks that were measured with both."""
    medians = {(row["case"], row["who"], row["dtype"]): row["median_s"] for row in rows if row["suite"] == "step"}
    costs = []
    for (case, who, dtype), seconds in medians.items():
        plain = medians.get((case.removesuffix(_SIMAM) + _PLAIN, who, dtype))
        if case.endswith(_SIMAM) and plain and not who.startswith("limit"):
            costs.append((case.removesuffix(_SIMAM), who, dtype, seconds / plain - 1))
    return costs


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row["median_s"] is None:
        median, ends = f"{row['median_bytes'] / 2**20:,.0f} MiB", "-"
    else:
        median = f"{row['median_s'] * 1e3:,.4g} ms"
        ends = f"{row['min_s'] * 1e3:,.4g}–{row['max_s'] * 1e3:,.4g}"
    ratio, fraction = row["ratio_to_ours"], row["limit_fraction"]
    return (
        row["suite"],
        row["case"],
        row["who"],
        row["dtype"],
        median,
        ends,
        str(row["n"]),
        "-" if ratio is None else f"{ratio:.3f}",
        "-" if fraction is None else f"{100 * fraction:.0f} %",
    )
