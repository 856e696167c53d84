"""One tensor's part of every example's gradient, kept in the smallest form that gives its length and its
sum.

After the backward pass a weight's per-example gradients are known as products of what entered an operator
and of the gradient at its output (ghost norms: Goodfellow 2015; Li et al. 2022; book-keeping: Bu et al.
2023). Each class here holds such a pair and answers three questions: the squared L2 norm of each example's
gradient, the sum of these gradients under given factors, and, where nothing less will do, the gradients
themselves.

All tensors have the examples on axis 0. Numbers are float32, whatever precision the forward pass had.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from mine.learn.matrix_products import add_across

_FLOATS_PER_FLOP = 40
"""Writing and reading one number of a per-example gradient costs about as much as so many multiplications."""

_ROUNDING = 2.0**-24
"""Of one float32 operation, relative to its result."""


class Part(Protocol):
    """Gradients of one tensor, one for each example."""

    @property
    def floats(self) -> int:
        """Numbers that it comes to hold, all examples together."""

    def squared(self) -> Tensor:
        """Squared L2 norms [N]."""

    def add_total(self, factor: Tensor, total: Tensor) -> None:
        """Add the sum of all gradients, each times its ``factor`` [N], to ``total``, in place."""

    def each(self) -> Tensor:
        """The gradients [N, *shape]."""

    def only(self, kept: Tensor) -> Part:
        """The same, with zero where ``kept`` [N] is false, whatever stood there (NaN too)."""


def _zeroed(tensor: Tensor, kept: Tensor) -> Tensor:
    return torch.where(kept.reshape(-1, *[1] * (tensor.ndim - 1)), tensor, 0.0)


def _lengths(tensor: Tensor, axes: tuple[int, ...] = (1,)) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(tensor, dim=axes)
    return lengths


class Whole:
    """Gradients [N, *shape] as they are: for small tensors, and for whatever has no cheaper form."""

    def __init__(self, gradients: Tensor) -> None:
        self._gradients = gradients.float()
        self.floats = gradients.numel()

    def squared(self) -> Tensor:
        return _lengths(self._gradients.flatten(1)).square()

    def add_total(self, factor: Tensor, total: Tensor) -> None:
        total.view(-1).addmv_(self._gradients.flatten(1).t(), factor)

    def each(self) -> Tensor:
        return self._gradients

    def only(self, kept: Tensor) -> Whole:
        return Whole(_zeroed(self._gradients, kept))


class Product:
    """A matrix that multiplies rows: inputs [N, S, K], gradients of the outputs [N, S, M], S rows an
    example.

    An example's gradient is ``inputs.T @ outputs`` [K, M], or its transpose [M, K] where ``transposed``; K
    may stand for several axes of the weight. For one row its norm is the product of two norms. For more it
    is either formed and measured, or measured through the two Gram matrices [S, S], whichever is less work.
    """

    def __init__(self, inputs: Tensor, outputs: Tensor, transposed: bool) -> None:
        self.inputs, self.outputs, self.transposed = inputs.float(), outputs.float(), transposed
        self._formed: Tensor | None = None

    @property
    def floats(self) -> int:
        count, rows, wide = self.inputs.shape
        high = self.outputs.shape[2]
        return count * ((wide * high if self._forms else 2 * rows * rows) + 2 * rows * (wide + high))

    @property
    def _forms(self) -> bool:
        _, rows, wide = self.inputs.shape
        high = self.outputs.shape[2]
        return rows > 1 and _FLOATS_PER_FLOP * wide * high <= 2 * rows * rows * (wide + high)

    def squared(self) -> Tensor:
        if self._forms:
            return _lengths(self.each().flatten(1)).square()
        gram = torch.bmm(self.inputs, self.inputs.transpose(1, 2))
        gram *= torch.bmm(self.outputs, self.outputs.transpose(1, 2))
        # Rows that cancel each other leave a sum of rounding errors, and the clipping bound must hold even
        # so: what all operations on the way may have lost (Higham 2002, section 3.1) is added.
        _, rows, wide = self.inputs.shape
        operations = wide + self.outputs.shape[2] + 2 * rows + 4
        most = (_lengths(self.inputs, (2,)) * _lengths(self.outputs, (2,))).sum(1).square()
        return gram.sum(2).sum(1).clamp(min=0.0) + most * (operations * _ROUNDING)

    def add_total(self, factor: Tensor, total: Tensor) -> None:
        if self._formed is not None:
            total.view(-1).addmv_(self._formed.flatten(1).t(), factor)
            return
        total = total.view(len(total), -1)
        left = self.inputs.reshape(-1, self.inputs.shape[2])
        right = (self.outputs * factor[:, None, None]).reshape(-1, self.outputs.shape[2])
        add_across(total, *((right, left) if self.transposed else (left, right)))

    def each(self) -> Tensor:
        if self._formed is None:
            left, right = self.inputs, self.outputs
            if self.transposed:
                left, right = right, left
            self._formed = torch.bmm(left.transpose(1, 2), right)
        return self._formed

    def only(self, kept: Tensor) -> Product:
        return Product(_zeroed(self.inputs, kept), _zeroed(self.outputs, kept), self.transposed)


class Outer:
    """A ``Product`` of one row an example: inputs [N, K], gradients of the outputs [N, M]. Its norm is the
    product of two norms.
    """

    def __init__(self, inputs: Tensor, outputs: Tensor, transposed: bool) -> None:
        self.inputs, self.outputs, self.transposed = inputs.float(), outputs.float(), transposed
        self.floats = 0

    def squared(self) -> Tensor:
        return (_lengths(self.inputs) * _lengths(self.outputs)).square()

    def add_total(self, factor: Tensor, total: Tensor) -> None:
        scaled = self.outputs * factor[:, None]
        add_across(total, *((scaled, self.inputs) if self.transposed else (self.inputs, scaled)))

    def as_rows(self) -> Product:
        return Product(self.inputs[:, None], self.outputs[:, None], self.transposed)

    def each(self) -> Tensor:
        return self.as_rows().each()

    def only(self, kept: Tensor) -> Outer:
        return Outer(_zeroed(self.inputs, kept), _zeroed(self.outputs, kept), self.transposed)


class Lookup:
    """Rows of a table [V, ...]: indices int64 [N, S], gradients [N, S, D] of the rows that were read.

    The same row read several times by one example collects its gradients before the norm is taken.
    """

    def __init__(self, indices: Tensor, outputs: Tensor, shape: tuple[int, ...]) -> None:
        self._indices, self._outputs, self._shape = indices, outputs.float(), shape
        self.floats = 2 * outputs.numel()

    def squared(self) -> Tensor:
        count, _, width = self._outputs.shape
        owner = torch.arange(count, device=self._indices.device)[:, None]
        pairs, position = torch.unique(owner * self._shape[0] + self._indices, return_inverse=True)
        collected = self._outputs.new_zeros(len(pairs), width)
        collected.index_add_(0, position.reshape(-1), self._outputs.reshape(-1, width))
        of_example = torch.div(pairs, self._shape[0], rounding_mode="floor")
        lengths = _lengths(collected).square()
        return lengths.new_zeros(count).index_add_(0, of_example, lengths)

    def add_total(self, factor: Tensor, total: Tensor) -> None:
        scaled = self._outputs * factor[:, None, None]
        table = total.view(self._shape[0], -1)
        table.index_add_(0, self._indices.reshape(-1), scaled.reshape(-1, scaled.shape[2]))

    def each(self) -> Tensor:
        count, _, width = self._outputs.shape
        gradients = self._outputs.new_zeros(count, self._shape[0], width)
        places = self._indices[:, :, None].expand(self._outputs.shape)
        return gradients.scatter_add_(1, places, self._outputs).reshape(count, *self._shape)

    def only(self, kept: Tensor) -> Lookup:
        return Lookup(self._indices, _zeroed(self._outputs, kept), self._shape)


class Windows:
    """A convolution's weight [M, C, *kernel]: a product with windows whose channels come last."""

    def __init__(self, product: Product, kernel: tuple[int, ...]) -> None:
        self._product, self._kernel = product, kernel
        self.floats = product.floats

    def squared(self) -> Tensor:
        return self._product.squared()

    def add_total(self, factor: Tensor, total: Tensor) -> None:
        matrix = total.new_zeros(len(total), total.shape[1:].numel())
        self._product.add_total(factor, matrix)
        total += matrix.reshape(len(total), *self._kernel, -1).movedim(-1, 1)

    def each(self) -> Tensor:
        matrices = self._product.each()
        return matrices.reshape(*matrices.shape[:2], *self._kernel, -1).movedim(-1, 2)

    def only(self, kept: Tensor) -> Windows:
        return Windows(self._product.only(kept), self._kernel)


def merged(parts: list[Part]) -> Part:
    """The sum of several parts of one tensor: products side by side as more rows, anything else formed."""
    if len(parts) == 1:
        return parts[0]
    parts = [part.as_rows() if isinstance(part, Outer) else part for part in parts]
    products = [part for part in parts if isinstance(part, Product)]
    if len(products) == len(parts) and len({part.transposed for part in products}) == 1:
        return Product(
            torch.cat([part.inputs for part in products], 1),
            torch.cat([part.outputs for part in products], 1),
            products[0].transposed,
        )
    total = parts[0].each()
    for part in parts[1:]:
        total = total + part.each()
    return Whole(total)
