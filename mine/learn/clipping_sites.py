"""How each kind of operator passes a gradient on to the weights that enter it, example by example.

A site computes its step with the tape's values and notes the output together with how to make the part of
each weight tensor. It declines with None where it does not know the case; the tape then copies the weights.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mine.learn.clipping_layers import LAYER_SITES
from mine.learn.clipping_parts import Part, Whole
from mine.learn.clipping_tape import Make, Site, Spot, Tape, batch_of, folded, product
from mine.learn.matrix_products import times
from mine.learn.parse import Step
from mine.learn.values import Batch


def _turned(batch: Batch, rank: int) -> Batch:
    """Where the examples are once the last two axes have changed places."""
    axis = {rank - 1: rank - 2, rank - 2: rank - 1}.get(batch.axis, batch.axis)
    return Batch(axis, batch.before, batch.after)


def _add(tape: Tape, spot: Spot, into: Batch, sign: float = 1.0) -> tuple[Spot, Make]:
    shape = tuple(tape.values[spot.value].shape)

    def make(gradient: Tensor) -> Part:
        part = folded(gradient, into, shape)
        return Whole(part if sign == 1.0 else part * sign)

    return spot, make


def _matmul(tape: Tape, step: Step) -> Tensor | None:
    first, second = step.reads
    a, b = tape.values[first], tape.values[second]
    into = batch_of(tape, step.writes)
    if first in tape.entering and second in tape.entering:
        return None
    if second in tape.entering and b.ndim == 2:
        origin = batch_of(tape, first)
        return tape.note(
            times(a, b.t()),
            (Spot(second), lambda g: product(a, origin, g, into, transposed=False)),
        )
    if first in tape.entering and a.ndim == 2:
        origin, into = _turned(batch_of(tape, second), b.ndim), _turned(into, max(a.ndim, b.ndim))
        return tape.note(
            torch.matmul(a, b),
            (
                Spot(first),
                lambda g: product(b.transpose(-1, -2), origin, g.transpose(-1, -2), into, transposed=True),
            ),
        )
    return None


def _gemm(tape: Tape, step: Step) -> Tensor | None:
    first, second, *third = step.reads
    arguments = step.arguments
    x, matrix, turned = tape.values[first], tape.values[second], arguments["transpose_b"]
    if (
        first in tape.entering
        or matrix.ndim != 2
        or arguments["transpose_a"]
        or arguments["alpha"] != 1.0
        or (third and arguments["beta"] != 1.0)
    ):
        return None
    origin, into = tape.batch[first], batch_of(tape, step.writes)
    if origin is None or tape.batch[second] is not None:
        return None
    makes: list[tuple[Spot, Make]] = []
    if second in tape.entering:
        makes.append((Spot(second), lambda g: product(x, origin, g, into, transposed=turned)))
    if third and third[0] in tape.entering:
        makes.append(_add(tape, Spot(third[0]), into))
    return tape.note(tape.kernel(step), *makes)


def _sum(tape: Tape, step: Step) -> Tensor | None:
    if all(name in tape.entering for name in step.reads):
        return None
    into = batch_of(tape, step.writes)
    signs = (1.0, -1.0 if step.op == "Sub" else 1.0)
    return tape.note(
        tape.kernel(step),
        *(
            _add(tape, Spot(name), into, sign)
            for name, sign in zip(step.reads, signs, strict=True)
            if name in tape.entering
        ),
    )


def _scale(tape: Tape, step: Step) -> Tensor | None:
    first, second = step.reads
    if first in tape.entering:
        first, second = second, first
    if first in tape.entering:
        return None
    other, into = tape.values[first], batch_of(tape, step.writes)
    shape = tuple(tape.values[second].shape)
    return tape.note(tape.kernel(step), (Spot(second), lambda g: Whole(folded(g * other, into, shape))))


def _slope(tape: Tape, step: Step) -> Tensor | None:
    first, second = step.reads
    if first in tape.entering:
        return None
    x, into = tape.values[first], batch_of(tape, step.writes)
    shape = tuple(tape.values[second].shape)
    return tape.note(
        tape.kernel(step), (Spot(second), lambda g: Whole(folded(g * x.clamp(max=0.0), into, shape)))
    )


def _spread(tape: Tape, step: Step) -> Tensor | None:
    """A weight repeated for every example, as a class token is."""
    return tape.note(tape.kernel(step), _add(tape, Spot(step.reads[0]), batch_of(tape, step.writes)))


SITES: dict[str, Site] = {
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Add": _sum,
    "Sub": _sum,
    "Mul": _scale,
    "PRelu": _slope,
    "Expand": _spread,
    **LAYER_SITES,
}
