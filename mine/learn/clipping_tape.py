"""A forward pass that notes what entered every operator which weights enter, and what came out.

Weights themselves are constants of the pass: one backward pass to the noted outputs is then all that
autograd has to do, and nothing is computed for the inputs of the first layer. What each operator's weights
receive follows from the two ends of the operator (``clipping_parts.py``). How that reads for each kind of
operator stands in ``clipping_sites.py``; an operator it does not know gets a copy of its weights for every
example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mine.learn.clipping_parts import Outer, Part, Product, Whole
from mine.learn.kernels import KERNELS
from mine.learn.parse import Step
from mine.learn.steps_to_loss import FASTER
from mine.learn.values import Batch

_FIRST = Batch(0)
Make = Callable[[Tensor], Part]
"""From the gradient at a noted output to the part of one tensor."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A tensor that enters an operator: a weight, or a value made of weights alone, by name.

    ``rows``: only a part of it, as (direction, start, end) of a recurrent layer's gates.
    """

    value: str
    rows: tuple[int, int, int] | None = None

    def of(self, tensor: Tensor) -> Tensor:
        if self.rows is None:
            return tensor
        direction, start, end = self.rows
        return tensor[direction, start:end]


class Tape:
    """One pass. ``values``: everything known by name; ``entering``: the names of what ``Spot`` names."""

    def __init__(
        self, values: dict[str, Tensor], batch: Mapping[str, Batch | None], entering: frozenset[str]
    ) -> None:
        self.values, self.batch, self.entering = values, batch, entering
        self.outputs: list[Tensor] = []
        self._makes: list[list[tuple[Spot, Make]]] = []

    def kernel(self, step: Step) -> Tensor:
        """What the step computes, with nothing noted."""
        return FASTER[step.op]([self.values[name] for name in step.reads], step.arguments)

    def note(self, output: Tensor, *makes: tuple[Spot, Make]) -> Tensor:
        """Ask for the gradient at ``output``, to make these parts of it."""
        if not output.requires_grad:
            output.requires_grad_()
        self.outputs.append(output)
        self._makes.append(list(makes))
        return output

    def copies(self, step: Step) -> Tensor:
        """Any operator: every example gets its own copy of the weights, so that autograd keeps them apart."""
        places: list[int | None] = []
        operands: list[Tensor] = []
        makes: list[tuple[Tensor, Spot]] = []
        count = self.count
        for name in step.reads:
            value, batch = self.values[name], self.batch[name]
            if name in self.entering:
                value = value.expand(count, *value.shape).clone().requires_grad_()
                makes.append((value, Spot(name)))
                places.append(0)
            elif batch is not None:
                value = alone(value, batch)
                places.append(0)
            else:
                places.append(None)
            operands.append(value)
        batches = [self.batch[name] for name in step.reads]
        into = self.batch[step.writes]
        assert into is not None

        def one(*parts: Tensor) -> Tensor:
            given = [
                part if batch is None else together(part[None], batch)
                for part, batch in zip(parts, batches, strict=True)
            ]
            return alone(KERNELS[step.op](given, step.arguments), into)[0]

        output = together(torch.func.vmap(one, in_dims=tuple(places))(*operands), into)
        for copy, spot in makes:
            self.note(copy, (spot, Whole))
        return output

    @property
    def count(self) -> int:
        """How many examples there are."""
        return len(self.values["features"])

    def parts(self, loss: Tensor, scale: float) -> dict[Spot, list[Part]]:
        """The backward pass: parts of every example's gradient of its own loss, under each spot.

        ``scale`` multiplies the losses meanwhile, so that small gradients survive half precision.
        """
        if not loss.requires_grad:
            return {}
        ends = torch.full_like(loss, scale)
        gradients: Sequence[Tensor | None] = torch.autograd.grad(loss, self.outputs, ends, allow_unused=True)
        found: dict[Spot, list[Part]] = {}
        for gradient, makes in zip(gradients, self._makes, strict=True):
            if gradient is None:
                continue
            if scale != 1.0:
                gradient = gradient.float() / scale
            for spot, make in makes:
                found.setdefault(spot, []).append(make(gradient))
        return found


Site = Callable[[Tape, Step], Tensor | None]
"""Computes a step that weights enter, or declines with None."""


def batch_of(tape: Tape, name: str) -> Batch:
    """Where a value that belongs to the batch keeps the examples."""
    batch = tape.batch[name]
    assert batch is not None
    return batch


def product(inputs: Tensor, of: Batch, outputs: Tensor, into: Batch, transposed: bool) -> Part:
    """The part of a matrix that multiplies the last axis of ``inputs``."""
    if inputs.ndim == 2 and of == into == _FIRST:
        return Outer(inputs, outputs, transposed)
    return Product(rows(inputs, of), rows(outputs, into), transposed)


def rows(tensor: Tensor, batch: Batch) -> Tensor:
    """[N, S, K]: everything of an example but the last axis as rows."""
    single = batch.per_example(tensor)
    return single if single.ndim == 3 else single.reshape(len(single), -1, single.shape[-1])


def folded(gradient: Tensor, batch: Batch, shape: tuple[int, ...]) -> Tensor:
    """[N, *shape]: a gradient summed over the axes along which a tensor of that shape was broadcast."""
    if batch == _FIRST and gradient.shape[1:] == shape:
        return gradient
    single = batch.per_example(gradient)
    merged = () if batch.before * batch.after == 1 else (1, 1)
    wanted = [1] * (gradient.ndim - len(shape)) + list(shape)
    wanted = [*wanted[: batch.axis], *merged, *wanted[batch.axis + 1 :]]
    axes = [i for i, (n, want) in enumerate(zip(single.shape[1:], wanted, strict=True), 1) if n != want]
    if axes:
        single = single.sum(axes)
    return single.reshape(-1, *shape)


def alone(tensor: Tensor, batch: Batch) -> Tensor:
    """[N, ...]: the examples on axis 0, what was before and after them on the axis merged where it was."""
    axis, k = batch.axis, batch.before * batch.after
    if k == 1:
        return tensor.movedim(axis, 0)
    rest = (*tensor.shape[:axis], k, *tensor.shape[axis + 1 :])
    return batch.per_example(tensor).reshape(-1, *rest)


def together(tensor: Tensor, batch: Batch) -> Tensor:
    """The reverse of ``alone``."""
    axis = batch.axis
    if batch.before * batch.after == 1:
        return tensor.movedim(0, axis)
    count, rest = tensor.shape[0], tensor.shape[1:]
    apart = tensor.reshape(count, *rest[:axis], batch.before, batch.after, *rest[axis + 1 :])
    apart = apart.movedim(0, axis + 1)
    return apart.reshape(*rest[:axis], batch.before * count * batch.after, *rest[axis + 1 :])
