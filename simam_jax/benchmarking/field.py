"""Who takes part: ours, stock Flax, and the peers whose interpreter is given."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simam_jax.benchmarking.contestant import Contestant
from simam_jax.benchmarking.rows import OURS
from simam_jax.errors import UsageError

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "benchmarks"

_SERVE = [sys.executable, "-m", "simam_jax.benchmarking.serve"]
_CHECK_S = 120


@dataclass(frozen=True)
class Field:
    """The contestants, none of them started.

    Attributes:
        referee: measures the machine's limits and hands out the weights; its times are nobody's.
        ours, stock: this project's operations, and the same networks on XLA's own.
        peers: PyTorch's, where its interpreter is given.
        peer_python: that interpreter.
    """

    referee: Contestant
    ours: Contestant
    stock: Contestant
    peers: tuple[Contestant, ...]
    peer_python: str | None

    @property
    def all(self) -> tuple[Contestant, ...]:
        """Whoever is measured, ours first."""
        return (self.ours, self.stock, *self.peers)


def jax_contestant(who: str, implementation: str = "auto", **environment: str) -> Contestant:
    """A contestant of this project's, by the implementation of its operations."""
    # Several processes share a GPU, so none may take all of its memory at the start.
    fixed = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **python_path()}
    # Ours as `main` runs it; the others as they come.
    program = _SERVE if implementation == "xla" else [*_SERVE, "--keep-freed-memory"]
    return Contestant(who, program, environment=fixed | environment, options={"implementation": implementation})


def torch_contestant(who: str, python: str, *, compiled: bool = False) -> Contestant:
    """PyTorch under an interpreter that has it."""
    return Contestant(who, [python, str(PEERS / "torch_peer.py")], family="torch", options={"compile": compiled})


def python_path() -> dict[str, str]:
    """So that a process that we start imports the package that we are."""
    return {"PYTHONPATH": str(ROOT)}


@contextlib.contextmanager
def take_the_field(peer_python: str | None) -> Iterator[Field]:
    """All contestants; their processes end with the block."""
    with contextlib.ExitStack() as stack:
        peers: list[Contestant] = []
        if peer_python:
            peers.append(torch_contestant("PyTorch eager", peer_python))
            peers.append(torch_contestant("PyTorch compiled", peer_python, compiled=True))
        field = Field(
            referee=stack.enter_context(jax_contestant("referee")),
            ours=stack.enter_context(jax_contestant(OURS)),
            stock=stack.enter_context(jax_contestant("stock Flax", "xla")),
            peers=tuple(stack.enter_context(peer) for peer in peers),
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
