"""What two processes of a run do when something outside them fails, and that they then go on to the same end.

With -s it prints a table of what was done, what happened and what was lost.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from process_group import LOST_AFTER, Group, starter, wait_for_lines
from run_comparison import assert_same_end, assert_same_lines, lines
from small_disk import fill, make_read_only, make_writable, small_disk, stalling

pytestmark = pytest.mark.slow

# 18 steps, saved every third; a line of training each, and one of evaluation where it is saved.
SETTINGS = ("--config.epochs=6", "--config.log_every=1")
STEPS = 18
SPLIT = "--config.mesh.shard_state=True"
DAY = 24 * 60 * 60


def tell(row: str) -> None:
    """A row of the table, below pytest's dots."""
    print(f"\n{row}", end="", flush=True)


@pytest.fixture(scope="module")
def start(root, python_environment, tiny_run):
    with starter(root, python_environment, tiny_run) as start:
        yield start


@pytest.fixture(scope="module", autouse=True)
def uninterrupted(start, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "uninterrupted"
    for exit_code, said in start(run, *SETTINGS, processes=2).end():
        assert exit_code == 0, said
    tell("| what was done | exit codes | what was said | done again |\n|---|---|---|---|")
    return run


def saved(run: Path) -> list[int]:
    return sorted(int(path.name) for path in (run / "checkpoints").iterdir() if path.name.isdecimal())


class Ended(NamedTuple):
    codes: tuple[int, int]
    said: tuple[str, str]


def end(group: Group) -> Ended:
    began = time.monotonic()
    (first, said), (second, whispered) = group.end()
    assert time.monotonic() - began < 120
    for text in (said, whispered):
        assert "Traceback" not in text
    return Ended((first, second), (said, whispered))


def goes_on(start, run: Path, uninterrupted: Path, did: str, ended: Ended, line: str, *extra: str, lost=False) -> str:
    """Runs again, to the same end as without the fault; what the first process said."""
    last = max(line["step"] for line in lines(run))
    kept = saved(run)[-1]
    (first, said), (second, whispered) = start(run, *SETTINGS, *extra, processes=2).end()
    assert (first, second) == (0, 0), said + whispered
    begin = int(re.search(rf"going on from step (\d+) of {STEPS}", said)[1])
    if not lost:
        assert begin == kept, "nothing beyond the last checkpoint is lost"
    if SPLIT in extra:
        assert_same_lines(run, uninterrupted, tolerance=1e-3)  # a split state adds up in another order
    else:
        assert_same_end(run, uninterrupted)
    again = f"steps {begin + 1} to {last}" if last > begin else "none"
    tell(f"| {did} | {ended.codes[0]}, {ended.codes[1]} | {line} | {again} |")
    return said


def said_by(ended: Ended, process: int, pattern: str) -> str:
    """The line that a process said, with this machine's own paths and numbers out of the way."""
    found = [line for line in ended.said[process].splitlines() if re.search(pattern, line)]
    assert len(found) == 1, ended.said[process]
    line = re.sub(r"(/[\w.-]+)+/(?=\w)", "…/", found[0])
    return re.sub(r"pid \d+ on [\w.-]+", "pid … on …", line)[:300]


def until_saved(run: Path, group: Group) -> None:
    """Until the checkpoint of step 3 is whole and its line is there."""
    wait_for_lines(run, 4, group)


# Processes.


def test_a_worker_is_killed(start, uninterrupted, tmp_path):
    run = tmp_path / "run"
    group = start(run, *SETTINGS, processes=2)
    until_saved(run, group)
    os.kill(group.processes[1].pid, signal.SIGKILL)
    ended = end(group)
    assert ended.codes == (75, -signal.SIGKILL)
    line = said_by(ended, 0, f"error: lost process 1 .pid {group.processes[1].pid} on ")
    goes_on(start, run, uninterrupted, "kill -9 of the second process", ended, line)


def test_a_worker_is_killed_while_all_save(start, uninterrupted, tmp_path):
    """Of a split state each writes its own part: the other waits for it, and its disk is not full."""
    run = tmp_path / "run"
    group = start(run, *SETTINGS, SPLIT, processes=2)
    until_saved(run, group)
    while not any("tmp" in path.name for path in (run / "checkpoints").iterdir()):
        assert all(process.poll() is None for process in group.processes), group.end()
        time.sleep(0.001)
    os.kill(group.processes[1].pid, signal.SIGKILL)
    ended = end(group)
    assert ended.codes == (75, -signal.SIGKILL), ended.said
    line = said_by(ended, 0, f"error: lost process 1 .pid {group.processes[1].pid} on ")
    goes_on(start, run, uninterrupted, "kill -9 of the second process while all save", ended, line, SPLIT)


def test_the_first_is_killed(start, uninterrupted, tmp_path):
    run = tmp_path / "run"
    group = start(run, *SETTINGS, processes=2)
    until_saved(run, group)
    os.kill(group.processes[0].pid, signal.SIGKILL)
    (first, _), (second, whispered) = group.end()
    assert first == -signal.SIGKILL
    # It depends on whether JAX's thread or ours notices it first.
    assert second in (-signal.SIGABRT, 75), whispered
    ended = Ended((first, second), ("", whispered))
    goes_on(start, run, uninterrupted, "kill -9 of the first process", ended, "(JAX's)")


@pytest.mark.parametrize("who", ["one", "all"])
def test_a_notice_of_preemption(start, uninterrupted, tmp_path, who):
    run = tmp_path / "run"
    group = start(run, *SETTINGS, processes=2)
    until_saved(run, group)
    for process in group.processes[{"one": 1, "all": 0}[who] :]:
        process.send_signal(signal.SIGTERM)
    ended = end(group)
    assert ended.codes == (75, 75), ended.said
    line = said_by(ended, 0, r"stopped by .* at step \d+ of 18; everything is saved")
    goes_on(start, run, uninterrupted, f"SIGTERM to {who}", ended, line)


def test_ctrl_c_to_one_is_no_preemption(start, uninterrupted, tmp_path):
    """What a person stops nothing is to start again."""
    run = tmp_path / "run"
    group = start(run, *SETTINGS, processes=2)
    until_saved(run, group)
    group.processes[1].send_signal(signal.SIGINT)
    ended = end(group)
    assert ended.codes == (130, 130), ended.said
    line = said_by(ended, 0, r"stopped by SIGINT to another process at step \d+ of 18; everything is saved")
    goes_on(start, run, uninterrupted, "Ctrl-C to one", ended, line)


def test_notices_that_keep_coming(start, uninterrupted, tmp_path):
    """Also to one that has saved and waits for the other."""
    run = tmp_path / "run"
    group = start(run, *SETTINGS, processes=2)
    until_saved(run, group)
    while any(process.poll() is None for process in group.processes):
        for process in group.processes:
            process.send_signal(signal.SIGTERM)
        time.sleep(0.005)
    ended = end(group)
    assert ended.codes == (75, 75), ended.said
    line = said_by(ended, 0, r"stopped by .* at step \d+ of 18; everything is saved")
    goes_on(start, run, uninterrupted, "SIGTERM to all, again and again", ended, line)


HEAD = ["bash", "-c", '"$@" | head -n 1; exit ${PIPESTATUS[0]}', "bash"]


def test_the_reader_of_the_output_goes(start, uninterrupted, tmp_path):
    """As with `| head`: the first process prints the best of each epoch."""
    run = tmp_path / "run"
    group = start(run, *SETTINGS, processes=2, prefixes={0: HEAD})
    ended = end(group)
    assert ended.codes == (1, 1), ended.said
    line = said_by(ended, 0, "^error: nobody reads what is printed any longer")
    goes_on(start, run, uninterrupted, "`| head` after the first process", ended, line)


# Storage.


def test_the_disk_is_full(start, uninterrupted, tmp_path):
    with small_disk(tmp_path / "disk", megabytes=80) as disk:
        run = disk / "run"
        group = start(run, *SETTINGS, processes=2)
        until_saved(run, group)
        filler = fill(disk, but=1_000_000)
        ended = end(group)
        assert ended.codes == (4, 4), ended.said
        line = said_by(ended, 0, "^error: cannot save the checkpoint of step .*(No space left|ENOSPC)")
        filler.unlink()
        goes_on(start, run, uninterrupted, "disk full", ended, line)


def limit_files(process: subprocess.Popen, size: int) -> None:
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, size))


def test_a_line_cannot_be_written(start, uninterrupted, tmp_path):
    run = tmp_path / "run"
    group = start(run, *SETTINGS, processes=2)
    until_saved(run, group)
    limit_files(group.processes[0], (run / "metrics.jsonl").stat().st_size)
    ended = end(group)
    assert ended.codes == (4, 4), ended.said
    line = said_by(ended, 0, "^error: cannot write .*metrics.jsonl: File too large")
    goes_on(start, run, uninterrupted, "file-size limit before a line", ended, line)


@pytest.mark.parametrize("who", [0, 1])
def test_the_files_of_one_may_not_grow(start, uninterrupted, tmp_path, who):
    """Each process writes its own part of a split state."""
    run = tmp_path / "run"
    group = start(run, *SETTINGS, SPLIT, processes=2)
    until_saved(run, group)
    limit_files(group.processes[who], 2**18)
    ended = end(group)
    assert ended.codes == (4, 4), ended.said
    line = said_by(ended, who, "^error: cannot save the checkpoint of step .*File too large")
    did = f"file-size limit on process {who} of a split state"
    goes_on(start, run, uninterrupted, did, ended, line, SPLIT)


@pytest.mark.parametrize("who", ["all", "one"])
def test_the_checkpoints_become_read_only(start, uninterrupted, tmp_path, who):
    run = tmp_path / "run"
    alone = {1: ["unshare", "--mount"]} if who == "one" else {}
    group = start(run, *SETTINGS, processes=2, prefixes=alone)
    until_saved(run, group)
    make_read_only(run / "checkpoints", seen_by=group.processes[1].pid)
    try:
        ended = end(group)
    finally:
        make_writable(run / "checkpoints")
    assert ended.codes == (4, 4), ended.said
    speaker = 1 if who == "one" else 0
    line = said_by(ended, speaker, "^error: cannot save the checkpoint of step .*Read-only file system")
    goes_on(start, run, uninterrupted, f"checkpoints read-only for {who}", ended, line)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("part", ["values", "metadata"])
def test_the_newest_checkpoint_is_torn(start, uninterrupted, tmp_path, part, split):
    run = tmp_path / "run"
    extra = (SPLIT,) if split else ()
    group = start(run, *SETTINGS, *extra, processes=2)
    wait_for_lines(run, 8, group)  # two checkpoints
    for process in group.processes:
        process.send_signal(signal.SIGTERM)
    ended = end(group)
    before, newest = saved(run)[-2:]
    folder = run / "checkpoints" / str(newest)
    files = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    torn = files[-1] if part == "values" else next(path for path in files if "_METADATA" in path.name)
    os.truncate(torn, torn.stat().st_size // 2)
    split_too = ", split" if split else ""
    did = f"newest checkpoint torn ({part}{split_too}), of {newest} and {before}"
    again = goes_on(start, run, uninterrupted, did, ended, "", *extra, lost=True)
    assert f"going on from step {before} of {STEPS}" in again
    assert re.search(rf"warning: the checkpoint .*{newest}.* is damaged", again)


def test_an_image_vanishes(start, uninterrupted, tiny_run, tmp_path):
    data, run = tmp_path / "data", tmp_path / "run"
    shutil.copytree(tiny_run.data, data)
    group = start(run, *SETTINGS, "--config.data.cache_gb=0.0", processes=2, data=data)
    until_saved(run, group)
    image = sorted((data / "train" / "zero").iterdir())[0]
    content = image.read_bytes()
    image.unlink()
    ended = end(group)
    assert ended.codes == (2, 2), ended.said
    reader = next(i for i in (0, 1) if re.search("^error: cannot read", ended.said[i], re.MULTILINE))
    line = said_by(ended, reader, "^error: cannot read the image zero/.*on_bad_record=skip")
    image.write_bytes(content)
    goes_on(start, run, uninterrupted, "an image deleted", ended, line)


# Time.


def test_a_disk_that_is_slow_is_waited_for(start, uninterrupted, tmp_path):
    """One process hangs in a checkpoint, and in a line, for longer than a lost one is waited for."""
    assert LOST_AFTER < 45
    for call, path, when, what in (
        # By the name that it had: strace looks for no path that is not there yet.
        ("rename,renameat,renameat2", "checkpoints/6.orbax-checkpoint-tmp", 1, "renaming a checkpoint"),
        ("fsync", "metrics.jsonl", 5, "writing a line"),
    ):
        run = tmp_path / what.replace(" ", "-")
        began = time.monotonic()
        group = start(run, *SETTINGS, processes=2, prefixes={0: stalling(call, run / path, seconds=45, when=when)})
        ended = Ended(*zip(*group.end(), strict=True))
        took = time.monotonic() - began
        assert ended.codes == (0, 0), ended.said
        assert took > 45, "the delay came too"
        assert_same_end(run, uninterrupted)
        tell(f"| 45 s for {what} | 0, 0 | finished after {took:.0f} s | none |")


CLOCK = """
import os, time
_time, _time_ns = time.time, time.time_ns
def _jumped():
    try:
        with open(os.environ["CLOCK_JUMP"]) as file:
            return int(file.read() or 0)
    except FileNotFoundError:
        return 0
time.time = lambda: _time() + _jumped()
time.time_ns = lambda: _time_ns() + _jumped() * 10**9
"""


def python_clock(folder: Path, root: Path) -> tuple[Path, dict[str, str]]:
    """A file of seconds by which Python's clock is wrong, and the environment of a process that has such a clock."""
    (folder / "sitecustomize.py").write_text(CLOCK)
    jump = folder / "jump"
    return jump, {"CLOCK_JUMP": str(jump), "PYTHONPATH": f"{folder}:{root}"}


def process_clock(folder: Path, root: Path) -> tuple[Path, dict[str, str]]:
    """The same for all that a process asks, C included, by libfaketime."""
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    library = os.environ.get("LIBFAKETIME") or next(map(str, libraries), None)
    if library is None:
        pytest.skip("libfaketime is not installed")
    jump = folder / "jump"
    jump.write_text("+0")
    return jump, {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(jump),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",
    }


def test_a_clock_jumps(start, uninterrupted, root, tmp_path):
    """Python's in the first process, a day on and then a day back from where it was."""
    run = tmp_path / "run"
    jump, variables = python_clock(tmp_path, root)
    began = time.time()
    group = start(run, *SETTINGS, processes=2, variables={0: variables})
    until_saved(run, group)
    jump.write_text(f"+{DAY}")
    wait_for_lines(run, 9, group)
    jump.write_text(f"-{DAY}")
    ended = end(group)
    assert ended.codes == (0, 0), ended.said
    assert_same_end(run, uninterrupted)
    times = [line["time"] - began for line in lines(run)]
    assert max(times) > DAY, "it has jumped"
    assert min(times) < -DAY / 2
    rates = [line["train/images_per_second"] for line in lines(run) if "train/loss" in line]
    assert all(0.01 < rate < 10_000 for rate in rates), rates
    span = f"finished; {min(rates):.1f} to {max(rates):.1f} images a second"
    tell(f"| Python's clock a day on, then a day back | 0, 0 | {span} | none |")


def test_all_clocks_of_a_process_jump(start, uninterrupted, root, tmp_path):
    """JAX's service asks the wall clock how long ago it heard of the others: it may think that all are lost."""
    run = tmp_path / "run"
    jump, variables = process_clock(tmp_path, root)
    group = start(run, *SETTINGS, processes=2, variables={0: variables})
    until_saved(run, group)
    jump.write_text(f"+{DAY}")
    (first, said), (second, whispered) = group.end()
    ended = Ended((first, second), (said, whispered))
    assert ended.codes in ((0, 0), (75, 75)), ended.said
    line = said.splitlines()[-1]
    assert line.startswith("done:" if first == 0 else "error: lost process 0"), said
    if first:
        goes_on(start, run, uninterrupted, "all clocks of the first process a day on", ended, line[:60])
    else:
        assert_same_end(run, uninterrupted)
        tell(f"| all clocks of the first process a day on | 0, 0 | {line[:60]} | none |")
