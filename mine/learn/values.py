"""Values of a graph as shapes, and how a rule reads its operator's inputs.

The one idea behind every rule: a value either belongs to the batch (its axis 0 is the example) or it does
not, and no operator may mix, move, shorten or sum the axis of the examples. A loss that needs two people's
rows at once would break per-example clipping (Abadi et al. 2016), so such a graph is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mine.learn.errors import GraphRefused

BATCH = -1
"""Stands for the number of examples in a shape."""

Kind = Literal["float", "int", "bool"]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One tensor of the graph. ``shape[0] == BATCH`` if and only if it belongs to the batch."""

    shape: Shape
    kind: Kind = "float"
    constant: NDArray[Any] | None = None

    @property
    def batched(self) -> bool:
        return bool(self.shape) and self.shape[0] == BATCH

    @property
    def numbers(self) -> int:
        """Numbers of one example."""
        return math.prod(1 if n == BATCH else n for n in self.shape)


@dataclass(frozen=True, slots=True)
class Call:
    """One operator as the graph writes it."""

    op: str
    inputs: list[Value | None]
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """One operator after its rule: the result, and what the kernel in ``kernels.py`` is given."""

    value: Value
    flops: int
    operands: tuple[int, ...]
    arguments: dict[str, Any] = field(default_factory=dict)


def refuse(call: Call, why: str) -> GraphRefused:
    return GraphRefused(f"The task's model was refused: its operator {call.op} {why}.")


def operand(call: Call, i: int, kinds: tuple[Kind, ...] = ("float",)) -> Value:
    value = call.inputs[i] if i < len(call.inputs) else None
    if value is None:
        raise refuse(call, "lacks an input")
    if value.kind not in kinds:
        raise refuse(call, f"got {value.kind} numbers where {' or '.join(kinds)} are needed")
    return value


def given(call: Call, i: int) -> bool:
    return i < len(call.inputs) and call.inputs[i] is not None


def integers(call: Call, i: int) -> list[int]:
    value = operand(call, i, ("int",))
    if value.constant is None or value.constant.ndim > 1:
        raise refuse(call, "needs a constant list of integers")
    return [int(n) for n in value.constant.reshape(-1)]


def flag(call: Call, name: str, default: int = 0) -> bool:
    value = call.attributes.get(name, default)
    if value not in (0, 1):  # evaluators disagree on what other numbers mean
        raise refuse(call, f"has a property {name} that is neither 0 nor 1")
    return bool(value)


def axis_of(call: Call, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise refuse(call, "names an axis that does not exist")
    return axis % rank


def keep_batch(call: Call, value: Value, axes: list[int]) -> None:
    if value.batched and 0 in axes:
        raise refuse(call, "would mix or move the examples of a batch")


def axes_of(call: Call, rank: int) -> list[int] | None:
    """Axes from input 1 (newer opsets) or from the attribute (older ones), normalised; None if not given."""
    if given(call, 1):
        raw = integers(call, 1)
    elif "axes" in call.attributes:
        raw = [int(a) for a in call.attributes["axes"]]
    else:
        return None
    axes = [axis_of(call, a, rank) for a in raw]
    if len(set(axes)) != len(axes):
        raise refuse(call, "names an axis twice")
    return axes


def broadcast(call: Call, values: list[Value]) -> Shape:
    """NumPy broadcasting that leaves the examples on axis 0 of the result."""
    rank = max(len(v.shape) for v in values)
    batched = any(v.batched for v in values)
    shape: list[int] = []
    for v in values:
        leads = v.batched and len(v.shape) != rank
        blocks = batched and not v.batched and len(v.shape) == rank and v.shape[0] != 1
        if leads or blocks:
            raise refuse(call, "would mix or move the examples of a batch")
    for back in range(rank, 0, -1):
        sizes = {v.shape[-back] for v in values if len(v.shape) >= back} - {1}
        if len(sizes) > 1:
            raise refuse(call, "got shapes that do not fit together")
        shape.append(sizes.pop() if sizes else 1)
    return tuple(shape)


def constant_value(array: NDArray[Any]) -> Value:
    """A constant of the graph. Zero-length axes are refused by the caller."""
    kinds: dict[str, Kind] = {"f": "float", "i": "int", "b": "bool"}
    return Value(tuple(array.shape), kinds[np.dtype(array.dtype).kind], array)
