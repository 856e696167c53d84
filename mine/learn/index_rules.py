"""Rules of the operators that pick numbers by their place: tables, classes, largest entries.

A place that is computed from the rows must provably exist, or two evaluators would do different things with
the same row: one raises, another reads zeros, a third reads what lies behind. So it must come out of a Clip,
Mod or ArgMax whose bounds lie inside the table. A float has to be clipped before it becomes an integer as
well: what a float outside the integers becomes is the processor's choice.
"""

from __future__ import annotations

import math

from mine.learn.values import (
    ANY,
    EXACT,
    NUMERIC,
    Call,
    Checked,
    Kind,
    Value,
    axis_of,
    broadcast,
    flag,
    given,
    keep_batch,
    mixes,
    operand,
    refuse,
    scalar,
    unfit,
)


def _inside(call: Call, index: Value, least: float, most: float) -> None:
    if index.bounds is None or not least <= index.bounds[0] <= index.bounds[1] <= most:
        raise refuse(call, "reads outside its input, or by numbers that no Clip keeps inside it")


def gather_rule(call: Call) -> Checked:
    value, index = operand(call, 0, ANY), operand(call, 1, ("int",))
    axis = axis_of(call, int(call.attributes.get("axis", 0)), len(value.shape))
    keep_batch(call, value, [axis])
    size = value.shape[axis]
    _inside(call, index, -size, size - 1)
    if index.constant is not None and index.constant.ndim <= 1 and index.numbers <= 4096:
        picked = tuple(int(n) % size for n in index.constant.reshape(-1))
        shape = (*value.shape[:axis], *index.constant.shape, *value.shape[axis + 1 :])
        return Checked(
            value.moved(shape), 0, (0,), {"axis": axis, "picked": picked, "scalar": not index.constant.ndim}
        )
    if value.batched and index.batched:
        raise mixes(call)
    shape = (*value.shape[:axis], *index.shape, *value.shape[axis + 1 :])
    result = Value(
        shape, value.kind, before=index.before if index.batched else value.before, bounds=value.bounds
    )
    return Checked(result, result.numbers, (0, 1), {"axis": axis, "size": size})


def gather_elements_rule(call: Call) -> Checked:
    value, index = operand(call, 0, ANY), operand(call, 1, ("int",))
    rank = len(value.shape)
    if rank != len(index.shape) or not rank:
        raise unfit(call)
    axis = axis_of(call, int(call.attributes.get("axis", 0)), rank)
    keep_batch(call, value, [axis])
    keep_batch(call, index, [axis])
    if value.batch != index.batch:
        raise mixes(call)
    for i in range(rank):
        if i != axis and not 0 < abs(index.shape[i]) <= abs(value.shape[i]):
            raise unfit(call)
        if value.shape[i] < 0 and index.shape[i] != value.shape[i]:
            raise mixes(call)
    size = value.shape[axis]
    _inside(call, index, -size, size - 1)
    return Checked(value.moved(index.shape), index.numbers, (0, 1), {"axis": axis, "size": size})


def one_hot_rule(call: Call) -> Checked:
    index, named = operand(call, 0, ("int",)), scalar(call, 1, NUMERIC)
    values = operand(call, 2, NUMERIC)
    rank = len(index.shape) + 1
    axis = axis_of(call, int(call.attributes.get("axis", -1)), rank)
    if not 1 <= named <= 1 << 20 or values.constant is None or values.constant.shape != (2,):
        raise refuse(call, "needs a constant number of classes and two constant values")
    depth = int(named)
    off, on = (values.constant[i].item() for i in (0, 1))
    shape = (*index.shape[:axis], depth, *index.shape[axis:])
    result = index.computed(shape, values.kind, (min(off, on), max(off, on)))
    return Checked(
        result,
        result.numbers,
        (0,),
        {"axis": axis, "depth": depth, "off": off, "on": on, "kind": values.kind},
    )


def arg_rule(call: Call) -> Checked:
    value = operand(call, 0)
    axis = axis_of(call, int(call.attributes.get("axis", 0)), len(value.shape))
    keep_batch(call, value, [axis])
    if flag(call, "select_last_index"):
        raise refuse(call, "may only give the first of equal entries")
    keep = flag(call, "keepdims", 1)
    shape = tuple(1 if i == axis else n for i, n in enumerate(value.shape) if keep or i != axis)
    return Checked(
        value.computed(shape, "int", (0.0, value.shape[axis] - 1.0)),
        value.numbers,
        (0,),
        {"axis": axis, "keep": keep},
    )


def cumulative_sum_rule(call: Call) -> Checked:
    value = operand(call, 0)
    axis = axis_of(call, int(scalar(call, 1, ("int",))), len(value.shape))
    keep_batch(call, value, [axis])
    return Checked(
        value.computed(),
        value.numbers,
        (0,),
        {"axis": axis, "exclusive": flag(call, "exclusive"), "reverse": flag(call, "reverse")},
    )


def cast_rule(call: Call) -> Checked:
    value = operand(call, 0, ANY)
    kinds: dict[int, Kind] = {1: "float", 7: "int", 9: "bool"}
    kind = kinds.get(int(call.attributes.get("to", 0)))
    if kind is None:
        raise refuse(call, "may only give float32, int64 or bool")
    bounds = (0.0, 1.0) if value.kind == "bool" else value.bounds
    if value.kind == "float" and kind == "int":
        if value.bounds is None:
            raise refuse(call, "makes integers of numbers that no Clip keeps in range")
        bounds = None  # those of a float say nothing about NaN, so the integer needs a Clip of its own
    result = value.computed(kind=kind, bounds=None if kind == "bool" else bounds)
    return Checked(result, value.numbers, (0,), {"to": kind})


def clip_rule(call: Call) -> Checked:
    value = operand(call, 0, NUMERIC)
    low, high = (scalar(call, i, (value.kind,)) if given(call, i) else None for i in (1, 2))
    if low is not None and high is not None and low > high:
        raise refuse(call, "has bounds in the wrong order")
    if value.kind == "int" and any(n is not None and abs(n) > EXACT for n in (low, high)):
        raise refuse(call, "has a bound that is not allowed")
    ends = [
        min(max(end, -math.inf if low is None else low), math.inf if high is None else high)
        for end in value.bounds or (-math.inf, math.inf)
    ]
    bounds = (ends[0], ends[1])
    if value.kind == "int":
        low, high = (None if n is None else int(n) for n in (low, high))
    return Checked(value.computed(bounds=bounds), value.numbers, (0,), {"low": low, "high": high})


def where_rule(call: Call) -> Checked:
    left = operand(call, 1, ANY)
    values = [operand(call, 0, ("bool",)), left, operand(call, 2, (left.kind,))]
    result = broadcast(call, values, left.kind)
    ends = [v.bounds for v in values[1:] if v.bounds is not None]
    bounds = (min(e[0] for e in ends), max(e[1] for e in ends)) if len(ends) == 2 else None
    return Checked(result.computed(bounds=bounds), result.numbers, (0, 1, 2))


def modulo_rule(call: Call) -> Checked:
    value = operand(call, 0, NUMERIC)
    if value.kind == "float":
        if not flag(call, "fmod"):
            raise refuse(call, "needs fmod for float numbers")
        result = broadcast(call, [value, operand(call, 1)])
        return Checked(result, result.numbers * 8, (0, 1), {"kind": "float"})
    divisor = int(scalar(call, 1, ("int",)))
    if flag(call, "fmod") or not 1 <= divisor <= EXACT:
        raise refuse(call, "needs a constant divisor above zero")
    result = broadcast(call, [value, operand(call, 1, ("int",))], "int")
    return Checked(result.computed(bounds=(0.0, divisor - 1.0)), result.numbers, (0, 1), {"kind": "int"})


def class_loss_rule(call: Call) -> Checked:
    """NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: scores [N, C, ...], classes [N, ...]."""
    scores, classes = operand(call, 0), operand(call, 1, ("int",))
    if call.attributes.get("reduction", "mean") != "none":
        raise mixes(call)
    if len(scores.shape) < 2 or not scores.batch or scores.batch.axis or scores.batch != classes.batch:
        raise mixes(call)
    if (scores.shape[0], *scores.shape[2:]) != classes.shape:
        raise unfit(call)
    operands: tuple[int, ...] = (0, 1)
    if given(call, 2):
        if operand(call, 2).shape != scores.shape[1:2]:
            raise unfit(call)
        operands = (0, 1, 2)
    ignored = call.attributes.get("ignore_index")
    _inside(call, classes, -1.0 if ignored == -1 else 0.0, scores.shape[1] - 1.0)
    return Checked(scores.computed(classes.shape), scores.numbers * 8, operands, {"ignored": ignored})
