import pytest

from simam_jax.errors import UsageError
from simam_jax.training.config import flatten, load_config, run_name


@pytest.fixture
def towernet(root) -> str:
    return str(root / "configs" / "towernet.py")


def test_a_config_is_locked_and_holds_no_none(towernet):
    config = load_config(towernet)
    assert config.is_locked
    assert None not in flatten(config).values()
    with pytest.raises(AttributeError):
        config.epohs = 3


def test_arguments_choose_the_data(towernet):
    assert load_config(towernet).data.dir == "data/caltech101_16"
    digits = load_config(f"{towernet}:digits")
    assert (digits.data.source, digits.data.image_size) == ("digits", 128)
    assert load_config(f"{towernet}:some/where").data.dir == "some/where"


def test_every_field_can_be_overridden(towernet):
    for field, value in flatten(load_config(towernet)).items():
        changed = {bool: True, int: 7, float: 0.25, str: "other", tuple: (82, 123.5)}[type(value)]
        config = load_config(towernet, [f"--config.{field}={changed}"])
        assert flatten(config)[field] == changed
        assert type(flatten(config)[field]) is type(value)


def test_a_value_can_be_the_next_word_and_an_integer_a_float(towernet):
    config = load_config(towernet, ["--config.epochs", "3", "--config.schedule.learning_rate=1"])
    assert (config.epochs, config.schedule.learning_rate) == (3, 1.0)


@pytest.mark.parametrize(("text", "value"), [("(82,123)", (82, 123)), ("82,123", (82, 123)), ("30", (30,)), ("()", ())])
def test_a_tuple_needs_no_brackets_and_a_number_is_one(towernet, text, value):
    assert load_config(towernet, [f"--config.schedule.milestones={text}"]).schedule.milestones == value


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--config.epohs=3", "no such field; the nearest is --config.epochs"),
        ("--config.optimiser.momentum=0", "the nearest is --config.optimizer.momentum"),
        ("--config.model=3", "no such field"),
        ("--config.epochs=3.5", "of type int, such as 100; got '3.5'"),
        ("--config.epochs=many", "of type int"),
        ("--config.augment.flip=1", "of type bool"),
        ("--config.schedule.milestones=[30]", "of type tuple"),
        ("--config.epochs", "needs a value"),
        ("--workers=3", "unrecognised argument '--workers=3'"),
        ("stray", "unrecognised argument 'stray'"),
    ],
)
def test_wrong_overrides_are_named(towernet, word, message):
    with pytest.raises(UsageError, match=message):
        load_config(towernet, [word])


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="no config file"):
        load_config(str(tmp_path / "nothing.py"))
    (tmp_path / "broken.py").write_text("def get_config(arg=''):\n    return 1 / 0\n")
    with pytest.raises(UsageError, match=r"broken\.py failed: ZeroDivisionError"):
        load_config(str(tmp_path / "broken.py"))
    (tmp_path / "number.py").write_text("def get_config(arg=''):\n    return 3\n")
    with pytest.raises(UsageError, match="must return a ConfigDict, got int"):
        load_config(str(tmp_path / "number.py"))


def test_a_config_imports_its_own_neighbours(tmp_path):
    for name, epochs in (("one", 1), ("two", 2)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "base.py").write_text(f"EPOCHS = {epochs}\n")
        (folder / "config.py").write_text(
            "import base\nfrom ml_collections import ConfigDict\n"
            "def get_config(arg=''):\n    return ConfigDict({'epochs': base.EPOCHS})\n"
        )
        assert load_config(str(folder / "config.py")).epochs == epochs


def test_run_names():
    assert run_name("configs/towernet.py") == "towernet"
    assert run_name("towernet.py:data/flowers") == "towernet-flowers"
    assert run_name("towernet.py:tfds:cifar10") == "towernet-tfds-cifar10"
    assert run_name("cifar.py:resnet20") == "cifar-resnet20"
    assert run_name("cifar.py:resnet20@data/mine") == "cifar-resnet20-mine"
