"""The processes that train one network together: joining them, and what they tell one another.

They need not share memory or a machine, only the run's folder and the data. JAX's coordination service, which the first
process runs, holds a small store of keys and values, over which they tell one another what is not on the devices.
JAX has no public name for that store; Orbax and this file use the private one.
"""

import logging
import pickle
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, TypeVar

import jax
from jax._src import distributed

from simam_jax.errors import RUN_AGAIN, UsageError
from simam_jax.training.ending import ends_after
from simam_jax.training.launchers import detection_method, started_by_launcher

T = TypeVar("T")

# How long one process may take over what the others wait for, such as preparing data. One that dies is noticed by
# `simam_jax.training.peers` long before.
_PATIENCE_MS = 24 * 60 * 60 * 1000

# Seconds after our own time is up.
_SLACK = 60

_calls = count()


def join(
    coordinator: str = "", processes: int = 0, process: int = -1, *, lost_after: int, within: int = 30 * 60
) -> None:
    """Makes this process one of a group whose devices form one mesh; to be called before JAX is used.

    Without arguments it joins the group that Slurm (a step of several tasks) or Open MPI has started, and else nothing:
    the process stays alone.

    Args:
        coordinator: HOST:PORT at which the first process is to be reached by all; or "auto", where JAX is to find the
            group by itself, as on Cloud TPU.
        processes: how many there are.
        process: which this is, from 0.
        lost_after: seconds without a sign of life after which a process counts as lost.
        within: seconds in which all are to come; where one has not, the process ends with exit code 75 and a line.

    Raises:
        UsageError: the arguments do not describe a group, or the first process cannot take its port.
    """
    if coordinator in ("", "auto"):
        if processes or process != -1:
            raise UsageError("--processes and --process need --coordinator HOST:PORT, which is the first process's")
        if not coordinator and not started_by_launcher():
            return
        group: dict[str, Any] = {}
        method = detection_method()
    else:
        _check(coordinator, processes, process)
        group = {"coordinator_address": coordinator, "num_processes": processes, "process_id": process}
        # What else the environment says, such as a pod's or a Slurm step's, is not asked.
        method = "deactivate"
    # JAX's preemption service would take SIGTERM away from `simam_jax.training.stopping`.
    jax.config.update("jax_enable_preemption_service", False)
    # Else JAX aborts this process when it misses another, before `simam_jax.training.peers` has said which.
    jax.config.update("jax_enable_recoverability", True)
    where = f"the group of processes {f'at {coordinator}' if group else 'that the environment describes'}"
    late = f"error: {where} did not come together within {within} s (--join-within); run the same command again"
    try:
        # JAX would abort, and say much.
        with ends_after(within, late, RUN_AGAIN):
            jax.distributed.initialize(
                **group,
                cluster_detection_method=method,
                initialization_timeout=within + _SLACK,
                heartbeat_timeout_seconds=lost_after,
            )
    except (RuntimeError, ValueError) as error:
        raise UsageError(f"cannot join {where}: {error}") from error
    if not is_first():
        logging.getLogger("simam_jax").setLevel(logging.WARNING)


def check_devices() -> None:
    """Makes sure that all processes have equally many devices; to be called by all.

    Raises:
        UsageError: they have not, in all of them.
    """
    counts = from_all(jax.local_device_count())
    if len(set(counts)) > 1:
        raise UsageError(
            f"every process must have as many devices as the others; from the first on they have "
            f"{', '.join(map(str, counts))}"
        )


def several() -> bool:
    """Whether there are others."""
    return distributed.global_state.client is not None and jax.process_count() > 1


def is_first() -> bool:
    """Whether this process speaks, and writes, for all; a process that is alone does."""
    return not several() or jax.process_index() == 0


def from_first(function: Callable[[], T]) -> T:
    """What the function gives in the first process, in all of them; only the first calls it.

    To be called by all processes in the same order, as are the others here. What the function gives, or raises, must be
    picklable.

    Raises:
        RuntimeError: this process and the first are at different calls.
    """
    if not several():
        return function()
    key = _meet(_name(function))
    if not is_first():
        value, error = pickle.loads(store().blocking_key_value_get_bytes(f"{key}/value", _PATIENCE_MS))
        if error is not None:
            raise error
        return value
    try:
        value = function()
    except Exception as error:
        store().key_value_set_bytes(f"{key}/value", pickle.dumps((None, error)))
        raise
    store().key_value_set_bytes(f"{key}/value", pickle.dumps((value, None)))
    return value


def from_all(value: T) -> list[T]:
    """What every process gives, from the first on, in all of them; must be picklable."""
    if not several():
        return [value]
    key = _meet("from_all")
    store().key_value_set_bytes(f"{key}/{jax.process_index()}", pickle.dumps(value))

    def collect() -> list[T]:
        given = (
            store().blocking_key_value_get_bytes(f"{key}/{process}", _PATIENCE_MS)
            for process in range(jax.process_count())
        )
        return [pickle.loads(each) for each in given]

    return from_first(collect)


def wait_for_all() -> None:
    """Returns when all processes have come here."""
    if several():
        store().wait_at_barrier(_meet("wait_for_all"), _PATIENCE_MS)


def store() -> Any:
    """The group's keys and values, and its other services."""
    return distributed.global_state.client


def _meet(name: str) -> str:
    """A key for the next call, at which all processes must be: that of this name.

    They count their calls, each for itself. Where they were at different ones they would wait for one another for ever.
    """
    key = f"calls/{next(_calls)}"
    if jax.process_index() == 0:
        store().key_value_set(f"{key}/name", name)
        return key
    theirs = store().blocking_key_value_get(f"{key}/name", _PATIENCE_MS)
    if theirs != name:
        raise RuntimeError(f"process {jax.process_index()} is at {name} ({key}), where the first is at {theirs}")
    return key


def _name(function: Callable) -> str:
    function = function.func if isinstance(function, partial) else function
    return getattr(function, "__qualname__", type(function).__name__)


def _check(coordinator: str, processes: int, process: int) -> None:
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--coordinator is HOST:PORT, or auto; got {coordinator!r}")
    if processes < 1 or not 0 <= process < processes:
        raise UsageError(
            f"--coordinator needs --processes, their number, and --process, which of them this is, from 0; "
            f"got --processes {processes} --process {process}"
        )
