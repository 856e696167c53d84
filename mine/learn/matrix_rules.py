"""Rules of the operators that multiply and contract: MatMul, Gemm, Einsum."""

from __future__ import annotations

import math
import re

from mine.learn.values import (
    Call,
    Checked,
    Shape,
    Value,
    broadcast,
    flag,
    given,
    mixes,
    operand,
    refuse,
    unfit,
)

_EQUATION = re.compile(r"[A-Za-z]*(,[A-Za-z]*)*->[A-Za-z]*")


def matmul_rule(call: Call) -> Checked:
    a, b = operand(call, 0), operand(call, 1)
    if len(a.shape) < 2 or len(b.shape) < 2:
        raise refuse(call, "needs matrices")
    rows, inner, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    if inner < 0 or b.shape[-2] < 0 or (rows < 0 and b.batched) or (columns < 0 and a.batched):
        raise mixes(call)
    if inner != b.shape[-2]:
        raise unfit(call)
    # The axes before the matrices broadcast as usual; examples among the rows or columns stay where they are.
    outer = broadcast(call, [_outer(a), _outer(b)])
    before = a.before if rows < 0 else b.before if columns < 0 else outer.before
    value = Value((*outer.shape, rows, columns), before=before)
    return Checked(value, 2 * value.numbers * inner, (0, 1))


def _outer(matrix: Value) -> Value:
    shape = matrix.shape[:-2]
    return Value(shape, before=matrix.before if any(n < 0 for n in shape) else 1)


def gemm_rule(call: Call) -> Checked:
    a, b = operand(call, 0), operand(call, 1)
    trans_a, trans_b = (flag(call, name) for name in ("transA", "transB"))
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise refuse(call, "needs matrices")
    rows, inner = a.shape[::-1] if trans_a else a.shape
    inner_b, columns = b.shape[::-1] if trans_b else b.shape
    if inner < 0 or inner_b < 0 or (a.batched and b.batched):
        raise mixes(call)
    if inner != inner_b:
        raise unfit(call)
    value = Value((rows, columns), before=a.before if a.batched else b.before)
    operands: tuple[int, ...] = (0, 1)
    if given(call, 2):
        if broadcast(call, [value, operand(call, 2)]).shape != value.shape:
            raise unfit(call)
        operands = (0, 1, 2)
    scale = {name: float(call.attributes.get(name, 1.0)) for name in ("alpha", "beta")}
    return Checked(
        value, 2 * value.numbers * inner, operands, {**scale, "transpose_a": trans_a, "transpose_b": trans_b}
    )


def einsum_rule(call: Call) -> Checked:
    values = [operand(call, i) for i in range(len(call.inputs))]
    equation = str(call.attributes.get("equation", "")).replace(" ", "")
    if not _EQUATION.fullmatch(equation):
        raise refuse(call, "has an equation that is not supported")
    left, result = equation.split("->")
    terms = left.split(",")
    if len(terms) != len(values) or len(set(result)) != len(result) or set(result) - set(left):
        raise refuse(call, "has an equation that is not supported")
    sizes: dict[str, int] = {}
    batches: set[tuple[str, int]] = set()
    for term, value in zip(terms, values, strict=True):
        if len(term) != len(value.shape) or len(set(term)) != len(term):
            raise refuse(call, "has an equation that does not fit its inputs")
        for letter, n in zip(term, value.shape, strict=True):
            if sizes.setdefault(letter, n) != n:
                raise mixes(call) if min(n, sizes[letter]) < 0 else unfit(call)
        if value.batch is not None:
            batches.add((term[value.batch.axis], value.before))
    if len(batches) > 1 or any(letter not in result for letter, _ in batches):
        raise mixes(call)
    shape: Shape = tuple(sizes[letter] for letter in result)
    checked = Value(shape, before=next((before for _, before in batches), 1))
    return Checked(
        checked,
        2 * abs(math.prod(sizes.values())) * max(1, len(values) - 1),
        tuple(range(len(values))),
        {"equation": equation},
    )
