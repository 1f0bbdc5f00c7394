"""A network's layers as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from simam_jax.reporting.text_table import align

_CONVENTIONS = {
    "layers": "convolutions and linear layers alone",
    "paper": "convolutions, linear layers, and two an element of a batch norm",
}


def describe_network(summary: Mapping[str, Any]) -> str:
    """A line a layer, and the totals.

    Args:
        summary: as `simam_jax.profiling.network.summarise` gives it.
    """
    rows = [("layer", "type", "output", "parameters", "multiply-adds")]
    rows += [
        (each["path"], each["type"], _shape(each["output_shape"]), _count(each, "parameters"), _macs(each))
        for each in summary["layers"]
    ]
    totals, size = summary["totals"], summary["image_size"]
    lines = [
        ("input", f"{size}×{size}×3"),
        ("parameters", f"{totals['parameters']:,}"),
        ("batch statistics", f"{totals['batch_stats']:,}"),
        ("multiply-adds", f"{totals['multiply_adds']:,} ({_CONVENTIONS[summary['convention']]})"),
        ("FLOPs", f"{totals['flops']:,} (two a multiply-add)"),
        ("activations", f"{totals['activation_bytes'] / 1e6:.1f} MB (the layers' outputs)"),
    ]
    return f"{align(rows, left=2)}\n\n{align(lines, left=2)}\n\nMultiply-adds, FLOPs and activations are of one image."


def _shape(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _count(layer: Mapping[str, Any], field: str) -> str:
    return f"{layer[field]:,}"


def _macs(layer: Mapping[str, Any]) -> str:
    return _count(layer, "multiply_adds") if layer["multiply_adds"] else "-"
