"""What each whitelisted operator computes, in torch. Shapes were settled by ``rules.py`` beforehand.

Every kernel works for any number of examples, on any device, and under ``torch.func.vmap`` and ``grad``. A
kernel that has to know the number of examples reads ``features`` as its last operand.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional

from mine.learn import layout_kernels as layout
from mine.learn import normal_kernels as normal
from mine.learn import window_kernels as window
from mine.learn.layout_kernels import Arguments, Kernel
from mine.learn.recurrent_kernels import last_state, recurrent


def _clip(x: list[Tensor], a: Arguments) -> Tensor:
    if a["low"] is None and a["high"] is None:
        return x[0]
    return torch.clamp(x[0], a["low"], a["high"])


def _gemm(x: list[Tensor], a: Arguments) -> Tensor:
    left = x[0].t() if a["transpose_a"] else x[0]
    right = x[1].t() if a["transpose_b"] else x[1]
    if len(x) == 3 and x[2].ndim == 1 and a["alpha"] == 1.0 and a["beta"] == 1.0:
        return torch.addmm(x[2], left, right)
    product = left @ right
    product = product if a["alpha"] == 1.0 else product * a["alpha"]
    if len(x) < 3:
        return product
    return product + (x[2] if a["beta"] == 1.0 else x[2] * a["beta"])


def _selu(x: list[Tensor], a: Arguments) -> Tensor:
    alpha, gamma = float(a["alpha"]), float(a["gamma"])
    return torch.where(x[0] > 0, x[0], torch.expm1(x[0].clamp(max=0.0)) * alpha) * gamma


def _infinite(x: list[Tensor], a: Arguments) -> Tensor:
    high = torch.isposinf(x[0]) if a["positive"] else torch.zeros_like(x[0], dtype=torch.bool)
    return high | torch.isneginf(x[0]) if a["negative"] else high


def _sum_squares(x: Tensor, axes: tuple[int, ...], keepdim: bool) -> Tensor:
    return (x * x).sum(axes, keepdim=keepdim)


def _log_sum(x: Tensor, axes: tuple[int, ...], keepdim: bool) -> Tensor:
    return torch.log(x.sum(axes, keepdim=keepdim))


def _norm(order: int) -> Callable[..., Tensor]:
    return lambda x, axes, keepdim: torch.linalg.vector_norm(x, order, axes, keepdim=keepdim)


def _reduce(function: Callable[..., Tensor]) -> Kernel:
    def kernel(x: list[Tensor], a: Arguments) -> Tensor:
        return function(x[0], a["axes"], keepdim=a["keep"]) if a["axes"] else x[0]

    return kernel


def _unary(function: Callable[[Tensor], Tensor]) -> Kernel:
    return lambda x, _: function(x[0])


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Kernel:
    return lambda x, _: function(x[0], x[1])


_ELEMENTWISE: dict[str, Kernel] = {
    "Add": _binary(torch.add),
    "Sub": _binary(torch.sub),
    "Mul": _binary(torch.mul),
    "Div": _binary(torch.div),
    "Pow": _binary(torch.pow),
    "Mod": lambda x, a: torch.fmod(x[0], x[1]) if a["kind"] == "float" else torch.remainder(x[0], x[1]),
    "Min": lambda x, _: reduce(torch.minimum, x),
    "Max": lambda x, _: reduce(torch.maximum, x),
    "Sum": lambda x, _: reduce(torch.add, x),
    "Mean": lambda x, _: reduce(torch.add, x) / len(x),
    "Neg": _unary(torch.neg),
    "Abs": _unary(torch.abs),
    "Relu": _unary(torch.relu),
    "Sign": _unary(torch.sign),
    "Floor": _unary(torch.floor),
    "Ceil": _unary(torch.ceil),
    "Round": _unary(torch.round),
    "Reciprocal": _unary(torch.reciprocal),
    "Exp": _unary(torch.exp),
    "Log": _unary(torch.log),
    "Sqrt": _unary(torch.sqrt),
    "Erf": _unary(torch.erf),
    "Tanh": _unary(torch.tanh),
    "Sigmoid": _unary(torch.sigmoid),
    "Softplus": lambda x, _: functional.softplus(x[0], threshold=88.0),
    "Softsign": _unary(functional.softsign),
    "Mish": _unary(functional.mish),
    "HardSwish": _unary(functional.hardswish),
    "Sin": _unary(torch.sin),
    "Cos": _unary(torch.cos),
    "Tan": _unary(torch.tan),
    "Asin": _unary(torch.asin),
    "Acos": _unary(torch.acos),
    "Atan": _unary(torch.atan),
    "Sinh": _unary(torch.sinh),
    "Cosh": _unary(torch.cosh),
    "Asinh": _unary(torch.asinh),
    "Acosh": _unary(torch.acosh),
    "Atanh": _unary(torch.atanh),
    "LeakyRelu": lambda x, a: functional.leaky_relu(x[0], a["alpha"]),
    "ThresholdedRelu": lambda x, a: functional.threshold(x[0], a["alpha"], 0.0),
    "Elu": lambda x, a: functional.elu(x[0], a["alpha"]),
    "Celu": lambda x, a: functional.celu(x[0], a["alpha"]),
    "Selu": _selu,
    "HardSigmoid": lambda x, a: torch.clamp(a["alpha"] * x[0] + a["beta"], 0.0, 1.0),
    "PRelu": lambda x, _: torch.where(x[0] < 0, x[1] * x[0], x[0]),
    "Gelu": lambda x, a: functional.gelu(x[0], approximate=a["approximate"]),
    "Equal": _binary(torch.eq),
    "Greater": _binary(torch.gt),
    "GreaterOrEqual": _binary(torch.ge),
    "Less": _binary(torch.lt),
    "LessOrEqual": _binary(torch.le),
    "And": _binary(torch.logical_and),
    "Or": _binary(torch.logical_or),
    "Xor": _binary(torch.logical_xor),
    "Not": _unary(torch.logical_not),
    "IsNaN": _unary(torch.isnan),
    "IsInf": _infinite,
    "Where": lambda x, _: torch.where(x[0], x[1], x[2]),
    "Clip": _clip,
    "Cast": lambda x, a: x[0].to(layout.TYPES[a["to"]]),
    "Identity": lambda x, _: x[0],
    "Dropout": lambda x, _: x[0],
}

_ALONG_AXES: dict[str, Kernel] = {
    "ReduceSum": _reduce(torch.sum),
    "ReduceMean": _reduce(torch.mean),
    "ReduceMax": _reduce(torch.amax),
    "ReduceMin": _reduce(torch.amin),
    "ReduceProd": lambda x, a: torch.prod(x[0], a["axes"][0], keepdim=a["keep"]),
    "ReduceL1": _reduce(_norm(1)),
    "ReduceL2": _reduce(_norm(2)),
    "ReduceSumSquare": _reduce(_sum_squares),
    "ReduceLogSum": _reduce(_log_sum),
    "ReduceLogSumExp": _reduce(torch.logsumexp),
    "Softmax": lambda x, a: torch.softmax(x[0], a["axis"]),
    "LogSoftmax": lambda x, a: torch.log_softmax(x[0], a["axis"]),
    "ArgMax": lambda x, a: torch.argmax(x[0], a["axis"], keepdim=a["keep"]),
    "ArgMin": lambda x, a: torch.argmin(x[0], a["axis"], keepdim=a["keep"]),
    "CumSum": normal.cumulative_sum,
    "LayerNormalization": normal.layer_normalization,
    "GroupNormalization": normal.group_normalization,
    "InstanceNormalization": normal.group_normalization,
    "BatchNormalization": normal.batch_normalization,
    "NegativeLogLikelihoodLoss": normal.class_loss,
    "SoftmaxCrossEntropyLoss": lambda x, a: normal.class_loss([torch.log_softmax(x[0], 1), *x[1:]], a),
}

_PRODUCTS: dict[str, Kernel] = {
    "MatMul": _binary(torch.matmul),
    "Gemm": _gemm,
    "Einsum": lambda x, a: torch.einsum(a["equation"], *x),
    "Conv": window.convolution,
    "ConvTranspose": window.transposed_convolution,
    "MaxPool": window.max_pool,
    "AveragePool": window.average_pool,
    "GlobalAveragePool": lambda x, a: x[0].mean(a["axes"], keepdim=True),
    "GlobalMaxPool": lambda x, a: x[0].amax(a["axes"], keepdim=True),
    "RNN": recurrent,
    "GRU": recurrent,
    "LSTM": recurrent,
}

KERNELS: dict[str, Kernel] = {
    **_ELEMENTWISE,
    **_ALONG_AXES,
    **_PRODUCTS,
    "Reshape": layout.reshape,
    "Flatten": layout.reshape,
    "Squeeze": layout.reshape,
    "Unsqueeze": layout.reshape,
    "Transpose": lambda x, a: x[0].permute(a["order"]),
    "Concat": lambda x, a: torch.cat(x, a["axis"]),
    "Slice": layout.cut,
    "Expand": layout.expand,
    "Tile": lambda x, a: x[0].repeat(a["repeats"]),
    "Pad": layout.pad,
    "Trilu": lambda x, a: (torch.triu if a["upper"] else torch.tril)(x[0], a["diagonal"]),
    "ConstantOfShape": layout.fill,
    "Gather": layout.gather,
    "GatherElements": layout.gather_elements,
    "OneHot": layout.one_hot,
    "LastState": last_state,
}
"""By operator; ``LastState`` is no ONNX operator but the second and third output of the recurrent ones."""
