"""Config files: Python that runs, and overrides from the command line."""

import ast
import difflib
import importlib.util
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ml_collections import ConfigDict

from simam_jax.errors import UsageError

_PREFIX = "--config."


def split_address(address: str) -> tuple[Path, str]:
    """FILE[:ARG] as (file, argument)."""
    file, _, arg = address.partition(":")
    return Path(file), arg


def run_name(address: str) -> str:
    """A name for the runs of a config: its file's and its argument's, fit for a folder.

    Of a path only the last part is taken. In NETWORK@DATA either may be one.
    """
    file, arg = split_address(address)
    parts = [file.stem, *(Path(part).name for part in arg.split("@"))]
    return re.sub(r"[^\w.-]+", "-", "-".join(filter(None, parts)))


def load_config(address: str, overrides: Sequence[str] = ()) -> ConfigDict:
    """The locked config that FILE[:ARG] describes, changed by overrides.

    Args:
        address: path of a file with `get_config(arg)`, and after a colon its argument. The file can import its
            neighbours.
        overrides: command-line words, `--config.FIELD=VALUE` or `--config.FIELD VALUE`.

    Raises:
        UsageError: no such file, a file that fails, a word that is no override, an unknown field (naming the nearest),
            or a value of the wrong type.
    """
    file, arg = split_address(address)
    if not file.is_file():
        raise UsageError(f"no config file {file}")
    try:
        config = _execute(file).get_config(arg)
    except Exception as error:
        raise UsageError(f"config {address} failed: {type(error).__name__}: {error}") from error
    if not isinstance(config, ConfigDict):
        raise UsageError(f"config {file}: get_config must return a ConfigDict, got {type(config).__name__}")
    for field, text in _parse(overrides):
        _override(config, field, text)
    return config.lock()


def flatten(config: ConfigDict) -> dict[str, object]:
    """Every field by its dotted name."""
    flat = {}
    for name, value in config.items():
        if isinstance(value, ConfigDict):
            flat |= {f"{name}.{inner}": inner_value for inner, inner_value in flatten(value).items()}
        else:
            flat[name] = value
    return flat


def _execute(file: Path):
    spec = importlib.util.spec_from_file_location(f"config_{file.stem}", file.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with _importable(file.resolve().parent):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Lets a config import its neighbours, and forgets them: another folder may have others of the same name."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]


def _parse(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    rest = iter(words)
    for word in rest:
        if not word.startswith(_PREFIX):
            raise UsageError(f"unrecognised argument {word!r} (see --help)")
        field, equals, text = word.removeprefix(_PREFIX).partition("=")
        if not equals:
            text = next(rest, None)
            if text is None:
                raise UsageError(f"{word} needs a value: {word}=VALUE")
        yield field, text


def _override(config: ConfigDict, field: str, text: str) -> None:
    flat = flatten(config)
    if field not in flat:
        nearest = difflib.get_close_matches(field, flat, n=1, cutoff=0)
        raise UsageError(f"{_PREFIX}{field}: the config has no such field; the nearest is {_PREFIX}{nearest[0]}")
    old = flat[field]
    value: object = text
    if not isinstance(old, str):
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = text
        if isinstance(old, float) and type(value) is int:
            value = float(value)
        if isinstance(old, tuple) and isinstance(value, int | float):
            value = (value,)
    if type(value) is not type(old):
        raise UsageError(f"{_PREFIX}{field} is of type {type(old).__name__}, such as {old!r}; got {text!r}")
    *sections, name = field.split(".")
    section = config
    for inner in sections:
        section = section[inner]
    with section.unlocked():
        section[name] = value
