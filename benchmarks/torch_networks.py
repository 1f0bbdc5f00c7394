"""TowerNet, ResNet-50 and CIFAR's ResNet-20 in plain PyTorch, with or without SimAM, as their users write them.

Modules bear the names that `simam_jax.interop.torch` knows: torchvision's for ResNet-50, those of SimAM's authors for
CIFAR's ResNet-20, and those of the PaddlePaddle original for TowerNet. None of this needs simam_jax.
"""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - everybody's name for it


class SimAM(nn.Module):
    """x · sigmoid((x - μ)² / (4 (σ² + λ)) + 1/2), statistics over a channel's positions (Yang et al., ICML 2021)."""

    def __init__(self, e_lambda: float = 1e-4):
        super().__init__()
        self.e_lambda = e_lambda

    def forward(self, x):
        n = max(x.shape[2] * x.shape[3] - 1, 1)
        squares = (x - x.mean(dim=(2, 3), keepdim=True)).pow(2)
        variance = squares.sum(dim=(2, 3), keepdim=True) / n
        return x * torch.sigmoid(squares / (4 * (variance + self.e_lambda)) + 0.5)


ATTENTIONS = {"none": nn.Identity, "simam": SimAM}


class Bottleneck(nn.Module):
    """ResNet v1.5's block; the attention follows conv2."""

    def __init__(self, inputs: int, features: int, stride: int, attention):
        super().__init__()
        outputs = 4 * features
        self.conv1 = nn.Conv2d(inputs, features, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(features)
        self.conv2 = nn.Conv2d(features, features, 3, stride, 1, bias=False)
        self.attention = attention()
        self.bn2 = nn.BatchNorm2d(features)
        self.conv3 = nn.Conv2d(features, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.attention(self.conv2(y))), inplace=True)
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ResNet50(nn.Module):
    """A 7×7 stem and four stages of 3, 4, 6 and 3 bottlenecks."""

    def __init__(self, classes: int, attention):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for stage, size in enumerate((3, 4, 6, 3)):
            features = 64 * 2**stage
            blocks = []
            for number in range(size):
                blocks.append(Bottleneck(inputs, features, 2 if stage and not number else 1, attention))
                inputs = 4 * features
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x)), inplace=True), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class BasicBlock(nn.Module):
    """CIFAR's block; the attention follows conv2."""

    def __init__(self, inputs: int, features: int, stride: int, attention):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, features, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(features)
        self.conv2 = nn.Conv2d(features, features, 3, 1, 1, bias=False)
        self.attention = attention()
        self.bn2 = nn.BatchNorm2d(features)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != features:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, features, 1, stride, bias=False), nn.BatchNorm2d(features))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.attention(self.conv2(y)))
        return F.relu(y + self.shortcut(x), inplace=True)


class CifarResNet20(nn.Module):
    """A 3×3 stem and three stages of three basic blocks."""

    def __init__(self, classes: int, attention):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        for stage in range(3):
            features = 16 * 2**stage
            blocks = []
            for number in range(3):
                blocks.append(BasicBlock(inputs, features, 2 if stage and not number else 1, attention))
                inputs = features
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


class Inception(nn.Module):
    """Four routes side by side, no norm: 1×1; 1×1 and 3×3; 1×1 and 5×5; 3×3 pooling and 1×1."""

    def __init__(self, inputs: int):
        super().__init__()
        self.route1x1_1 = nn.Conv2d(inputs, 64, 1)
        self.route1x1_2 = nn.Conv2d(inputs, 64, 1)
        self.route3x3_2 = nn.Conv2d(64, 128, 3, padding=1)
        self.route1x1_3 = nn.Conv2d(inputs, 16, 1)
        self.route5x5_3 = nn.Conv2d(16, 32, 5, padding=2)
        self.route1x1_4 = nn.Conv2d(inputs, 32, 1)

    def forward(self, x):
        route1 = F.relu(self.route1x1_1(x), inplace=True)
        route3 = F.relu(self.route3x3_2(F.relu(self.route1x1_2(x), inplace=True)), inplace=True)
        route5 = F.relu(self.route5x5_3(F.relu(self.route1x1_3(x), inplace=True)), inplace=True)
        pooled = F.relu(self.route1x1_4(F.max_pool2d(x, 3, 1, 1)), inplace=True)
        return torch.cat([route1, route3, route5, pooled], 1)


class TowerNet(nn.Module):
    """Four stages of convolution, norm and pooling, and three Inceptions; attention after the last four poolings."""

    def __init__(self, classes: int, attention):
        super().__init__()
        pool = partial(nn.MaxPool2d, 2)

        def stage(inputs, features, stride=1):
            return nn.Sequential(
                nn.Conv2d(inputs, features, 3, stride, 1), nn.BatchNorm2d(features, eps=1e-3), nn.ReLU(inplace=True)
            )

        self.b1 = nn.Sequential(stage(3, 64, 2), pool())
        self.b2 = nn.Sequential(stage(64, 128), pool())
        self.b3 = nn.Sequential(stage(128, 256), pool(), attention())
        self.b4 = nn.Sequential(stage(256, 256), pool(), attention())
        self.b5 = nn.Sequential(
            Inception(256), pool(), attention(), Inception(256), pool(), attention(), Inception(256)
        )
        self.b6 = nn.Linear(256, classes)

    def forward(self, x):
        x = self.b5(self.b4(self.b3(self.b2(self.b1(x)))))
        return self.b6(x.mean((2, 3)))


NETWORKS = {"towernet": TowerNet, "resnet50": ResNet50, "cifar_resnet20": CifarResNet20}


def create(network: str, classes: int, attention: str) -> nn.Module:
    """A network by name, with an attention of `ATTENTIONS`."""
    return NETWORKS[network](classes, ATTENTIONS[attention])
