"""The SimAM paper's networks for ImageNet, and its recipes: an argument NETWORK or NETWORK@DATA after the colon.

    python -m simam_jax.main --config configs/imagenet.py:resnet18
    python -m simam_jax.main --config configs/imagenet.py:resnet50@data/imagenet

and with the paper's SimAM by `--config.model.attention=simam:e_lambda=0.1 --workdir runs/imagenet-resnet18-simam`.

NETWORK is resnet18, resnet34, resnet50, resnet101, resnext50_32x4d, or mobilenet_v2, which has its own recipe. DATA
is a prepared folder or tfds:NAME; where nothing is said it is tfds:imagenet2012, whose two archives must be downloaded
by hand: TensorFlow Datasets says where to put them. tfds:imagenet2012 is normalised with ImageNet's usual constants, a
prepared folder with its own statistics.

The paper's top-1 accuracies in %:

                         none     SimAM
    resnet18             70.33    71.31
    resnet34             73.75    74.46
    resnet50             76.34    77.45
    resnet101            77.82    78.65
    resnext50_32x4d      77.47    78.00
    mobilenet_v2         71.90    72.36
"""

import base
from ml_collections import ConfigDict


def get_config(arg: str = "") -> ConfigDict:
    """The recipe for NETWORK[@DATA]; resnet18 where no network is named."""
    network, _, data = arg.partition("@")
    config = base.get_config().unlock()
    config.batch_size = 256
    config.eval_batch_size = 256
    config.model.name = network or "resnet18"
    config.model.attention = "none"
    config.data.dir = data or "tfds:imagenet2012"
    config.data.image_size = 224
    config.data.resize_to = 256
    config.data.random_resized_crop = 0.08
    config.data.antialias = True  # as torchvision's transforms of PIL images
    config.augment.flip = True
    config.augment.rotation = 0.0
    config.checkpoint.best_above = 0.0  # of a thousand classes 0.5 is a lot
    if config.model.name == "mobilenet_v2":
        config.epochs = 150
        config.optimizer.weight_decay = 4e-5
        config.schedule.name = "cosine"
        config.schedule.learning_rate = 0.05
    else:
        config.epochs = 100
        config.optimizer.weight_decay = 1e-4
        config.schedule.name = "step"
        config.schedule.learning_rate = 0.1
        config.schedule.milestones = (30, 60, 90)
    return config.lock()
