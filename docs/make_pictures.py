"""Draws the pictures of the README. Needs matplotlib, which no extra of the project installs, and the extra `train`.

    python docs/make_pictures.py                          docs/simam_gates.png
    python docs/make_pictures.py --run runs/towernet      docs/caltech_curve.png too, from that run's metrics.jsonl

The photographs are scikit-learn's sample images: china.jpg by danielbuechele, flower.jpg by vultilion, both CC BY 2.0.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from PIL import Image
from sklearn.datasets import load_sample_image

from simam_jax import simam
from simam_jax.training.summaries import read_metrics

HERE = Path(__file__).parent
STYLE = {"font.size": 9, "axes.titlesize": 9, "axes.spines.top": False, "axes.spines.right": False}
MAJORITY = 160 / 362  # airplanes among the evaluation images of caltech101_16


def main() -> None:
    """Draws what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a run on caltech101_16, for the curves")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the pictures (default: docs)")
    args = parser.parse_args()
    mpl.use("Agg")
    with plt.rc_context(STYLE):
        draw_gates(args.out / "simam_gates.png")
        if args.run:
            draw_curves(args.run, args.out / "caltech_curve.png")


def draw_gates(path: Path) -> None:
    """Two photographs and, of each, the gates of its three channels."""
    figure, rows = plt.subplots(2, 4, figsize=(9.5, 3.5), layout="compressed")
    for row, name in zip(rows, ("flower.jpg", "china.jpg"), strict=True):
        photograph = load_sample_image(name)
        x = photograph.astype(np.float32) / 255
        # A gate sees only x - μ: one added to x leaves it as it is and makes it visible where x is 0.
        gates = np.asarray(simam(x + 1)) / (x + 1)
        _show(row[0], photograph, "photograph")
        for axes, channel, colour in zip(row[1:], range(3), ("red", "green", "blue"), strict=True):
            shown = _show(axes, gates[..., channel], f"gate of the {colour} channel", vmin=0.6225, vmax=0.85)
    figure.colorbar(shown, ax=rows, aspect=25, extend="max")
    _save(figure, path)


def draw_curves(run: Path, path: Path) -> None:
    """Loss, accuracy and balanced accuracy of every epoch."""
    lines = read_metrics(run)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    for axes, name, label in (
        (left, "train/loss", "training"),
        (left, "eval/loss", "evaluation"),
        (right, "eval/accuracy", "accuracy"),
        (right, "eval/balanced_accuracy", "balanced accuracy"),
    ):
        epochs, values = zip(*((line["epoch"], line[name]) for line in lines if name in line), strict=True)
        axes.plot(epochs, values, ".-", label=label)
    right.axhline(MAJORITY, color="0.6", linewidth=0.8, linestyle="--", label="accuracy of always “airplanes”")
    left.set(title="cross-entropy", xlabel="epoch", ylim=(0, None))
    right.set(title="evaluation", xlabel="epoch", ylim=(0, 1))
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.grid(alpha=0.25)
        axes.xaxis.get_major_locator().set_params(integer=True)
    _save(figure, path)


def _show(axes: Axes, values: np.ndarray, title: str, **options) -> AxesImage:
    axes.set_title(title)
    axes.set_axis_off()
    return axes.imshow(values, cmap="magma", **options)


def _save(figure, path: Path) -> None:
    """As a PNG of 256 colours, which is a third of the size."""
    figure.savefig(path, dpi=100)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
