"""Makes attention_torch.npz, what PyTorch's attention modules compute in float64, for test_attention_golden.py.

    python tests/golden/make_attention_torch.py --authors DIR

needs numpy, torch and timm 1.0.31, and in DIR the SimAM authors' repository (https://github.com/ZjjConan/SimAM), which
has no licence: it is run here and is no part of this project.

Keys, float32 and channels last, with this project's names of parameters:
    x, dy                       the input and the cotangent of all cases
    SPEC@MODE/y, SPEC@MODE/dx   output and gradient of x; MODE is train or eval
    SPEC@MODE/variables/PATH    parameters and batch statistics before the call
    SPEC@MODE/gradient/PATH     gradients of parameters
    SPEC@train/after/PATH       means that batch norms keep after the call
"""

import argparse
import importlib.util
from pathlib import Path

import numpy as np
import torch
from timm.layers import EcaModule, EffectiveSEModule, GatherExcite, GlobalContext
from timm.layers.coord_attn import CoordAttn
from torch import nn

SHAPE = (2, 32, 5, 7)  # sides that 2 does not divide

Case = tuple[str, nn.Module, dict[str, str], tuple[str, ...]]


def authors_module(folder: Path, name: str) -> type[nn.Module]:
    """The class of one of the authors' files, loaded by itself: their package imports what it does not need."""
    path = folder / "networks" / "attentions" / f"{name}_module.py"
    spec = importlib.util.spec_from_file_location(f"{name}_module", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, f"{name}_module")


def cases(authors: Path) -> list[Case]:
    """Spec, module, its layers under this project's names, and the modes to run."""
    channels = SHAPE[1]
    simam, se, cbam = (authors_module(authors, name) for name in ("simam", "se", "cbam"))
    gc = GlobalContext(channels, fuse_add=True, fuse_scale=False, rd_ratio=1 / 4)
    gc.mlp_add.norm.eps = 1e-5  # the GCNet authors' value; timm has 1e-6
    return [
        ("simam:e_lambda=0.0001", simam(e_lambda=1e-4), {}, ("eval",)),
        ("simam:e_lambda=0.1", simam(e_lambda=0.1), {}, ("eval",)),
        ("se", se(channels), {"fc.0": "fc1", "fc.2": "fc2"}, ("eval",)),
        ("se:reduction=4", se(channels, 4), {"fc.0": "fc1", "fc.2": "fc2"}, ("eval",)),
        (
            "cbam",
            cbam(channels),
            {
                "ChannelGate.mlp.1": "fc1",
                "ChannelGate.mlp.3": "fc2",
                "SpatialGate.spatial.conv": "conv",
                "SpatialGate.spatial.bn": "bn",
            },
            ("train", "eval"),
        ),
        ("eca", EcaModule(channels), {"conv": "conv"}, ("eval",)),
        ("eca:kernel_size=5", EcaModule(kernel_size=5), {"conv": "conv"}, ("eval",)),
        (
            "gc:reduction=4",
            gc,
            {"conv_attn": "mask", "mlp_add.fc1": "fc1", "mlp_add.norm": "norm", "mlp_add.fc2": "fc2"},
            ("eval",),
        ),
        ("ge", GatherExcite(channels, use_mlp=False), {}, ("eval",)),
        ("ge:extent=2", GatherExcite(channels, extent=2, use_mlp=False), {}, ("eval",)),
        ("ge:extent=4", GatherExcite(channels, extent=4, use_mlp=False), {}, ("eval",)),
        ("ese", EffectiveSEModule(channels), {"fc": "fc"}, ("eval",)),
        (
            "coord",
            CoordAttn(channels, rd_channels=8, bias=True),
            {"conv1": "conv1", "bn1": "bn1", "conv_h": "conv_h", "conv_w": "conv_w"},
            ("train", "eval"),
        ),
    ]


def randomise(module: nn.Module, generator: torch.Generator) -> None:
    """Every parameter and statistic random, and exactly a float32."""
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float32)
        if name.endswith("running_var"):
            noise = noise.abs() + 0.5
        elif tensor.ndim > 1:
            noise = noise * (2 / tensor[0].numel()) ** 0.5
        tensor.copy_(noise.double())


def ours(layers: dict[str, str], name: str) -> str:
    """This project's path of a torch tensor."""
    layer, _, leaf = name.rpartition(".")
    statistic = {"running_mean": "mean", "running_var": "var"}.get(leaf)
    if statistic:
        return f"batch_stats/{layers[layer]}/{statistic}"
    norm = layers[layer].startswith(("bn", "norm"))
    return f"params/{layers[layer]}/{'bias' if leaf == 'bias' else 'scale' if norm else 'kernel'}"


def channels_last(images: torch.Tensor) -> np.ndarray:
    """(B, C, H, W) as (B, H, W, C)."""
    return images.detach().permute(0, 2, 3, 1).numpy().copy()


def kernel(tensor: torch.Tensor) -> np.ndarray:
    """A parameter as Flax has it: kernels end in (in, out), and a 1×1 convolution is a linear layer."""
    array = tensor.detach().numpy().copy()
    if array.ndim < 2:
        return array
    array = np.moveaxis(array, (0, 1), (-1, -2))
    return array[0, 0] if array.shape[:-2] == (1, 1) else array


def run(module: nn.Module, layers: dict[str, str], train: bool, x: torch.Tensor, dy: torch.Tensor) -> dict:
    """The arrays of one case."""
    arrays = {
        f"variables/{ours(layers, name)}": kernel(tensor)
        for name, tensor in module.state_dict().items()
        if tensor.is_floating_point()
    }
    module.train(train)
    module.zero_grad()
    x = x.clone().requires_grad_()
    y = module(x)
    y.backward(dy)
    arrays |= {"y": channels_last(y), "dx": channels_last(x.grad)}
    for name, parameter in module.named_parameters():
        arrays[f"gradient/{ours(layers, name)}"] = kernel(parameter.grad)
    if train:
        for name, tensor in module.named_buffers():
            if name.endswith("running_mean"):
                arrays[f"after/{ours(layers, name)}"] = kernel(tensor)
    return arrays


def main(authors: Path) -> None:
    """Writes the file beside this one."""
    generator = torch.Generator().manual_seed(20)
    x, dy = (torch.randn(SHAPE, generator=generator, dtype=torch.float32) for _ in range(2))
    x += torch.randn((*SHAPE[:2], 1, 1), generator=generator, dtype=torch.float32)  # channels with means of their own
    x, dy = x.double(), dy.double()
    arrays = {"x": channels_last(x), "dy": channels_last(dy)}
    for spec, module, layers, modes in cases(authors):
        module.double()
        for mode in modes:
            with torch.no_grad():
                randomise(module, generator)
            found = run(module, layers, mode == "train", x, dy)
            arrays |= {f"{spec}@{mode}/{name}": array for name, array in found.items()}
    path = Path(__file__).with_name("attention_torch.npz")
    np.savez_compressed(path, **{name: array.astype(np.float32) for name, array in arrays.items()})
    print(f"{path}: {len(arrays)} arrays, {path.stat().st_size} bytes")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--authors", type=Path, required=True, help="folder of the SimAM authors' repository")
    return parser.parse_args()


if __name__ == "__main__":
    main(parse_arguments().authors)
