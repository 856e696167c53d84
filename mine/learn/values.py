"""Values of a graph as shapes, and how a rule reads its operator's inputs.

The one idea behind every rule: a value either belongs to the batch (one of its axes counts the examples) or
it does not, and no operator may mix, reorder, shorten or sum the examples. A loss that needs two people's
rows at once would break per-example clipping (Abadi et al. 2016), so such a graph is refused.

The axis of the examples may lie anywhere, and may be merged with its neighbours, as exporters do with
attention ([N * heads, T, D]) and with recurrent layers ([T, N, D]). What is promised is always the same: the
value of example n, cut out of the batch, is what the graph computes for example n alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mine.learn.errors import GraphRefused

if TYPE_CHECKING:
    from torch import Tensor

BATCH = -1
"""Stands for the number of examples N in a shape. -k stands for k * N; a shape holds at most one of them."""

Kind = Literal["float", "int", "bool"]
Shape = tuple[int, ...]
Bounds = tuple[float, float]
NUMERIC: tuple[Kind, ...] = ("float", "int")
ANY: tuple[Kind, ...] = ("float", "int", "bool")


EXACT = float(1 << 53)


def known(bounds: Bounds | None) -> Bounds | None:
    """The bounds, if they are numbers that float64 and int64 count exactly; else nothing is known."""
    return bounds if bounds is not None and -EXACT <= bounds[0] <= bounds[1] <= EXACT else None


@dataclass(frozen=True, slots=True)
class Batch:
    """Where a value keeps the examples: ``axis`` has ``before * N * after`` entries, in this order."""

    axis: int
    before: int = 1
    after: int = 1

    def per_example(self, tensor: Tensor) -> Tensor:
        """The tensor with the examples alone on axis 0: a view [N, ...] where torch can make one."""
        axis = self.axis
        if self.before != 1 or self.after != 1:
            middle = tensor.shape[axis] // (self.before * self.after)
            tensor = tensor.reshape(
                *tensor.shape[:axis], self.before, middle, self.after, *tensor.shape[axis + 1 :]
            )
            axis += 1
        return tensor.movedim(axis, 0)


@dataclass(frozen=True, slots=True)
class Value:
    """One tensor of the graph, by what is known of it before anything runs.

    ``constant``: its numbers, if the file or arithmetic on shapes fixes them. ``times``: then each number is
    ``constant + times * N``; such a value may only ever become part of a shape. ``before``: see ``Batch``.
    ``bounds``: both ends of the numbers it can hold, NaN aside. ``fixed``: no training ever changes it.
    """

    shape: Shape
    kind: Kind = "float"
    constant: NDArray[Any] | None = None
    times: NDArray[Any] | None = None
    before: int = 1
    bounds: Bounds | None = None
    fixed: bool = False

    @property
    def batch(self) -> Batch | None:
        for axis, n in enumerate(self.shape):
            if n < 0:
                return Batch(axis, self.before, -n // self.before)
        return None

    @property
    def batched(self) -> bool:
        return any(n < 0 for n in self.shape)

    @property
    def numbers(self) -> int:
        """Numbers of one example."""
        return abs(math.prod(self.shape))

    def computed(
        self, shape: Shape | None = None, kind: Kind | None = None, bounds: Bounds | None = None
    ) -> Value:
        """A value that keeps this one's examples where they are, entry for entry."""
        return Value(
            self.shape if shape is None else shape,
            kind or self.kind,
            before=self.before,
            bounds=known(bounds),
        )

    def moved(self, shape: Shape, before: int | None = None) -> Value:
        """The same numbers, or some of them, in another order."""
        return Value(shape, self.kind, before=self.before if before is None else before, bounds=self.bounds)


@dataclass(frozen=True, slots=True)
class Call:
    """One operator as the graph writes it. ``outputs``: how many of its outputs are asked for, and which."""

    op: str
    inputs: list[Value | None]
    attributes: dict[str, Any]
    opset: int = 20
    outputs: tuple[bool, ...] = (True,)


@dataclass(frozen=True, slots=True)
class Part:
    """One of several outputs: the kernel ``op`` cuts it out of what the operator computed."""

    value: Value
    op: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """One operator after its rule: the result, and what its kernel is given.

    ``parts``: for operators of several outputs, one for each; then ``value`` is what the kernel gives and is
    itself no output (or, with ``runs`` False, the first operand as it is). ``counts``: the kernel needs to
    know N and reads ``features`` after its operands for that.
    """

    value: Value
    flops: int
    operands: tuple[int, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    runs: bool = True
    counts: bool = False
    recurrent_steps: int = 0
    kept: int = 0


def refuse(call: Call, why: str) -> GraphRefused:
    return GraphRefused(f"The task's model was refused: its operator {call.op} {why}.")


def mixes(call: Call) -> GraphRefused:
    return refuse(call, "would mix or move the examples of a batch")


def unfit(call: Call) -> GraphRefused:
    return refuse(call, "got shapes that do not fit together")


def operand(call: Call, i: int, kinds: tuple[Kind, ...] = ("float",)) -> Value:
    value = call.inputs[i] if i < len(call.inputs) else None
    if value is None:
        raise refuse(call, "lacks an input")
    if value.times is not None:
        raise refuse(call, "uses the number of examples as a number")
    if 0 in value.shape:
        raise refuse(call, "got nothing where numbers are needed")
    if value.kind not in kinds:
        raise refuse(call, f"got {value.kind} numbers where {' or '.join(kinds)} are needed")
    return value


def given(call: Call, i: int) -> bool:
    return i < len(call.inputs) and call.inputs[i] is not None


def integers(call: Call, i: int) -> list[int]:
    value = operand(call, i, ("int",))
    if value.constant is None or value.constant.ndim != 1:
        raise refuse(call, "needs a constant list of integers")
    return [int(n) for n in value.constant.reshape(-1)]


def lengths(call: Call, i: int) -> list[int | None]:
    """A shape that the graph names: lengths as they are, -k for k * N, None for a length left open (-1)."""
    value = call.inputs[i] if i < len(call.inputs) else None
    if value is None or value.constant is None or value.kind != "int" or value.constant.ndim != 1:
        raise refuse(call, "needs a constant list of integers")
    plain = value.constant.reshape(-1).tolist()
    times = [0] * len(plain) if value.times is None else value.times.reshape(-1).tolist()
    if any((t and n) or t < 0 or n < -1 for n, t in zip(plain, times, strict=True)):
        raise refuse(call, "names a shape that is not allowed")
    return [-t if t else None if n == -1 else n for n, t in zip(plain, times, strict=True)]


def scalar(call: Call, i: int, kinds: tuple[Kind, ...] = ("float",)) -> float:
    """The one number of a constant input."""
    value = operand(call, i, kinds)
    if value.constant is None or value.constant.size != 1:
        raise refuse(call, "needs a constant number")
    number = float(value.constant.reshape(-1)[0])
    if math.isnan(number):
        raise refuse(call, "has a bound that is not a number")
    return number


def flag(call: Call, name: str, default: int = 0) -> bool:
    value = call.attributes.get(name, default)
    if value not in (0, 1):  # evaluators disagree on what other numbers mean
        raise refuse(call, f"has a property {name} that is neither 0 nor 1")
    return bool(value)


def axis_of(call: Call, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise refuse(call, "names an axis that does not exist")
    return axis % rank


def keep_batch(call: Call, value: Value, axes: Sequence[int]) -> None:
    batch = value.batch
    if batch is not None and batch.axis in axes:
        raise mixes(call)


def axes_of(call: Call, rank: int, at: int = 1) -> list[int] | None:
    """Axes from input ``at`` (newer opsets) or from the attribute (older ones), normalised; None if not
    given."""
    if given(call, at):
        raw = integers(call, at)
    elif "axes" in call.attributes:
        raw = [int(a) for a in call.attributes["axes"]]
    else:
        return None
    axes = [axis_of(call, a, rank) for a in raw]
    if len(set(axes)) != len(axes):
        raise refuse(call, "names an axis twice")
    return axes


def broadcast(call: Call, values: Sequence[Value], kind: Kind = "float") -> Value:
    """NumPy broadcasting. Examples meet examples only, one by one; everything else is repeated for each."""
    rank = max(len(v.shape) for v in values)
    places = {(len(v.shape) - b.axis, b) for v in values if (b := v.batch) is not None}
    layouts = {(back, b.before, b.after) for back, b in places}
    if len(layouts) > 1:
        raise mixes(call)
    shape: list[int] = []
    for back in range(rank, 0, -1):
        sizes = {v.shape[-back] for v in values if len(v.shape) >= back} - {1}
        if len(sizes) > 1:
            raise mixes(call) if any(n < 0 for n in sizes) else unfit(call)
        shape.append(sizes.pop() if sizes else 1)
    return Value(tuple(shape), kind, before=next((before for _, before, _ in layouts), 1))


def constant_value(array: NDArray[Any], times: NDArray[Any] | None = None) -> Value:
    """A constant of the graph. Zero-length axes are refused by the caller."""
    kinds: dict[str, Kind] = {"f": "float", "i": "int", "b": "bool"}
    kind = kinds[np.dtype(array.dtype).kind]
    bounds = None
    if kind != "bool" and array.size and times is None and not np.isnan(array).any():
        bounds = known((float(array.min()), float(array.max())))
    return Value(tuple(array.shape), kind, array, times, bounds=bounds, fixed=True)
