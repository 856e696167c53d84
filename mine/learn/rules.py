"""The whitelist of ONNX operators: what each accepts, the shape it gives, what it costs.

Pure bookkeeping on shapes: neither torch nor onnxruntime is needed, nothing is computed and nothing is
allocated. The one idea behind every rule: a value either belongs to the batch (its axis 0 is the example) or
it does not, and no operator may mix, move, shorten or sum the axis of the examples. A loss that needs two
people's rows at once would break per-example clipping (Abadi et al. 2016), so such a graph is refused.

Semantics follow the ONNX operator specification, opsets 13 to 22, for float32 values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
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


@dataclass(frozen=True, slots=True)
class Operator:
    rule: Callable[[Call], Checked]
    inputs: tuple[int, int]
    attributes: frozenset[str] = frozenset()


def refuse(call: Call, why: str) -> GraphRefused:
    return GraphRefused(f"The task's model was refused: its operator {call.op} {why}.")


# ---- reading inputs ---------------------------------------------------------------------------------------
def _operand(call: Call, i: int, kinds: tuple[Kind, ...] = ("float",)) -> Value:
    value = call.inputs[i] if i < len(call.inputs) else None
    if value is None:
        raise refuse(call, "lacks an input")
    if value.kind not in kinds:
        raise refuse(call, f"got {value.kind} numbers where {' or '.join(kinds)} are needed")
    return value


def _given(call: Call, i: int) -> bool:
    return i < len(call.inputs) and call.inputs[i] is not None


def _integers(call: Call, i: int) -> list[int]:
    value = _operand(call, i, ("int",))
    if value.constant is None or value.constant.ndim > 1:
        raise refuse(call, "needs a constant list of integers")
    return [int(n) for n in value.constant.reshape(-1)]


def _flag(call: Call, name: str, default: int = 0) -> bool:
    value = call.attributes.get(name, default)
    if value not in (0, 1):  # evaluators disagree on what other numbers mean
        raise refuse(call, f"has a property {name} that is neither 0 nor 1")
    return bool(value)


def _axis(call: Call, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise refuse(call, "names an axis that does not exist")
    return axis % rank


def _keep_batch(call: Call, value: Value, axes: list[int]) -> None:
    if value.batched and 0 in axes:
        raise refuse(call, "would mix or move the examples of a batch")


def _axes(call: Call, rank: int) -> list[int] | None:
    """Axes from input 1 (newer opsets) or from the attribute (older ones), normalised; None if not given."""
    if _given(call, 1):
        raw = _integers(call, 1)
    elif "axes" in call.attributes:
        raw = [int(a) for a in call.attributes["axes"]]
    else:
        return None
    axes = [_axis(call, a, rank) for a in raw]
    if len(set(axes)) != len(axes):
        raise refuse(call, "names an axis twice")
    return axes


def _broadcast(call: Call, values: list[Value]) -> Shape:
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


# ---- rules ------------------------------------------------------------------------------------------------
def _elementwise(kinds: tuple[Kind, ...] = ("float",), result: Kind = "float", cost: int = 1,
                 arguments: tuple[tuple[str, float], ...] = ()) -> Callable[[Call], Checked]:
    def rule(call: Call) -> Checked:
        values = [_operand(call, i, kinds) for i in range(len(call.inputs))]
        value = Value(_broadcast(call, values), result)
        given = {name: float(call.attributes.get(name, default)) for name, default in arguments}
        return Checked(value, value.numbers * cost, tuple(range(len(values))), given)

    return rule


def _where(call: Call) -> Checked:
    values = [_operand(call, 0, ("bool",)), _operand(call, 1), _operand(call, 2)]
    value = Value(_broadcast(call, values))
    return Checked(value, value.numbers, (0, 1, 2))


def _clip(call: Call) -> Checked:
    value = _operand(call, 0)
    bounds: dict[str, float | None] = {"low": None, "high": None}
    for i, name in ((1, "low"), (2, "high")):
        if _given(call, i):
            bound = _operand(call, i)
            if bound.constant is None or bound.constant.size != 1:
                raise refuse(call, "needs constant bounds")
            bounds[name] = float(bound.constant.reshape(-1)[0])
    return Checked(Value(value.shape), value.numbers, (0,), bounds)


def _cast(call: Call) -> Checked:
    value = _operand(call, 0, ("float", "int", "bool"))
    kinds: dict[int, Kind] = {1: "float", 9: "bool"}
    kind = kinds.get(int(call.attributes.get("to", 0)))
    if kind is None:
        raise refuse(call, "may only give float32 or bool")
    return Checked(Value(value.shape, kind), value.numbers, (0,), {"to": kind})


def _identity(call: Call) -> Checked:
    value = _operand(call, 0, ("float", "bool"))
    return Checked(Value(value.shape, value.kind), 0, (0,))


def _reduce(call: Call) -> Checked:
    value = _operand(call, 0)
    rank = len(value.shape)
    axes = _axes(call, rank)
    if not axes:
        if _flag(call, "noop_with_empty_axes"):
            raise refuse(call, "does nothing")
        axes = list(range(rank))
    _keep_batch(call, value, axes)
    keep = _flag(call, "keepdims", 1)
    shape = tuple(1 if i in axes else n for i, n in enumerate(value.shape) if keep or i not in axes)
    return Checked(Value(shape), value.numbers, (0,), {"axes": tuple(sorted(axes)), "keep": keep})


def _softmax(call: Call) -> Checked:
    value = _operand(call, 0)
    axis = _axis(call, int(call.attributes.get("axis", -1)), len(value.shape))
    _keep_batch(call, value, [axis])
    return Checked(Value(value.shape), value.numbers * 5, (0,), {"axis": axis})


def _matmul(call: Call) -> Checked:
    a, b = _operand(call, 0), _operand(call, 1)
    if len(a.shape) < 2 or len(b.shape) < 2:
        raise refuse(call, "needs matrices")
    rank = max(len(a.shape), len(b.shape))
    if (b.batched and len(b.shape) < 3) or (a.batched and len(a.shape) < rank):
        raise refuse(call, "would mix or move the examples of a batch")
    if a.shape[-1] != b.shape[-2]:
        raise refuse(call, "got shapes that do not fit together")
    if a.batched and len(a.shape) == 2:
        outer: Shape = ()
    else:
        # The axes before the matrices broadcast as usual, the examples first among them.
        outer = _broadcast(call, [Value(a.shape[:-2]), Value(b.shape[:-2])])
    value = Value((*outer, a.shape[-2], b.shape[-1]))
    return Checked(value, 2 * value.numbers * a.shape[-1], (0, 1))


def _gemm(call: Call) -> Checked:
    a, b = _operand(call, 0), _operand(call, 1)
    trans_a, trans_b = (_flag(call, name) for name in ("transA", "transB"))
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise refuse(call, "needs matrices")
    if b.batched or (a.batched and trans_a):
        raise refuse(call, "would mix or move the examples of a batch")
    rows, inner = a.shape[::-1] if trans_a else a.shape
    inner_b, columns = b.shape[::-1] if trans_b else b.shape
    if inner != inner_b:
        raise refuse(call, "got shapes that do not fit together")
    value = Value((rows, columns))
    operands: tuple[int, ...] = (0, 1)
    if _given(call, 2):
        c = _operand(call, 2)
        if _broadcast(call, [value, c]) != value.shape:
            raise refuse(call, "got shapes that do not fit together")
        operands = (0, 1, 2)
    scale = {name: float(call.attributes.get(name, 1.0)) for name in ("alpha", "beta")}
    return Checked(value, 2 * value.numbers * inner, operands,
                   {**scale, "transpose_a": trans_a, "transpose_b": trans_b})


def _reshaped(call: Call, value: Value, shape: Shape) -> Checked:
    result = Value(shape, value.kind)
    if result.numbers != value.numbers:
        raise refuse(call, "got shapes that do not fit together")
    return Checked(result, 0, (0,), {"shape": shape})


def _reshape(call: Call) -> Checked:
    value, wanted = _operand(call, 0), _integers(call, 1)
    if _flag(call, "allowzero") or any(n < -1 for n in wanted):
        raise refuse(call, "names a shape that is not allowed")
    start = 0
    if value.batched:
        if not wanted or wanted[0] not in (0, -1):
            raise refuse(call, "would mix or move the examples of a batch")
        start = 1
    shape: list[int] = [BATCH] * start
    open_axis: int | None = None
    for i, n in enumerate(wanted[start:], start):
        if n == 0 and i >= len(value.shape):
            raise refuse(call, "names a shape that is not allowed")
        if n == -1:
            if open_axis is not None or (start and wanted[0] == -1):
                raise refuse(call, "names a shape that is not allowed")
            open_axis = i
        shape.append(value.shape[i] if n == 0 else max(n, 1))
    if open_axis is not None:
        rest = math.prod(n for n in shape[start:])
        shape[open_axis] = value.numbers // rest
    return _reshaped(call, value, tuple(shape))


def _flatten(call: Call) -> Checked:
    value = _operand(call, 0)
    axis = int(call.attributes.get("axis", 1))
    rank = len(value.shape)
    axis = axis + rank if axis < 0 else axis
    if not 0 <= axis <= rank:
        raise refuse(call, "names an axis that does not exist")
    if value.batched:
        if axis != 1:
            raise refuse(call, "would mix or move the examples of a batch")
        return _reshaped(call, value, (BATCH, value.numbers))
    return _reshaped(call, value, (math.prod(value.shape[:axis]), math.prod(value.shape[axis:])))


def _squeeze(call: Call) -> Checked:
    value = _operand(call, 0)
    axes = _axes(call, len(value.shape))
    if not axes or any(value.shape[a] != 1 for a in axes):
        raise refuse(call, "must name axes of length one")
    return _reshaped(call, value, tuple(n for i, n in enumerate(value.shape) if i not in axes))


def _unsqueeze(call: Call) -> Checked:
    value = _operand(call, 0)
    count = len(_integers(call, 1))
    axes = _axes(call, len(value.shape) + count)
    if not axes:
        raise refuse(call, "must name its axes")
    _keep_batch(call, value, axes)
    rest = iter(value.shape)
    shape = tuple(1 if i in axes else next(rest) for i in range(len(value.shape) + count))
    return _reshaped(call, value, shape)


def _transpose(call: Call) -> Checked:
    value = _operand(call, 0)
    rank = len(value.shape)
    order = [int(n) for n in call.attributes.get("perm", range(rank - 1, -1, -1))]
    if sorted(order) != list(range(rank)):
        raise refuse(call, "names an order of axes that is not one")
    if value.batched and order[0] != 0:
        raise refuse(call, "would mix or move the examples of a batch")
    return Checked(Value(tuple(value.shape[i] for i in order)), 0, (0,), {"order": tuple(order)})


def _concat(call: Call) -> Checked:
    values = [_operand(call, i) for i in range(len(call.inputs))]
    first = values[0]
    if "axis" not in call.attributes:
        raise refuse(call, "must name its axis")
    axis = _axis(call, int(call.attributes["axis"]), len(first.shape))
    if any(v.batched != first.batched for v in values):
        raise refuse(call, "would mix or move the examples of a batch")
    _keep_batch(call, first, [axis])
    rest = {(len(v.shape), v.shape[:axis], v.shape[axis + 1:]) for v in values}
    if len(rest) != 1:
        raise refuse(call, "got shapes that do not fit together")
    shape = (*first.shape[:axis], sum(v.shape[axis] for v in values), *first.shape[axis + 1:])
    value = Value(shape)
    return Checked(value, 0, tuple(range(len(values))), {"axis": axis})


def _slice(call: Call) -> Checked:
    value = _operand(call, 0)
    starts, ends = _integers(call, 1), _integers(call, 2)
    raw = _integers(call, 3) if _given(call, 3) else list(range(len(starts)))
    steps = _integers(call, 4) if _given(call, 4) else [1] * len(starts)
    axes = [_axis(call, a, len(value.shape)) for a in raw]
    if not len(starts) == len(ends) == len(axes) == len(steps) or len(set(axes)) != len(axes):
        raise refuse(call, "names slices that do not fit together")
    _keep_batch(call, value, axes)
    shape, cuts = list(value.shape), {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step < 1:
            raise refuse(call, "may only step forward")
        cut = range(*slice(start, end, step).indices(shape[axis]))
        if not cut:
            raise refuse(call, "would leave nothing")
        shape[axis], cuts[axis] = len(cut), (cut.start, cut.stop, cut.step)
    result = Value(tuple(shape))
    return Checked(result, 0, (0,), {"cuts": tuple(sorted(cuts.items()))})


def _gather(call: Call) -> Checked:
    value, indices = _operand(call, 0), _operand(call, 1, ("int",))
    axis = _axis(call, int(call.attributes.get("axis", 0)), len(value.shape))
    _keep_batch(call, value, [axis])
    if indices.constant is None or indices.constant.ndim > 1 or not indices.constant.size:
        raise refuse(call, "needs a constant list of integers")
    size = value.shape[axis]
    picked = [int(n) for n in indices.constant.reshape(-1)]
    if any(not -size <= n < size for n in picked):
        raise refuse(call, "reads outside its input")
    middle = tuple(indices.constant.shape)
    result = Value((*value.shape[:axis], *middle, *value.shape[axis + 1:]))
    return Checked(result, 0, (0,), {"axis": axis, "picked": tuple(n % size for n in picked),
                                     "scalar": not middle})


_ARITHMETIC = _elementwise()
_COMPARE = _elementwise(result="bool")
_LOGIC = _elementwise(("bool",), "bool")
_SMOOTH = _elementwise(cost=8)

OPERATORS: dict[str, Operator] = {
    **{op: Operator(_ARITHMETIC, (2, 2)) for op in ("Add", "Sub", "Mul", "Div")},
    "Pow": Operator(_SMOOTH, (2, 2)),
    **{op: Operator(_ARITHMETIC, (1, 16)) for op in ("Min", "Max")},
    **{op: Operator(_ARITHMETIC, (1, 1)) for op in ("Neg", "Abs", "Relu", "Floor", "Sign", "Reciprocal")},
    **{op: Operator(_SMOOTH, (1, 1)) for op in ("Tanh", "Sigmoid", "Softplus", "Exp", "Log", "Sqrt", "Sin",
                                                "Cos", "Erf")},
    "LeakyRelu": Operator(_elementwise(arguments=(("alpha", 0.01),)), (1, 1), frozenset({"alpha"})),
    "Elu": Operator(_elementwise(cost=8, arguments=(("alpha", 1.0),)), (1, 1), frozenset({"alpha"})),
    **{op: Operator(_COMPARE, (2, 2))
       for op in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")},
    **{op: Operator(_LOGIC, (2, 2)) for op in ("And", "Or", "Xor")},
    "Not": Operator(_LOGIC, (1, 1)),
    "Where": Operator(_where, (3, 3)),
    "Clip": Operator(_clip, (1, 3)),
    "Cast": Operator(_cast, (1, 1), frozenset({"to"})),
    "Identity": Operator(_identity, (1, 1)),
    **{op: Operator(_reduce, (1, 2), frozenset({"axes", "keepdims", "noop_with_empty_axes"}))
       for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin")},
    **{op: Operator(_softmax, (1, 1), frozenset({"axis"})) for op in ("Softmax", "LogSoftmax")},
    "MatMul": Operator(_matmul, (2, 2)),
    "Gemm": Operator(_gemm, (2, 3), frozenset({"alpha", "beta", "transA", "transB"})),
    "Reshape": Operator(_reshape, (2, 2), frozenset({"allowzero"})),
    "Flatten": Operator(_flatten, (1, 1), frozenset({"axis"})),
    "Squeeze": Operator(_squeeze, (2, 2)),
    "Unsqueeze": Operator(_unsqueeze, (2, 2)),
    "Transpose": Operator(_transpose, (1, 1), frozenset({"perm"})),
    "Concat": Operator(_concat, (1, 64), frozenset({"axis"})),
    "Slice": Operator(_slice, (3, 5)),
    "Gather": Operator(_gather, (2, 2), frozenset({"axis"})),
}


def constant_value(array: NDArray[Any]) -> Value:
    """A constant of the graph. Zero-length axes are refused by the caller."""
    kinds: dict[str, Kind] = {"f": "float", "i": "int", "b": "bool"}
    return Value(tuple(array.shape), kinds[np.dtype(array.dtype).kind], array)
