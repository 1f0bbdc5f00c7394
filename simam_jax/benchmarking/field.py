"""Who takes part: ours, stock Flax, and the peers whose interpreter is given."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from simam_jax.benchmarking.contestant import Contestant
from simam_jax.benchmarking.plan import Plan
from simam_jax.benchmarking.rows import OURS
from simam_jax.errors import UsageError

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "benchmarks"

_SERVE = [sys.executable, "-m", "simam_jax.benchmarking.serve"]
_CHECK_S = 120
# What `keep_freed_memory` arranges, by glibc's own variables.
_KEEPS_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


@dataclass(frozen=True)
class Field:
    """The contestants, none of them started.

    Attributes:
        referee: measures the machine's limits and hands out the weights; its times are nobody's.
        ours, stock: this project's operations, and the same networks on XLA's own.
        peers: PyTorch's, where its interpreter is given.
        keeping: stock and PyTorch eager once more, keeping on a CPU the memory that they free, as ours does.
        peer_python: that interpreter.
    """

    referee: Contestant
    ours: Contestant
    stock: Contestant
    peers: tuple[Contestant, ...]
    keeping: tuple[Contestant, ...]
    peer_python: str | None

    @property
    def all(self) -> tuple[Contestant, ...]:
        """Whoever is measured, ours first."""
        return (self.ours, self.stock, *self.peers)

    def measured(self, plan: Plan) -> tuple[Contestant, ...]:
        """All, and on a CPU those that keep their memory too, but not in a small run."""
        return self.all if plan.gpu or plan.small else (*self.all, *self.keeping)


def jax_contestant(
    who: str,
    implementation: str = "auto",
    *,
    keeps_memory: bool = True,
    environment: Mapping[str, str] | None = None,
) -> Contestant:
    """A contestant of this project's, by the implementation of its operations; it keeps freed memory as `main` does."""
    # Several processes share a GPU, so none may take all of its memory at the start.
    variables = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **python_path(), **(environment or {})}
    program = [*_SERVE, "--keep-memory"] if keeps_memory else _SERVE
    return Contestant(who, program, environment=variables, options={"implementation": implementation})


def torch_contestant(who: str, python: str, *, compiled: bool = False, keeps_memory: bool = False) -> Contestant:
    """PyTorch under an interpreter that has it."""
    return Contestant(
        who,
        [python, str(PEERS / "torch_peer.py")],
        family="torch",
        environment=_KEEPS_MEMORY if keeps_memory else None,
        options={"compile": compiled},
    )


def python_path() -> dict[str, str]:
    """So that a process that we start imports the package that we are."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


@contextlib.contextmanager
def take_the_field(peer_python: str | None) -> Iterator[Field]:
    """All contestants; their processes end with the block."""
    with contextlib.ExitStack() as stack:
        peers: list[Contestant] = []
        keeping = [jax_contestant("stock Flax, memory kept", "xla")]
        if peer_python:
            keeping.append(torch_contestant("PyTorch eager, memory kept", peer_python, keeps_memory=True))
            peers.append(torch_contestant("PyTorch eager", peer_python))
            peers.append(torch_contestant("PyTorch compiled", peer_python, compiled=True))
        field = Field(
            referee=stack.enter_context(jax_contestant("referee")),
            ours=stack.enter_context(jax_contestant(OURS)),
            stock=stack.enter_context(jax_contestant("stock Flax", "xla", keeps_memory=False)),
            peers=tuple(stack.enter_context(peer) for peer in peers),
            keeping=tuple(stack.enter_context(each) for each in keeping),
            peer_python=peer_python,
        )
        yield field


def check_peer(python: str) -> str:
    """The version of PyTorch that an interpreter has.

    Raises:
        UsageError: it does not run, has no PyTorch, or the peers' programs are not here.
    """
    if not (PEERS / "torch_peer.py").exists():
        raise UsageError(
            f"--peer-python needs the peers' programs, which are in benchmarks/ of a checkout and not in an installed "
            f"package: there is no {PEERS / 'torch_peer.py'}"
        )
    try:
        asked = subprocess.run(
            [python, "-c", "import numpy, torch; print(torch.__version__)"],
            capture_output=True,
            text=True,
            timeout=_CHECK_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"--peer-python {python} cannot be run: {error}") from error
    if asked.returncode:
        reason = (asked.stderr.strip().splitlines() or ["it does not say why"])[-1]
        raise UsageError(f"--peer-python {python} cannot import torch and numpy: {reason}")
    return asked.stdout.strip().splitlines()[-1]
