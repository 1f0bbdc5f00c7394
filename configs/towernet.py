"""TowerNet with SimAM, the seed's experiment.

    python -m simam_jax.prepare --source caltech101_16 --out data/caltech101_16
    python -m simam_jax.main --config configs/towernet.py

trains on 16 classes of Caltech-101 at 256². With an argument after a colon it trains on other data:

    python -m simam_jax.main --config configs/towernet.py:digits          handwritten digits, without a download
    python -m simam_jax.main --config configs/towernet.py:data/flowers    a folder that prepare made
"""

import seed
from ml_collections import ConfigDict


def get_config(arg: str = "") -> ConfigDict:
    """The experiment on the data that `arg` names."""
    return seed.recipe(arg, "towernet", attention="simam", weight_decay=2e-4)
