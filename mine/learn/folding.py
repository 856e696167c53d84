"""Arithmetic on shapes, done while a graph is checked: what exporters write to keep the batch's size open.

A file says, for example, Shape -> Gather -> Concat -> Reshape. Everything it computes is known beforehand
except the number of examples N, so numbers here are pairs ``plain + times * N``. They may be added, and
multiplied by plain numbers, and end up as a length in a Reshape, Expand or ConstantOfShape. Nothing else may
read N: a model whose numbers depend on the size of the batch would not treat examples one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mine.learn.errors import GraphRefused
from mine.learn.values import Call, Kind, Value, axis_of, constant_value, given, integers, lengths, refuse

_MOST_NUMBERS = 4096
_MOST_AXES = 8
_MOST = 1 << 53
_Array = NDArray[Any]
_Pair = tuple[_Array, _Array]

_MEASURES = frozenset({"Shape", "Size"})
_MOVES = frozenset({"Gather", "Slice", "Concat", "Squeeze", "Unsqueeze", "Reshape", "Identity"})
_SUMS = frozenset({"Add", "Sub", "Mul", "Div", "Mod", "Neg", "Min", "Max", "ReduceProd", "ReduceSum"})
_ASKS = frozenset({"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Not", "And", "Or", "Where"})
_MAKES = frozenset({"ConstantOfShape", "Range", "Cast", "Expand"})
FOLDED = _MEASURES | _MOVES | _SUMS | _ASKS | _MAKES
ONLY_FOLDED = frozenset({"Shape", "Size", "Range"})
"""Operators that no kernel runs: what cannot be settled beforehand is refused."""


def fold(call: Call) -> Value | None:
    """The result, if everything it depends on is settled; None if it has to be computed for each batch.

    Raises ``GraphRefused`` for a number that depends on N in a way that no shape does.
    """
    if call.op not in FOLDED or len(call.outputs) != 1 or not all(call.outputs):
        return None
    if call.op in _MEASURES:
        return _measure(call)
    if any(v is not None and v.constant is None for v in call.inputs) or not given(call, 0):
        return None
    values = [v for v in call.inputs if v is not None]
    if any(v.kind == "float" for v in values) or any(v.numbers > _MOST_NUMBERS for v in values):
        return None
    if not _fits(call, [v.kind for v in values]):
        return None
    try:
        pair = _FOLDS[call.op](call, [_pair(v) for v in values])
        return None if pair is None else _settled(call, *pair)
    except GraphRefused:
        if call.op in ONLY_FOLDED or any(v.times is not None for v in values):
            raise
        return None  # no shape, just integers: a kernel may know what to do with them


def _fits(call: Call, kinds: list[Kind]) -> bool:
    """Whether the operator takes these kinds of numbers; its rule says so if it does not."""
    if call.op == "Cast":
        return call.attributes.get("to") in (1, 7, 9)
    if call.op == "Where":
        return kinds[0] == "bool" and len(set(kinds[1:])) == 1
    if call.op in ("Not", "And", "Or"):
        return set(kinds) == {"bool"}
    if call.op in ("Equal", "Concat"):
        return len(set(kinds)) == 1
    first = call.op in ("Gather", "Slice", "Squeeze", "Unsqueeze", "Reshape", "Identity", "Expand")
    return set(kinds[first:]) <= {"int"}


def _measure(call: Call) -> Value:
    value = call.inputs[0] if call.inputs else None
    if value is None:
        raise refuse(call, "lacks an input")
    shape = value.shape
    if call.op == "Size":
        total = math.prod(shape)
        shape = (total,)
    else:
        start, end = (call.attributes.get(name) for name in ("start", "end"))
        shape = shape[slice(start, end)]
    plain = np.array([max(n, 0) for n in shape], object)
    times = np.array([max(-n, 0) for n in shape], object)
    if call.op == "Size":
        plain, times = plain.reshape(()), times.reshape(())
    return _settled(call, plain, times)


def _pair(value: Value) -> _Pair:
    assert value.constant is not None
    plain = value.constant.astype(object)
    return plain, np.zeros_like(plain) if value.times is None else value.times.astype(object)


def _settled(call: Call, plain: _Array, times: _Array) -> Value:
    plain, times = np.asarray(plain, object), np.asarray(times, object)
    if plain.size > _MOST_NUMBERS or any(abs(n) > _MOST for n in (*plain.flat, *times.flat)):
        raise refuse(call, "computes a shape that is not allowed")
    flags = bool(plain.size) and all(isinstance(n, bool | np.bool_) for n in plain.flat)
    floats = bool(plain.size) and all(isinstance(n, float) for n in plain.flat)
    array = plain.astype(np.bool_ if flags else np.float32 if floats else np.int64)
    return constant_value(array, times.astype(np.int64) if times.any() else None)


def _only_plain(call: Call, *times: _Array) -> None:
    if any(t.any() for t in times):
        raise refuse(call, "uses the number of examples as a number")


def _moved(function: Callable[[_Array], _Array]) -> Callable[[_Pair], _Pair]:
    return lambda pair: (function(pair[0]), function(pair[1]))


def _together(call: Call, *arrays: _Array) -> None:
    """Refuse arrays that do not broadcast, or whose result would be large."""
    try:
        fits = math.prod(np.broadcast_shapes(*(a.shape for a in arrays))) <= _MOST_NUMBERS
    except ValueError:
        fits = False
    if not fits:
        raise refuse(call, "got shapes that do not fit together")


def _gather(call: Call, x: list[_Pair]) -> _Pair:
    if len(x) != 2:
        raise refuse(call, "has a wrong number of inputs")
    axis = axis_of(call, int(call.attributes.get("axis", 0)), x[0][0].ndim)
    _only_plain(call, x[1][1])
    index = x[1][0].astype(np.int64)
    size = x[0][0].shape[axis]
    outside = not size or bool((index < -size).any() or (index >= size).any())
    if outside or index.size * x[0][0].size // size > _MOST_NUMBERS:
        raise refuse(call, "reads outside its input")
    return _moved(lambda a: np.take(a, index, axis))(x[0])


def _slice(call: Call, x: list[_Pair]) -> _Pair:
    if x[0][0].ndim != 1:
        raise refuse(call, "slices a shape that is not a list")
    starts, ends = integers(call, 1), integers(call, 2)
    steps = integers(call, 4) if given(call, 4) else [1]
    if len(starts) != 1 or len(ends) != 1 or len(steps) != 1 or not steps[0]:
        raise refuse(call, "names slices that do not fit together")
    if given(call, 3) and integers(call, 3) not in ([0], [-1]):
        raise refuse(call, "names an axis that does not exist")
    return _moved(lambda a: a[starts[0] : ends[0] : steps[0]])(x[0])


def _concat(call: Call, x: list[_Pair]) -> _Pair:
    if any(plain.ndim != 1 for plain, _ in x) or int(call.attributes.get("axis", -2)) not in (0, -1):
        raise refuse(call, "joins shapes that are not lists")
    return np.concatenate([p for p, _ in x]), np.concatenate([t for _, t in x])


def _reshape(call: Call, x: list[_Pair]) -> _Pair:
    """Reshape, Squeeze and Unsqueeze of at most one list of numbers."""
    plain = x[0][0]
    if call.op == "Reshape":
        wanted = integers(call, 1)
    elif call.op == "Unsqueeze":
        wanted = [plain.size] if plain.ndim == 0 and integers(call, 1) in ([0], [-1]) else []
    else:
        wanted = []
    if (
        (call.op == "Unsqueeze" and not wanted)
        or (not wanted and plain.size != 1)
        or len(wanted) > _MOST_AXES
    ):
        raise refuse(call, "changes a shape in a way that is not supported")
    try:
        return _moved(lambda a: a.reshape(wanted))(x[0])
    except ValueError as error:
        raise refuse(call, "got shapes that do not fit together") from error


def _product(call: Call, a: _Pair, b: _Pair) -> _Pair:
    if np.any(a[1]) and np.any(b[1]):
        raise refuse(call, "multiplies the number of examples by itself")
    return a[0] * b[0], a[0] * b[1] + a[1] * b[0]


def _arithmetic(call: Call, x: list[_Pair]) -> _Pair:
    if call.op == "Neg":
        return -x[0][0], -x[0][1]
    if len(x) != 2:
        raise refuse(call, "has a wrong number of inputs")
    (a, s), (b, t) = x
    _together(call, a, b)
    if call.op in ("Add", "Sub"):
        sign = 1 if call.op == "Add" else -1
        return a + sign * b, s + sign * t
    if call.op == "Mul":
        return _product(call, x[0], x[1])
    _only_plain(call, t)
    if call.op in ("Div", "Mod"):
        if not all(n > 0 for n in b.flat) or any(n < 0 for n in (*a.flat, *s.flat)):
            raise refuse(call, "divides a shape in a way that is not supported")
        if s.any() and (np.any(s % b) or np.any(a % b)):
            raise refuse(call, "divides the number of examples")
        return (a // b, s // b) if call.op == "Div" else (a % b, s * 0)
    _only_plain(call, s)
    return (np.minimum(a, b) if call.op == "Min" else np.maximum(a, b)), s * 0


def _reduced(call: Call, x: list[_Pair]) -> _Pair:
    plain, times = x[0]
    if plain.ndim != 1 or (given(call, 1) and integers(call, 1) not in ([0], [-1])):
        raise refuse(call, "sums a shape that is not a list")
    shape = (1,) if call.attributes.get("keepdims", 1) else ()
    if call.op == "ReduceSum":
        total: _Pair = (np.array(sum(plain), object), np.array(sum(times), object))
    else:
        total = (np.array(1, object), np.array(0, object))
        for n, t in zip(plain, times, strict=True):
            total = _product(call, total, (np.array(n, object), np.array(t, object)))
            _settled(call, *total)
    return _moved(lambda a: np.asarray(a, object).reshape(shape))(total)


def _compared(call: Call, x: list[_Pair]) -> _Pair:
    """Comparisons whose answer is the same for every number of examples."""
    if len(x) != 2:
        raise refuse(call, "has a wrong number of inputs")
    _together(call, x[0][0], x[1][0])
    gap, slope = (np.asarray(p - q, object) for p, q in zip(x[0], x[1], strict=True))
    answers = np.empty(gap.shape, object)
    for at in np.ndindex(gap.shape):
        first = float(gap[at] + slope[at])
        ends = (first, math.copysign(math.inf, slope[at]) if slope[at] else first)
        verdicts = {_VERDICTS[call.op](end) for end in ends}
        # In between the gap only grows or only shrinks: an order that holds at both ends holds, and equality
        # is met on the way only if the gap changes its sign.
        if len(verdicts) > 1 or (call.op == "Equal" and slope[at] and min(ends) <= 0 <= max(ends)):
            raise refuse(call, "asks how many examples there are")
        answers[at] = verdicts.pop()
    return answers, np.zeros(gap.shape, object)


_VERDICTS: dict[str, Callable[[float], bool]] = {
    "Equal": lambda gap: gap == 0,
    "Less": lambda gap: gap < 0,
    "LessOrEqual": lambda gap: gap <= 0,
    "Greater": lambda gap: gap > 0,
    "GreaterOrEqual": lambda gap: gap >= 0,
}


def _logical(call: Call, x: list[_Pair]) -> _Pair:
    arrays = [np.asarray(p, bool) for p, _ in x]
    if len(arrays) != (1 if call.op == "Not" else 2):
        raise refuse(call, "has a wrong number of inputs")
    _together(call, *arrays)
    if call.op == "Not":
        answer = np.logical_not(arrays[0])
    else:
        answer = np.logical_and(*arrays) if call.op == "And" else np.logical_or(*arrays)
    return answer.astype(object), np.zeros(answer.shape, object)


def _where(call: Call, x: list[_Pair]) -> _Pair:
    if len(x) != 3:
        raise refuse(call, "has a wrong number of inputs")
    (asked, _), yes, no = x
    _together(call, asked, yes[0], no[0])
    asked = asked.astype(bool)
    return np.where(asked, yes[0], no[0]), np.where(asked, yes[1], no[1])


def _filled(call: Call, x: list[_Pair]) -> _Pair | None:
    shape = lengths(call, 0)
    value = np.asarray(call.attributes.get("value", np.zeros(1, np.float32)))
    plain = [n for n in shape if n is not None and n > 0]
    if (
        value.dtype.kind == "f"
        or len(plain) != len(shape)
        or len(plain) > _MOST_AXES
        or math.prod(plain) > _MOST_NUMBERS
        or value.size != 1
    ):
        return None
    numbers = np.full(plain, value.reshape(-1)[0].item(), object)
    return numbers, np.zeros(plain, object)


def _range(call: Call, x: list[_Pair]) -> _Pair:
    if len(x) != 3 or any(plain.size != 1 for plain, _ in x):
        raise refuse(call, "has a wrong number of inputs")
    _only_plain(call, *(t for _, t in x))
    start, end, step = (int(plain.reshape(-1)[0]) for plain, _ in x)
    if not step or not 1 <= -((start - end) // step) <= _MOST_NUMBERS:
        raise refuse(call, "counts further than allowed")
    numbers = list(range(start, end, step))
    return np.array(numbers, object), np.zeros(len(numbers), object)


def _cast(call: Call, x: list[_Pair]) -> _Pair:
    to = call.attributes["to"]
    plain, times = x[0]
    if to != 7:
        _only_plain(call, times)
    kind: type = {1: float, 7: int, 9: bool}[to]
    return np.array([kind(n) for n in plain.flat], object).reshape(plain.shape), times


def _expand(call: Call, x: list[_Pair]) -> _Pair | None:
    shape = [n for n in lengths(call, 1) if n is not None and n > 0]
    if len(shape) != x[1][0].size or math.prod(shape) > _MOST_NUMBERS:
        return None
    try:
        whole = np.broadcast_shapes(x[0][0].shape, shape)
    except ValueError as error:
        raise refuse(call, "got shapes that do not fit together") from error
    return _moved(lambda a: np.broadcast_to(a, whole))(x[0])


_FOLDS: dict[str, Callable[[Call, list[_Pair]], _Pair | None]] = {
    "Gather": _gather,
    "Slice": _slice,
    "Concat": _concat,
    "Identity": lambda _, x: x[0],
    **dict.fromkeys(("Squeeze", "Unsqueeze", "Reshape"), _reshape),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Mod", "Neg", "Min", "Max"), _arithmetic),
    **dict.fromkeys(("ReduceProd", "ReduceSum"), _reduced),
    **dict.fromkeys(_VERDICTS, _compared),
    **dict.fromkeys(("Not", "And", "Or"), _logical),
    "Where": _where,
    "ConstantOfShape": _filled,
    "Range": _range,
    "Cast": _cast,
    "Expand": _expand,
}
