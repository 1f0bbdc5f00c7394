"""Our side of the wire to a contestant: a process that is told what to prepare and when to run."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

_START_S = 120.0
_LEAVE_S = 5.0


class ContestantError(Exception):
    """A contestant does not start, does not do what it is asked, has ended, or takes too long."""


class Contestant:
    """A process that measures, started when it is first needed and again after it has died.

    Attributes:
        who: its name in the results.
        family: of its framework; contestants of two families may prepare at the same time.
        options: added to every job it is asked to prepare.
    """

    def __init__(
        self,
        who: str,
        command: Sequence[str],
        *,
        family: str = "jax",
        environment: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
    ):
        """Starts nothing yet.

        Args:
            who: its name in the results.
            command: of a program that speaks as `simam_jax.benchmarking.serve` says.
            family: of its framework.
            environment: variables that it gets besides ours.
            options: added to every job it is asked to prepare.
        """
        self.who = who
        self.family = family
        self._command = list(command)
        self._environment = {**os.environ, **(environment or {})}
        self.options = dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._unread = b""
        self._facts: dict[str, Any] = {}

    def __enter__(self) -> "Contestant":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *, timeout: float = _START_S) -> dict[str, Any]:
        """Starts the process unless it runs; returns what it says of itself."""
        if self._process is not None and self._process.poll() is None:
            return self._facts
        self.stop()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=self._environment,
                start_new_session=True,  # so that its workers end with it
            )
        except OSError as error:
            raise ContestantError(f"cannot be started: {error}") from error
        self._facts = self._answer(time.monotonic() + timeout)["ready"]
        return self._facts

    def prepare(self, spec: Mapping[str, Any], *, timeout: float) -> dict[str, Any]:
        """Makes a job ready, in place of the one before; returns the job's facts."""
        deadline = time.monotonic() + timeout
        self.start(timeout=min(timeout, _START_S))
        return self._ask({"prepare": {**spec, **self.options}}, deadline)["ready"]

    def run(self, iterations: int, *, timeout: float) -> dict[str, Any]:
        """Runs the job; returns {"seconds": …} of all iterations and what else the job says."""
        return self._ask({"run": iterations}, time.monotonic() + timeout)

    def stop(self) -> None:
        """Ends the process and what it has started."""
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    assert pipe is not None
                    pipe.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_LEAVE_S)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._stderr is not None:
            self._stderr.close()
        self._process, self._stderr, self._unread = None, None, b""

    def _ask(self, message: Mapping[str, Any], deadline: float) -> dict[str, Any]:
        if self._process is None or self._process.stdin is None:
            raise ContestantError("is not running")
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._died() from None
        return self._answer(deadline)

    def _answer(self, deadline: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(deadline - time.monotonic(), 0)):
                    self.stop()
                    raise ContestantError("took too long")
                read = os.read(handle, 1 << 16)
                if not read:
                    raise self._died()
                self._unread += read
        line, self._unread = self._unread.split(b"\n", 1)
        try:
            answer = json.loads(line)
        except ValueError:
            self.stop()
            raise ContestantError(f"answered {line[:80]!r}") from None
        if "error" in answer:
            raise ContestantError(answer["error"])
        return answer

    def _died(self) -> ContestantError:
        assert self._process is not None
        assert self._stderr is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LEAVE_S)
        code = self._process.returncode
        self._stderr.seek(0)
        last = self._stderr.read()[-4000:].decode(errors="replace").strip().splitlines()
        self.stop()
        return ContestantError(f"ended with {code}" + (f": {last[-1].strip()[:300]}" if last else ""))
