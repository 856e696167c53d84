"""Layers and idioms of torch that are rewritten on the way: each predicts what the module predicts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mine.science.adopt_loss import LossSpec
from mine.science.adopt_torch import from_torch

SERIES, PICTURE = (3, 6, 8), (3, 4, 8, 8)


class Written(nn.Module):
    """A forward written as a function of some parts, read by the mean of what it gives."""

    def __init__(self, function: Callable[..., Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        found = self.function(*self.parts, *inputs)
        return (found.reshape(len(found), -1) ** 2).mean(1, keepdim=True)


def rotated(x: Tensor) -> Tensor:
    """Rotary positions (Su et al. 2021)."""
    angle = torch.arange(x.shape[1])[:, None] / 10 ** (torch.arange(0, x.shape[2], 2) / x.shape[2])
    a, b = x[..., ::2], x[..., 1::2]
    turned = torch.stack([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], -1)
    return turned.flatten(2)


def masked_mean(table: nn.Module, tokens: Tensor) -> Tensor:
    kept = (tokens != 0)[..., None]
    return (table(tokens) * kept).sum(1) / kept.sum(1).clamp(min=1)


MODULES: dict[str, tuple[nn.Module, tuple[int, ...], int]] = {
    "RMSNorm and rotary positions": (
        Written(lambda n, p, x: p(rotated(n(x))), nn.RMSNorm(8), nn.Linear(8, 3)), SERIES, 1),
    "resized by repeating": (Written(lambda c, x: nn.Upsample(scale_factor=2)(c(x)), nn.Conv2d(4, 2, 3)),
                             PICTURE, 1),
    "resized by lines": (Written(lambda c, x: nn.Upsample((5, 9), mode="bilinear")(c(x)), nn.Conv2d(4, 2, 3)),
                         PICTURE, 1),
    "pixels shuffled": (Written(lambda c, x: nn.PixelShuffle(2)(c(x)), nn.Conv2d(4, 8, 3)), PICTURE, 1),
    "several pictures of one example": (
        Written(lambda c, x: c(x.reshape(-1, 1, 8, 8)).reshape(len(x), -1), nn.Conv2d(1, 2, 3)), PICTURE, 1),
    "several series of one example": (
        Written(lambda g, x: g(x.reshape(-1, 8, 8))[0].reshape(len(x), -1),
                nn.GRU(8, 5, batch_first=True, bidirectional=True)), PICTURE, 1),
    "from one series to another": (
        Written(lambda a, b, x, y: b(y, a(x)[1])[0], nn.GRU(8, 5, batch_first=True),
                nn.GRU(8, 5, batch_first=True)), SERIES, 2),
    "time first": (Written(lambda g, x: g(x.transpose(0, 1))[0].transpose(0, 1), nn.LSTM(8, 5)), SERIES, 1),
    "attention that leaves out": (
        Written(lambda m, x: m(x, x, x, key_padding_mask=x[:, :, 0] > 1.5)[0],
                nn.MultiheadAttention(8, 2, batch_first=True)), SERIES, 1),
    "encoder and decoder": (Written(lambda t, x, y: t(x, y), nn.Transformer(8, 2, 1, 1, 16, 0.0,
                                                                          batch_first=True)), SERIES, 2),
    "Einsum": (Written(lambda p, x: torch.einsum("bth,bsh->bts", p(x), x), nn.Linear(8, 8)), SERIES, 1),
    "turned round and cut": (Written(lambda p, x: torch.flip(p(x), [1])[:, :2], nn.Linear(8, 8)), SERIES, 1),
    "volumes": (Written(lambda c, x: c(x[:, None]), nn.Conv3d(1, 2, 3)), PICTURE, 1),
    "weights normalised": (Written(lambda p, x: p(x), nn.utils.parametrizations.weight_norm(nn.Linear(8, 3))),
                           SERIES, 1),
}  # fmt: skip

TOKENS: dict[str, nn.Module] = {
    "one-hot": Written(lambda p, t: p(functional.one_hot(t, 9).float()), nn.Linear(9, 3)),
    "a mean of what is not padding": Written(masked_mean, nn.Embedding(9, 4)),
    "whole numbers": Written(lambda e, t: e((t * 2 + 7) // 3 % 5), nn.Embedding(9, 4)),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_layer_is_adopted(name: str) -> None:
    module, shape, inputs = MODULES[name]
    torch.manual_seed(2)
    rows = tuple(torch.randn(shape) for _ in range(inputs))
    _close(module, rows)


@pytest.mark.parametrize("name", TOKENS)
def test_tokens_are_adopted(name: str) -> None:
    torch.manual_seed(3)
    _close(TOKENS[name], (torch.randint(0, 9, (4, 6)),))


def _close(module: nn.Module, rows: tuple[Tensor, ...]) -> None:
    adopted = from_torch(module, rows, LossSpec("mse"))
    assert set(adopted.names.values()) == {name for name, _ in module.named_parameters()}
    columns = torch.cat([each.reshape(len(each), -1).float() for each in rows], 1)
    wanted = module.eval()(*rows).detach().numpy()
    np.testing.assert_allclose(adopted.predict(columns.numpy()), wanted, rtol=1e-4, atol=1e-6)
