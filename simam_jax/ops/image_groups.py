"""A batch as groups of images that are worked on one after another, so that what is made of them stays in cache."""

from jaxtyping import Array, Float


def grouped(x: Float[Array, "N H W C"], *, tiles: int, at_most: int) -> Float[Array, "G n H W C"]:
    """As many images a group as divide the batch and have no more than `at_most` tiles (or one image)."""
    count = max(n for n in range(1, x.shape[0] + 1) if x.shape[0] % n == 0 and n * tiles <= max(at_most, tiles))
    return x.reshape(x.shape[0] // count, count, *x.shape[1:])


def ungrouped(x: Float[Array, "G n H W C"]) -> Float[Array, "N H W C"]:
    """The batch again."""
    return x.reshape(-1, *x.shape[2:])
