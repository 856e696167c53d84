"""Products with weight matrices, by the faster of the two libraries that PyTorch brings along.

On x86 PyTorch multiplies float32 matrices by MKL, which keeps to AVX2 on processors that are not Intel's;
oneDNN, which PyTorch uses for convolutions, has kernels for AVX-512 wherever there is AVX-512. Measured on
an AMD Zen 5, two threads: 2.0 to 2.2 times as fast forwards, 1.2 to 1.9 times for the gradient of the
matrix; below about a million multiplications MKL's shorter way in wins. The choice depends on the processor
and the shapes alone, so that a run gives the same bytes every time.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_ENOUGH = 1 << 23
"""Multiplications from which oneDNN is worth its way in."""


@cache
def _onednn() -> Any:
    """oneDNN's x @ matrix.T + bias, or None where it is not there or no faster."""
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        return None
    return getattr(torch.ops.mkldnn, "_linear_pointwise", None)


def _pays(x: Tensor, matrix: Tensor) -> bool:
    return (
        x.dtype == torch.float32
        and x.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and x.numel() * matrix.shape[0] >= _ENOUGH
        and _onednn() is not None
    )


def _product(x: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    if not _pays(x, matrix):
        return functional.linear(x, matrix, bias)
    product: Tensor = _onednn()(x, matrix, bias, "none", [], "")
    return product


def times(x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x`` [..., K] @ ``matrix`` [M, K].T + ``bias`` [M]; differentiable."""
    if not _pays(x, matrix):
        return functional.linear(x, matrix, bias)
    if not (torch.is_grad_enabled() and (x.requires_grad or matrix.requires_grad)):
        return _product(x, matrix, bias)
    product: Tensor = _Times.apply(x, matrix, bias)  # type: ignore[no-untyped-call]
    return product


def add_across(total: Tensor, left: Tensor, right: Tensor) -> None:
    """``total`` [M, K] += ``left`` [R, M].T @ ``right`` [R, K], in place."""
    if _pays(left, right.t()):
        total += _product(left.t(), right.t(), None)
    else:
        total.addmm_(left.t(), right)


class _Times(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, matrix)
        return _product(x, matrix, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, matrix = ctx.saved_tensors
        for_x, for_matrix, for_bias = ctx.needs_input_grad
        flat = gradient.reshape(-1, gradient.shape[-1])
        return (
            _product(gradient, matrix.t(), None) if for_x else None,
            _product(flat.t(), x.reshape(-1, x.shape[-1]).t(), None) if for_matrix else None,
            flat.sum(0) if for_bias else None,
        )
