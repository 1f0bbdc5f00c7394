"""A derivative that is another function's."""

from collections.abc import Callable
from typing import TypeVar

import jax
from jaxtyping import Array

T = TypeVar("T")


def with_derivative_of(stock: Callable[..., T], own: Callable[..., T]) -> Callable[..., T]:
    """`own`, whose derivatives in both modes are those of `stock`, which computes the same from the same arrays.

    What is moved as bits, to be fast, has the derivative 0 in JAX, and that of a loop is slow.
    """

    @jax.custom_jvp
    def function(*arrays: Array) -> T:
        return own(*arrays)

    function.defjvp(lambda arrays, tangents: (function(*arrays), jax.jvp(stock, arrays, tangents)[1]))
    return function
