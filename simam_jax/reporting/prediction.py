"""What was answered about an image."""

from typing import NamedTuple


class Guess(NamedTuple):
    """A class and its probability."""

    name: str
    probability: float


class Prediction(NamedTuple):
    """The classes that an image most probably shows, or why there is no saying.

    Attributes:
        path: the image.
        top: the most probable first; empty where there is an error.
        error: why there is no answer; "" where there is one.
    """

    path: str
    top: tuple[Guess, ...] = ()
    error: str = ""
