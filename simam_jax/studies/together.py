"""Trains several trials as one program, each into an ordinary run that `simam_jax.main` could go on with.

    python -m simam_jax.studies.together CONFIG JOBS

CONFIG is the address FILE[:ARG] of their config, JOBS a JSON list of {"workdir", "overrides"}. A trial that diverges is
noted in its run's folder, and the others go on.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from simam_jax import command
from simam_jax.errors import DivergedError
from simam_jax.studies.trials import record_divergence
from simam_jax.training.config import load_config
from simam_jax.training.loop import Job, train_together


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program; returns 0 where trials diverged too."""
    address, text = sys.argv[1:] if argv is None else argv
    from simam_jax.host_memory import keep_one_step_s_memory
    from simam_jax.training.compilation_cache import use_compilation_cache

    keep_one_step_s_memory()
    use_compilation_cache()
    jobs = [Job(load_config(address, each["overrides"]), Path(each["workdir"])) for each in json.loads(text)]
    train_together(jobs, diverged=_record)
    return 0


def _record(job: Job, error: DivergedError) -> None:
    record_divergence(job.workdir, str(error))
    print(f"{job.workdir.name}: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(command.run(main))
