"""ResNet-50 with random weights (He et al., CVPR 2016, table 1), so that nothing has to be downloaded."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

__all__ = ["Resnet"]


class Resnet(nn.Module):
    """From images of shape (m, 3, height, width) to logits of 1000 classes.

    Parameters
    ----------
    depths : sequence of int
        The number of blocks of each stage; (3, 4, 6, 3) for ResNet-50.
    width : int
        The first stage's inner number of channels.
    """

    def __init__(self, depths: tuple[int, ...] = (3, 4, 6, 3), width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(3, width, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        channels = width
        for stage, depth in enumerate(depths):
            for number in range(depth):
                block = _Block(channels, width * 2**stage, 2 if stage and not number else 1)
                layers.append(block)
                channels = 4 * width * 2**stage
        self.layers = nn.Sequential(*layers)
        self.classes = nn.Linear(channels, 1000)

    def forward(self, images: Any) -> Any:
        """Logits, of shape (m, 1000)."""
        return self.classes(self.layers(images).mean(dim=(2, 3)))


class _Block(nn.Module):
    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            _convolution(channels, width, 1, 1),
            nn.ReLU(),
            _convolution(width, width, 3, stride),
            nn.ReLU(),
            _convolution(width, 4 * width, 1, 1),
        )
        is_changed = stride > 1 or channels != 4 * width
        self.shortcut = _convolution(channels, 4 * width, 1, stride) if is_changed else nn.Identity()

    def forward(self, images: Any) -> Any:
        return torch.relu(self.inner(images) + self.shortcut(images))


def _convolution(channels: int, outputs: int, size: int, stride: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs))
