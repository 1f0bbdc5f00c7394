"""Real processes of this machine that train the tiny run's recipe together."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from run_comparison import lines
from tiny_run import OVERRIDES, TinyRun

LOST_AFTER = 10


class Group:
    """`simam_jax.main` in several processes of this machine, each with so many virtual devices.

    Some may run under another program, or with more variables in their environment: `prefixes` and `variables`, by
    number.
    """

    def __init__(
        self,
        root: Path,
        environment: Mapping[str, str],
        *,
        processes: int,
        devices: int,
        arguments: list[str],
        prefixes: Mapping[int, list[str]],
        variables: Mapping[int, Mapping[str, str]],
    ):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        # Compiled as in the tests' own process, with whose runs some are compared; the last of equal flags counts.
        flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={devices}"
        environment = {**environment, "XLA_FLAGS": flags}
        command = [sys.executable, "-m", "simam_jax.main", *arguments]
        if processes > 1:
            command += ["--coordinator", f"127.0.0.1:{port}", "--processes", str(processes)]
            command += ["--lost-after", str(LOST_AFTER)]
        self.processes = [
            subprocess.Popen(
                [*prefixes.get(i, []), *command, *(["--process", str(i)] if processes > 1 else [])],
                env={**environment, **variables.get(i, {})},
                cwd=root,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # so that what a prefix starts can be killed with it
            )
            for i in range(processes)
        ]

    def end(self) -> list[tuple[int, str]]:
        """Exit code and output of each."""
        outputs = [process.communicate(timeout=600)[0] for process in self.processes]
        return [(process.returncode, output) for process, output in zip(self.processes, outputs, strict=True)]

    def kill(self) -> None:
        """Ends all that still run, and what they have started."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@contextmanager
def starter(root: Path, environment: Mapping[str, str], tiny_run: TinyRun) -> Iterator[Callable[..., Group]]:
    """A function that starts the tiny run's recipe in several processes; they are killed in the end."""
    groups = []

    def start(
        workdir: Path,
        *overrides: str,
        processes: int,
        devices: int = 1,
        data: Path | None = None,
        prefixes: Mapping[int, list[str]] | None = None,
        variables: Mapping[int, Mapping[str, str]] | None = None,
    ) -> Group:
        address = f"{root / 'configs' / 'towernet.py'}:{data or tiny_run.data}"
        arguments = ["--config", address, "--workdir", str(workdir), *OVERRIDES, *overrides]
        groups.append(
            Group(
                root,
                environment,
                processes=processes,
                devices=devices,
                arguments=arguments,
                prefixes=prefixes or {},
                variables=variables or {},
            )
        )
        return groups[-1]

    try:
        yield start
    finally:
        for group in groups:
            group.kill()


def wait_for_lines(run: Path, count: int, group: Group) -> None:
    deadline = time.monotonic() + 600
    while not (run / "metrics.jsonl").exists() or len(lines(run)) < count:
        assert all(process.poll() is None for process in group.processes), group.end()
        assert time.monotonic() < deadline
        time.sleep(0.05)
