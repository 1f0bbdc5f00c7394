"""A study as a command line asks for it."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from simam_jax.errors import UsageError
from simam_jax.studies.study import BASELINE, Study, read_study

_OF_CONFIG = ("data", "models", "attentions", "seeds", "epochs")


def read_arguments(args: argparse.Namespace, overrides: Sequence[str]) -> Study:
    """The study that the arguments of `compare` describe, or the study file that they name.

    Args:
        args: study, config, executor, and data, models, attentions, seeds and epochs, each None where it is not given.
        overrides: what is left, words --config.FIELD=VALUE.

    Raises:
        UsageError: an option that does not go with a study file, or a damaged study file.
    """
    if args.study:
        given = [f"--{name}" for name in _OF_CONFIG if getattr(args, name) is not None] + list(overrides)
        if given:
            raise UsageError(f"{given[0]} goes with --config: with --study it is the file that says so")
        study = read_study(args.study)
        return replace(study, executor=args.executor or study.executor)
    return Study(
        config=args.config,
        data=args.data or "",
        models=tuple(filter(None, (args.models or "").split(","))),
        attentions=parse_attentions(args.attentions or f"{BASELINE},simam"),
        seeds=8 if args.seeds is None else args.seeds,
        epochs=args.epochs or 0,
        overrides=tuple(overrides),
        executor=args.executor or "serial",
    )


def parse_attentions(text: str) -> tuple[str, ...]:
    """The specs in a list such as "none,simam:e_lambda=0.1,se:reduction=8".

    Options have commas between them too: a part with "=" and without ":" goes on with the spec before it.

    Raises:
        UsageError: the list begins with an option.
    """
    specs: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        if "=" in part and ":" not in part:
            if not specs or ":" not in specs[-1]:
                raise UsageError(f"--attentions: {part!r} is an option of no attention: write NAME:{part}")
            specs[-1] += f",{part}"
        else:
            specs.append(part)
    return tuple(specs)
