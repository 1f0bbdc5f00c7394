"""The SimAM paper's networks for CIFAR, and its recipe: an argument NETWORK or NETWORK@DATA after the colon.

    python -m simam_jax.main --config configs/cifar.py:resnet20
    python -m simam_jax.main --config configs/cifar.py:wrn_28_10@cifar100

and with SimAM by `--config.model.attention=simam --workdir runs/cifar-resnet20-simam`.

NETWORK is resnet20, resnet56 or resnet110, each also as preresnet… and …_bottleneck (the paper's ResNet-110 is
resnet110_bottleneck), wrn_28_10 or mobilenet_v2. DATA is cifar10, which is meant where nothing is said, or cifar100,
both from TensorFlow Datasets; or a prepared folder, or tfds:NAME:

    python -m simam_jax.prepare --source cifar-100-binary.tar.gz --out data/cifar100
    python -m simam_jax.main --config configs/cifar.py:resnet20@data/cifar100

Only tfds:cifar10 and tfds:cifar100 are normalised with the paper's constants, a folder with its own.

The paper's top-1 accuracies in %, mean ± standard deviation of five runs:

    CIFAR-10  resnet20     resnet56     resnet110_bottleneck  mobilenet_v2
    none      92.33 ± .19  93.58 ± .20  94.51 ± .31           91.86 ± .12
    se        92.42 ± .14  93.69 ± .17  94.68 ± .22           91.79 ± .20
    cbam      92.60 ± .31  93.82 ± .10  94.83 ± .18           91.88 ± .16
    eca       92.35 ± .35  93.68 ± .08  94.72 ± .15           92.34 ± .23
    gc        92.47 ± .19  93.58 ± .08  94.78 ± .25           91.73 ± .14
    simam     92.73 ± .18  93.76 ± .13  94.72 ± .18           92.36 ± .20

    CIFAR-100 resnet20     resnet56     resnet110_bottleneck  mobilenet_v2
    none      68.88 ± .15  72.24 ± .37  75.54 ± .24           71.32 ± .09
    se        69.45 ± .11  72.84 ± .51  76.56 ± .30           71.54 ± .31
    cbam      69.47 ± .35  72.47 ± .52  76.45 ± .54           71.79 ± .22
    eca       68.89 ± .57  72.45 ± .38  76.33 ± .65           71.24 ± .45
    gc        69.16 ± .48  72.50 ± .50  76.21 ± .17           71.78 ± .28
    simam     69.57 ± .40  72.82 ± .25  76.42 ± .27           72.08 ± .28
"""

import base
from ml_collections import ConfigDict

_DATA = {"": "tfds:cifar10", "cifar10": "tfds:cifar10", "cifar100": "tfds:cifar100"}


def get_config(arg: str = "") -> ConfigDict:
    """The recipe for NETWORK[@DATA]; resnet20 where no network is named."""
    network, _, data = arg.partition("@")
    config = base.get_config().unlock()
    config.epochs = 164
    config.batch_size = 128
    config.eval_batch_size = 256
    config.model.name = f"cifar_{network or 'resnet20'}"
    config.model.attention = "none"
    config.data.dir = _DATA.get(data, data)
    config.data.image_size = 32
    config.augment.crop = 4
    config.augment.flip = True
    config.augment.rotation = 0.0
    config.optimizer.weight_decay = 5e-4
    config.schedule.name = "step"
    config.schedule.learning_rate = 0.1
    config.schedule.milestones = (82, 123)
    config.checkpoint.best_above = 0.0  # of a hundred classes 0.5 is a lot
    return config.lock()
