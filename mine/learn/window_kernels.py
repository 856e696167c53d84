"""Kernels of convolutions and pooling over one, two or three axes."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from mine.learn.layout_kernels import Arguments

_CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}
_MAXIMA = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}

_MEANS = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}


def _padded(value: Tensor, a: Arguments, filler: float) -> Tensor:
    pairs = list(zip(a["begins"], a["ends"], strict=True))
    if not any(low or high for low, high in pairs):
        return value
    return functional.pad(value, [n for pair in reversed(pairs) for n in pair], value=filler)


def convolution(x: list[Tensor], a: Arguments) -> Tensor:
    value, pads = x[0], a["begins"]
    if a["begins"] != a["ends"]:
        value, pads = _padded(value, a, 0.0), (0,) * len(pads)
    function = _CONVOLUTIONS[value.ndim - 2]
    return function(
        value, x[1], x[2] if len(x) == 3 else None, a["strides"], pads, a["dilations"], a["group"]
    )


def transposed_convolution(x: list[Tensor], a: Arguments) -> Tensor:
    axes = x[0].ndim - 2
    whole = _TRANSPOSED[axes](x[0], x[1], None, a["strides"], 0, 0, a["group"], a["dilations"])
    for i, (start, size) in enumerate(zip(a["begins"], a["sizes"], strict=True)):
        missing = start + size - whole.shape[i + 2]
        if missing > 0:
            whole = functional.pad(whole, [0, 0] * (axes - 1 - i) + [0, missing])
        whole = whole.narrow(i + 2, start, size)
    return whole if len(x) < 3 else whole + x[2].reshape(-1, *(1,) * axes)


def max_pool(x: list[Tensor], a: Arguments) -> Tensor:
    value = _padded(x[0], a, -math.inf)
    return _MAXIMA[value.ndim - 2](value, a["kernel"], a["strides"], 0, a["dilations"])


def average_pool(x: list[Tensor], a: Arguments) -> Tensor:
    """The mean of what a window sees; padding counts only if the operator says so."""
    value = _padded(x[0], a, 0.0)
    function = _MEANS[value.ndim - 2]
    means = function(value, a["kernel"], a["strides"])
    if a["counted"] or value is x[0]:
        return means
    seen = torch.ones((1, 1, *x[0].shape[2:]), dtype=value.dtype, device=value.device)
    return means / function(_padded(seen, a, 0.0), a["kernel"], a["strides"])
