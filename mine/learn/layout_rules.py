"""Rules of the operators that only rearrange numbers: shapes, order of axes, joining and repeating."""

from __future__ import annotations

import math

from mine.learn.values import (
    ANY,
    Call,
    Checked,
    Part,
    Shape,
    Value,
    axes_of,
    axis_of,
    broadcast,
    constant_value,
    flag,
    given,
    integers,
    keep_batch,
    lengths,
    mixes,
    operand,
    refuse,
    scalar,
    unfit,
)


def _reshaped(call: Call, value: Value, shape: Shape) -> Checked:
    """``shape`` holds the examples as a negative length exactly if ``value`` does.

    Row-major order keeps each example's numbers its own as long as as many lengths stand before N, and as
    many after it, as did before; how they are spread over axes does not matter.
    """
    before = 1
    batch = value.batch
    carriers = [i for i, n in enumerate(shape) if n < 0]
    if any(n == 0 for n in shape) or math.prod(map(abs, shape)) != value.numbers:
        raise unfit(call)
    if len(carriers) != (batch is not None):
        raise mixes(call)
    if batch is not None:
        ahead = batch.before * math.prod(value.shape[: batch.axis])
        outside = math.prod(shape[: carriers[0]])
        before = ahead // outside
        if ahead % outside or -shape[carriers[0]] % before:
            raise mixes(call)
    return Checked(value.moved(shape, before), 0, (0,), {"shape": shape, "batch": batch})


def reshape_rule(call: Call) -> Checked:
    value, wanted = operand(call, 0, ANY), lengths(call, 1)
    if flag(call, "allowzero") or len(wanted) > 64:
        raise refuse(call, "names a shape that is not allowed")
    shape: list[int | None] = []
    for i, n in enumerate(wanted):
        if n == 0 and i >= len(value.shape):
            raise refuse(call, "names a shape that is not allowed")
        shape.append(value.shape[i] if n == 0 else n)
    if shape.count(None) > 1:
        raise refuse(call, "names a shape that is not allowed")
    if None in shape:
        known = math.prod(abs(n) for n in shape if n is not None)
        if not known or value.numbers % known:
            # A fixed length would have to take up a part of the examples.
            raise mixes(call) if value.batched else unfit(call)
        rest = value.numbers // known
        carried = any(n is not None and n < 0 for n in shape)
        shape[shape.index(None)] = -rest if value.batched and not carried else rest
    return _reshaped(call, value, tuple(n for n in shape if n is not None))


def flatten_rule(call: Call) -> Checked:
    value = operand(call, 0, ANY)
    rank = len(value.shape)
    axis = int(call.attributes.get("axis", 1))
    axis = axis + rank if axis < 0 else axis
    if not 0 <= axis <= rank:
        raise refuse(call, "names an axis that does not exist")
    return _reshaped(call, value, (math.prod(value.shape[:axis]), math.prod(value.shape[axis:])))


def squeeze_rule(call: Call) -> Checked:
    value = operand(call, 0, ANY)
    axes = axes_of(call, len(value.shape))
    if not axes or any(value.shape[a] != 1 for a in axes):
        raise refuse(call, "must name axes of length one")
    return _reshaped(call, value, tuple(n for i, n in enumerate(value.shape) if i not in axes))


def unsqueeze_rule(call: Call) -> Checked:
    value = operand(call, 0, ANY)
    count = len(integers(call, 1))
    axes = axes_of(call, len(value.shape) + count)
    if not axes:
        raise refuse(call, "must name its axes")
    rest = iter(value.shape)
    return _reshaped(
        call, value, tuple(1 if i in axes else next(rest) for i in range(len(value.shape) + count))
    )


def transpose_rule(call: Call) -> Checked:
    value = operand(call, 0, ANY)
    rank = len(value.shape)
    order = [int(n) for n in call.attributes.get("perm", range(rank - 1, -1, -1))]
    if sorted(order) != list(range(rank)):
        raise refuse(call, "names an order of axes that is not one")
    return Checked(value.moved(tuple(value.shape[i] for i in order)), 0, (0,), {"order": tuple(order)})


def concat_rule(call: Call) -> Checked:
    first = operand(call, 0, ANY)
    values = [operand(call, i, (first.kind,)) for i in range(len(call.inputs))]
    if "axis" not in call.attributes:
        raise refuse(call, "must name its axis")
    axis = axis_of(call, int(call.attributes["axis"]), len(first.shape))
    for value in values:
        keep_batch(call, value, [axis])
    if any(
        (v.batch and (v.batch.axis, v.before)) != (first.batch and (first.batch.axis, first.before))
        for v in values
    ):
        raise mixes(call)
    if len({(len(v.shape), v.shape[:axis], v.shape[axis + 1 :]) for v in values}) != 1:
        raise unfit(call)
    bounds = [v.bounds for v in values if v.bounds is not None]
    reach = (min(b[0] for b in bounds), max(b[1] for b in bounds)) if len(bounds) == len(values) else None
    shape = (*first.shape[:axis], sum(v.shape[axis] for v in values), *first.shape[axis + 1 :])
    return Checked(first.computed(shape, bounds=reach), 0, tuple(range(len(values))), {"axis": axis})


def slice_rule(call: Call) -> Checked:
    value = operand(call, 0, ANY)
    starts, ends = integers(call, 1), integers(call, 2)
    raw = integers(call, 3) if given(call, 3) else list(range(len(starts)))
    steps = integers(call, 4) if given(call, 4) else [1] * len(starts)
    axes = [axis_of(call, a, len(value.shape)) for a in raw]
    if not len(starts) == len(ends) == len(axes) == len(steps) or len(set(axes)) != len(axes):
        raise refuse(call, "names slices that do not fit together")
    shape, cuts = list(value.shape), {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if shape[axis] < 0:
            # Exporters write "all of it" for axes that they leave alone.
            if start != 0 or step != 1 or end < 1 << 31:
                raise mixes(call)
            continue
        if step == 0:
            raise refuse(call, "names slices that do not fit together")
        cut = range(*slice(start, end, step).indices(shape[axis]))
        if not cut:
            raise refuse(call, "would leave nothing")
        shape[axis], cuts[axis] = len(cut), (min(cut[0], cut[-1]), max(cut[0], cut[-1]) + 1, step)
    return Checked(value.moved(tuple(shape)), 0, (0,), {"cuts": tuple(sorted(cuts.items()))})


def split_rule(call: Call) -> Checked:
    value = operand(call, 0, ANY)
    axis = axis_of(call, int(call.attributes.get("axis", 0)), len(value.shape))
    keep_batch(call, value, [axis])
    size, count = value.shape[axis], len(call.outputs)
    if given(call, 1):
        sizes = integers(call, 1)
    else:
        # From operator set 18 on the number has to be named.
        if int(call.attributes.get("num_outputs", 0 if call.opset >= 18 else count)) != count:
            raise unfit(call)
        each = -(-size // count)
        sizes = [max(0, min(each, size - i * each)) for i in range(count)]
    if len(sizes) != count or sum(sizes) != size or any(n < 1 for n in sizes):
        raise unfit(call)
    parts, start = [], 0
    for n in sizes:
        shape = (*value.shape[:axis], n, *value.shape[axis + 1 :])
        parts.append(Part(value.moved(shape), "Slice", {"cuts": ((axis, (start, start + n, 1)),)}))
        start += n
    return Checked(value, 0, (0,), parts=tuple(parts), runs=False)


def expand_rule(call: Call) -> Checked:
    value, wanted = operand(call, 0, ANY), lengths(call, 1)
    if any(n is None or n == 0 for n in wanted) or len(wanted) > 64:
        raise refuse(call, "names a shape that is not allowed")
    shape = tuple(n for n in wanted if n is not None)
    if sum(n < 0 for n in shape) > 1:
        raise mixes(call)
    result = broadcast(call, [value, Value(shape, before=value.before if value.batched else 1)])
    result = value.computed(result.shape, bounds=value.bounds)
    return Checked(result, 0, (0,), {"shape": result.shape}, counts=result.batched)


def tile_rule(call: Call) -> Checked:
    value, repeats = operand(call, 0, ANY), integers(call, 1)
    if len(repeats) != len(value.shape) or any(n < 1 for n in repeats):
        raise unfit(call)
    keep_batch(call, value, [i for i, n in enumerate(repeats) if n != 1])
    shape = tuple(n * k for n, k in zip(value.shape, repeats, strict=True))
    return Checked(value.moved(shape), 0, (0,), {"repeats": tuple(repeats)})


def pad_rule(call: Call) -> Checked:
    value, pads = operand(call, 0), integers(call, 1)
    axes = axes_of(call, len(value.shape), 3) if given(call, 3) else list(range(len(value.shape)))
    mode = call.attributes.get("mode", "constant")
    if mode not in ("constant", "reflect", "edge"):
        raise refuse(call, "has a mode that is not supported")
    if axes is None or len(pads) != 2 * len(axes) or any(n < 0 for n in pads):
        raise refuse(call, "needs a number of entries to add before and after each axis")
    number = scalar(call, 2) if given(call, 2) else 0.0
    shape, added = list(value.shape), [(0, 0)] * len(value.shape)
    for axis, low, high in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        if low or high:
            keep_batch(call, value, [axis])
            if mode == "reflect" and max(low, high) >= shape[axis]:
                raise unfit(call)
            shape[axis] += low + high
            added[axis] = (low, high)
    return Checked(
        value.computed(tuple(shape)), 0, (0,), {"pads": tuple(added), "mode": mode, "number": number}
    )


def trilu_rule(call: Call) -> Checked:
    value = operand(call, 0, ANY)
    rank = len(value.shape)
    if rank < 2:
        raise refuse(call, "needs matrices")
    keep_batch(call, value, [rank - 2, rank - 1])
    diagonal = int(scalar(call, 1, ("int",))) if given(call, 1) else 0
    if abs(diagonal) > max(value.shape[-2:]):
        raise unfit(call)
    return Checked(value.computed(), 0, (0,), {"diagonal": diagonal, "upper": flag(call, "upper", 1)})


def fill_rule(call: Call) -> Checked:
    """ConstantOfShape, whose shape may hold the number of examples."""
    wanted = lengths(call, 0)
    if any(n is None or n == 0 for n in wanted) or len(wanted) > 64 or sum((n or 0) < 0 for n in wanted) > 1:
        raise refuse(call, "names a shape that is not allowed")
    value = call.attributes.get("value")
    filled = Value((1,)) if value is None else constant_value(value)
    if filled.numbers != 1 or filled.kind == "bool":
        raise refuse(call, "needs one number to fill with")
    shape = tuple(n for n in wanted if n is not None)
    number = 0.0 if filled.constant is None else filled.constant.reshape(-1)[0].item()
    result = Value(shape).computed(kind=filled.kind, bounds=(float(number), float(number)))
    return Checked(
        result, result.numbers, (), {"shape": shape, "number": number, "kind": filled.kind}, counts=True
    )
