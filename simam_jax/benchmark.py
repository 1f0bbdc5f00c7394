"""Measures speed and memory beside stock Flax and, where its interpreter is given, PyTorch."""

import sys
from collections.abc import Sequence
from pathlib import Path

from simam_jax import command

_DESCRIPTION = """\
Measures speed and memory beside named peers, in turn, round after round. Stock Flax is the same networks on XLA's own
operations. PyTorch takes part, eager and compiled, where an interpreter that has it is given.

  python -m simam_jax.benchmark --suite all --small                             does everything run?
  python -m simam_jax.benchmark --suite step --peer-python ~/torch/bin/python --json steps.json
  python -m simam_jax.benchmark --suite input --data data/caltech101_16
"""
_EPILOG = """\
suites
  step       training steps on input in memory: forward, cross-entropy, backward, momentum, L2; the networks plain and
             with SimAM, in float32 and bfloat16 (PyTorch: autocast); limit: a large matrix product
  attention  SimAM alone, forward and with backward; limit: a copy of the bytes that must move
  input      images of class folders to 256², beside tf.data and PyTorch's DataLoader; how long a step waits for them
  start      from the start of a process to its first step, without and with a compilation cache
  memory     the most that training steps take
  all        these, within eight minutes on a GPU, leaving out what does not fit

A ratio above 1 is slower, or larger, than ours. What could not be measured is said on standard error, and is no row.
All threads of the machine are used, so nothing else should run.

json: {"machine": {"platform", "device_kind", "device_count", "cores", "load_average", "versions", "date"},
       "rows": [{"suite", "case", "who", "dtype", "median_s", "min_s", "max_s", "n", "ratio_to_ours",
                 "limit_fraction"}, …]}
In the suite memory the seconds are null and a row has "median_bytes"; in the suite step it may have "loss_difference",
the largest difference of the first five losses from ours. Seconds are of a step, or of an image (input).

exit codes: 0 done; 1 done, but nothing of ours could be measured; 2 wrong usage, before anything is measured
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns 1 where ours was not measured, else 0."""
    parser = command.Parser(prog="python -m simam_jax.benchmark", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--suite", required=True, metavar="step|attention|input|start|memory|all", help="see below")
    parser.add_argument("--peer-python", metavar="PYTHON", help="an interpreter that has torch and numpy")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="of the suite input: class folders, or a prepared folder"
    )
    parser.add_argument("--small", action="store_true", help="tiny shapes: a few minutes on two cores")
    args = parser.parse_args(argv)

    from simam_jax.benchmarking.report import benchmark
    from simam_jax.benchmarking.rows import OURS
    from simam_jax.reporting.benchmark_text import describe_benchmark

    rows = benchmark(args.suite, peer_python=args.peer_python, json_file=args.json, data=args.data, small=args.small)
    print(describe_benchmark([row.as_json() for row in rows]))
    return 0 if any(row.who == OURS for row in rows) else 1


if __name__ == "__main__":
    sys.exit(command.run(main))
