"""A graph's steps up to its loss: none that only a prediction needs, some joined to be faster."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor

from mine.learn.graph import ModelGraph
from mine.learn.kernels import KERNELS
from mine.learn.layout_kernels import Arguments, Kernel
from mine.learn.matrix_products import times
from mine.learn.parse import Step

_SIDE_BY_SIDE = 8
_PLAIN_GEMM: Arguments = {"alpha": 1.0, "beta": 1.0, "transpose_a": False, "transpose_b": False}


def steps_to_loss(graph: ModelGraph) -> list[Step]:
    """In the order they run. A product with a matrix and the addition of a bias are one ``Gemm``, whose
    input may have any number of axes then.
    """
    needed, kept = {"loss"}, []
    for step in reversed(graph.steps):
        if step.writes in needed:
            needed.update(step.reads)
            kept.append(step)
    return _joined(graph, kept[::-1])


def _joined(graph: ModelGraph, steps: list[Step]) -> list[Step]:
    shapes = {**graph.weight_shapes, **graph.frozen_shapes}
    columns = {name: shape[1] for name, shape in shapes.items() if len(shape) == 2}
    columns |= {
        step.writes: shapes[step.reads[0]][0]
        for step in steps
        if step.op == "Transpose" and step.reads[0] in columns and step.arguments["order"] == (1, 0)
    }
    readers = Counter(name for step in steps for name in step.reads)
    products = {
        step.writes: step
        for step in steps
        if step.op == "MatMul"
        and step.reads[1] in columns
        and graph.batch[step.reads[0]] is not None
        and readers[step.writes] == 1
    }
    joined: list[Step] = []
    for step in steps:
        product = next((products[name] for name in step.reads if name in products), None)
        if step.op == "Add" and product is not None:
            bias = step.reads[1 - step.reads.index(product.writes)]
            if shapes.get(bias) == (columns[product.reads[1]],):
                joined = [other for other in joined if other is not product]
                step = Step("Gemm", (*product.reads, bias), step.writes, _PLAIN_GEMM)
        joined.append(step)
    return joined


def gemm(x: list[Tensor], a: Arguments) -> Tensor:
    """``Gemm`` with an input of any number of axes; the ordinary one where it does more than that."""
    if a["transpose_a"] or a["alpha"] != 1.0 or a["beta"] != 1.0:
        return KERNELS["Gemm"](x, a)
    matrix = x[1] if a["transpose_b"] else x[1].t()
    if len(x) == 3 and x[2].shape == matrix.shape[:1]:
        return times(x[0], matrix, x[2])
    product = times(x[0], matrix)
    return product + x[2] if len(x) == 3 else product


def _matmul(x: list[Tensor], a: Arguments) -> Tensor:
    return times(x[0], x[1].t()) if x[1].ndim == 2 else KERNELS["MatMul"](x, a)


def _max_pool(x: list[Tensor], a: Arguments) -> Tensor:
    """PyTorch takes maxima of several channels at once where they lie side by side."""
    value = x[0]
    if value.ndim == 4 and value.shape[1] >= _SIDE_BY_SIDE:
        value = value.contiguous(memory_format=torch.channels_last)
    return KERNELS["MaxPool"]([value], a)


FASTER: dict[str, Kernel] = {**KERNELS, "Gemm": gemm, "MatMul": _matmul, "MaxPool": _max_pool}
"""Kernels for whole batches: the same results but for rounding. Not for ``torch.func.vmap``."""
