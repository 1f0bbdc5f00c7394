"""Progress is readable on a terminal and in a log."""

import io

from simam_jax.data.progress import StreamProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_whole_lines_now_and_then():
    log = io.StringIO()
    progress = StreamProgress(log, every=0.0)
    progress.update("loading", 500, 2000)
    progress.say("left out a/b.jpg: truncated")
    progress.update("loading", 2000, 2000)
    lines = ["loading: 500 of 2,000 (25%)", "left out a/b.jpg: truncated", "loading: 2,000 of 2,000 (100%)"]
    assert log.getvalue().splitlines() == lines


def test_short_work_says_nothing_in_a_log():
    log = io.StringIO()
    progress = StreamProgress(log)
    for done in range(1, 11):
        progress.update("loading", done, 10)
    assert log.getvalue() == ""


def test_a_terminal_gets_one_line_that_is_drawn_anew():
    terminal = Terminal()
    progress = StreamProgress(terminal)
    progress.update("loading", 10, 10)
    assert terminal.getvalue() == "\r\033[Kloading: 10 of 10 (100%)\n"


def test_a_message_does_not_run_into_the_line():
    terminal = Terminal()
    progress = StreamProgress(terminal)
    progress._pause = 0.0
    progress.update("loading", 1, 10)
    progress.say("left out")
    assert terminal.getvalue().endswith("(10%)\nleft out\n")
