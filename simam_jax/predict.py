"""Names what images show, by a run's checkpoint."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from simam_jax import command
from simam_jax.reporting.prediction_formats import FORMATS, create_format

_DESCRIPTION = """\
Names what images show, with probabilities, by a checkpoint of a run. It needs no data set.

  python -m simam_jax.predict --run runs/towernet-digits photo.jpg
  python -m simam_jax.predict --run runs/towernet-digits --format csv photos/ 'more/**/*.png' > answers.csv
  find photos -name '*.jpg' -mtime -1 | python -m simam_jax.predict --run runs/towernet-digits --top-k 1 -
  curl https://example.org/photo.jpg | python -m simam_jax.predict --run runs/towernet-digits -
"""
_EPILOG = """\
INPUT is any mix of
  a file      whatever it is called
  a folder    its files that are named like images (.jpg, .png, …), and those of the folders in it; hidden ones are not
  a pattern   in quotes, such as 'photos/**/*.jpg'; ** is any folders
  -           standard input: the bytes of one image, or a list of files, folders and patterns, one a line

Answers are printed as each batch is done, in the order of the inputs. An image that cannot be read is one line on
standard error, and in jsonl an object with its error.

formats: table; csv: path,rank,class,probability; jsonl: {"path", "top": [{"class", "probability"}, …]} a line

exit codes: 0 done; 1 done, but for images that cannot be read; 2 wrong usage or run, or no image;
4 the checkpoint is damaged
"""

_log = logging.getLogger("simam_jax.predict")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns 1 where an image got no answer, else 0."""
    parser = command.Parser(prog="python -m simam_jax.predict", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--run", required=True, type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument(
        "--checkpoint", default="best", metavar="best|latest|STEP", help="which checkpoint (%(default)s)"
    )
    parser.add_argument("--top-k", type=int, default=5, metavar="K", help="classes an image (%(default)s)")
    parser.add_argument("--format", default="table", choices=FORMATS, help="of the answers (%(default)s)")
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="see below")
    args = parser.parse_args(argv)

    # Imported after the arguments are known to be good: JAX takes seconds.
    from simam_jax.inference.inputs import find_inputs
    from simam_jax.inference.prediction import predict
    from simam_jax.inference.restore import restore

    inputs = find_inputs(args.inputs, sys.stdin.buffer.read)
    classifier = restore(args.run, args.checkpoint)
    form = create_format(args.format, paths=[each.path for each in inputs], classes=classifier.classes)
    command.let_names_pass()
    answers = predict(classifier, inputs, top_k=args.top_k)
    print(form.header(), end="", flush=True)
    failed = 0
    for predictions in answers:
        print(form.rows(predictions), end="", flush=True)
        for each in predictions:
            if each.error:
                failed += 1
                _log.warning("%s: %s", each.path, each.error)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(command.run(main))
