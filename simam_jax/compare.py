"""Compares networks with attentions and without, over seeds: does the attention help?"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from simam_jax import command
from simam_jax.errors import Stopped

_DESCRIPTION = """\
Trains networks with attentions and without, each over several seeds, and says with statistics whether the attention
helps. A study is a folder; every trial in it is an ordinary run. The same command run again goes on where it was
stopped, and with more networks, attentions or seeds it trains only what is new.

  python -m simam_jax.compare --config configs/towernet.py:digits --out studies/digits --seeds 6 --seeds-at-once 6
  python -m simam_jax.compare --config configs/towernet.py --out studies/caltech --attentions none,simam,se,cbam,eca
  python -m simam_jax.compare --config configs/towernet.py --out studies/lambda --config.data.val_fraction=0.1 \\
      --attentions none,simam,simam:e_lambda=0.01,simam:e_lambda=0.1
  python -m simam_jax.compare --study studies/digits/study.json --out studies/again
"""
_EPILOG = """\
every field of the config can be changed by --config.FIELD=VALUE, for all trials alike; pairs of trials have the same
seed, and so the same initial weights where shapes agree, order of images and augmentation

STUDY gets study.json, trials/MODEL-ATTENTION-seedK/ (runs), costs/, explanations/, logs/, slurm/, and of what is done
results.json, results.csv (a line a trial), results.md (tables and verdicts), which is printed too, and report.html, the
page. A study that is stopped has those results too, for what is finished by then, and report draws its page.

The answer is that of accuracy at the last epoch; of a study with --config.data.val_fraction, at the best one, which is
then chosen on validation images. Of S seeds no p is below 2/2^S, and Holm's correction multiplies it by the number of
networks with an attention: 6 seeds are the fewest for 1 of them, 7 for 3, 8 for 6, 9 for 12. With fewer the verdict is
"too few seeds to test", which is said before anything is trained.

exit codes: 0 done; 1 done, but trials diverged or failed, or costs or pictures are lacking, which is said in
results.md; 2 wrong usage, or a config or data that no trial can use; 4 storage full; 75 and 130 stopped by SIGTERM and
Ctrl-C: every trial is saved, run again to go on
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns 1 where a trial is not done, else 0."""
    args, overrides = _parser().parse_known_args(argv)

    # Imported after the arguments are known to be good: JAX takes seconds.
    import jax

    from simam_jax.reporting.page import write_page
    from simam_jax.reporting.study_text import describe_study
    from simam_jax.studies.arguments import read_arguments
    from simam_jax.studies.conduct import conduct
    from simam_jax.studies.executor import choose_executor

    jax.config.update("jax_platforms", "cpu")  # networks are only traced here: the devices are the trials'
    study = read_arguments(args, overrides)
    executor = choose_executor(study.executor, args.out, jobs=args.jobs, slurm=dict(args.slurm))
    try:
        results = conduct(study, args.out, executor, at_once=args.seeds_at_once)
    except Stopped as stop:
        words = ["python", "-m", "simam_jax.compare", *(sys.argv[1:] if argv is None else argv)]
        raise Stopped(
            f"{stop}; every trial is saved; go on with: {shlex.join(words)}", exit_code=stop.exit_code
        ) from stop
    print(describe_study(results))
    print(f"page: {write_page(args.out)}")
    done = all(trial["state"] == "done" for each in results["variants"] for trial in each["trials"])
    return 0 if done and not results["lacking"] else 1


def _parser() -> command.Parser:
    parser = command.Parser(prog="python -m simam_jax.compare", description=_DESCRIPTION, epilog=_EPILOG)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--config", metavar="FILE[:ARG]", help="config file of all trials, and its argument")
    which.add_argument("--study", type=Path, metavar="FILE", help="instead: a study file, with what study.json has")
    parser.add_argument("--out", required=True, type=Path, metavar="STUDY", help="the study's folder")
    parser.add_argument("--data", metavar="DIR", help="a prepared folder or tfds:NAME (the config's own)")
    parser.add_argument("--models", metavar="A,B", help="networks (the config's own)")
    parser.add_argument("--attentions", metavar="A,B", help="specs, none among them (none,simam)")
    parser.add_argument("--seeds", type=int, metavar="N", help="trials a variant, seeds 0 to N - 1 (8)")
    parser.add_argument("--epochs", type=int, metavar="N", help="of every trial (the config's own)")
    parser.add_argument(
        "--seeds-at-once",
        type=int,
        default=1,
        metavar="N",
        help="trials that differ in seed or SimAM's λ alone, trained as one program; faster where one alone leaves the "
        "device waiting (%(default)s)",
    )
    parser.add_argument(
        "--executor",
        metavar="serial|processes|slurm",
        help="where trials run: one by one (default), or several at once",
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="at once, of processes and slurm (2)")
    parser.add_argument(
        "--slurm",
        action="append",
        default=[],
        type=_option,
        metavar="NAME=VALUE",
        help="of sbatch, such as partition=gpu",
    )
    return parser


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(command.run(main))
