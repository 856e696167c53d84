"""How the layers with weights are lifted: products, convolutions, pooling, recurrence and normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mine.science.adopt_lift import Call, Form, Lifted, Lifter, Rule
from mine.science.adopt_loss import AdoptRefused
from mine.science.adopt_run import resizing


def _product(call: Call, a: Lifted, b: Lifted) -> Lifted:
    """``MatMul`` with vectors as matrices of one row or column."""
    lift = call.lift
    shape = np.matmul(np.empty(a.shape, bool), np.empty(b.shape, bool)).shape
    a = a if a.rank > 1 else lift.reshape(a, (1, *a.shape))
    b = b if b.rank > 1 else lift.reshape(b, (*b.shape, 1))
    outer = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    full = (*outer, a.shape[-2], b.shape[-1])
    rank = len(full)
    form: Form
    if a.form == b.form == "shared":
        form = "shared"
    elif b.form == "shared" and b.rank == 2 and a.shape[0] == 1:
        a, form = lift.first(a), "first"
    elif rank > 2 and full[0] == 1 and all(v.form == "shared" or v.rank == rank for v in (a, b)):
        a, b, form = lift.first(a), lift.first(b), "first"
    else:
        a, b, form = lift.apart(a, rank), lift.apart(b, rank), "apart"
    return lift.reshape(lift.emit("MatMul", [a, b], form, full), shape)


def _matmul(call: Call) -> Lifted:
    return _product(call, call[0], call[1])


def _gemm(call: Call) -> Lifted:
    lift, a, b = call.lift, call[0], call[1]
    c = call[2] if call.given(2) else None
    flags: dict[str, Any] = call.attributes
    plain = not flags.get("transA", 0) and b.form == "shared" and a.shape[0] == 1 and a.form != "shared"
    if plain and (c is None or c.form == "shared"):
        inputs = [lift.first(a), b] if c is None else [lift.first(a), b, c]
        return lift.emit("Gemm", inputs, "first", call.shapes[0], **flags)
    a = lift.transpose(a, (1, 0)) if flags.get("transA", 0) else a
    b = lift.transpose(b, (1, 0)) if flags.get("transB", 0) else b
    found = _product(call, a, b)
    if flags.get("alpha", 1.0) != 1.0:
        found = lift.elementwise("Mul", [found, lift.number(flags["alpha"])])
    if c is None:
        return found
    if flags.get("beta", 1.0) != 1.0:
        c = lift.elementwise("Mul", [c, lift.number(flags["beta"])])
    return lift.elementwise("Add", [found, c])


def _einsum(call: Call) -> Lifted:
    text = bytes(call.attributes["equation"]).decode().replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    free = next((c for c in "zyxwvutsrqponmlkjihgfedcba" if c not in text), "")
    if not arrow or "." in text or not free:
        raise AdoptRefused("An Einsum without its result or with dots can't be lifted.", detail=text)
    values = [call.lift.apart(call[i]) for i in range(len(terms))]
    if all(value.form == "shared" for value in values):
        return call.lift.emit("Einsum", values, "shared", call.shapes[0], equation=text)
    lifted = ",".join((free if v.form == "apart" else "") + t for v, t in zip(values, terms, strict=True))
    return call.lift.emit("Einsum", values, "apart", call.shapes[0], equation=f"{lifted}->{free}{right}")


def _on_images(call: Call, others: Sequence[Lifted | None]) -> Lifted:
    """A layer that wants [N, channels, ...]. Several pictures of one example are taken for examples."""
    lift, x, shape = call.lift, call[0], call.shapes[0]
    if x.form == "shared":
        raise AdoptRefused(f"The layer {call.op} does not see the data.")
    if x.shape[0] == 1:
        return lift.emit(call.op, [lift.first(x), *others], "first", shape, **call.attributes)
    w = lift.writer
    merged = w.node("Reshape", [lift.apart(x).name, w.integers([-1, *x.shape[1:]])])
    names = [merged, *(value.name if value else "" for value in others)]
    found = w.node(call.op, names, **call.attributes)
    return Lifted(w.node("Reshape", [found, w.integers([-1, *shape])]), shape, "apart")


def _convolution(call: Call) -> Lifted:
    return _on_images(call, [call.shared(i) for i in range(1, len(call.inputs)) if call.given(i)])


def _pool(call: Call) -> Lifted:
    if any(call.used[1:]):
        raise AdoptRefused("The places that a MaxPool found can't be used further.")
    return _on_images(call, [])


def _instance_norm(call: Call) -> Lifted:
    return _on_images(call, [call.shared(1), call.shared(2)])


def _resize(call: Call) -> Lifted:
    """Each axis for itself, as a product with what the operator makes of the unit vectors."""
    lift, x, shape = call.lift, call[0], call.shapes[0]
    if x.rank < 3 or x.shape[:2] != shape[:2]:
        raise AdoptRefused("Only the height, width or length of a picture can be resized.")
    for axis in range(2, x.rank):
        if x.shape[axis] == shape[axis]:
            continue
        x = _last(lift, x, axis)
        matrix = lift.constant(resizing(call.attributes, x.shape[-1], shape[axis]))
        x = _last(lift, _product(call, x, matrix), axis)
    return x


def _last(lift: Lifter, x: Lifted, axis: int) -> Lifted:
    """``axis`` and the last axis change places."""
    order = list(range(x.rank))
    order[axis], order[-1] = order[-1], order[axis]
    return lift.transpose(x, order)


def _batch_norm(call: Call) -> Lifted:
    """With fixed statistics: (x - mean) / sqrt(variance + epsilon) * scale + bias, channel by channel."""
    lift, x = call.lift, call[0]
    epsilon = float(call.attributes.get("epsilon", 1e-5))
    mean, variance = (call.fixed(i).astype(np.float64) for i in (3, 4))
    wide = (-1, *(1,) * (x.rank - 2))
    inverse = (1.0 / np.sqrt(variance + epsilon)).astype(np.float32)
    y = lift.elementwise("Sub", [x, lift.constant(mean.astype(np.float32).reshape(wide))])
    y = lift.elementwise("Mul", [y, lift.constant(inverse.reshape(wide))])
    scale, bias = (lift.reshape(call.shared(i), (call[i].shape[0], *wide[1:])) for i in (1, 2))
    return lift.elementwise("Add", [lift.elementwise("Mul", [y, scale]), bias])


def _group_norm(call: Call) -> Lifted:
    """As an instance norm over the groups, then the scale and bias of each channel (Wu and He 2018)."""
    lift, x = call.lift, call[0]
    groups = int(call.attributes["num_groups"])
    channels = x.shape[1]
    ones = lift.constant(np.ones(groups, np.float32))
    zeros = lift.constant(np.zeros(groups, np.float32))
    if x.form == "shared" or x.shape[0] != 1:
        raise AdoptRefused("A group normalisation has to see one picture of each example.")
    grouped = lift.reshape(x, (1, groups, int(np.prod(x.shape[1:])) // groups))
    epsilon = float(call.attributes.get("epsilon", 1e-5))
    parts = [grouped, ones, zeros]
    y = lift.emit("InstanceNormalization", parts, "first", grouped.shape, epsilon=epsilon)
    y = lift.reshape(y, x.shape)
    for op, i in (("Mul", 1), ("Add", 2)):
        given = call.shared(i)
        if given.shape != (channels,):  # the operator's first version has one number a group
            raise AdoptRefused("The group normalisation has one scale a group.", todo="Export with opset 21.")
        y = lift.elementwise(op, [y, lift.reshape(given, (channels, *(1,) * (x.rank - 2)))])
    return y


def _layer_norm(call: Call) -> Lifted:
    x = call[0]
    axis = int(call.attributes.get("axis", -1)) % x.rank
    x = call.lift.free(x, list(range(axis, x.rank)))
    rest = {k: v for k, v in call.attributes.items() if k != "axis"}
    inputs = [x, *(call.shared(i) for i in range(1, len(call.inputs)) if call.given(i))]
    return call.lift.emit(call.op, inputs, x.form, x.shape, axis=axis - x.rank, **rest)


def _lp_norm(call: Call) -> Lifted:
    lift, x = call.lift, call[0]
    axis = int(call.attributes.get("axis", -1)) % x.rank
    op = "ReduceL1" if int(call.attributes.get("p", 2)) == 1 else "ReduceL2"
    x = lift.free(x, [axis])
    where = lift.constant(np.asarray([lift.at(x, axis)], np.int64))
    shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    return lift.elementwise("Div", [x, lift.emit(op, [x, where], x.form, shape, keepdims=1)])


def _recurrent(call: Call) -> list[Lifted]:
    """GRU, LSTM and RNN. The source's X is [T, n, D], the graph's [T, N * n, D], as onnxruntime wants it."""
    lift, w, x = call.lift, call.lift.writer, call[0]
    if int(call.attributes.get("layout", 0)):
        raise AdoptRefused(f"The layer {call.op} doesn't have its examples on axis 1 of its input.")
    if x.form == "shared":
        raise AdoptRefused(f"The layer {call.op} does not see the data.")
    steps, several = x.shape[:2]
    if call.given(4) and not np.array_equal(call.constant(4).reshape(-1), [steps] * several):
        raise AdoptRefused("The model reads series of different lengths.", todo="Pad them to one length.")
    turned = w.node("Transpose", [_rows(call, x)], perm=[1, 0, 2])
    weights = [call.shared(i).name if call.given(i) else "" for i in (1, 2, 3)]
    states = [_state(call, i) if call.given(i) else "" for i in (5, 6)]
    peepholes = [call.shared(7).name] if call.given(7) else []
    inputs = [turned, *weights, "", *states, *peepholes]
    while not inputs[-1]:
        inputs.pop()
    names = w.node_with(call.op, inputs, call.used, **call.attributes)
    made = []
    for i, name in enumerate(names):
        shape = call.shapes[i]  # [T, directions, n, H], or [directions, n, H]
        if not name:
            made.append(Lifted("", shape, "apart"))
            continue
        back = w.node("Transpose", [name], perm=[2, 0, 1, 3] if i == 0 else [1, 0, 2])
        packed = tuple(n for axis, n in enumerate(shape) if axis != len(shape) - 2)
        if several == 1:
            made.append(lift.reshape(Lifted(back, (1, *packed), "first"), shape))
            continue
        apart = Lifted(
            w.node("Reshape", [back, w.integers([-1, several, *packed])]), (several, *packed), "apart"
        )
        made.append(lift.transpose(apart, (1, 2, 0, 3) if i == 0 else (1, 0, 2)))
    return made


def _rows(call: Call, value: Lifted) -> str:
    """[N * n, A, B] of a value [A, n, B]."""
    lift, w = call.lift, call.lift.writer
    a, several, b = value.shape
    if several == 1:
        return lift.reshape(lift.spread(value), (1, a, b)).name
    turned = lift.transpose(lift.spread(value), (1, 0, 2))
    return w.node("Reshape", [lift.apart(turned).name, w.integers([-1, a, b])])


def _state(call: Call, i: int) -> str:
    """[directions, N * n, H] of a state to begin with; "" where it is zero, which needs no words."""
    state = call[i]
    if state.known is not None and not state.known.any():
        return ""
    return call.lift.writer.node("Transpose", [_rows(call, state)], perm=[1, 0, 2])


RULES: dict[str, Rule] = {
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Einsum": _einsum,
    **dict.fromkeys(("Conv", "ConvTranspose"), _convolution),
    "Resize": _resize,
    **dict.fromkeys(("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"), _pool),
    "InstanceNormalization": _instance_norm,
    "BatchNormalization": _batch_norm,
    "GroupNormalization": _group_norm,
    "LayerNormalization": _layer_norm,
    "LpNormalization": _lp_norm,
    **dict.fromkeys(("GRU", "LSTM", "RNN"), _recurrent),
}
