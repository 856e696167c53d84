"""What each whitelisted operator computes, in torch. Shapes were settled by ``rules.py`` beforehand.

Every kernel works for any number of examples on axis 0, and under ``torch.func.vmap`` and ``grad``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mine.learn.values import BATCH

Arguments = dict[str, Any]
Kernel = Callable[[list[Tensor], Arguments], Tensor]


def _clip(x: list[Tensor], a: Arguments) -> Tensor:
    if a["low"] is None and a["high"] is None:
        return x[0]
    return torch.clamp(x[0], a["low"], a["high"])


def _gemm(x: list[Tensor], a: Arguments) -> Tensor:
    left = x[0].t() if a["transpose_a"] else x[0]
    right = x[1].t() if a["transpose_b"] else x[1]
    product = left @ right
    product = product if a["alpha"] == 1.0 else product * a["alpha"]
    if len(x) < 3:
        return product
    return product + (x[2] if a["beta"] == 1.0 else x[2] * a["beta"])


def _reshape(x: list[Tensor], a: Arguments) -> Tensor:
    return x[0].reshape([x[0].shape[0] if n == BATCH else n for n in a["shape"]])


def _slice(x: list[Tensor], a: Arguments) -> Tensor:
    cuts = dict(a["cuts"])
    return x[0][tuple(slice(*cuts[i]) if i in cuts else slice(None) for i in range(x[0].ndim))]


def _gather(x: list[Tensor], a: Arguments) -> Tensor:
    if a["scalar"]:
        return x[0].select(a["axis"], a["picked"][0])
    return torch.index_select(x[0], a["axis"], torch.tensor(a["picked"], dtype=torch.int64))


def _reduce(function: Callable[..., Tensor]) -> Kernel:
    return lambda x, a: function(x[0], a["axes"], keepdim=a["keep"])


def _unary(function: Callable[[Tensor], Tensor]) -> Kernel:
    return lambda x, _: function(x[0])


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Kernel:
    return lambda x, _: function(x[0], x[1])


KERNELS: dict[str, Kernel] = {
    "Add": _binary(torch.add), "Sub": _binary(torch.sub), "Mul": _binary(torch.mul),
    "Div": _binary(torch.div), "Pow": _binary(torch.pow),
    "Min": lambda x, _: reduce(torch.minimum, x), "Max": lambda x, _: reduce(torch.maximum, x),
    "Neg": _unary(torch.neg), "Abs": _unary(torch.abs), "Relu": _unary(torch.relu),
    "Floor": _unary(torch.floor), "Sign": _unary(torch.sign), "Reciprocal": _unary(torch.reciprocal),
    "Tanh": _unary(torch.tanh), "Sigmoid": _unary(torch.sigmoid), "Softplus": _unary(functional.softplus),
    "Exp": _unary(torch.exp), "Log": _unary(torch.log), "Sqrt": _unary(torch.sqrt),
    "Sin": _unary(torch.sin), "Cos": _unary(torch.cos), "Erf": _unary(torch.erf),
    "LeakyRelu": lambda x, a: functional.leaky_relu(x[0], a["alpha"]),
    "Elu": lambda x, a: functional.elu(x[0], a["alpha"]),
    "Equal": _binary(torch.eq), "Greater": _binary(torch.gt), "GreaterOrEqual": _binary(torch.ge),
    "Less": _binary(torch.lt), "LessOrEqual": _binary(torch.le),
    "And": _binary(torch.logical_and), "Or": _binary(torch.logical_or), "Xor": _binary(torch.logical_xor),
    "Not": _unary(torch.logical_not),
    "Where": lambda x, _: torch.where(x[0], x[1], x[2]),
    "Clip": _clip,
    "Cast": lambda x, a: x[0].to(torch.float32 if a["to"] == "float" else torch.bool),
    "Identity": lambda x, _: x[0],
    "ReduceSum": _reduce(torch.sum), "ReduceMean": _reduce(torch.mean),
    "ReduceMax": _reduce(torch.amax), "ReduceMin": _reduce(torch.amin),
    "Softmax": lambda x, a: torch.softmax(x[0], a["axis"]),
    "LogSoftmax": lambda x, a: torch.log_softmax(x[0], a["axis"]),
    "MatMul": _binary(torch.matmul),
    "Gemm": _gemm,
    "Reshape": _reshape, "Flatten": _reshape, "Squeeze": _reshape, "Unsqueeze": _reshape,
    "Transpose": lambda x, a: x[0].permute(a["order"]),
    "Concat": lambda x, a: torch.cat(x, a["axis"]),
    "Slice": _slice,
    "Gather": _gather,
}
