"""The seed's recipe on data that an argument names: what its experiments share."""

from pathlib import Path

import base
from ml_collections import ConfigDict


def recipe(arg: str, name: str, *, attention: str = "none", weight_decay: float = 1e-4) -> ConfigDict:
    """The experiment with a network, locked.

    Args:
        arg: "" for the seed's 16 classes of Caltech-101, "digits" for handwritten digits at 128², or else a prepared
            folder or "tfds:NAME".
        name, attention: of the network.
        weight_decay: as the seed has it for its baselines, unless given.
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
    config.model.name = name
    config.model.attention = attention
    config.optimizer.weight_decay = weight_decay
    return config.lock()
