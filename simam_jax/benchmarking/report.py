"""All suites that are asked for, one after the other, and the file of their results."""

import datetime
import json
import logging
import os
import platform
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from simam_jax.benchmarking.contestant import ContestantError
from simam_jax.benchmarking.field import Field, check_peer, take_the_field
from simam_jax.benchmarking.plan import SUITES, Budget, Plan
from simam_jax.benchmarking.rows import Row
from simam_jax.benchmarking.suites.attention import measure_attention
from simam_jax.benchmarking.suites.input import find_images, measure_input
from simam_jax.benchmarking.suites.memory import measure_memory
from simam_jax.benchmarking.suites.start import measure_starts
from simam_jax.benchmarking.suites.step import measure_steps
from simam_jax.errors import UsageError

_log = logging.getLogger(__name__)


def benchmark(
    suite: str,
    *,
    peer_python: str | None = None,
    json_file: Path | None = None,
    data: Path | None = None,
    small: bool = False,
) -> list[Row]:
    """Measures, and writes the results after every case.

    Args:
        suite: one of `SUITES`, or "all".
        peer_python: an interpreter that has PyTorch.
        json_file: for {"machine": …, "rows": […]}; replaced as a whole each time.
        data: image folders for the input suite.
        small: tiny shapes.

    Raises:
        UsageError: before anything is measured: an unknown suite, a peer without PyTorch, a file that cannot be
            written, data without images; or our own contestant does not start.
    """
    if suite not in (*SUITES, "all"):
        raise UsageError(f"unknown suite {suite!r}: it is one of {', '.join(SUITES)}, all")
    if json_file is not None:
        _check_writable(json_file)
    if data is not None:
        find_images(data)
    versions = {"torch": check_peer(peer_python)} if peer_python else {}
    rows: list[Row] = []
    with take_the_field(peer_python) as field:
        try:
            facts = field.referee.start()
        except ContestantError as error:
            raise UsageError(f"JAX does not start in a process of its own: {error}") from error
        machine = _machine(facts, versions)
        cores = len(os.sched_getaffinity(0))
        plan = Plan(small=small, gpu=facts["platform"] == "gpu", cores=cores, alone=suite != "all")
        for each in SUITES if suite == "all" else (suite,):
            start = time.monotonic()
            for found in _measure(each, field, plan, plan.budget(each), data):
                rows += found
                if json_file is not None:
                    _write(json_file, machine, rows)
            _log.info("%s took %.0f s", each, time.monotonic() - start)
        if json_file is not None:
            _write(json_file, machine, rows)
    return rows


def _measure(suite: str, field: Field, plan: Plan, budget: Budget, data: Path | None) -> Iterator[list[Row]]:
    if suite == "input":
        return measure_input(field, plan, budget, data)
    measures = {
        "step": measure_steps,
        "attention": measure_attention,
        "start": measure_starts,
        "memory": measure_memory,
    }
    return measures[suite](field, plan, budget)


def _machine(facts: dict[str, Any], versions: dict[str, str]) -> dict[str, Any]:
    return {
        "platform": facts["platform"],
        "device_kind": facts["device_kind"],
        "device_count": facts["device_count"],
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "versions": {"python": platform.python_version(), **facts["versions"], **versions},
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _partial(path: Path) -> Path:
    return path.parent / f".{path.name}.partial-{secrets.token_hex(4)}"


def _check_writable(path: Path) -> None:
    partial = _partial(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder")
        partial.touch()
        partial.unlink()
    except OSError as error:
        raise UsageError(f"--json {path} cannot be written: {error.strerror or error}") from error


def _write(path: Path, machine: dict[str, Any], rows: Sequence[Row]) -> None:
    partial = _partial(path)
    content = {"machine": machine, "rows": [row.as_json() for row in rows]}
    try:
        partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
