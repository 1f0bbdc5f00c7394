"""Weights of PyTorch networks: torchvision's, and those of SimAM's authors with or without attention."""

import re
from collections.abc import Iterator, Mapping
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util
from jaxtyping import ArrayLike

from simam_jax.interop.assembly import Source, assemble, conv_kernel
from simam_jax.models.registry import create_model, names
from simam_jax.models.vgg import POOLED, STAGE_SIZES

Rules = list[tuple[str, ...]]
"""A pattern of our module paths, and PyTorch's module in its place: the first of several that the arrays have."""


def from_torch(name: str, arrays: Mapping[str, ArrayLike]) -> dict:
    """The variables of network `name` from a PyTorch state dict.

    The arrays say themselves whether the network has squeeze-and-excitation blocks: `create_model(name,
    attention="se")` takes them. SimAM has no arrays, so a network with it takes those of the plain one.

    Args:
        name: any of `simam_jax.models.names()` but towernet.
        arrays: the state dict, as arrays or CPU tensors: torchvision's names, or those of SimAM's authors, who wrap
            what an attention follows (`conv2.0`, `bn3.1.fc.0`). A prefix `module.` is dropped.

    Returns:
        {"params"} and, where the network has batch norms, {"batch_stats"}. PyTorch's running variance is unbiased,
        n / (n - 1) times what training goes on with here; evaluation is the same.

    Raises:
        ValueError: no such network, or arrays and variables do not match one to one; the difference is listed.
    """
    rules = _rules(name)
    cleaned = {
        key.removeprefix("module."): value for key, value in arrays.items() if not key.endswith("num_batches_tracked")
    }
    head_bias = cleaned.get(f"{_theirs('head', rules, cleaned)}.bias")
    attention = "se" if any(re.search(r"\.fc\.2\.weight$", key) for key in cleaned) else "none"
    model = create_model(name, num_classes=1 if head_bias is None else np.size(head_bias), attention=attention)
    images = jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32)
    shapes = jax.eval_shape(lambda key, x: model.init(key, x, train=False), jax.random.key(0), images)
    return assemble(shapes, _sources(shapes, rules, cleaned), cleaned)


def to_torch(name: str, variables: Mapping) -> dict[str, np.ndarray]:
    """A network's variables as a PyTorch state dict, under the names of the network without attention.

    Args:
        name: resnet18, 34, 50, 101 or 152, a `cifar_resnet`, or towernet. PyTorch's TowerNet is one whose modules bear
            the names of the PaddlePaddle original's.
        variables: {"params"} and, where there are some, {"batch_stats"}; of attentions, none.

    Raises:
        ValueError: another network.
    """
    if name not in _PLAIN_RULES:
        raise ValueError(f"no PyTorch names are known for {name!r}: it is one of {', '.join(sorted(_PLAIN_RULES))}")
    arrays = {}
    for path, value in traverse_util.flatten_dict(dict(variables)).items():
        _, *modules, last = path
        array = np.asarray(value)
        if last == "kernel":
            array = np.transpose(array, (3, 2, 0, 1)) if array.ndim == 4 else array.T
        arrays[f"{_theirs('/'.join(modules), _PLAIN_RULES[name], {})}.{_LEAVES[last]}"] = np.ascontiguousarray(array)
    return arrays


def _sources(shapes: Mapping, rules: Rules, arrays: Mapping) -> Iterator[Source]:
    flat = cast(dict[tuple[str, ...], jax.ShapeDtypeStruct], traverse_util.flatten_dict(shapes))
    for path, leaf in flat.items():
        _, *modules, last = path
        module = _theirs("/".join(modules), rules, arrays)
        yield Source("/".join(path), f"{module}.{_LEAVES[last]}", _converter(modules, last, leaf))


_LEAVES = {"kernel": "weight", "scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}


def _converter(modules: list[str], leaf: str, wanted: jax.ShapeDtypeStruct):
    if leaf != "kernel":
        return np.asarray
    if len(wanted.shape) == 4:
        return conv_kernel
    return _after_pooling if modules == ["fc1"] else np.transpose


def _after_pooling(weight: np.ndarray) -> np.ndarray:
    """(out, channels · 7 · 7) → (7 · 7 · channels, out): VGG's first linear layer takes a flattened map."""
    return np.transpose(weight.reshape(len(weight), -1, POOLED, POOLED), (2, 3, 1, 0)).reshape(-1, len(weight))


def _theirs(module: str, rules: Rules, arrays: Mapping) -> str:
    for pattern, *templates in rules:
        match = re.fullmatch(pattern, module)
        if match:
            candidates = [match.expand(template) for template in templates]
            return next((each for each in candidates if f"{each}.weight" in arrays), candidates[0])
    raise AssertionError(f"no rule for {module}")


def _rules(name: str) -> Rules:
    if name in _RULES:
        return _RULES[name]
    vgg = re.fullmatch(r"vgg(\d+)(_bn)?", name)
    if vgg and name in names():
        return _vgg(int(vgg[1]), batch_norm=bool(vgg[2]))
    known = [each for each in names() if each in _RULES or each.startswith("vgg")]
    raise ValueError(f"no PyTorch weights are known for {name!r}: it is one of {', '.join(known)}")


def _vgg(depth: int, *, batch_norm: bool) -> Rules:
    rules: Rules = []
    place = 0
    for stage, size in enumerate(STAGE_SIZES[depth], start=1):
        for number in range(size):
            rules.append((f"stage{stage}_conv{number}", f"features.{place}"))
            rules.append((f"stage{stage}_bn{number}", f"features.{place + 1}"))
            place += 3 if batch_norm else 2
        place += 1  # the max-pool
    return [*rules, ("fc1", "classifier.0"), ("fc2", "classifier.3"), ("head", "classifier.6")]


def _residual(blocks: str, shortcut: Rules, after: str, rest: Rules) -> Rules:
    """Of residual networks; `blocks` is the block in PyTorch, with \\1 its stage and \\2 its place."""
    ours = r"layer(\d)_(\d+)/"
    return [
        # What an attention follows is wrapped together with it.
        (rf"{ours}((?:conv|bn)\d)", rf"{blocks}.\3", rf"{blocks}.\3.0"),
        *((ours + pattern, *(f"{blocks}.{each}" for each in templates)) for pattern, *templates in shortcut),
        (rf"{ours}attention/fc1", *(f"{blocks}.{each}.1.fc.0" for each in after.split())),
        (rf"{ours}attention/fc2", *(f"{blocks}.{each}.1.fc.2" for each in after.split())),
        *rest,
    ]


# The averaging before a ResNet-D's shortcut is a module of the sequence too, where it has one.
_RESNET = _residual(
    r"layer\1.\2",
    [("shortcut_conv", "downsample.0", "downsample.1"), ("shortcut_bn", "downsample.2", "downsample.1")],
    "bn3 bn2",
    [
        ("stem_conv0", "conv1.0"),
        ("stem_bn0", "conv1.1"),
        ("stem_conv1", "conv1.3"),
        ("stem_bn1", "conv1.4"),
        ("conv1", "conv1", "conv1.6"),
        ("bn1", "bn1"),
        ("head", "fc"),
    ],
)
_CIFAR_RESNET = _residual(
    r"layer\1.\2",
    [("shortcut_conv", "shortcut.0"), ("shortcut_bn", "shortcut.1")],
    "bn3 bn2 conv3 conv2",
    [("conv1", "conv1"), ("bn1?", r"\g<0>"), ("head", "linear")],
)
_WIDE_RESNET = _residual(
    r"block\1.layer.\2",
    [("shortcut_conv", "convShortcut")],
    "conv2",
    [("conv1", "conv1"), ("bn", "bn1"), ("head", "fc")],
)
# torchvision counts the stem among the features, so a block's number is one higher.
_MOBILENET_V2 = [
    ("conv1", "features.0.0"),
    ("bn1", "features.0.1"),
    # The first block has no expansion.
    ("block0/conv2", "features.1.conv.0.0"),
    ("block0/bn2", "features.1.conv.0.2", "features.1.conv.0.1"),
    ("block0/conv3", "features.1.conv.1"),
    ("block0/bn3", "features.1.conv.2"),
    ("block0/attention/fc1", "features.1.conv.3.fc.0"),
    ("block0/attention/fc2", "features.1.conv.3.fc.2"),
    *(
        rule
        for block in range(1, 17)
        for rule in (
            (f"block{block}/conv1", f"features.{block + 1}.conv.0.0"),
            (f"block{block}/bn1", f"features.{block + 1}.conv.0.1"),
            (f"block{block}/conv2", f"features.{block + 1}.conv.1.0"),
            (f"block{block}/bn2", f"features.{block + 1}.conv.1.2", f"features.{block + 1}.conv.1.1"),
            (f"block{block}/conv3", f"features.{block + 1}.conv.2"),
            (f"block{block}/bn3", f"features.{block + 1}.conv.3"),
            (f"block{block}/attention/fc1", f"features.{block + 1}.conv.4.fc.0"),
            (f"block{block}/attention/fc2", f"features.{block + 1}.conv.4.fc.2"),
        )
    ),
    ("conv2", "features.18.0"),
    ("bn2", "features.18.1"),
    ("head", "classifier.1", "classifier.0"),
]
_CIFAR_MOBILENET_V2 = [
    (r"block(\d+)/((?:conv|bn)\d)", r"layers.\1.\2", r"layers.\1.\2.0"),
    (r"block(\d+)/shortcut_conv", r"layers.\1.shortcut.0"),
    (r"block(\d+)/shortcut_bn", r"layers.\1.shortcut.1"),
    (r"block(\d+)/attention/fc1", r"layers.\1.bn3.1.fc.0"),
    (r"block(\d+)/attention/fc2", r"layers.\1.bn3.1.fc.2"),
    (r"(?:conv|bn)\d", r"\g<0>"),
    ("head", "linear"),
]
_RULES = {
    **dict.fromkeys(("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"), _RESNET),
    **dict.fromkeys(("resnet50d", "resnext50_32x4d"), _RESNET),
    **{name: _CIFAR_RESNET for name in names() if re.match(r"cifar_(pre)?resnet", name)},
    "cifar_wrn_28_10": _WIDE_RESNET,
    "mobilenet_v2": _MOBILENET_V2,
    "cifar_mobilenet_v2": _CIFAR_MOBILENET_V2,
}
_TOWERNET: Rules = [
    (r"stage(\d)/conv", r"b\1.0.0"),
    (r"stage(\d)/norm", r"b\1.0.1"),
    *(
        (f"inception{number}/{ours}", f"b5.{place}.{theirs}")
        for number, place in ((1, 0), (2, 3), (3, 6))
        for ours, theirs in (
            ("route1", "route1x1_1"),
            ("route3_reduce", "route1x1_2"),
            ("route3", "route3x3_2"),
            ("route5_reduce", "route1x1_3"),
            ("route5", "route5x5_3"),
            ("route_pool", "route1x1_4"),
        )
    ),
    ("head", "b6"),
]
_PLAIN_RESNET: Rules = [(r"layer(\d)_(\d+)/shortcut_bn", r"layer\1.\2.downsample.1"), *_RESNET]
_PLAIN_RULES: dict[str, Rules] = {
    "towernet": _TOWERNET,
    **dict.fromkeys(("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"), _PLAIN_RESNET),
    **{name: _CIFAR_RESNET for name in names() if re.match(r"cifar_resnet", name)},
}
