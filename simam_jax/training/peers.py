"""Watching over the other processes of a run: all end together, and each says why.

A collective waits for ever for a process that does not come, and a process that has left a run in the middle cannot
come back to it. So a process that fails tells the others before it ends, and one that dies is missed by them.
"""

import json
import multiprocessing
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import jax

from simam_jax.command import explain
from simam_jax.errors import RUN_AGAIN, Stopped
from simam_jax.training import processes

_EVERY = 1.0  # seconds between looks
_FAILED = "peers/failed"
_GRACE = 10.0  # seconds for taking leave; the first process, without which the others are cut off, waits for them
# Seconds that one gets, after the group has let it go, to cut its own ties; on a busy machine it may be kept waiting.
_SETTLE = 2.0


@contextmanager
def together(lost_after: int) -> Iterator[None]:
    """A block that all processes of a run leave together; one that is alone just runs it.

    Where a process fails, all end with its exit code and its error's line. Where one is lost, the others end with exit
    code 75 and a line that names it, at the latest some seconds after `lost_after`. Only where it is the first, which
    holds the group together, JAX mostly ends the others itself, by SIGABRT.

    Args:
        lost_after: as given to `processes.join`.

    Raises:
        Stopped: the block did, in the first process; the others exit.
    """
    if not processes.several():
        yield
        return
    watch = _Watch()
    speaks = processes.is_first()
    try:
        processes.check_devices()
        yield
    except Stopped as stop:
        watch.leave()
        if not speaks:
            raise SystemExit(stop.exit_code) from stop
        raise
    except BaseException as error:
        line, exit_code = explain(error) or ("", 0)
        if not line:
            # It may be but a complaint about a lost process, which the watch is going to name.
            time.sleep(2 * lost_after + _EVERY)
            traceback.print_exception(error)
            line, exit_code = f"error: {type(error).__name__}: {error}", 1
        watch.fail(line, exit_code)
    else:
        watch.leave()


class _Watch:
    """A thread that looks after the other processes, and ends this one where one of them has failed or is lost."""

    def __init__(self):
        self._left = threading.Event()
        self._lock = threading.Lock()
        self._names = self._introduce()
        threading.Thread(target=self._watch, name="peers", daemon=True).start()

    def leave(self) -> None:
        """Waits for the others to leave too."""
        processes.wait_for_all()
        self._left.set()
        processes.wait_for_all()
        if processes.is_first():
            self._wait_to_be_alone()
        jax.distributed.shutdown()

    def fail(self, line: str, exit_code: int) -> None:
        """Ends this process, and has the others end likewise."""
        said = json.dumps({"process": jax.process_index(), "line": line, "exit_code": exit_code})
        with suppress(Exception):  # another has failed before, or the first process is gone
            processes.store().key_value_set(_FAILED, said)
        self._end(line, exit_code)

    def _introduce(self) -> list[str]:
        store, own = processes.store(), jax.process_index()
        store.key_value_set(f"peers/name/{own}", f"process {own} (pid {os.getpid()} on {socket.gethostname()})")
        processes.wait_for_all()
        return [store.blocking_key_value_get(f"peers/name/{i}", 60_000) for i in range(jax.process_count())]

    def _watch(self) -> None:
        everybody = set(range(jax.process_count()))
        while not self._left.wait(_EVERY):
            try:
                self._end_if_failed()
                lost = everybody - set(processes.store().get_live_nodes(sorted(everybody)))
                if lost:
                    # One that fails says so first, and then it is gone: it may have done both since the last look.
                    self._end_if_failed()
            except Exception as error:
                if self._left.is_set():
                    return
                self._end(f"error: lost {self._names[0]}: {error}; {_AGAIN}", RUN_AGAIN)
            else:
                if lost and not self._left.is_set():
                    names = ", ".join(self._names[i] for i in sorted(lost))
                    self._end(f"error: lost {names}; {_AGAIN}", RUN_AGAIN)

    def _end_if_failed(self) -> None:
        try:
            failed = json.loads(processes.store().key_value_try_get(_FAILED))
        except Exception as error:
            if "NOT_FOUND" in str(error):
                return
            raise
        self._end(f"error: {self._names[failed['process']]} failed: {failed['line']}", failed["exit_code"])

    def _end(self, line: str, exit_code: int) -> None:
        with self._lock:  # the main thread and the watch may both have come to the end: one line will do
            with suppress(OSError):  # a reader that is gone may be the very reason
                print(line, file=sys.stderr, flush=True)
                sys.stdout.flush()
            for worker in multiprocessing.active_children():
                worker.terminate()
            goodbye = threading.Thread(target=self._say_goodbye, daemon=True)
            goodbye.start()
            goodbye.join(_GRACE)
            # An ordinary exit would wait for the others, and for threads that wait for them.
            os._exit(exit_code)

    def _say_goodbye(self) -> None:
        with suppress(Exception):
            if processes.is_first():
                self._wait_to_be_alone()
            else:
                # Raises where the first process is gone: JAX aborts one that leaves a group without it.
                processes.store().key_value_set(f"peers/gone/{jax.process_index()}", "")
                processes.store().shutdown()

    def _wait_to_be_alone(self) -> None:
        """Returns when the others have left the group: JAX aborts a process that is in a group without the first.

        The group counts one as gone a moment before it has stopped listening itself, and would be aborted for it.
        """
        while len(processes.store().get_live_nodes(list(range(jax.process_count())))) > 1:
            time.sleep(_EVERY / 10)
        time.sleep(_SETTLE)


_AGAIN = "run the same command again to go on from the last checkpoint"
