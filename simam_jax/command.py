"""What every command shares: its parser and the way from an exception to an exit code."""

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from simam_jax.errors import STORAGE_ERRNOS, DivergedError, Stopped, StorageError, UsageError


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one `error: …` line and exit code 2."""

    def __init__(self, **kwargs):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def run(main: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code; an error of ours becomes one line on stderr, and so does the log."""
    _log_to_stderr()
    try:
        return main(argv)
    except BrokenPipeError:
        # The reader of our output has gone; keep the interpreter from saying so again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Exception, Stopped, KeyboardInterrupt) as error:
        explained = explain(error)
        if explained is None:
            raise
        line, exit_code = explained
        print(line, file=sys.stderr)
        return exit_code


def explain(error: BaseException) -> tuple[str, int] | None:
    """The line that a command ends with on an error, and its exit code; None for an error that nobody has foreseen."""
    match error:
        case Stopped():
            return str(error), error.exit_code
        case KeyboardInterrupt():
            return "interrupted", 130
        case UsageError() | DivergedError() | StorageError():
            return _line(error), error.exit_code
        case BrokenPipeError():
            return "error: nobody reads what is printed any longer", 1
        case OSError(errno=number) if number in STORAGE_ERRNOS:
            return _line(error), StorageError.exit_code
        case _:
            return None


def let_names_pass() -> None:
    """Lets file names that are no UTF-8 be printed on stdout, byte for byte."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")


class _StderrHandler(logging.StreamHandler):
    """Writes to whatever sys.stderr is at the time: a progress bar replaces it while it is shown."""

    @property
    def stream(self):
        return sys.stderr

    @stream.setter
    def stream(self, value):
        pass


def _log_to_stderr() -> None:
    log = logging.getLogger("simam_jax")
    if not log.handlers:
        log.addHandler(_StderrHandler())
        log.setLevel(logging.INFO)
        log.propagate = False


def _line(error: BaseException) -> str:
    return f"error: {' '.join(str(error).split())}"
