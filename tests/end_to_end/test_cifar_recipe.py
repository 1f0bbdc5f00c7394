"""CIFAR's recipe on CIFAR's binary layout: real handwritten digits stand in for its photographs."""

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

TRAIN_FILES, RECORDS = 5, 10_000


def records(images: np.ndarray, labels: np.ndarray, count: int, seed: int) -> bytes:
    """Digits of 8×8, enlarged to 24…32 pixels and set down somewhere in 32×32, bright on dark, in some colour."""
    random = np.random.default_rng(seed)
    written = []
    for place in random.integers(0, len(images), count):
        side = int(random.integers(24, 33))
        digit = np.asarray(Image.fromarray(images[place]).resize((side, side), Image.Resampling.BILINEAR), np.float32)
        top, left = random.integers(0, 33 - side, 2)
        square = np.zeros((3, 32, 32), np.float32)
        square[:, top : top + side, left : left + side] = digit * random.uniform(0.4, 1, (3, 1, 1))
        written.append(bytes([labels[place]]) + square.astype(np.uint8).tobytes())
    return b"".join(written)


def write_cifar(folder: Path) -> None:
    """60,000 records; no digit of the test file is in another."""
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)
    held_out = np.arange(len(images)) % 6 == 0
    folder.mkdir()
    for number in range(1, TRAIN_FILES + 1):
        data = records(images[~held_out], labels[~held_out], RECORDS, number)
        (folder / f"data_batch_{number}.bin").write_bytes(data)
    (folder / "test_batch.bin").write_bytes(records(images[held_out], labels[held_out], RECORDS, 0))
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    (folder / "batches.meta.txt").write_text("\n".join(names) + "\n")


@pytest.mark.slow
def test_resnet20_with_simam_learns_in_an_epoch(root, tmp_path, python_environment):
    def run(verb: str, *arguments: str) -> str:
        began = time.monotonic()
        command = [sys.executable, "-m", f"simam_jax.{verb}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=python_environment)
        print(f"{verb}: {time.monotonic() - began:.0f} s\n{done.stdout}")
        assert done.returncode == 0, done.stderr
        return done.stdout

    write_cifar(tmp_path / "cifar-10-batches-bin")
    said = run("prepare", "--source", str(tmp_path / "cifar-10-batches-bin"), "--out", str(tmp_path / "data"))
    assert re.search(r"^all +50000 +10000$", said, re.MULTILINE)
    said = run(
        "main", "--config", f"{root}/configs/cifar.py:resnet20@{tmp_path / 'data'}", "--workdir", str(tmp_path / "run"),
        "--config.model.attention=simam", "--config.epochs=1", "--config.schedule.name=cosine",
        "--config.schedule.milestones=()", "--config.augment.flip=False",
    )  # fmt: skip
    accuracy = float(re.search(r"best acc is (\S+) at epoch 0", said)[1])
    assert accuracy >= 0.95
