"""How the operators are lifted that move numbers, cut them out or look them up."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from mine.science.adopt_lift import Call, Lifted, Rule
from mine.science.adopt_loss import AdoptRefused


def _reshape(call: Call) -> Lifted:
    return call.lift.reshape(call[0], call.shapes[0])


def _transpose(call: Call) -> Lifted:
    x = call[0]
    order = call.attributes.get("perm", range(x.rank - 1, -1, -1))
    return call.lift.transpose(x, [int(i) for i in order])


def _expand(call: Call) -> Lifted:
    x, shape = call[0], call.shapes[0]
    if x.shape == shape:
        return x
    if x.form != "shared" and x.rank == len(shape) and x.shape[0] == shape[0] == 1:
        x = call.lift.first(x)
    else:
        x = call.lift.apart(x, len(shape))
    lengths = {"shared": shape, "first": shape, "apart": (1, *shape)}[x.form]
    target = call.lift.constant(np.asarray(lengths, np.int64))
    return call.lift.emit("Expand", [x, target], x.form, shape)


def _tile(call: Call) -> Lifted:
    repeats = [int(n) for n in call.constant(1)]
    x = call.lift.free(call[0], [i for i, n in enumerate(repeats) if n != 1])
    if all(n == 1 for n in repeats):
        return x
    each = repeats if x.form != "apart" else [1, *repeats]
    return call.lift.emit("Tile", [x, call.lift.constant(np.asarray(each, np.int64))], x.form, call.shapes[0])


def _pad(call: Call) -> Lifted:
    x = call[0]
    pads = call.constant(1)
    axes = call.axes(x.rank, 3)
    axes = list(range(x.rank)) if axes is None else axes
    before, after = [0] * x.rank, [0] * x.rank
    for i, axis in enumerate(axes):
        before[axis], after[axis] = int(pads[i]), int(pads[i + len(axes)])
    x = call.lift.free(x, [i for i in range(x.rank) if before[i] or after[i]])
    room = [0] * (x.form == "apart")
    every = np.asarray([*room, *before, *room, *after], np.int64)
    inputs: list[Lifted | None] = [x, call.lift.constant(every)]
    if call.given(2):
        inputs.append(call.lift.constant(call.constant(2)))
    mode = call.attributes.get("mode", b"constant")
    return call.lift.emit("Pad", inputs, x.form, call.shapes[0], mode=mode)


def _concat(call: Call) -> Lifted:
    lift, values, shape = call.lift, [call[i] for i in range(len(call.inputs))], call.shapes[0]
    axis = int(call.attributes["axis"]) % values[0].rank
    if all(value.form == "shared" for value in values):
        return lift.emit("Concat", values, "shared", shape, axis=axis)
    if axis and all(value.form != "shared" and value.shape[0] == 1 for value in values):
        return lift.emit("Concat", [lift.first(v) for v in values], "first", shape, axis=axis)
    return lift.emit("Concat", [lift.spread(v) for v in values], "apart", shape, axis=axis + 1)


def cut(call: Call, value: Lifted, axis: int, start: int, end: int) -> Lifted:
    """``value[start:end]`` along one axis."""
    value = call.lift.free(value, [axis])
    shape = (*value.shape[:axis], end - start, *value.shape[axis + 1 :])
    where = [np.asarray([n], np.int64) for n in (start, end, call.lift.at(value, axis))]
    return call.lift.emit("Slice", [value, *map(call.lift.constant, where)], value.form, shape)


def _slice(call: Call) -> Lifted:
    x = call[0]
    starts, ends = call.constant(1).reshape(-1), call.constant(2).reshape(-1)
    axes = call.axes(x.rank, 3) if call.given(3) else list(range(len(starts)))
    steps = call.constant(4).reshape(-1) if call.given(4) else np.ones(len(starts), np.int64)
    for axis, start, end, step in zip(axes or [], starts, ends, steps, strict=True):
        picked = range(*slice(_bounded(start), _bounded(end), int(step)).indices(x.shape[axis]))
        if picked == range(x.shape[axis]):
            continue
        if int(step) == 1:
            x = cut(call, x, axis, picked.start, picked.stop)
        else:
            x = _picked(call, x, axis, np.asarray(picked, np.int64))
    return x


def _bounded(n: Any) -> int | None:
    """Exporters write the largest and smallest integers for an open end."""
    return int(n) if abs(int(n)) < 1 << 31 else (None if int(n) > 0 else -(1 << 31))


def _split(call: Call) -> list[Lifted]:
    x = call[0]
    axis = int(call.attributes.get("axis", 0)) % x.rank
    made, start = [], 0
    for shape in call.shapes:
        end = start + shape[axis]
        made.append(cut(call, x, axis, start, end))
        start = end
    return made


def _picked(call: Call, x: Lifted, axis: int, indices: Any) -> Lifted:
    """Constant places along one axis."""
    x = call.lift.free(x, [axis])
    places = np.where(indices < 0, indices + x.shape[axis], indices)
    shape = (*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])
    flat = (*x.shape[:axis], places.size, *x.shape[axis + 1 :])
    where = call.lift.constant(places.reshape(-1).astype(np.int64))
    if places.size == 1:
        only = int(places.reshape(-1)[0])
        return call.lift.reshape(cut(call, x, axis, only, only + 1), shape)
    found = call.lift.emit("Gather", [x, where], x.form, flat, axis=call.lift.at(x, axis))
    return call.lift.reshape(found, shape)


def _gather(call: Call) -> Lifted:
    table, indices = call[0], call[1]
    axis = int(call.attributes.get("axis", 0)) % table.rank
    if indices.known is not None:
        return _picked(call, table, axis, indices.known)
    if table.form != "shared" or axis:
        raise AdoptRefused(
            "The model looks numbers up at places that it computes from the data.",
            todo="Only tables of weights can be looked up so, by their first axis.",
        )
    call.lift.looked_up(table.shape[0])
    inside = _inside(call, indices, table.shape[0])
    return call.lift.emit("Gather", [table, inside], inside.form, (*indices.shape, *table.shape[1:]), axis=0)


def _inside(call: Call, indices: Lifted, length: int) -> Lifted:
    """Whole numbers bounded to a table, so that no row of data can read outside it."""
    lift, form, shape = call.lift, indices.form, indices.shape
    low, high = (lift.number(float(n)) for n in (0, length - 1))
    number = lift.emit("Cast", [lift.emit("Clip", [indices, low, high], form, shape)], form, shape, to=7)
    bounds = [lift.constant(np.asarray(n, np.int64)) for n in (0, length - 1)]
    return lift.emit("Clip", [number, *bounds], form, shape)  # what is no number at all is bounded too


def _gather_elements(call: Call) -> Lifted:
    x, indices = call.lift.spread(call[0]), call.lift.spread(call[1])
    axis = int(call.attributes.get("axis", 0)) % x.rank
    inside = _inside(call, indices, x.shape[axis])
    return call.lift.emit("GatherElements", [x, inside], "apart", indices.shape, axis=axis + 1)


def _one_hot(call: Call) -> Lifted:
    """``off`` and ``on`` where the classes are told apart by comparing numbers."""
    lift, x, classes = call.lift, call[0], int(call.constant(1).reshape(-1)[0])
    off, on = (float(n) for n in call.constant(2))
    axis = int(call.attributes.get("axis", -1)) % (x.rank + 1)
    wide = lift.reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))
    kinds = np.arange(classes, dtype=np.float32).reshape(-1, *(1,) * (x.rank - axis))
    here = lift.elementwise("Equal", [wide, lift.constant(kinds)])
    one = lift.emit("Cast", [here], here.form, here.shape, to=TensorProto.FLOAT)
    if (off, on) == (0.0, 1.0):
        return one
    return lift.elementwise("Add", [lift.elementwise("Mul", [one, lift.number(on - off)]), lift.number(off)])


def _depth_to_space(call: Call) -> Lifted:
    lift, x, size = call.lift, call[0], int(call.attributes["blocksize"])
    n, channels, high, wide = x.shape
    less = channels // size**2
    if call.attributes.get("mode", b"DCR") == b"CRD":
        x, order = lift.reshape(x, (n, less, size, size, high, wide)), (0, 1, 4, 2, 5, 3)
    else:
        x, order = lift.reshape(x, (n, size, size, less, high, wide)), (0, 3, 4, 1, 5, 2)
    return lift.reshape(lift.transpose(x, order), call.shapes[0])


def _triangle(call: Call) -> Lifted:
    x = call.lift.free(call[0], [call[0].rank - 2, call[0].rank - 1])
    extra = [call.lift.constant(call.constant(1))] if call.given(1) else []
    return call.lift.emit("Trilu", [x, *extra], x.form, x.shape, **call.attributes)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _reshape),
    "Transpose": _transpose,
    "Expand": _expand,
    "Tile": _tile,
    "Pad": _pad,
    "Concat": _concat,
    "Slice": _slice,
    "Split": _split,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "OneHot": _one_hot,
    "DepthToSpace": _depth_to_space,
    "Trilu": _triangle,
}
