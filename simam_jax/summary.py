"""Shows what a network is made of and what it costs."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from simam_jax import command
from simam_jax.errors import UsageError

_DESCRIPTION = """\
Shows the layers of a network with their shapes, parameters and multiply-adds, and the totals. Nothing is computed.

  python -m simam_jax.summary --config configs/towernet.py
  python -m simam_jax.summary --config configs/towernet.py:digits --config.model.attention=none
  python -m simam_jax.summary --model resnet50 --num-classes 1000 --attention se --image-size 224
  python -m simam_jax.summary --model towernet --num-classes 16 --image-size 256 --format json
"""
_EPILOG = """\
With --config, any field can be changed by --config.FIELD=VALUE. The number of classes is that of the config's data,
where they are prepared or a set with a name, such as caltech101_16 or tfds:cifar10; elsewhere give
--config.model.num_classes=N.

json: {"model", "attention", "num_classes", "image_size", "convention",
       "layers": [{"path", "type", "input_shape", "output_shape", "output_bytes", "parameters", "batch_stats",
                   "multiply_adds"}, …],
       "totals": {"parameters", "batch_stats", "multiply_adds", "flops", "activation_bytes"}}
Shapes, bytes and multiply-adds are of one image. Multiply-adds are those of convolutions and linear layers alone;
--convention paper adds two for every element of a batch norm, as table 3 of the SimAM paper does. FLOPs are twice as
many. Batch statistics are the buffers of a batch norm; activations are the layers' outputs, in the compute dtype.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command."""
    args, overrides = _parser().parse_known_args(argv)
    try:
        options, image_size = _of_config(args, overrides) if args.config else _of_model(args, overrides)
        if image_size < 1:
            raise UsageError(f"the image size must be at least 1 pixel, got {image_size}")

        # Imported after the arguments are known to be good: JAX takes seconds.
        from simam_jax.models.registry import create_model
        from simam_jax.profiling.network import summarise
        from simam_jax.reporting.network_text import describe_network

        layers_and_totals = summarise(create_model(**options), image_size=image_size, convention=args.convention)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if args.format == "table":
        print(describe_network(layers_and_totals))
    else:
        about = {"model": options["name"], "attention": options["attention"], "num_classes": options["num_classes"]}
        print(json.dumps({**about, **layers_and_totals}, indent=2))
    return 0


def _parser() -> command.Parser:
    parser = command.Parser(prog="python -m simam_jax.summary", description=_DESCRIPTION, epilog=_EPILOG)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--config", metavar="FILE[:ARG]", help="config file, and its argument")
    which.add_argument("--model", metavar="NAME", help="instead of a config: a network by its name")
    parser.add_argument("--num-classes", type=int, metavar="N", help="of --model: width of the classifier")
    parser.add_argument("--attention", metavar="A", help="of --model: attention, such as none (the network's own)")
    parser.add_argument("--placement", metavar="P", help="of --model: where it stands, such as bn2 (the source's own)")
    parser.add_argument("--image-size", type=int, metavar="S", help="of --model: side of the images in pixels (256)")
    parser.add_argument(
        "--convention", default="layers", choices=("layers", "paper"), help="of the multiply-adds (%(default)s)"
    )
    parser.add_argument("--format", default="table", choices=("table", "json"), help="of the result (%(default)s)")
    return parser


def _of_config(args: argparse.Namespace, overrides: Sequence[str]) -> tuple[dict[str, Any], int]:
    """What `create_model` takes, and the image size, by a config."""
    from simam_jax.data.class_count import class_count
    from simam_jax.models.registry import create_model
    from simam_jax.training.config import load_config

    if (args.num_classes, args.attention, args.placement, args.image_size) != (None,) * 4:
        raise UsageError(
            "--num-classes, --attention, --placement and --image-size go with --model: with --config, "
            "say --config.model.num_classes, .attention and .placement, and --config.data.image_size"
        )
    config: Any = load_config(args.config, overrides)
    options = dict(config.model)
    # A misspelt name is said rather than that its classes are not known.
    create_model(**{**options, "num_classes": options["num_classes"] or 1})
    options["num_classes"] = options["num_classes"] or class_count(config.data.dir, config.data.source)
    if not options["num_classes"]:
        raise UsageError(
            f"the number of classes is not known, since {config.data.dir or 'data.dir'} is no prepared folder: "
            f"give --config.model.num_classes=N"
        )
    return options, config.data.image_size


def _of_model(args: argparse.Namespace, overrides: Sequence[str]) -> tuple[dict[str, Any], int]:
    """What `create_model` takes, and the image size, by the options of --model."""
    if overrides:
        raise UsageError(f"unrecognised argument {overrides[0]!r} (see --help)")
    options = {
        "name": args.model,
        "num_classes": args.num_classes,
        "attention": args.attention or "auto",
        "placement": args.placement or "auto",
    }
    if args.num_classes is None:
        from simam_jax.models.registry import create_model

        # As with --config, a misspelt name comes first.
        create_model(**{**options, "num_classes": 1})
        raise UsageError("--model needs --num-classes N")
    return options, args.image_size if args.image_size is not None else 256


if __name__ == "__main__":
    sys.exit(command.run(main))
