"""Makes networks_torch.npz: what PyTorch's networks answer, with weights that `random_weights` gives.

    python tests/golden/make_networks_torch.py --authors CHECKOUT

needs torch, torchvision and a checkout of SimAM's authors' repository (https://github.com/ZjjConan/SimAM), which has no
licence and is no part of this project. For every network and attention NAME/ATTENTION it keeps

    shapes              of the state dict, by name, as JSON
    size                side of the images
    eval                logits in evaluation mode
    train               logits in training mode, dropout off
    statistics          digests of every running mean and variance after that, the variance with PyTorch's n / (n - 1)
                        taken out, in the order of the names
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torchvision
from random_weights import digest, random_array, random_images

HERE = Path(__file__).parent
CLASSES = 10


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--authors", required=True, help="checkout of the authors' repository")
    sys.path.insert(0, parser.parse_args().authors)
    found = {}
    for key, (build, usual) in references().items():
        # Rounding grows from batch norm to batch norm, the faster the fewer positions the last ones have.
        size = 128 if key.startswith(("resnet101", "resnet152")) else usual
        for field, value in answers(build(), size).items():
            found[f"{key}/{field}"] = value
        print(key, flush=True)
    np.savez_compressed(HERE / "networks_torch.npz", **found)


def references():
    """Builders and image sizes by NAME/ATTENTION."""
    from networks.attentions.se_module import se_module
    from networks.attentions.simam_module import simam_module
    from networks.cifar import block, mobilenetv2, preresnet, resnet, wideresnet
    from networks.imagenet import mobilenetv2 as imagenet_mobilenetv2
    from networks.imagenet import resnet as imagenet_resnet

    vision = torchvision.models
    built = {}
    for depth in (11, 13, 16, 19):
        for suffix in ("", "_bn"):
            built[f"vgg{depth}{suffix}/none"] = partial(getattr(vision, f"vgg{depth}{suffix}"), num_classes=CLASSES), 64
    for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "mobilenet_v2"):
        built[f"{name}/none"] = partial(getattr(vision, name), num_classes=CLASSES), 64
    built["resnet50d/none"] = partial(imagenet_resnet.resnet50d, num_classes=CLASSES), 64
    for attention, module in (
        ("simam:e_lambda=0.1", partial(simam_module, e_lambda=0.1)),
        ("se", se_module),
    ):
        options = {"num_classes": CLASSES, "attention_module": module}
        for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d"):
            built[f"{name}/{attention}"] = partial(getattr(imagenet_resnet, name), **options), 64
        built[f"resnet50d/{attention}"] = partial(imagenet_resnet.resnet50d, **options), 64
        built[f"mobilenet_v2/{attention}"] = partial(imagenet_mobilenetv2.mobilenet_v2, **options), 64
    for attention, module in (("none", None), ("simam", simam_module), ("se", se_module)):
        options = {"num_class": CLASSES, "attention_module": module}
        for depth in (20, 56, 110):
            for name, file, kinds in (
                ("cifar_resnet", resnet, (block.BasicBlock, block.BottleNect)),
                ("cifar_preresnet", preresnet, (block.PreBasicBlock, block.PreBottleNect)),
            ):
                prefix = "PreResNet" if file is preresnet else "ResNet"
                for suffix, kind in zip(("", "_bottleneck"), kinds, strict=True):
                    if depth == 20 and suffix:
                        wrapper = getattr(file, f"{prefix}Wrapper")
                        make = partial(wrapper, num_blocks=[2, 2, 2], block=kind, **options)
                    else:
                        make = partial(getattr(file, f"{prefix}{depth}"), block=kind, **options)
                    built[f"{name}{depth}{suffix}/{attention}"] = make, 32
        built[f"cifar_wrn_28_10/{attention}"] = partial(wideresnet.WideResNet28x10, **options), 32
        built[f"cifar_mobilenet_v2/{attention}"] = partial(mobilenetv2.MobileNetV2Wrapper, **options), 32
    return built


def answers(model: torch.nn.Module, size: int) -> dict[str, np.ndarray]:
    """What the network says of the random images, with random weights, in double precision."""
    model.double()
    state = {key: value for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    for key, value in state.items():
        value.copy_(torch.from_numpy(random_array(key, tuple(value.shape))))
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "droprate"):
            module.droprate = 0.0
    positions = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(lambda _, args, __, name=name: positions.update({name: args[0].numel()}))
    images = torch.from_numpy(random_images(size).transpose(0, 3, 1, 2).astype(np.float64))
    with torch.no_grad():
        eval_logits = model.eval()(images)
        train_logits = model.train()(images)
    statistics = []
    for key, value in state.items():
        after = value.numpy()
        if key.endswith("running_var"):
            n = positions[key.removesuffix(".running_var")] // len(after)
            before = 0.9 * random_array(key, after.shape).astype(np.float64)
            after = before + (after - before) * (n - 1) / n
        if "running" in key:
            statistics.append(digest(after))
    shapes = {key: list(value.shape) for key, value in state.items()}
    found = {"eval": eval_logits, "train": train_logits, "statistics": np.array(statistics).reshape(-1, 3)}
    arrays = {field: np.asarray(value, np.float32) for field, value in found.items()}
    return {**arrays, "shapes": np.array(json.dumps(shapes)), "size": np.array(size)}


if __name__ == "__main__":
    main()
