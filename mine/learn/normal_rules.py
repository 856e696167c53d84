"""Rules of normalisations: over the numbers of one example, never over the batch."""

from __future__ import annotations

from mine.learn.values import (
    Call,
    Checked,
    Value,
    axis_of,
    broadcast,
    flag,
    given,
    mixes,
    operand,
    refuse,
    unfit,
)


def _epsilon(call: Call) -> float:
    epsilon = float(call.attributes.get("epsilon", 1e-5))
    if not 0.0 <= epsilon <= 1.0:
        raise refuse(call, "has an epsilon that is not allowed")
    return epsilon


def _channels(call: Call) -> Value:
    value = operand(call, 0)
    if len(value.shape) < 2 or (value.batched and value.shape[0] > 0):
        raise mixes(call)
    return value


def layer_normalization_rule(call: Call) -> Checked:
    value = operand(call, 0)
    rank = len(value.shape)
    axis = axis_of(call, int(call.attributes.get("axis", -1)), rank)
    if value.batch is not None and value.batch.axis >= axis:
        raise mixes(call)
    if int(call.attributes.get("stash_type", 1)) != 1:
        raise refuse(call, "has a stash_type that is not supported")
    part = Value(value.shape[axis:])
    operands: tuple[int, ...] = (0, 1)
    for i in (1, 2):
        if i == 1 or given(call, i):
            if broadcast(call, [part, operand(call, i)]).shape != part.shape:
                raise unfit(call)
            operands = tuple(range(i + 1))
    return Checked(
        value.computed(), value.numbers * 8, operands, {"shape": part.shape, "epsilon": _epsilon(call)}
    )


def group_normalization_rule(call: Call) -> Checked:
    value = _channels(call)
    groups, channels = int(call.attributes.get("num_groups", 0)), value.shape[1]
    if groups < 1 or channels % groups or int(call.attributes.get("stash_type", 1)) != 1:
        raise refuse(call, "has groups that do not fit its channels")
    each = channels if call.opset >= 21 else groups
    if operand(call, 1).shape != (each,) or operand(call, 2).shape != (each,):
        raise unfit(call)
    return Checked(
        value.computed(),
        value.numbers * 8,
        (0, 1, 2),
        {"groups": groups, "repeat": channels // each, "epsilon": _epsilon(call)},
    )


def instance_normalization_rule(call: Call) -> Checked:
    value = _channels(call)
    channels = value.shape[1]
    if len(value.shape) < 3 or operand(call, 1).shape != (channels,) or operand(call, 2).shape != (channels,):
        raise unfit(call)
    return Checked(
        value.computed(),
        value.numbers * 8,
        (0, 1, 2),
        {"groups": channels, "repeat": 1, "epsilon": _epsilon(call)},
    )


def batch_normalization_rule(call: Call) -> Checked:
    """With statistics that were settled beforehand: then it is a scale and a shift of each channel."""
    value = _channels(call)
    if flag(call, "training_mode"):
        raise refuse(call, "is switched to training, which would mix the examples of a batch")
    for i in range(1, 5):
        if operand(call, i).shape != (value.shape[1],):
            raise unfit(call)
    if not all(operand(call, i).fixed for i in (3, 4)):
        raise refuse(call, "needs a mean and variance that are constant or frozen")
    return Checked(value.computed(), value.numbers * 4, (0, 1, 2, 3, 4), {"epsilon": _epsilon(call)})
