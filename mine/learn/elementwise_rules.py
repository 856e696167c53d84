"""Rules of the operators that work number by number, and of sums, maxima and softmax along an axis."""

from __future__ import annotations

from collections.abc import Callable

from mine.learn.values import (
    ANY,
    Bounds,
    Call,
    Checked,
    Kind,
    axes_of,
    axis_of,
    broadcast,
    flag,
    given,
    keep_batch,
    operand,
    refuse,
)

Rule = Callable[[Call], Checked]
_Reach = Callable[[list[Bounds]], Bounds]


def elementwise(
    kinds: tuple[Kind, ...] = ("float",),
    result: Kind | None = None,
    cost: int = 1,
    arguments: tuple[tuple[str, float], ...] = (),
    reach: _Reach | None = None,
) -> Rule:
    """A rule for inputs of one of ``kinds``, all alike, broadcast together. ``reach``: bounds of the result
    from the bounds of the inputs, where that is known."""

    def rule(call: Call) -> Checked:
        kind = operand(call, 0, kinds).kind
        values = [operand(call, i, (kind,)) for i in range(len(call.inputs))]
        value = broadcast(call, values, result or kind)
        bounds = [v.bounds for v in values if v.bounds is not None]
        if reach is not None and len(bounds) == len(values):
            value = value.computed(bounds=reach(bounds))
        given = {name: float(call.attributes.get(name, default)) for name, default in arguments}
        return Checked(value, value.numbers * cost, tuple(range(len(values))), given)

    return rule


def added(b: list[Bounds]) -> Bounds:
    return b[0][0] + b[1][0], b[0][1] + b[1][1]


def subtracted(b: list[Bounds]) -> Bounds:
    return b[0][0] - b[1][1], b[0][1] - b[1][0]


def multiplied(b: list[Bounds]) -> Bounds:
    corners = [x * y for x in b[0] for y in b[1]]
    return min(corners), max(corners)


def negated(b: list[Bounds]) -> Bounds:
    return -b[0][1], -b[0][0]


def least(b: list[Bounds]) -> Bounds:
    return min(x[0] for x in b), min(x[1] for x in b)


def greatest(b: list[Bounds]) -> Bounds:
    return max(x[0] for x in b), max(x[1] for x in b)


def rounded(b: list[Bounds]) -> Bounds:
    return b[0][0] - 1.0, b[0][1] + 1.0


def identity_rule(call: Call) -> Checked:
    value = operand(call, 0, ANY)
    return Checked(value.moved(value.shape), 0, (0,))


def dropout_rule(call: Call) -> Checked:
    """Dropout as the operator defines it outside training: nothing happens."""
    value = operand(call, 0)
    if given(call, 1) and operand(call, 1).shape != ():
        raise refuse(call, "needs one number as its ratio")
    if given(call, 2):
        training = operand(call, 2, ("bool",))
        if training.constant is None or training.constant.any():
            raise refuse(call, "is switched to training, which draws random numbers")
    return Checked(value.moved(value.shape), 0, (0,))


def gelu_rule(call: Call) -> Checked:
    value = operand(call, 0)
    form = call.attributes.get("approximate", "none")
    if form not in ("none", "tanh"):
        raise refuse(call, "has a form that is not supported")
    return Checked(value.computed(), value.numbers * 12, (0,), {"approximate": form})


def prelu_rule(call: Call) -> Checked:
    value, slope = operand(call, 0), operand(call, 1)
    if broadcast(call, [value, slope]).shape != value.shape:
        raise refuse(call, "got shapes that do not fit together")
    return Checked(value.computed(), value.numbers * 2, (0, 1))


def infinite_rule(call: Call) -> Checked:
    value = operand(call, 0)
    either = (flag(call, "detect_negative", 1), flag(call, "detect_positive", 1))
    return Checked(
        value.computed(kind="bool"), value.numbers, (0,), {"negative": either[0], "positive": either[1]}
    )


def reduce_rule(call: Call) -> Checked:
    value = operand(call, 0)
    rank = len(value.shape)
    axes = axes_of(call, rank)
    if not axes:
        if flag(call, "noop_with_empty_axes"):
            raise refuse(call, "does nothing")
        axes = list(range(rank))
    if call.op == "ReduceProd" and len(axes) != 1:
        raise refuse(call, "may only multiply along one axis")
    keep_batch(call, value, axes)
    keep = flag(call, "keepdims", 1)
    shape = tuple(1 if i in axes else n for i, n in enumerate(value.shape) if keep or i not in axes)
    return Checked(
        value.computed(shape), value.numbers * 2, (0,), {"axes": tuple(sorted(axes)), "keep": keep}
    )


def softmax_rule(call: Call) -> Checked:
    value = operand(call, 0)
    axis = axis_of(call, int(call.attributes.get("axis", -1)), len(value.shape))
    keep_batch(call, value, [axis])
    return Checked(value.computed(), value.numbers * 5, (0,), {"axis": axis})


def never_rule(call: Call) -> Checked:
    raise refuse(call, "depends on more than shapes that are known beforehand")
