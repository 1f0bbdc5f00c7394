"""Variables other than a new module's, whose zeros and ones would hide mistakes."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import traverse_util


def random_variables(module: nn.Module, shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Random float32 arrays by path, in the shapes that the module has for an input of that shape."""
    new = jax.eval_shape(module.init, jax.random.key(0), jax.ShapeDtypeStruct(shape, jnp.float32))
    variables = {}
    for path, leaf in traverse_util.flatten_dict(new, sep="/").items():
        scale = 1 if len(leaf.shape) < 2 else (2 / np.prod(leaf.shape[:-1])) ** 0.5
        values = rng.normal(scale=scale, size=leaf.shape)
        variables[path] = (np.abs(values) + 0.5 if path.endswith("/var") else values).astype(np.float32)
    return variables
