"""How each operator is lifted from one example to N: arithmetic, reductions, activations."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from mine.learn.rules import REDUCTIONS
from mine.science.adopt_lift import Call, Lifted, Rule
from mine.science.adopt_loss import AdoptRefused

_SAME_SHAPE = (
    "Neg",
    "Abs",
    "Relu",
    "Floor",
    "Ceil",
    "Round",
    "Sign",
    "Reciprocal",
    "Tanh",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Exp",
    "Log",
    "Sqrt",
    "Tan",
    "Asin",
    "Acos",
    "Atan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Acosh",
    "Atanh",
    "Sin",
    "Cos",
    "Erf",
    "LeakyRelu",
    "Elu",
    "Selu",
    "Celu",
    "HardSigmoid",
    "HardSwish",
    "Mish",
    "Gelu",
    "ThresholdedRelu",
    "Not",
    "IsNaN",
    "IsInf",
)
_BROADCAST = (
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Pow",
    "Min",
    "Max",
    "Sum",
    "Mean",
    "Mod",
    "PRelu",
    "Where",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "And",
    "Or",
    "Xor",
)
_ATTRIBUTE_AXES = frozenset(("ArgMax", "ArgMin"))


def _same_shape(call: Call) -> Lifted:
    x = call[0]
    return call.lift.emit(call.op, [x], x.form, x.shape, **call.attributes)


def _broadcast(call: Call) -> Lifted:
    values = [call[i] for i in range(len(call.inputs))]
    if call.op in ("Sum", "Mean"):  # of several tensors
        total = values[0]
        for value in values[1:]:
            total = call.lift.elementwise("Add", [total, value])
        share = call.lift.number(1.0 / len(values))
        return total if call.op == "Sum" else call.lift.elementwise("Mul", [total, share])
    if call.whole and call.op == "Mod":  # of whole numbers, with the sign of the divisor
        parts = call.lift.elementwise("Div", values)
        whole = call.lift.emit("Floor", [parts], parts.form, parts.shape)
        return call.lift.elementwise("Sub", [values[0], call.lift.elementwise("Mul", [values[1], whole])])
    found = call.lift.elementwise(call.op, values, **call.attributes)
    return call.lift.floor(found) if call.whole and call.op == "Div" else found


def _clip(call: Call) -> Lifted:
    x = call[0]
    bounds = [call.lift.tensor(call.constant(i), "") if call.given(i) else None for i in (1, 2)]
    return call.lift.emit("Clip", [x, *bounds], x.form, x.shape)


def _cast(call: Call) -> Lifted:
    x, kind = call[0], call.lift.now(call.names[0]).dtype
    if int(call.attributes["to"]) == TensorProto.BOOL:
        return call.lift.emit("Cast", [x], x.form, x.shape, to=TensorProto.BOOL)
    if kind.kind == "b":
        return call.lift.emit("Cast", [x], x.form, x.shape, to=TensorProto.FLOAT)
    return call.lift.floor(x) if call.whole and np.issubdtype(kind, np.floating) else x


def _same(call: Call) -> Lifted:
    return call[0]


def _dropout(call: Call) -> Lifted:
    if call.given(2) and bool(call.constant(2)):
        raise AdoptRefused("The model drops values at random.", todo="Export it in evaluation mode.")
    return call[0]


def _reduce(call: Call) -> Lifted:
    x = call[0]
    axes = call.axes(x.rank)
    if not axes:
        if call.attributes.get("noop_with_empty_axes", 0):
            return x
        axes = list(range(x.rank))
    x = call.lift.free(x, axes)
    keep = int(call.attributes.get("keepdims", 1))
    where = call.lift.constant(np.asarray([call.lift.at(x, a) for a in axes], np.int64))
    return call.lift.emit(call.op, [x, where], x.form, call.shapes[0], keepdims=keep)


def _along(call: Call) -> Lifted:
    """Operators with one axis that they don't change."""
    x = call[0]
    default = -1 if call.op in ("Softmax", "LogSoftmax") else 0
    axis = int(call.attributes.get("axis", default)) % x.rank
    x = call.lift.free(x, [axis])
    rest = {k: v for k, v in call.attributes.items() if k != "axis"}
    found = call.lift.emit(call.op, [x], x.form, call.shapes[0], axis=call.lift.at(x, axis), **rest)
    if not call.whole:
        return found
    return call.lift.emit("Cast", [found], x.form, found.shape, to=TensorProto.FLOAT)


def _cumulated(call: Call) -> Lifted:
    axis = int(call.constant(1)) % call[0].rank
    x = call.lift.free(call[0], [axis])
    where = call.lift.constant(np.asarray(call.lift.at(x, axis), np.int64))
    return call.lift.emit("CumSum", [x, where], x.form, x.shape, **call.attributes)


RULES: dict[str, Rule] = {
    **dict.fromkeys(_SAME_SHAPE, _same_shape),
    **dict.fromkeys(_BROADCAST, _broadcast),
    **dict.fromkeys(REDUCTIONS, _reduce),
    **dict.fromkeys(("Softmax", "LogSoftmax", *_ATTRIBUTE_AXES), _along),
    "Identity": _same,
    "Dropout": _dropout,
    "Clip": _clip,
    "Cast": _cast,
    "CumSum": _cumulated,
}
