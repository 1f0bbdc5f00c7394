"""Trains a network as a config file says."""

import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from simam_jax import command
from simam_jax.errors import Stopped, UsageError

if TYPE_CHECKING:
    from simam_jax.training.stopping import StopRequest

_DESCRIPTION = """\
Trains a network as a config file says, on all devices, and keeps the best and the latest checkpoints. The same command
run again goes on where it was stopped.

  python -m simam_jax.main --config configs/towernet.py:digits          handwritten digits; needs no download
  python -m simam_jax.main --config configs/towernet.py                 the 16-class Caltech-101 of the seed
  python -m simam_jax.main --config configs/towernet.py:data/flowers    a folder that simam_jax.prepare made
  python -m simam_jax.main --config configs/towernet.py --workdir runs/plain --config.model.attention=none
"""
_EPILOG = """\
every field of the config (see configs/base.py) can be changed by --config.FIELD=VALUE, such as
--config.schedule.learning_rate=0.02

exit codes: 0 done; 2 wrong usage, config or data; 3 the loss is not finite; 4 storage full, out of reach or damaged;
75 and 130 stopped by SIGTERM and Ctrl-C: saved, run again to go on; 75 also where another process was lost or did not
come. Where the first process is killed, JAX mostly aborts the others (134); run again all the same
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command."""
    parser = command.Parser(prog="python -m simam_jax.main", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--config", required=True, metavar="FILE[:ARG]", help="config file, and its argument")
    parser.add_argument("--workdir", metavar="RUN", help="the run's folder (default: runs/CONFIG[-ARG])")
    group = parser.add_argument_group(
        "several processes",
        "Slurm's and Open MPI's (from its version 5 on with mpi4py) are found without these; each process has the same "
        "--workdir",
    )
    group.add_argument(
        "--coordinator", default="", metavar="HOST:PORT", help="of the first process; or auto: let JAX look"
    )
    group.add_argument("--processes", type=int, default=0, metavar="N", help="how many there are")
    group.add_argument("--process", type=int, default=-1, metavar="I", help="which this is, from 0")
    group.add_argument(
        "--lost-after", type=int, default=60, metavar="SECONDS", help="without a sign of a process (default: 60)"
    )
    group.add_argument(
        "--join-within", type=int, default=1800, metavar="SECONDS", help="in which all are to come (default: 1800)"
    )
    args, overrides = parser.parse_known_args(argv)
    if args.lost_after < 1:
        raise UsageError(f"--lost-after must be at least 1 second, got {args.lost_after}")
    if args.join_within < 1:
        raise UsageError(f"--join-within must be at least 1 second, got {args.join_within}")

    from simam_jax.training.stopping import StopRequest

    # Without arguments of a caller's the process is this command's.
    with StopRequest(last=argv is None) as stop:
        try:
            _train(args, overrides, stop)
        except Stopped as stopped:
            words = ["python", "-m", "simam_jax.main", *(sys.argv[1:] if argv is None else argv)]
            raise Stopped(f"{stopped}; go on with: {shlex.join(words)}", exit_code=stopped.exit_code) from stopped
    return 0


def _train(args: Namespace, overrides: Sequence[str], stop: "StopRequest") -> None:
    from simam_jax.training.launchers import hush_jax, started_by_launcher

    if args.coordinator or started_by_launcher():
        hush_jax()
    # Imported after the arguments are known to be good: JAX takes seconds.
    from simam_jax.host_memory import keep_one_step_s_memory
    from simam_jax.training.compilation_cache import use_compilation_cache
    from simam_jax.training.config import load_config, run_name
    from simam_jax.training.loop import train
    from simam_jax.training.peers import together
    from simam_jax.training.processes import is_first, join
    from simam_jax.training.run import metric_name

    config = load_config(args.config, overrides)
    keep_one_step_s_memory()
    use_compilation_cache()
    workdir = Path(args.workdir or Path("runs") / run_name(args.config))
    join(args.coordinator, args.processes, args.process, lost_after=args.lost_after, within=args.join_within)
    say = print if is_first() else lambda *_, **__: None
    say(f"run: {workdir}", flush=True)
    with together(args.lost_after):
        outcome = train(config, workdir, stop)
    if outcome.best is None:
        say(f"done after {outcome.steps} steps; no checkpoint beat {config.checkpoint.best_above}; run: {workdir}")
    else:
        best = f"best {metric_name(config)} is {outcome.best.value:.4f} at epoch {outcome.best_epoch}"
        say(f"done: {best}; run: {workdir}")


if __name__ == "__main__":
    sys.exit(command.run(main))
