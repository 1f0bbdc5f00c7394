"""Every config loads and says what its source says."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from simam_jax.data.view import FixedView, RandomResizedCrop, eval_view, train_view
from simam_jax.models import create_model
from simam_jax.training.config import flatten, load_config
from simam_jax.training.epochs import Epochs
from simam_jax.training.schedule import create_schedule

CONFIGS = Path(__file__).parents[2] / "configs"
EXPERIMENTS = sorted(path.stem for path in CONFIGS.glob("*.py") if path.stem not in ("base", "seed"))
SEEDS = ["mobilenet_v2", "resnet50", "towernet", "vgg19"]


def load(address: str, *fields: str):
    return load_config(f"{CONFIGS}/{address}", [f"--config.{field}" for field in fields])


def differing(one, other) -> dict:
    ours, theirs = flatten(one), flatten(other)
    assert ours.keys() == theirs.keys()
    return {name: value for name, value in ours.items() if value != theirs[name]}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_stands_without_an_argument(name):
    config = load(f"{name}.py")
    assert config.is_locked
    assert None not in flatten(config).values()
    assert config.data.dir
    assert {type(value) for value in flatten(config).values()} <= {bool, int, float, str, tuple}
    images = 1_281_167
    create_schedule(**config.schedule, epochs=Epochs(config.epochs, images, config.batch_size))
    train_view(seed=config.seed, **config.data)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_names_its_command(name):
    assert f"python -m simam_jax.main --config configs/{name}.py" in (CONFIGS / f"{name}.py").read_text()


@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.parametrize(
    ("arg", "data"),
    [
        ("", {"dir": "data/caltech101_16", "source": "caltech101_16", "image_size": 256}),
        (":digits", {"dir": "data/digits", "source": "digits", "image_size": 128}),
        (":data/flowers", {"dir": "data/flowers", "source": "", "image_size": 256}),
        (":tfds:beans", {"dir": "tfds:beans", "source": "", "image_size": 256}),
    ],
)
def test_the_seeds_experiments_share_their_data(name, arg, data):
    config = load(f"{name}.py{arg}")
    assert {field: config.data[field] for field in data} == data
    assert config.epochs == (8 if arg == ":digits" else 100)


def test_the_seeds_recipe():
    config = load("towernet.py")
    assert (config.batch_size, config.schedule.name, config.schedule.learning_rate) == (32, "cosine", 0.01)
    assert (config.optimizer.name, config.optimizer.momentum, config.optimizer.weight_decay) == ("sgd", 0.9, 2e-4)
    assert (config.augment.rotation, config.augment.flip, config.augment.crop) == (10.0, False, 0)
    assert eval_view(**config.data) == FixedView(256, antialias=False, resize_to=0)
    assert train_view(seed=0, **config.data) == FixedView(256, antialias=False, resize_to=0)


@pytest.mark.parametrize("name", [name for name in SEEDS if name != "towernet"])
def test_a_baseline_differs_from_towernet_in_network_and_weight_decay(name):
    assert differing(load(f"{name}.py"), load("towernet.py")) == {
        "model.name": name,
        "model.attention": "none",
        "optimizer.weight_decay": 1e-4,
    }


def test_cifars_recipe():
    config = load("cifar.py:resnet110_bottleneck")
    assert (config.model.name, config.model.attention) == ("cifar_resnet110_bottleneck", "none")
    assert (config.epochs, config.batch_size) == (164, 128)
    assert (config.optimizer.name, config.optimizer.momentum, config.optimizer.nesterov) == ("sgd", 0.9, False)
    assert config.optimizer.weight_decay == 5e-4
    assert (config.augment.crop, config.augment.flip, config.augment.rotation) == (4, True, 0.0)
    assert (config.schedule.learning_rate, config.schedule.decay, config.schedule.warmup_epochs) == (0.1, 0.1, 0.0)
    assert (config.schedule.name, config.schedule.milestones) == ("step", (82, 123))
    assert train_view(seed=0, **config.data) == FixedView(32, antialias=False, resize_to=0)
    assert config.checkpoint.best_above == 0.0


@pytest.mark.parametrize(
    ("arg", "network", "data"),
    [
        ("", "cifar_resnet20", "tfds:cifar10"),
        (":preresnet110", "cifar_preresnet110", "tfds:cifar10"),
        (":wrn_28_10@cifar100", "cifar_wrn_28_10", "tfds:cifar100"),
        (":mobilenet_v2@data/mine", "cifar_mobilenet_v2", "data/mine"),
        (":resnet20@tfds:svhn_cropped", "cifar_resnet20", "tfds:svhn_cropped"),
        (":@cifar100", "cifar_resnet20", "tfds:cifar100"),
    ],
)
def test_cifars_argument(arg, network, data):
    config = load(f"cifar.py{arg}")
    assert (config.model.name, config.data.dir) == (network, data)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101", "resnext50_32x4d"])
def test_imagenets_recipe(name):
    config = load(f"imagenet.py:{name}")
    assert (config.model.name, config.data.dir) == (name, "tfds:imagenet2012")
    assert (config.epochs, config.batch_size, config.optimizer.weight_decay) == (100, 256, 1e-4)
    assert (config.schedule.name, config.schedule.learning_rate) == ("step", 0.1)
    assert (config.schedule.milestones, config.schedule.decay) == ((30, 60, 90), 0.1)
    assert (config.augment.crop, config.augment.flip, config.augment.rotation) == (0, True, 0.0)
    assert train_view(seed=3, **config.data) == RandomResizedCrop(224, antialias=True, least_area=0.08, seed=3)
    assert eval_view(**config.data) == FixedView(224, antialias=True, resize_to=256)
    assert config.checkpoint.best_above == 0.0


def test_imagenets_mobilenet_has_a_recipe_of_its_own():
    assert differing(load("imagenet.py:mobilenet_v2@data/mine"), load("imagenet.py")) == {
        "model.name": "mobilenet_v2",
        "data.dir": "data/mine",
        "epochs": 150,
        "optimizer.weight_decay": 4e-5,
        "schedule.name": "cosine",
        "schedule.learning_rate": 0.05,
        "schedule.milestones": (),
    }


def test_the_papers_attention_is_an_override():
    assert load("imagenet.py", "model.attention=simam:e_lambda=0.1").model.attention == "simam:e_lambda=0.1"


@pytest.mark.parametrize(
    "address",
    [
        *(f"{name}.py" for name in SEEDS),
        *(f"imagenet.py:{name}" for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnext50_32x4d")),
        "imagenet.py:mobilenet_v2",
        *(f"cifar.py:{name}{depth}" for name in ("resnet", "preresnet") for depth in (20, 56, 110)),
        *(f"cifar.py:{name}{depth}_bottleneck" for name in ("resnet", "preresnet") for depth in (20, 56, 110)),
        "cifar.py:wrn_28_10",
        "cifar.py:mobilenet_v2",
    ],
)
def test_every_network_of_a_config_is_there(address):
    config = load(address, "model.num_classes=10", "model.attention=simam:e_lambda=0.1")
    model = create_model(**config.model)
    image = jax.ShapeDtypeStruct((1, config.data.image_size, config.data.image_size, 3), jnp.float32)
    logits, _ = jax.eval_shape(lambda x: model.init_with_output(jax.random.key(0), x, train=False), image)
    assert logits.shape == (1, 10)
