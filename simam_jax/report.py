"""Draws the page of a run or a study."""

import sys
from collections.abc import Sequence
from pathlib import Path

from simam_jax import command

_DESCRIPTION = """\
Draws PATH/report.html from a run's or a study's folder: one file with everything in it, to be read in any browser, on
paper, or sent to somebody. A page that is there already is replaced.

  python -m simam_jax.report runs/towernet-digits
  python -m simam_jax.report studies/digits
"""
_EPILOG = """\
A run's confusion matrix, calibration, classes and mistakes are those of `python -m simam_jax.evaluate --run RUN`;
without it the page has curves and the data. Pictures come from the data's folder, if it is still where it was, below
the current folder or beside the run.

exit codes: 0 done; 2 PATH is neither a run nor a study with results, or one of its files is damaged; 4 the page cannot
be written
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns 0."""
    parser = command.Parser(prog="python -m simam_jax.report", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("path", type=Path, metavar="PATH", help="the folder of a run or a study")
    args = parser.parse_args(argv)

    from simam_jax.reporting.page import write_page

    command.let_names_pass()
    print(write_page(args.path))
    return 0


if __name__ == "__main__":
    sys.exit(command.run(main))
