"""A command in a process of its own, that can be waited for and killed."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence


def begin(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen:
    """Starts it, what it says on either stream being one output."""
    return subprocess.Popen(
        words,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen, code: int = 0) -> str:
    """Its output, when it has ended with that code."""
    output, _ = process.communicate(timeout=900)
    assert process.returncode == code, output
    return output


def wait_for(condition: Callable[[], bool], process: subprocess.Popen) -> None:
    """Until something is so, while the process runs."""
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.002)
