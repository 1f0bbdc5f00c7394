"""Prints a network's layers, parameters and multiply-adds."""

import json
import sys
from collections.abc import Sequence

from simam_jax import command
from simam_jax.errors import UsageError

_DESCRIPTION = """\
Prints a network layer by layer: output shapes for a batch of one, parameters, batch statistics and multiply-adds.

  python -m simam_jax.summary --model towernet --num-classes 16
  python -m simam_jax.summary --model towernet --num-classes 16 --attention none --image-size 128 --format json
  python -m simam_jax.summary --config configs/towernet.py:digits --config.model.num_classes=10

Multiply-adds are those of convolutions and linear layers; FLOPs are twice as many.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command."""
    parser = command.Parser(prog="python -m simam_jax.summary", description=_DESCRIPTION)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--config", metavar="FILE[:ARG]", help="a config; its fields can be changed as in main")
    which.add_argument("--model", metavar="NAME", help="a network by name")
    parser.add_argument("--num-classes", type=int, default=0, metavar="N", help="width of the classifier")
    parser.add_argument("--attention", default="auto", metavar="A", help="a spec (default: the network's own)")
    parser.add_argument("--image-size", type=int, default=256, metavar="S", help="side in pixels (default: 256)")
    parser.add_argument("--format", default="table", choices=["table", "json"], help="default: table")
    args, overrides = parser.parse_known_args(argv)
    if overrides and not args.config:
        parser.error(f"unrecognised argument {overrides[0]!r}")

    # Imported after the arguments are known to be good: JAX takes seconds.
    from simam_jax.models.registry import create_model
    from simam_jax.profiling.layers import describe
    from simam_jax.reporting.table import format_table

    options, image_size = (
        {"name": args.model, "num_classes": args.num_classes, "attention": args.attention},
        args.image_size,
    )
    if args.config:
        from simam_jax.training.config import load_config

        config = load_config(args.config, overrides)
        options, image_size = dict(config.model), config.data.image_size
        options["num_classes"] = options["num_classes"] or args.num_classes or _classes(config.data.dir)
    if not options["num_classes"]:
        raise UsageError("how many classes? give --num-classes N")
    try:
        layers = describe(create_model(**options), image_size)
    except ValueError as error:
        raise UsageError(str(error)) from error
    totals = {
        name: sum(getattr(layer, name) for layer in layers) for name in ("parameters", "buffers", "multiply_adds")
    }
    totals["flops"] = 2 * totals["multiply_adds"]
    if args.format == "json":
        print(
            json.dumps({**options, "image_size": image_size, **totals, "layers": [each._asdict() for each in layers]})
        )
        return 0
    header = ["layer", "type", "output", "parameters", "buffers", "multiply-adds"]
    rows = [
        (each.path, each.kind, "x".join(map(str, each.output)), f"{each.parameters:,}", f"{each.buffers:,}",
         f"{each.multiply_adds:,}") for each in layers
    ]  # fmt: skip
    print(format_table(header, rows))
    print()
    print(format_table(["total", ""], [(name.replace("_", "-"), f"{value:,}") for name, value in totals.items()]))
    return 0


def _classes(directory: str) -> int:
    """The prepared data's number of classes; 0 where there is none."""
    from simam_jax.data.manifest import read_manifest

    try:
        return len(read_manifest(directory).classes)
    except UsageError:
        return 0


if __name__ == "__main__":
    sys.exit(command.run(main))
