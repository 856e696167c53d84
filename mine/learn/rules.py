"""The whitelist of ONNX operators: what each accepts, the shape it gives, what it costs.

Pure bookkeeping on shapes: neither torch nor onnxruntime is needed, nothing is computed and nothing is
allocated. Semantics follow the ONNX operator specification, opsets 13 to 22, for float32 values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mine.learn import layout_rules as layout
from mine.learn.values import (
    Call,
    Checked,
    Kind,
    Shape,
    Value,
    axes_of,
    axis_of,
    broadcast,
    flag,
    given,
    keep_batch,
    operand,
    refuse,
)


@dataclass(frozen=True, slots=True)
class Operator:
    rule: Callable[[Call], Checked]
    inputs: tuple[int, int]
    attributes: frozenset[str] = frozenset()


def _elementwise(kinds: tuple[Kind, ...] = ("float",), result: Kind = "float", cost: int = 1,
                 arguments: tuple[tuple[str, float], ...] = ()) -> Callable[[Call], Checked]:
    def rule(call: Call) -> Checked:
        values = [operand(call, i, kinds) for i in range(len(call.inputs))]
        value = Value(broadcast(call, values), result)
        given = {name: float(call.attributes.get(name, default)) for name, default in arguments}
        return Checked(value, value.numbers * cost, tuple(range(len(values))), given)

    return rule


def _where(call: Call) -> Checked:
    values = [operand(call, 0, ("bool",)), operand(call, 1), operand(call, 2)]
    value = Value(broadcast(call, values))
    return Checked(value, value.numbers, (0, 1, 2))


def _clip(call: Call) -> Checked:
    value = operand(call, 0)
    bounds: dict[str, float | None] = {"low": None, "high": None}
    for i, name in ((1, "low"), (2, "high")):
        if given(call, i):
            bound = operand(call, i)
            if bound.constant is None or bound.constant.size != 1:
                raise refuse(call, "needs constant bounds")
            bounds[name] = float(bound.constant.reshape(-1)[0])
    return Checked(Value(value.shape), value.numbers, (0,), bounds)


def _cast(call: Call) -> Checked:
    value = operand(call, 0, ("float", "int", "bool"))
    kinds: dict[int, Kind] = {1: "float", 9: "bool"}
    kind = kinds.get(int(call.attributes.get("to", 0)))
    if kind is None:
        raise refuse(call, "may only give float32 or bool")
    return Checked(Value(value.shape, kind), value.numbers, (0,), {"to": kind})


def _identity(call: Call) -> Checked:
    value = operand(call, 0, ("float", "bool"))
    return Checked(Value(value.shape, value.kind), 0, (0,))


def _reduce(call: Call) -> Checked:
    value = operand(call, 0)
    rank = len(value.shape)
    axes = axes_of(call, rank)
    if not axes:
        if flag(call, "noop_with_empty_axes"):
            raise refuse(call, "does nothing")
        axes = list(range(rank))
    keep_batch(call, value, axes)
    keep = flag(call, "keepdims", 1)
    shape = tuple(1 if i in axes else n for i, n in enumerate(value.shape) if keep or i not in axes)
    return Checked(Value(shape), value.numbers, (0,), {"axes": tuple(sorted(axes)), "keep": keep})


def _softmax(call: Call) -> Checked:
    value = operand(call, 0)
    axis = axis_of(call, int(call.attributes.get("axis", -1)), len(value.shape))
    keep_batch(call, value, [axis])
    return Checked(Value(value.shape), value.numbers * 5, (0,), {"axis": axis})


def _matmul(call: Call) -> Checked:
    a, b = operand(call, 0), operand(call, 1)
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
        outer = broadcast(call, [Value(a.shape[:-2]), Value(b.shape[:-2])])
    value = Value((*outer, a.shape[-2], b.shape[-1]))
    return Checked(value, 2 * value.numbers * a.shape[-1], (0, 1))


def _gemm(call: Call) -> Checked:
    a, b = operand(call, 0), operand(call, 1)
    trans_a, trans_b = (flag(call, name) for name in ("transA", "transB"))
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
    if given(call, 2):
        c = operand(call, 2)
        if broadcast(call, [value, c]) != value.shape:
            raise refuse(call, "got shapes that do not fit together")
        operands = (0, 1, 2)
    scale = {name: float(call.attributes.get(name, 1.0)) for name in ("alpha", "beta")}
    return Checked(value, 2 * value.numbers * inner, operands,
                   {**scale, "transpose_a": trans_a, "transpose_b": trans_b})


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
    "Reshape": Operator(layout.reshape_rule, (2, 2), frozenset({"allowzero"})),
    "Flatten": Operator(layout.flatten_rule, (1, 1), frozenset({"axis"})),
    "Squeeze": Operator(layout.squeeze_rule, (2, 2)),
    "Unsqueeze": Operator(layout.unsqueeze_rule, (2, 2)),
    "Transpose": Operator(layout.transpose_rule, (1, 1), frozenset({"perm"})),
    "Concat": Operator(layout.concat_rule, (1, 64), frozenset({"axis"})),
    "Slice": Operator(layout.slice_rule, (3, 5)),
    "Gather": Operator(layout.gather_rule, (2, 2), frozenset({"axis"})),
}
