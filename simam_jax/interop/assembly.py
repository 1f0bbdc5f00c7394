"""From a reference's flat mapping of arrays to a network's variables, with nothing left over on either side."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util
from jaxtyping import ArrayLike


class Source(NamedTuple):
    """Where one variable comes from.

    Attributes:
        variable: path of the variable, such as "params/head/kernel".
        name: the reference's name of it.
        convert: from the reference's layout to ours.
    """

    variable: str
    name: str
    convert: Callable[[np.ndarray], np.ndarray] = np.asarray


def assemble(shapes: Mapping, sources: Iterable[Source], arrays: Mapping[str, ArrayLike]) -> dict:
    """The variables of a network, filled from `arrays`.

    Args:
        shapes: the network's variables as `jax.eval_shape` gives them.
        sources: one for every variable.
        arrays: the reference's arrays by name.

    Raises:
        ValueError: an array is missing, unused or of another shape, or a variable has no source; all are listed.
    """
    wanted = cast(dict[str, jax.ShapeDtypeStruct], traverse_util.flatten_dict(shapes, sep="/"))
    by_variable = {source.variable: source for source in sources}
    problems = [f"variable {path} has no source" for path in wanted.keys() - by_variable.keys()]
    problems += [f"missing array {source.name}" for source in by_variable.values() if source.name not in arrays]
    problems += [f"unused array {name}" for name in arrays.keys() - {source.name for source in by_variable.values()}]
    filled = {}
    for path, source in by_variable.items():
        if source.name not in arrays:
            continue
        original = np.asarray(arrays[source.name])
        try:
            value = source.convert(original)
        except ValueError:
            value = original
        if path not in wanted or value.shape != wanted[path].shape:
            expected = wanted[path].shape if path in wanted else "no such variable"
            problems.append(f"array {source.name} {original.shape} does not fit {path} {expected}")
            continue
        filled[path] = jnp.asarray(value, wanted[path].dtype)
    if problems:
        raise ValueError("the arrays do not match the network: " + "; ".join(sorted(problems)))
    return traverse_util.unflatten_dict(filled, sep="/")


def conv_kernel(weight: np.ndarray) -> np.ndarray:
    """(out, in, h, w) → (h, w, in, out)."""
    return np.transpose(weight, (2, 3, 1, 0))
