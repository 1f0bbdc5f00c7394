"""Measures a run's checkpoint on a split of its data."""

import sys
from collections.abc import Sequence
from pathlib import Path

from simam_jax import command

_DESCRIPTION = """\
Measures a checkpoint on a split: loss, accuracy, top-5 and balanced accuracy, a table of classes and the confusion
matrix. The same is written to RUN/eval/SPLIT/CHECKPOINT/ as metrics.json, per_class.csv, confusion.csv and
predictions.csv.

  python -m simam_jax.evaluate --run runs/towernet-digits
  python -m simam_jax.evaluate --run runs/towernet-digits --checkpoint latest --split train
  python -m simam_jax.evaluate --run runs/towernet-flowers --data data/other_flowers
"""
_EPILOG = """\
Other data than the run's must have its classes; what is found there goes to RUN/eval/SPLIT@DATA/CHECKPOINT/, beside
the run's own. Pixels are normalised as in training.

exit codes: 0 done; 1 done, but images that cannot be read were left out; 2 wrong usage, run or data;
4 the checkpoint is damaged, or the files cannot be written
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns 1 where images were left out, else 0."""
    parser = command.Parser(prog="python -m simam_jax.evaluate", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--run", required=True, type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument(
        "--checkpoint", default="best", metavar="best|latest|STEP", help="which checkpoint (%(default)s)"
    )
    parser.add_argument("--split", default="eval", choices=("eval", "train", "val"), help="which images (%(default)s)")
    parser.add_argument("--data", default="", metavar="DIR", help="a prepared folder or tfds:NAME (the run's own data)")
    args = parser.parse_args(argv)

    # Imported after the arguments are known to be good: JAX takes seconds.
    from simam_jax.inference.evaluation import evaluate
    from simam_jax.inference.restore import restore
    from simam_jax.inference.split import open_split
    from simam_jax.reporting import evaluation_text as text
    from simam_jax.reporting.evaluation_files import write_evaluation

    split = open_split(args.run, args.split, args.data)
    evaluation = evaluate(restore(args.run, args.checkpoint), split)
    print(f"{args.run}, checkpoint {args.checkpoint} (step {evaluation.step}), split {split.label}\n")
    for part in (text.describe_metrics, text.describe_classes, text.describe_confusion):
        print(part(evaluation), end="\n\n", flush=True)
    folder = args.run / "eval" / split.label / args.checkpoint
    write_evaluation(folder, evaluation, checkpoint=args.checkpoint)
    print(f"written to {folder}")
    return 1 if evaluation.count < len(split.records) else 0


if __name__ == "__main__":
    sys.exit(command.run(main))
