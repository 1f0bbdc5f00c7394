"""Folders of runs and studies as `main`, `evaluate` and `compare` leave them, filled with simulated numbers.

Answers are simulated; statistics are those of studies.compare_variants, files those of the project's own writers.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from simam_jax.reporting.calibration import calibration_error, reliability
from simam_jax.reporting.evaluation import Evaluation
from simam_jax.reporting.evaluation_files import write_evaluation
from simam_jax.reporting.explanation import Explanation
from simam_jax.reporting.explanation_files import write_pictures
from simam_jax.reporting.prediction import Guess
from simam_jax.studies.answers import Answers
from simam_jax.studies.variants import compare_variants

# As class folders may be called.
CLASSES = ("<b>bold</b>", "cats & 'dogs'", "plain", '"quoted" 🦊')
FINGERPRINT = "f" * 64
STRENGTHS = ("1", "2", "3")
_STEPS = 10  # an epoch


@dataclass(frozen=True)
class Images:
    """Evaluation images.

    Attributes:
        classes: in label order.
        names: CLASS/FILE.
        labels: of the names.
        easiness: how easily each is recognised.
    """

    classes: Sequence[str]
    names: Sequence[str]
    labels: np.ndarray
    easiness: np.ndarray


def make_images(rng: np.random.Generator, classes: Sequence[str] = CLASSES, each: int = 12) -> Images:
    """So many of every class."""
    labels = np.repeat(np.arange(len(classes)), each)
    names = [f"{classes[label]}/{place % each:04}.png" for place, label in enumerate(labels)]
    return Images(classes, names, labels, rng.normal(1.0, 1.5, len(labels)))


def write_data(folder: Path, images: Images) -> None:
    """A prepared folder: the eval images as coloured squares, a manifest and a preview."""
    rng = np.random.default_rng(1)
    for name in images.names:
        path = folder / "eval" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).save(path)
    Image.new("RGB", (64, 64), "teal").save(folder / "preview.png")
    _write(folder / "manifest.json", {"fingerprint": FINGERPRINT, "counts": counts(images), "options": {}})


def counts(images: Images) -> dict[str, dict[str, int]]:
    """Images by split and class; four times as many to train as to evaluate."""
    found = np.bincount(images.labels, minlength=len(images.classes)).tolist()
    return {
        split: {name: times * n for name, n in zip(images.classes, found, strict=True)}
        for split, times in (("train", 4), ("eval", 1))
    }


def simulate(rng: np.random.Generator, images: Images, effect: float) -> Evaluation:
    """A trial's answers; the larger the effect, the more are right."""
    strength = images.easiness + effect + rng.normal(0, 1, len(images.labels))
    wrong = (images.labels + rng.integers(1, len(images.classes), len(images.labels))) % len(images.classes)
    predictions = np.where(strength > 0, images.labels, wrong)
    probabilities = np.clip(np.round(1 / 3 + 2 / 3 / (1 + np.exp(-np.abs(strength))), 4), 0.0001, 0.9999)
    correct = predictions == images.labels
    recalls = [correct[images.labels == label].mean() for label in np.unique(images.labels)]
    metrics = {
        "loss": float(-np.log(np.where(correct, probabilities, 1 - probabilities)).mean()),
        "accuracy": float(correct.mean()),
        "top5": 1.0,
        "balanced_accuracy": float(np.mean(recalls)),
    }
    return Evaluation(0, metrics, images.classes, images.names, images.labels, predictions, probabilities)


def write_run(
    folder: Path,
    answers: Evaluation,
    *,
    data: Path,
    network: str = "towernet",
    attention: str = "simam",
    seed: int = 0,
    epochs: int = 6,
    val_fraction: float = 0.0,
    last: bool = False,
) -> None:
    """A finished run whose best epoch is the last but one; the answers of its last epoch are the same, if kept."""
    folder.mkdir(parents=True)
    config = {
        "seed": seed,
        "epochs": epochs,
        "batch_size": 8,
        "model": {"name": network, "attention": attention},
        "data": {"dir": str(data), "image_size": 128, "val_fraction": val_fraction},
        "optimizer": {"name": "sgd"},
        "schedule": {"name": "cosine", "learning_rate": 0.01},
        "checkpoint": {"best_metric": "accuracy", "best_above": 0.0},
    }
    facts = {
        "versions": {"simam-jax": "0.1.0", "jax": "0.10.2", "flax": "0.12.8"},
        "devices": {"count": 1, "kind": "cpu"},
        "classes": list(answers.classes),
        "fingerprint": FINGERPRINT,
        "parameters": 1362176,
    }
    _write(folder / "config.json", config)
    _write(folder / "run.json", facts)
    best = epochs - 2
    final = answers.metrics["accuracy"]
    split = "val" if val_fraction else "eval"
    rng = np.random.default_rng([seed, len(attention)])
    lines = []
    for epoch in range(epochs):
        share = (epoch + 1) / epochs
        shared = {"step": (epoch + 1) * _STEPS, "epoch": epoch, "time": 1.0}
        loss = 2 * np.exp(-3 * share) + 0.02 * rng.random()
        lines.append(shared | {"train/loss": loss, "train/accuracy": min(1.0, 0.4 + 0.6 * share)})
        accuracy = final if epoch == best else final * (0.6 + 0.3 * share) + 0.01 * rng.random()
        measured = answers.metrics | {"accuracy": accuracy, "balanced_accuracy": 0.9 * accuracy}
        if epoch == best:
            measured = dict(answers.metrics)
        lines.append(shared | {f"{split}/{name}": value for name, value in measured.items()})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    at_best = Evaluation(**(_fields(answers) | {"step": (best + 1) * _STEPS}))
    write_evaluation(folder / "eval" / "eval" / "best", at_best, checkpoint="best")
    if last:
        at_last = Evaluation(**(_fields(answers) | {"step": epochs * _STEPS}))
        write_evaluation(folder / "eval" / "eval" / "latest", at_last, checkpoint="latest")


def write_study(
    folder: Path,
    images: Images,
    *,
    data: Path,
    effects: Mapping[str, float],
    seeds: int = 8,
    networks: Sequence[str] = ("towernet",),
    epochs: int = 6,
) -> None:
    """A finished study, of every network none and each attention with its effect."""
    folder.mkdir(parents=True)
    rows, pooled = [], []
    for network in networks:
        for attention, effect in {"none": 0.0, **effects}.items():
            made = [simulate(np.random.default_rng([seed, len(attention)]), images, effect) for seed in range(seeds)]
            name = attention.replace(":", "-").replace(",", "-")
            trials = []
            for seed, answers in enumerate(made):
                run = f"trials/{network}-{name}-seed{seed}"
                about = {"network": network, "attention": attention, "seed": seed, "epochs": epochs}
                write_run(folder / run, answers, data=data, last=True, **about)
                trials.append(_trial(run, seed, answers, epochs))
            rows.append(_row(network, attention, trials))
            pooled.append(
                Answers(
                    network,
                    attention,
                    tuple(range(seeds)),
                    np.array([each.labels == each.predictions for each in made]),
                    np.array([each.probabilities for each in made]),
                )
            )
    found = {
        (each.network, each.attention): each.as_json()
        for each in compare_variants(pooled, images.labels, resamples=200)
    }
    for row in rows:
        each = found.get((row["network"], row["attention"]))
        worse = None if each is None else {"blur": each, "all": each}
        row["comparison"] = {"best": each, "last": each, "robustness": {"best": worse, "last": worse}}
    study = {"config": "towernet.py", "seeds": seeds, "epochs": epochs}
    about = {"dir": str(data), "classes": list(images.classes), "counts": counts(images), "preview": ""}
    _write(folder / "results.json", {"study": study, "selection": "eval", "data": about, "variants": rows})
    _write(folder / "study.json", study)


def write_explanation(folder: Path, *, simam: Mapping[str, int]) -> None:
    """The pictures that `visualize` writes of an image, of random maps.

    Args:
        folder: where to.
        simam: the side of each SimAM's map, by its layer, in the network's order.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(2)
    maps = {layer: rng.random((side, side), np.float32) for layer, side in simam.items()}
    explanation = Explanation(
        Guess("plain", 0.9),
        Guess(CLASSES[0], 0.1),
        {"stage4": rng.random((4, 4), np.float32)},
        {layer: 0.63 + 0.3 * values for layer, values in maps.items()},
        {layer: 0.5 + values for layer, values in maps.items()},
    )
    write_pictures(folder, rng.integers(0, 256, (32, 32, 3), np.uint8), explanation, name="x.png")


def _trial(run: str, seed: int, answers: Evaluation, epochs: int) -> dict[str, Any]:
    error = calibration_error(reliability(answers.labels == answers.predictions, answers.probabilities))
    measured = {name: value for name, value in answers.metrics.items() if name != "top5"}
    accuracy = answers.metrics["accuracy"]
    worse = {
        kind: {strength: accuracy * (1 - 0.1 * int(strength) * harm) for strength in STRENGTHS}
        for kind, harm in (("blur", 1.0), ("noise", 2.0), ("contrast", 1.5), ("jpeg", 0.5), ("rotation", 2.5))
    }
    return {
        "seed": seed,
        "run": run,
        "state": "done",
        "best": {"epoch": epochs - 2, "step": (epochs - 1) * _STEPS, "calibration_error": error, **measured},
        "last": {"epoch": epochs - 1, "step": epochs * _STEPS, "calibration_error": error, **measured},
        "robustness": {"best": {"clean": accuracy, **worse}, "last": {"clean": accuracy, **worse}},
    }


def _row(network: str, attention: str, trials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "network": network,
        "attention": attention,
        "parameters": 1362176,
        "multiply_adds": 2.3e9,
        "train_ms_per_image": 42.5,
        "inference_ms_per_image": 11.0,
        "peak_bytes": 900 * 2**20,
        "memory": "allocator",
        "device": "NVIDIA H100",
        "last_epochs_loss_change": -0.01,
        "trials": trials,
    }


def _fields(answers: Evaluation) -> dict[str, Any]:
    return {name: getattr(answers, name) for name in Evaluation.__dataclass_fields__}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
