"""The folder of a study whose trials have ended, its answers drawn and not trained; its files are written as always."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from simam_jax.data.corruption import CORRUPTIONS, STRENGTHS
from simam_jax.data.dataset import Dataset
from simam_jax.reporting.evaluation import Evaluation
from simam_jax.reporting.evaluation_files import write_evaluation
from simam_jax.reporting.robustness_files import write_robustness
from simam_jax.studies.planning import Plan
from simam_jax.studies.study import Study
from simam_jax.studies.trials import Trial, list_trials, list_variants

CLASSES = ("a", "b <i>", "c")
IMAGES = 90
EPOCHS, STEPS_AN_EPOCH, BEST_EPOCH = 8, 10, 5


def finish_study(
    folder: Path,
    *,
    seeds: int = 6,
    attentions: tuple[str, ...] = ("none", "simam"),
    models: tuple[str, ...] = ("towernet",),
    gain: float = 0.15,
    val: bool = False,
) -> Plan:
    """Writes what trials leave; with an attention an image is recognised more often by `gain`."""
    study = Study(
        config="configs/towernet.py:mine",
        data="",
        models=models,
        attentions=attentions,
        seeds=seeds,
        epochs=EPOCHS,
        fields={"epochs": EPOCHS},
        fingerprint="f",
    )
    config = ConfigDict(
        {
            "checkpoint": {"best_metric": "accuracy"},
            "data": {"val_fraction": 0.1 if val else 0.0, "dir": str(folder / "data"), "image_size": 128},
            "model": {"placement": "auto", "dtype": "float32"},
            "implementation": "auto",
            "batch_size": 8,
            "eval_batch_size": 8,
        }
    )
    labels = np.arange(IMAGES) % len(CLASSES)

    class Split:
        def __init__(self, split: str):
            self.labels = labels

    dataset: Any = Dataset(CLASSES, (0.5,) * 3, (0.5,) * 3, "f", Split)  # type: ignore[arg-type]
    for trial in list_trials(study, folder):
        finish_trial(trial, gain * (trial.variant.attention != "none"), labels, val=val)
    return Plan(study, config, dataset)


def finish_trial(trial: Trial, gain: float, labels: np.ndarray, *, val: bool = False) -> None:
    """Writes what one trial leaves."""
    rng = np.random.default_rng([trial.seed, *trial.variant.name.encode()])
    trial.run.mkdir(parents=True)
    lines = []
    for epoch in range(EPOCHS):
        about = {"step": (epoch + 1) * STEPS_AN_EPOCH, "epoch": epoch, "time": 0.0}
        lines.append({**about, "train/loss": 2.0 - epoch / 10})
        split, accuracy = ("val" if val else "eval"), 0.5 + (0.2 + gain if epoch == BEST_EPOCH else epoch / 100)
        lines.append({**about, f"{split}/loss": 1.0, f"{split}/accuracy": accuracy})
    if val:
        lines.append({**lines[-1], "eval/loss": 1.0, "eval/accuracy": 0.6})
        del lines[-1]["val/loss"], lines[-1]["val/accuracy"]
    (trial.run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    names = [f"{CLASSES[label]}/{place:03}.png" for place, label in enumerate(labels)]
    for checkpoint, epoch in (("best", BEST_EPOCH), ("latest", EPOCHS - 1)):
        correct = rng.random(IMAGES) < 0.6 + gain
        evaluation = Evaluation(
            step=(epoch + 1) * STEPS_AN_EPOCH,
            metrics={
                "loss": 1.0,
                "accuracy": float(correct.mean()),
                "top5": 1.0,
                "balanced_accuracy": float(np.mean([correct[labels == label].mean() for label in range(3)])),
            },
            classes=CLASSES,
            names=names,
            labels=labels,
            predictions=np.where(correct, labels, (labels + 1) % 3),
            probabilities=rng.uniform(0.4, 1.0, IMAGES),
        )
        folder = trial.run / "eval" / "eval" / checkpoint
        write_evaluation(folder, evaluation, checkpoint=checkpoint)
        if checkpoint == "best" or not val:
            marks = {
                (name, strength): correct & (rng.random(IMAGES) < 1 - strength / 5)
                for name in CORRUPTIONS
                for strength in STRENGTHS
            }
            write_robustness(
                folder,
                checkpoint=checkpoint,
                step=evaluation.step,
                clean=float(correct.mean()),
                names=names,
                correct=marks,
            )


def counted(plan: Plan) -> dict:
    """Parameters and multiply-adds of every variant."""
    return {variant: {"parameters": 1000, "multiply_adds": 2_000_000} for variant in list_variants(plan.study)}
