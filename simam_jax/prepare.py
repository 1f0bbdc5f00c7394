"""The command that makes a prepared data set: `python -m simam_jax.prepare --source S --out DIR`."""

import signal
import sys
from collections.abc import Sequence

from simam_jax import command
from simam_jax.data.archive import Limits
from simam_jax.data.manifest import FORMATS, Manifest
from simam_jax.data.preparation import prepare
from simam_jax.data.progress import StreamProgress
from simam_jax.errors import Stopped

_HELP = """
Splits a set of images into training and evaluation folders, checks every file, and describes the result:
DIR/train/CLASS/FILE, DIR/eval/CLASS/FILE, DIR/preview.png, DIR/manifest.json and DIR/names.json, a list of the images.

With --format array_record the files lie unchanged in a few large ones instead, DIR/prepared_DIR/1.0.0/*.array_record-*,
and TensorFlow Datasets reads them as tfds:prepared_DIR where $TFDS_DATA_DIR is DIR. Training sees no difference.

DIR appears only when everything is done. Run again, the command does nothing. Where it was interrupted, it begins anew,
or with --format array_record goes on behind the files that it has finished, in .DIR.unfinished beside DIR.
"""

_SOURCES = """
sources:
  FOLDER          one folder of images a class; train/ beside eval/, val/ or test/ keeps its split;
                  or CIFAR-10 or CIFAR-100 in its binary version, which keeps its split and has its fine labels
  ARCHIVE         a .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz of such a folder
  caltech101      Caltech-101 (137 MB, downloaded once), 101 classes
  caltech101_16   its 16 classes that the seed article trains on
  digits          1797 handwritten digits that come with scikit-learn: no download
  tfds:NAME       a TensorFlow Datasets set with an image and a label; below $TFDS_DATA_DIR if that is set

examples:
  python -m simam_jax.prepare --source digits --out data/digits
  python -m simam_jax.prepare --source caltech101_16 --out data/caltech101_16
  python -m simam_jax.prepare --source cifar-10-binary.tar.gz --out data/cifar10
  python -m simam_jax.prepare --source photos.zip --out data/photos --classes cat,dog
  python -m simam_jax.prepare --source /scratch/million --out data/million --format array_record

exit codes: 0 done; 1 done, but bad images were left out; 2 wrong usage or source; 4 storage; 75 and 130 stopped.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns 1 where bad images were left out, else 0."""
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _stop)
    manifest = prepare(
        options.source,
        options.out,
        classes=options.classes,
        eval_every=options.eval_every,
        format=options.format,
        strict=options.strict,
        max_bytes=options.max_bytes,
        max_files=options.max_files,
        progress=StreamProgress(),
    )
    print(_table(manifest, options.out))
    return 1 if manifest.excluded else 0


def _parser() -> command.Parser:
    limits = Limits()
    parser = command.Parser(prog="python -m simam_jax.prepare", description=_HELP, epilog=_SOURCES)
    parser.add_argument("--source", required=True, metavar="S", help="where the images come from, see below")
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder to make")
    parser.add_argument("--classes", metavar="NAME|a,b,c", help="only these classes: caltech101_16, or a list")
    parser.add_argument(
        "--eval-every", type=int, default=5, metavar="N", help="every N-th image is for evaluation (%(default)s)"
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default=FORMATS[0],
        help="how images are stored: a file each, or in shards (%(default)s)",
    )
    parser.add_argument("--strict", action="store_true", help="fail where an image is bad, instead of leaving it out")
    parser.add_argument(
        "--max-bytes",
        type=int,
        default=limits.max_bytes,
        metavar="N",
        help="the most an archive may unpack to (%(default)s)",
    )
    parser.add_argument(
        "--max-files",
        type=int,
        default=limits.max_files,
        metavar="N",
        help="the most members it may have (%(default)s)",
    )
    return parser


def _stop(*_: object) -> None:
    raise Stopped("stopped by SIGTERM: run the same command again", exit_code=75)


def _table(manifest: Manifest, out: str) -> str:
    """The result in a few lines: images a class and split, what was left out, where it is."""
    width = max(len("class"), *(len(name) for name in manifest.classes))
    train, held_out = manifest.counts["train"], manifest.counts["eval"]
    rows = [(name, train[name], held_out[name]) for name in manifest.classes]
    rows.append(("all", sum(train.values()), sum(held_out.values())))
    lines = [f"{'class':<{width}}  {'train':>7}  {'eval':>7}"]
    lines += [f"{name:<{width}}  {n:>7}  {m:>7}" for name, n, m in rows]
    lines.append(f"classes: {len(manifest.classes)}, files left out: {len(manifest.excluded)}, prepared in {out}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(command.run(main))
