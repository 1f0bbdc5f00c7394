"""The `prepare` command as its users meet it."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simam_jax import command
from simam_jax.prepare import main


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of six small images."""
    root = tmp_path / "photos"
    for number, class_name in enumerate(("ant", "bee")):
        (root / class_name).mkdir(parents=True)
        for index in range(6):
            pixels = np.full((4, 5, 3), 40 * number + 30 * index, np.uint8)
            Image.fromarray(pixels).save(root / class_name / f"{index}.png")
    return root


def prepare(*arguments: object) -> int:
    return command.run(main, [str(one) for one in arguments])


def test_results_on_stdout_and_nothing_on_stderr(photos, tmp_path, capsys):
    assert prepare("--source", photos, "--out", tmp_path / "out") == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines() == [
        "class    train     eval",
        "ant          4        2",
        "bee          4        2",
        "all          8        4",
        f"classes: 2, files left out: 0, prepared in {tmp_path / 'out'}",
    ]


def test_again_says_the_same_and_that_nothing_was_done(photos, tmp_path, capsys):
    prepare("--source", photos, "--out", tmp_path / "out")
    first = capsys.readouterr().out
    assert prepare("--source", photos, "--out", tmp_path / "out") == 0
    said = capsys.readouterr()
    assert said.out == first
    assert "nothing to do" in said.err


def test_bad_images_give_exit_code_1_and_a_line_each(photos, tmp_path, capsys):
    (photos / "ant" / "7.jpg").write_bytes(b"")
    (photos / "bee" / "Thumbs.db").write_bytes(b"no image")
    for _ in range(2):
        assert prepare("--source", photos, "--out", tmp_path / "out") == 1
        assert "classes: 2, files left out: 2" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "out")
    prepare("--source", photos, "--out", tmp_path / "out")
    assert capsys.readouterr().err.splitlines() == [
        "left out ant/7.jpg: empty file",
        "left out bee/Thumbs.db: not an image",
    ]


def test_options_reach_the_preparation(photos, tmp_path, capsys):
    assert prepare("--source", photos, "--out", tmp_path / "out", "--classes", "bee", "--eval-every", 3) == 0
    assert capsys.readouterr().out.splitlines()[1:3] == ["bee          4        2", "all          4        2"]
    archive = shutil.make_archive(str(tmp_path / "photos"), "gztar", photos)
    assert prepare("--source", archive, "--out", tmp_path / "b", "--max-files", 5) == 2
    assert "beyond the limit of 5 files (see --max-files)" in capsys.readouterr().err
    assert prepare("--source", archive, "--out", tmp_path / "b", "--max-bytes", 100) == 2
    assert "beyond the limit of 100 bytes (see --max-bytes)" in capsys.readouterr().err
    assert prepare("--source", archive, "--out", tmp_path / "b") == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--out", "x"], "the following arguments are required: --source"),
        (["--source", "digits"], "the following arguments are required: --out"),
        (["--source", "nowhere", "--out", "x"], "no source 'nowhere'"),
        (["--source", "digits", "--out", "x", "--eval-every", "two"], "argument --eval-every: invalid int value"),
        (["--source", "digits", "--out", "x", "--eval-every", "0"], "eval_every is 0: it must be 2 or more"),
        (["--source", "digits", "--out", "x", "--classes", "ten"], "the source has no class ten"),
        (["--source", "digits", "--out", "x", "--sauce", "y"], "unrecognized arguments: --sauce"),
        (["--source", "digits", "--out", "x", "--format", "zip"], "choose from 'files', 'array_record'"),
    ],
)
def test_usage_errors_are_one_line_and_exit_code_2(arguments, why, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert prepare(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("error: ")
    assert why in said.err
    assert list(tmp_path.iterdir()) == []


def test_strict_gives_exit_code_2(photos, tmp_path, capsys):
    (photos / "ant" / "7.jpg").write_bytes(b"")
    assert prepare("--source", photos, "--out", tmp_path / "out", "--strict") == 2
    assert "error: bad images in" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_help_is_enough(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--help"])
    assert done.value.code == 0
    text = capsys.readouterr().out
    for word in (
        "caltech101_16",
        "tfds:NAME",
        "digits",
        "FOLDER",
        "ARCHIVE",
        "--strict",
        "--format",
        "examples:",
        "exit codes:",
    ):
        assert word in text


LIMITED = """
import resource, sys
from simam_jax import command, prepare
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
sys.exit(command.run(prepare.main, sys.argv[1:]))
"""

# A shell's background job, as the tests may be, has its children ignore Ctrl-C.
SLOW = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from simam_jax import command, prepare
from simam_jax.data import intake
decode = intake.decode
intake.decode = lambda data: time.sleep(0.2) or decode(data)
sys.exit(command.run(prepare.main, sys.argv[1:]))
"""


def test_files_that_cannot_be_written_give_exit_code_4(photos, tmp_path, python_environment):
    big = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    Image.fromarray(big).save(photos / "ant" / "3.png")
    arguments = [sys.executable, "-c", LIMITED, "--source", str(photos), "--out", str(tmp_path / "new" / "out")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=python_environment)
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.startswith("error: cannot write ")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_signal_leaves_nothing(photos, tmp_path, python_environment, stop, code):
    parent = tmp_path / "new"
    arguments = [sys.executable, "-c", SLOW, "--source", str(photos), "--out", str(parent / "out")]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=python_environment)
    end = time.monotonic() + 30
    while not list(parent.glob(".*/train/ant/*.png")):
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(stop)
    _, said = process.communicate()
    assert process.returncode == code
    assert said.count("\n") == 1
    assert list(parent.iterdir()) == []


SMALL_SHARDS = SLOW.replace(
    "from simam_jax import", "from simam_jax.data import shard_writing\nfrom simam_jax import", 1
)
SMALL_SHARDS = SMALL_SHARDS.replace("decode =", "shard_writing.SHARD_BYTES = 1\ndecode =", 1)


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_signal_keeps_finished_shards_and_the_same_command_goes_on(
    photos, tmp_path, python_environment, capsys, stop, code
):
    parent = tmp_path / "new"
    options = ["--source", str(photos), "--out", str(parent / "out"), "--format", "array_record"]
    process = subprocess.Popen(
        [sys.executable, "-c", SMALL_SHARDS, *options], stderr=subprocess.PIPE, text=True, env=python_environment
    )
    end = time.monotonic() + 30
    while len(list(parent.glob(".*/shards/*.json"))) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(stop)
    _, said = process.communicate()
    assert process.returncode == code
    lines = [line for line in said.splitlines() if not line.startswith("preparing images")]
    assert lines == [
        f"what is finished stays in {parent}/.out.unfinished: the same command goes on from there",
        "stopped by SIGTERM: run the same command again" if code == 75 else "interrupted",
    ]
    assert prepare(*options) == 0
    said = capsys.readouterr()
    assert "going on: " in said.err
    assert said.out.splitlines()[-2:] == [
        "all          8        4",
        f"classes: 2, files left out: 0, prepared in {parent / 'out'}",
    ]
    assert [path.name for path in parent.iterdir()] == ["out"]


def test_as_a_module(tmp_path, python_environment):
    arguments = [sys.executable, "-m", "simam_jax.prepare", "--source", "digits", "--out", str(tmp_path / "digits")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=python_environment)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-2:] == [
        "all       1433      364",
        f"classes: 10, files left out: 0, prepared in {arguments[-1]}",
    ]


def test_the_data_side_imports_nothing_heavy(python_environment):
    code = (
        "import sys, simam_jax.data.preparation, simam_jax.prepare\n"
        "print({'jax', 'flax', 'tensorflow', 'grain', 'tensorflow_datasets', 'sklearn', 'cv2'} & set(sys.modules))"
    )
    arguments = [sys.executable, "-c", code]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=python_environment)
    assert done.stdout.strip() == "set()"
