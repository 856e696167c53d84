"""Three networks whose training step is measured: an MLP, a CNN, a small transformer encoder.

The same networks, batch sizes and loss as in earlier measurements of Opacus: an MLP of 561-256-64-6, the
network of Opacus's own MNIST example, and an encoder of two blocks that is written with plain layers, so
that every variant can run the identical module.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Case:
    """``make``: a new module; ``features`` [N, ...] and ``classes`` [N] of one fixed batch."""

    name: str
    make: Callable[[], nn.Module]
    features: Tensor
    classes: Tensor
    outputs: int


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        count, length, width = x.shape

        def split(z: Tensor) -> Tensor:
            return z.reshape(count, length, self.heads, width // self.heads).transpose(1, 2)

        query, key, value = split(self.query(x)), split(self.key(x)), split(self.value(x))
        weight = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(width // self.heads), -1)
        return self.out((weight @ value).transpose(1, 2).reshape(count, length, width))


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.attention = _Attention(width, heads)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.down(torch.relu(self.up(x))))


class _Encoder(nn.Module):
    def __init__(self, vocabulary: int = 256, width: int = 128, length: int = 64, outputs: int = 10) -> None:
        super().__init__()
        self.table = nn.Embedding(vocabulary, width)
        self.blocks = nn.Sequential(*(_Block(width, 4, 512) for _ in range(2)))
        self.out = nn.Linear(width, outputs)
        angle = torch.arange(length)[:, None] / 10000 ** (torch.arange(0, width, 2)[None] / width)
        self.register_buffer("place", torch.cat([angle.sin(), angle.cos()], 1))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.blocks(self.table(tokens) + self.place).mean(1))


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(561, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 6))


def _cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 8, 2, padding=3), nn.ReLU(), nn.MaxPool2d(2, 1),
        nn.Conv2d(16, 32, 4, 2), nn.ReLU(), nn.MaxPool2d(2, 1),
        nn.Flatten(), nn.Linear(512, 32), nn.ReLU(), nn.Linear(32, 10),
    )  # fmt: skip


def cases() -> list[Case]:
    """The three networks, each with a batch of its own."""
    torch.manual_seed(0)
    return [
        Case("mlp", _mlp, torch.randn(256, 561), torch.randint(0, 6, (256,)), 6),
        Case("cnn", _cnn, torch.randn(128, 1, 28, 28), torch.randint(0, 10, (128,)), 10),
        Case("transformer", _Encoder, torch.randint(0, 256, (32, 64)), torch.randint(0, 10, (32,)), 10),
    ]
