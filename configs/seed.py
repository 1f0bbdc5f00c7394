"""The seed's recipe on data that an argument names: what its experiments share."""

from pathlib import Path

import base
from ml_collections import ConfigDict


def recipe(arg: str) -> ConfigDict:
    """The base, unlocked, on the seed's 16 classes of Caltech-101.

    Args:
        arg: "" for those, "digits" for handwritten digits at 128², or else a prepared folder or "tfds:NAME".
    """
    config = base.get_config().unlock()
    if arg == "digits":
        config.data.dir = str(Path("data") / "digits")
        config.data.source = "digits"
        config.data.image_size = 128
        config.epochs = 8
    elif arg:
        config.data.dir = arg
    else:
        config.data.dir = str(Path("data") / "caltech101_16")
        config.data.source = "caltech101_16"
    return config
