"""What is said below a study's table of costs."""

from collections.abc import Mapping

_WORK = (
    "Multiply-adds are those of convolutions and linear layers alone, and FLOPs are twice as many: what SimAM itself "
    "computes is not among them, and shows in the times. Times are of normalised images in memory, without the reading "
    "and augmenting of images."
)
# By what studies/costs.py calls it.
_MEMORY = {
    "compiler": "what XLA says that the compiled step takes, its arguments and results included",
    "allocator": "the most that the device's allocator counted, beyond what was taken before",
    "process": "the most resident memory, beyond what was taken before, which counts what the compiler keeps too, and "
    "is another one at each measurement",
}
UNSAID = "process"
"""How memory was counted where the file of costs, an earlier version's, does not say it."""


def costs_note(memory: Mapping[str, str]) -> str:
    """How the figures were come by, and what they leave out.

    Args:
        memory: of each variant whose memory was measured, by its name: "compiler", "allocator" or "process" counted it.
    """
    by_kind: dict[str, list[str]] = {}
    for name, kind in memory.items():
        by_kind.setdefault(kind, []).append(name)
    if not by_kind:
        return _WORK
    said = [_MEMORY[kind] + (f" ({', '.join(names)})" if len(by_kind) > 1 else "") for kind, names in by_kind.items()]
    return f"{_WORK} Peak memory is of a training step of a whole batch: {'; '.join(said)}."
