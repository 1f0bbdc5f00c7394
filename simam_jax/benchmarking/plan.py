"""How much is measured, by the machine and the time there is."""

import time
from dataclasses import dataclass, field

SUITES = ("step", "attention", "input", "start", "memory")

# Seconds. A case that has begun may take longer than its suite has, but on a GPU all five end within eight minutes.
_ALL_ON_A_GPU_S = 470.0
_LEAST_TIMEOUT_S = 60.0
_BUDGETS = {
    "small": {"step": 100.0, "attention": 20.0, "input": 60.0, "start": 30.0, "memory": 40.0},
    "gpu": {"step": 210.0, "attention": 70.0, "input": 50.0, "start": 50.0, "memory": 70.0},
    "cpu": {"step": 2400.0, "attention": 240.0, "input": 240.0, "start": 240.0, "memory": 600.0},
}


@dataclass(frozen=True)
class Plan:
    """The size of a benchmark.

    Attributes:
        small: tiny shapes, for a look at whether everything runs.
        gpu: whether there is one.
        cores: of the CPU that this process may use.
        alone: whether one suite runs alone, and so may take twice as long.
    """

    small: bool
    gpu: bool
    cores: int
    alone: bool = False
    _start: float = field(default_factory=time.monotonic)

    @property
    def rounds(self) -> int:
        """Measurements of each contestant of a case."""
        return 3 if self.small else 5

    @property
    def seconds(self) -> float:
        """About how long a measurement takes."""
        return 0.05 if self.small else 0.3 if self.gpu else 1.0

    @property
    def lanes(self) -> int:
        """How many contestants may prepare at the same time: two where compiling for a GPU leaves cores free."""
        return 2 if self.gpu and self.cores >= 8 else 1

    def budget(self, suite: str) -> "Budget":
        """The time of a suite, which begins to run."""
        seconds = _BUDGETS["small" if self.small else "gpu" if self.gpu else "cpu"][suite]
        end = self._start + _ALL_ON_A_GPU_S if self.gpu and not self.alone else float("inf")
        return Budget(seconds * (2 if self.alone else 1), end)


@dataclass
class Budget:
    """Time that runs from when it is made.

    Attributes:
        seconds: in all.
        end: by `time.monotonic`, when everything must have ended.
    """

    seconds: float
    end: float = float("inf")
    _start: float = field(default_factory=time.monotonic)
    _longest: dict[str, float] = field(default_factory=dict)
    _case: tuple[str, float] | None = None

    @property
    def deadline(self) -> float:
        """Its end, by `time.monotonic`."""
        return min(self._start + self.seconds, self.end)

    @property
    def timeout(self) -> float:
        """Seconds that whatever begins now may take: what is left, but enough for a case that has begun to end."""
        now = time.monotonic()
        return min(max(self.deadline - now, _LEAST_TIMEOUT_S), max(self.end - now, 1.0))

    def begin_case(self, kind: str = "") -> bool:
        """Whether another case fits, if it takes as long as the longest of its kind before it."""
        now = time.monotonic()
        if self._case is not None:
            before, began = self._case
            self._longest[before] = max(self._longest.get(before, 0.0), now - began)
        self._case = kind, now
        return now + self._longest.get(kind, 0.0) <= self.deadline
