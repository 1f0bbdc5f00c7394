"""MobileNetV2, one of the seed's three baselines: TowerNet's recipe, with half its weight decay.

    python -m simam_jax.prepare --source caltech101_16 --out data/caltech101_16
    python -m simam_jax.main --config configs/mobilenet_v2.py

trains on 16 classes of Caltech-101 at 256²; with an argument after a colon on other data, as in configs/towernet.py:

    python -m simam_jax.main --config configs/mobilenet_v2.py:digits
    python -m simam_jax.main --config configs/mobilenet_v2.py:data/flowers

SimAM goes after every depthwise convolution, by `--config.model.attention=simam --workdir runs/mobilenet_v2-simam`.

The seed gives no accuracies. Always answering `airplanes` scores 0.442.
"""

import seed
from ml_collections import ConfigDict


def get_config(arg: str = "") -> ConfigDict:
    """The experiment on the data that `arg` names."""
    return seed.recipe(arg, "mobilenet_v2")
