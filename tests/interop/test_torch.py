"""Networks agree with PyTorch's on the same weights: see golden/make_networks_torch.py."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util
from random_weights import digest, random_array, random_images

from simam_jax.interop import from_torch
from simam_jax.interop.torch import _LEAVES, _rules, _theirs
from simam_jax.models import create_model

GOLDEN = Path(__file__).parents[1] / "golden"

CLASSES = 10
# In float32 the rounding of a hundred batch norms in training mode adds up to 1e-4 and more; these compute in float64.
DEEP = {"resnet101", "resnet152"}
# A network of each kind of block, one with each attention; the rest of the registry is behind the marker `slow`.
QUICK = {
    "vgg11_bn/none",
    "mobilenet_v2/simam:e_lambda=0.1",
    "resnet18/none",
    "resnet18/se",
    "resnet50d/se",
    "resnext50_32x4d/simam:e_lambda=0.1",
    *(f"cifar_resnet20/{attention}" for attention in ("none", "simam", "se")),
    *(
        f"cifar_{name}/simam"
        for name in ("resnet20_bottleneck", "preresnet20", "preresnet20_bottleneck", "mobilenet_v2")
    ),
}

with np.load(GOLDEN / "networks_torch.npz") as stored:
    ARRAYS = dict(stored)
CASES = sorted({key.rsplit("/", 1)[0] for key in ARRAYS})


def weights(case: str) -> dict[str, np.ndarray]:
    shapes = json.loads(str(ARRAYS[f"{case}/shapes"]))
    return {name: random_array(name, tuple(shape)) for name, shape in shapes.items()}


def relative(found, wanted) -> float:
    return float(np.abs(np.asarray(found) - wanted).max() / np.abs(wanted).max())


def statistics(name: str, batch_stats, arrays) -> np.ndarray:
    """Digests of the statistics, in the order of PyTorch's names."""
    by_name = {}
    for path, value in traverse_util.flatten_dict(batch_stats).items():
        module = _theirs("/".join(path[:-1]), _rules(name), arrays)
        by_name[f"{module}.{_LEAVES[path[-1]]}"] = digest(np.asarray(value, np.float64))
    return np.array([by_name[each] for each in arrays if each in by_name])


@pytest.mark.parametrize("case", [c if c in QUICK else pytest.param(c, marks=pytest.mark.slow) for c in CASES])
def test_logits_and_batch_statistics_are_pytorchs(case):
    name, attention = case.split("/")
    dropout = {"dropout": 0.0} if name.startswith(("vgg", "mobilenet", "cifar_wrn")) else {}
    model = create_model(name, num_classes=CLASSES, attention=attention, **dropout)
    arrays = weights(case)
    variables = from_torch(name, arrays)
    images = random_images(int(ARRAYS[f"{case}/size"]))
    with jax.enable_x64(name in DEEP):
        if name in DEEP:
            model = model.clone(dtype=jnp.float64)
        apply = jax.jit(model.apply, static_argnames=("train", "mutable"))
        eval_logits = apply(variables, jnp.asarray(images), train=False)
        train_logits, updated = apply(variables, jnp.asarray(images), train=True, mutable=("batch_stats",))
    errors = {
        "eval": relative(eval_logits, ARRAYS[f"{case}/eval"]),
        "train": relative(train_logits, ARRAYS[f"{case}/train"]),
    }
    if "batch_stats" in variables:
        found = statistics(name, updated["batch_stats"], arrays)
        errors["statistics"] = relative(found, ARRAYS[f"{case}/statistics"])
    print(f"{case}: " + ", ".join(f"{field} {error:.1e}" for field, error in errors.items()))
    assert max(errors.values()) <= 1e-4, errors


def test_the_prefix_of_data_parallel_and_the_batch_counters_are_dropped():
    arrays = weights("cifar_resnet20/none")
    wrapped = {f"module.{name}": value for name, value in arrays.items()} | {"module.bn1.num_batches_tracked": 7}
    plain, other = from_torch("cifar_resnet20", arrays), from_torch("cifar_resnet20", wrapped)
    jax.tree.map(np.testing.assert_array_equal, plain, other)


def test_what_does_not_fit_is_listed():
    arrays = weights("cifar_resnet20/none")
    arrays["extra"] = arrays.pop("conv1.weight")
    arrays["layer1.0.bn1.weight"] = np.zeros(3)
    message = r"layer1\.0\.bn1\.weight \(3,\) does not fit .*missing array conv1\.weight; unused array extra"
    with pytest.raises(ValueError, match=message):
        from_torch("cifar_resnet20", arrays)


def test_networks_without_pytorch_weights_list_those_with():
    with pytest.raises(ValueError, match=r"no PyTorch weights are known for 'towernet': it is one of .*vgg19_bn"):
        from_torch("towernet", {})
