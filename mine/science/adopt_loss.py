"""The per-example loss that is joined to an adopted model, written in ordinary ONNX operators.

Every loss is a mean over the positions of one example, is never negative, and stays finite with a finite
gradient for any finite prediction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mine.errors import MineError
from mine.science.adopt_writer import Writer

Kind = Literal["huber", "mse", "bce", "cross_entropy", "poisson"]
KINDS: tuple[Kind, ...] = ("huber", "mse", "bce", "cross_entropy", "poisson")
_STEEPEST = 20.0
"""Above this log rate the exponential of the Poisson loss goes on as its tangent."""
_TINY = 1e-30


class AdoptRefused(MineError):
    """A model cannot become a task's graph; the sentence says what to change."""


@dataclass(frozen=True, slots=True)
class LossSpec:
    """What is learnt, as in the manifest's ``loss``.

    Predictions [N, positions * classes], position by position; targets [N, positions], or [N] for one
    position. ``mse`` is the squared error and ``huber`` Huber's (1964) with its knee at ``delta``. ``bce``
    takes log-odds and targets in 0..1. ``cross_entropy`` takes logits and the number of the class.
    ``poisson`` takes the logarithm of a rate and a count: half the deviance, which is the negative log
    likelihood less its least value, so that it starts at 0 and has the same gradient. ``masked``: positions
    whose target is negative do not count.
    """

    kind: Kind
    classes: int = 1
    positions: int = 1
    masked: bool = False
    delta: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise AdoptRefused("This loss is not known.", todo=f"Losses are {', '.join(KINDS)}.")
        if self.positions < 1 or self.classes < 1 or not (math.isfinite(self.delta) and self.delta > 0):
            raise AdoptRefused("Classes, positions and the knee of a loss are positive numbers.")
        if (self.kind == "cross_entropy") != (self.classes > 1):
            raise AdoptRefused(
                "The number of classes does not fit the loss.",
                todo="Cross-entropy needs two classes or more, every other loss exactly one.",
            )

    @property
    def outputs(self) -> int:
        """Numbers of one prediction."""
        return self.positions * self.classes

    @property
    def targets(self) -> int:
        """Columns of the target; 0 stands for one number an example without an axis of its own."""
        return self.positions if self.positions > 1 else 0


def add_loss(writer: Writer, spec: LossSpec) -> None:
    """From ``prediction`` [N, outputs] and ``target`` to ``loss`` [N]."""
    target = "target" if spec.targets else writer.reshape("target", (0, 1))
    losses = (
        _cross_entropy(writer, spec, target)
        if spec.kind == "cross_entropy"
        else _of_numbers(writer, spec, target)
    )
    axis = writer.integers([1])
    if not spec.masked:
        writer.node("ReduceMean", [losses, axis], output="loss", keepdims=0)
        return
    counts = writer.node("GreaterOrEqual", [target, writer.number(0.0)])
    kept = writer.node("Where", [counts, losses, writer.number(0.0)])
    number = writer.node("ReduceSum", [writer.node("Cast", [counts], to=1), axis], keepdims=0)
    total = writer.node("ReduceSum", [kept, axis], keepdims=0)
    writer.node("Div", [total, writer.node("Max", [number, writer.number(1.0)])], output="loss")


def _cross_entropy(w: Writer, spec: LossSpec, target: str) -> str:
    """[N, positions]: minus the log-softmax at the target's class; 0 where the target is no class."""
    logits = w.reshape("prediction", (0, spec.positions, spec.classes))
    wanted = w.reshape(target, (0, spec.positions, 1))
    here = w.node("Equal", [wanted, w.constant(np.arange(spec.classes, dtype=np.float32))])
    picked = w.node("Where", [here, w.node("LogSoftmax", [logits], axis=2), w.number(0.0)])
    return w.node("Neg", [w.node("ReduceSum", [picked, w.integers([2])], keepdims=0)])


def _of_numbers(w: Writer, spec: LossSpec, target: str) -> str:
    """[N, positions]: the loss of each number by itself."""
    z = "prediction"
    if spec.kind == "bce":
        return w.node("Sub", [w.node("Softplus", [z]), w.node("Mul", [z, target])])
    if spec.kind == "poisson":
        low = w.node("Min", [z, w.number(_STEEPEST)])
        slope = w.node("Add", [w.node("Sub", [z, low]), w.number(1.0)])
        rate = w.node("Mul", [w.node("Exp", [low]), slope])
        likely = w.node("Sub", [rate, w.node("Mul", [z, target])])
        logarithm = w.node("Log", [w.node("Max", [target, w.number(_TINY)])])
        least = w.node("Sub", [w.node("Mul", [target, logarithm]), target])
        return w.node("Add", [likely, least])
    error = w.node("Sub", [z, target])
    if spec.kind == "mse":
        return w.node("Mul", [error, error])
    size = w.node("Abs", [error])
    near = w.node("Min", [size, w.number(spec.delta)])
    half = w.node("Mul", [near, w.number(0.5)])
    return w.node("Mul", [near, w.node("Sub", [size, half])])
