"""What every job of a contestant is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Spec = Mapping[str, Any]
"""What a job is to do, as it came over the wire; each kind says what it takes."""


@dataclass(frozen=True)
class Job:
    """Something prepared: compiled, warm, and with its data in place.

    Attributes:
        run: runs it that many times and waits for the end; what it returns goes into the answer.
        facts: what preparing it has shown, ready for JSON.
    """

    run: Callable[[int], dict[str, Any] | None]
    facts: dict[str, Any] = field(default_factory=dict)
