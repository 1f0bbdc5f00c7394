"""Trains a network as a config file says."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from simam_jax import command
from simam_jax.errors import Stopped

_DESCRIPTION = """\
Trains a network as a config file says, on all devices, and keeps the best and the latest checkpoints. The same command
run again goes on where it was stopped.

  python -m simam_jax.main --config configs/towernet.py:digits          handwritten digits; needs no download
  python -m simam_jax.main --config configs/towernet.py                 the 16-class Caltech-101 of the seed
  python -m simam_jax.main --config configs/towernet.py:data/flowers    a folder that simam_jax.prepare made
  python -m simam_jax.main --config configs/towernet.py --config.model.attention=none --config.epochs=30
"""
_EPILOG = """\
every field of the config (see configs/base.py) can be changed by --config.FIELD=VALUE, such as
--config.schedule.learning_rate=0.02

exit codes: 0 done; 2 wrong usage, config or data; 3 the loss is not finite; 4 storage full or damaged;
75 and 130 stopped by SIGTERM and Ctrl-C: saved, run again to go on
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command."""
    parser = command.Parser(prog="python -m simam_jax.main", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--config", required=True, metavar="FILE[:ARG]", help="config file, and its argument")
    parser.add_argument("--workdir", metavar="RUN", help="the run's folder (default: runs/CONFIG[-ARG])")
    args, overrides = parser.parse_known_args(argv)

    # Imported after the arguments are known to be good: JAX takes seconds.
    from simam_jax.host_memory import keep_freed_memory
    from simam_jax.training.compilation_cache import use_compilation_cache
    from simam_jax.training.config import load_config, run_name
    from simam_jax.training.loop import metric_name, train

    config = load_config(args.config, overrides)
    keep_freed_memory()
    use_compilation_cache()
    workdir = Path(args.workdir or Path("runs") / run_name(args.config))
    print(f"run: {workdir}", flush=True)
    try:
        outcome = train(config, workdir)
    except Stopped as stop:
        words = ["python", "-m", "simam_jax.main", *(sys.argv[1:] if argv is None else argv)]
        raise Stopped(f"{stop}; go on with: {shlex.join(words)}", exit_code=stop.exit_code) from stop
    if outcome.best is None:
        print(f"done after {outcome.steps} steps; no checkpoint beat {config.checkpoint.best_above}; run: {workdir}")
    else:
        best = f"best {metric_name(config)} is {outcome.best.value:.4f} at epoch {outcome.best_epoch}"
        print(f"done: {best}; run: {workdir}")
    return 0


if __name__ == "__main__":
    sys.exit(command.run(main))
