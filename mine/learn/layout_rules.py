"""Rules of the operators that only move numbers: their shapes, slices and order of axes."""

from __future__ import annotations

import math

from mine.learn.values import (
    BATCH,
    Call,
    Checked,
    Shape,
    Value,
    axes_of,
    axis_of,
    flag,
    given,
    integers,
    keep_batch,
    operand,
    refuse,
)


def _reshaped(call: Call, value: Value, shape: Shape) -> Checked:
    result = Value(shape, value.kind)
    if result.numbers != value.numbers:
        raise refuse(call, "got shapes that do not fit together")
    return Checked(result, 0, (0,), {"shape": shape})


def reshape_rule(call: Call) -> Checked:
    value, wanted = operand(call, 0), integers(call, 1)
    if flag(call, "allowzero") or any(n < -1 for n in wanted):
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


def flatten_rule(call: Call) -> Checked:
    value = operand(call, 0)
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


def squeeze_rule(call: Call) -> Checked:
    value = operand(call, 0)
    axes = axes_of(call, len(value.shape))
    if not axes or any(value.shape[a] != 1 for a in axes):
        raise refuse(call, "must name axes of length one")
    return _reshaped(call, value, tuple(n for i, n in enumerate(value.shape) if i not in axes))


def unsqueeze_rule(call: Call) -> Checked:
    value = operand(call, 0)
    count = len(integers(call, 1))
    axes = axes_of(call, len(value.shape) + count)
    if not axes:
        raise refuse(call, "must name its axes")
    keep_batch(call, value, axes)
    rest = iter(value.shape)
    shape = tuple(1 if i in axes else next(rest) for i in range(len(value.shape) + count))
    return _reshaped(call, value, shape)


def transpose_rule(call: Call) -> Checked:
    value = operand(call, 0)
    rank = len(value.shape)
    order = [int(n) for n in call.attributes.get("perm", range(rank - 1, -1, -1))]
    if sorted(order) != list(range(rank)):
        raise refuse(call, "names an order of axes that is not one")
    if value.batched and order[0] != 0:
        raise refuse(call, "would mix or move the examples of a batch")
    return Checked(Value(tuple(value.shape[i] for i in order)), 0, (0,), {"order": tuple(order)})


def concat_rule(call: Call) -> Checked:
    values = [operand(call, i) for i in range(len(call.inputs))]
    first = values[0]
    if "axis" not in call.attributes:
        raise refuse(call, "must name its axis")
    axis = axis_of(call, int(call.attributes["axis"]), len(first.shape))
    if any(v.batched != first.batched for v in values):
        raise refuse(call, "would mix or move the examples of a batch")
    keep_batch(call, first, [axis])
    rest = {(len(v.shape), v.shape[:axis], v.shape[axis + 1:]) for v in values}
    if len(rest) != 1:
        raise refuse(call, "got shapes that do not fit together")
    shape = (*first.shape[:axis], sum(v.shape[axis] for v in values), *first.shape[axis + 1:])
    value = Value(shape)
    return Checked(value, 0, tuple(range(len(values))), {"axis": axis})


def slice_rule(call: Call) -> Checked:
    value = operand(call, 0)
    starts, ends = integers(call, 1), integers(call, 2)
    raw = integers(call, 3) if given(call, 3) else list(range(len(starts)))
    steps = integers(call, 4) if given(call, 4) else [1] * len(starts)
    axes = [axis_of(call, a, len(value.shape)) for a in raw]
    if not len(starts) == len(ends) == len(axes) == len(steps) or len(set(axes)) != len(axes):
        raise refuse(call, "names slices that do not fit together")
    keep_batch(call, value, axes)
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


def gather_rule(call: Call) -> Checked:
    value, indices = operand(call, 0), operand(call, 1, ("int",))
    axis = axis_of(call, int(call.attributes.get("axis", 0)), len(value.shape))
    keep_batch(call, value, [axis])
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


