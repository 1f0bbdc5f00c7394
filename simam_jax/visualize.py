"""Draws what a run's network looks at in images."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from simam_jax import command

_DESCRIPTION = """\
Draws what a checkpoint's network looks at in images: Grad-CAM, and of every SimAM in it the gate and the energy. It
needs no data set.

  python -m simam_jax.visualize --run runs/towernet-digits --out pictures photo.jpg
  python -m simam_jax.visualize --run runs/towernet --out pictures --layer inception1,stage4 --class accordion photos/
  find photos -name '*.jpg' | python -m simam_jax.visualize --run runs/towernet --out pictures -
"""
_EPILOG = """\
INPUT is any mix of files, folders, patterns in quotes such as 'photos/**/*.jpg', and - for standard input, as for
python -m simam_jax.predict.

Every image gets a folder DIR/NAME: sheet.png has all its pictures side by side; image.png is the image itself, and
grad_cam-LAYER.png, gate-LAYER.png and energy-LAYER.png are one map each. NAME is the file's, without suffix, and with a
number where it would come twice; a folder that is there already is an error. The pictures are printed as they are
written; description.json beside them says what image they are of, what the network answers, which class Grad-CAM is of,
and of each map its layer and size, in the network's order.

  Grad-CAM  which places of LAYER's output speak for the class, as shares of the map's largest value
  gate      what SimAM multiplies its input by, from 0.6225 at a channel's mean to 1; the mean over channels
  energy    drawn as 1/e*, the mean over channels: where it is high the energy is low, and the place stands out

LAYER is the path of any module whose output is a feature map; a wrong one lists those that the network has. The
coarser a map, the less its picture says of places.

exit codes: 0 done; 1 done, but for images that cannot be read; 2 wrong usage or run, or no image; 4 the checkpoint is
damaged, or the pictures cannot be written
"""

_log = logging.getLogger("simam_jax.visualize")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns 1 where an image got no pictures, else 0."""
    parser = command.Parser(prog="python -m simam_jax.visualize", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--run", required=True, type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the pictures go")
    parser.add_argument(
        "--checkpoint", default="best", metavar="best|latest|STEP", help="which checkpoint (%(default)s)"
    )
    parser.add_argument(
        "--layer",
        action="append",
        default=[],
        metavar="L",
        help="of Grad-CAM; several with commas, or again (the last with more than one position)",
    )
    parser.add_argument(
        "--class", default="", dest="class_name", metavar="NAME", help="that Grad-CAM explains (the one answered)"
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="see below")
    args = parser.parse_args(argv)

    # Imported after the arguments are known to be good: JAX takes seconds.
    from simam_jax.explain.description import describe_maps
    from simam_jax.explain.explainer import Explainer
    from simam_jax.explain.visualization import visualize
    from simam_jax.inference.inputs import find_inputs
    from simam_jax.inference.restore import restore

    layers = [name for word in args.layer for name in word.split(",") if name]
    inputs = find_inputs(args.inputs, sys.stdin.buffer.read)
    classifier = restore(args.run, args.checkpoint)
    explainer = Explainer(classifier, layers=layers)
    classes = [args.class_name] * len(inputs)
    results = visualize(explainer, classifier.view, inputs, args.out, classes=classes)
    _log.info("%s", describe_maps(explainer.shapes, explainer.layers, explainer.simam_layers))
    command.let_names_pass()
    failed = 0
    for each in results:
        for file in each.files:
            print(file, flush=True)
        if each.error:
            failed += 1
            _log.warning("%s: %s", each.path, each.error)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(command.run(main))
