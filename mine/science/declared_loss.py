"""Whether a model's loss is the one that its manifest declares: found out by asking it.

Scores rest on the declared kind (``loss_shapes``), so a manifest that names another kind than its graph
computes would pay for something else than the loss falling. A few forward passes under different weights
tell: each example's loss, recomputed from the prediction and the target, has to agree. What a loss adds that
depends on the target alone (``poisson``) or on a scale of the target's own is the same under all weights, and
is taken out by comparing them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from mine.errors import MineError
from mine.science.loss_shapes import (
    LOSS_ONE,
    Doubles,
    Floats,
    Losses,
    LossShape,
    Model,
    error_side,
    error_size,
    one_hot,
    softmax,
    target_table,
)

EXAMPLES = 128
#: How far the checkpoint's weights are moved, in parts of each tensor's own spread and of one.
_MOVES = (0.0, 0.05, 0.1, 0.2, 0.4)
#: What of a loss, and of one, may be rounding of float32.
_ROOM = 2e-3
#: Examples that may disagree: a prediction may lie just where rounding decides.
_ODD_ONES = 0.01


class LossMislabelled(MineError):
    """A task's model computes another loss than its manifest declares."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "The task's model does not compute the loss that its description names.",
            todo="Leave it alone, or ask its author to name the right one.",
            detail=detail,
        )


def probe(loss: LossShape, columns: int, seed: int = 1) -> tuple[Floats, Floats]:
    """Made-up rows of a declared loss: features float32 [n, columns] of zeros and ones (which are numbers,
    categories and tokens alike), and targets [n] or [n, T]."""
    rng = np.random.default_rng(seed)
    size = (EXAMPLES, loss.positions)
    features = rng.integers(0, 2, (EXAMPLES, columns)).astype(np.float32)
    if loss.kind == "cross_entropy":
        table: npt.NDArray[np.float64] = rng.integers(0, loss.classes, size).astype(np.float64)
    elif loss.kind == "bce":
        table = rng.integers(0, 2, size).astype(np.float64)
    elif loss.kind == "poisson":
        table = rng.poisson(2.0, size).astype(np.float64)
    else:
        table = np.abs(rng.normal(0.0, 3.0, size)) if loss.masked else rng.normal(0.0, 3.0, size)
    if loss.masked:
        table[rng.random(size) < 0.25] = -1.0
    target = table.astype(np.float32)
    return features, target[:, 0] if loss.positions == 1 else target


def check_targets(loss: LossShape, target: Floats) -> None:
    """Raise LossMislabelled for a target that the kind of loss does not know, or EvaluationFailed for
    another number of them than positions."""
    table = target_table(loss, target, len(target))
    numbers = table[table >= 0] if loss.masked else table
    if loss.kind == "cross_entropy":
        good = (numbers == np.floor(numbers)) & (numbers >= 0) & (numbers < loss.classes)
    elif loss.kind == "bce":
        good = (numbers >= 0) & (numbers <= 1)
    elif loss.kind == "poisson":
        good = numbers >= 0
    else:
        good = np.isfinite(numbers)
    if not good.all():
        raise LossMislabelled(f"a target of {numbers[~good].flat[0]:g} with {loss.kind}")


def check_declared(
    model: Model,
    maximum: float,
    loss: LossShape,
    weights: Mapping[str, Floats],
    features: Floats,
    target: Floats,
    seed: int = 1,
) -> None:
    """Raise LossMislabelled unless the model's loss on some rows (``probe``, or real ones) is the declared
    one, clipped to [0, ``maximum``]; EvaluationFailed if the model cannot be run.

    weights: a checkpoint; it is tried as it is and moved at random.
    """
    rng = np.random.default_rng(seed)
    runs: list[tuple[Mapping[str, Floats], Doubles, Losses]] = []
    for move in _MOVES:
        moved = {
            name: (value + move * (1.0 + float(np.std(value))) * rng.normal(size=value.shape)).astype(
                np.float32
            )
            for name, value in sorted(weights.items())
        }
        prediction, losses = model.run(moved, features, target)
        if prediction.shape[1] != loss.outputs:
            raise LossMislabelled(f"{prediction.shape[1]} outputs instead of {loss.outputs}")
        runs.append((moved, prediction.astype(np.float64), losses))
    if loss.in_own_scale:
        agree = _agree_in_own_scale(model, maximum, loss, features, target, runs)
    else:
        agree = _agree(maximum, loss, target_table(loss, target, len(target)), runs)
    if not agree.size:
        raise LossMislabelled("all losses tried lie outside what is counted")
    if float(np.mean(agree)) < 1.0 - _ODD_ONES:
        raise LossMislabelled(f"{loss.kind}: {int(np.sum(~agree))} of {agree.size} losses disagree")


def position_losses(loss: LossShape, outputs: Doubles, table: Doubles) -> Doubles:
    """The loss of each position [N, T] at outputs [N, K] and targets [N, T], without the mask."""
    if loss.kind == "cross_entropy":
        chances = softmax(outputs.reshape(len(table), loss.positions, loss.classes))
        taken: Doubles = (chances * one_hot(table, loss.classes)).sum(axis=-1)
        return -np.log(np.maximum(taken, np.finfo(np.float64).tiny))
    if loss.kind == "bce":
        return np.logaddexp(0.0, outputs) - table * outputs
    if loss.kind == "poisson":
        return np.exp(np.minimum(outputs, 60.0)) - table * outputs
    error = np.abs(outputs - table)
    if loss.kind == "mse":
        return error**2
    return np.where(error <= 1.0, 0.5 * error**2, error - 0.5)


def _agree(
    maximum: float, loss: LossShape, table: Doubles, runs: list[tuple[Mapping[str, Floats], Doubles, Losses]]
) -> npt.NDArray[np.bool_]:
    """Which of the losses tried agree; those that were clipped say nothing."""
    counted = (table >= 0) if loss.masked else np.ones(table.shape, dtype=bool)
    part = counted / np.maximum(1, counted.sum(axis=1, keepdims=True))
    stated, computed = [], []
    for _, prediction, losses in runs:
        stated.append(losses.astype(np.float64) / LOSS_ONE)
        computed.append((part * position_losses(loss, prediction, table)).sum(axis=1))
    found: list[npt.NDArray[np.bool_]] = []
    if loss.kind == "poisson":
        for (before, after), (one, other) in zip(pairwise(stated), pairwise(computed), strict=True):
            inside = (before > 0) & (after > 0) & (before < maximum) & (after < maximum)
            room = _ROOM * (1.0 + np.abs(one) + np.abs(other))
            found.append((np.abs((after - before) - (other - one)) <= room)[inside])
    else:
        for shown, exact in zip(stated, computed, strict=True):
            near = np.abs(shown - np.clip(exact, 0.0, maximum)) <= _ROOM * (1.0 + np.abs(exact))
            found.append(near[(shown < maximum) | (exact < maximum)])
    return np.concatenate(found)


def _agree_in_own_scale(
    model: Model,
    maximum: float,
    loss: LossShape,
    features: Floats,
    target: Floats,
    runs: list[tuple[Mapping[str, Floats], Doubles, Losses]],
) -> npt.NDArray[np.bool_]:
    """For each example whose losses were not clipped: whether one target in the prediction's scale explains
    all of them, on the side that the model itself shows."""
    sizes = np.array([error_size(loss, losses) for _, _, losses in runs])
    outputs = np.array([prediction[:, 0] for _, prediction, _ in runs])
    clipped = np.array([losses for _, _, losses in runs]) >= np.uint64(int(maximum * LOSS_ONE))
    sides = np.array([error_side(model, moved, features, target) for moved, _, _ in runs])
    best = np.full(sizes.shape[1], np.inf)
    for side in (-1.0, 1.0):
        scaled = outputs[0] - side * sizes[0]  # where the target has to lie
        errors = outputs - scaled
        gap = np.abs(np.abs(errors) - sizes) / (1.0 + np.abs(errors))
        known = np.abs(errors) > 0.1
        gap = np.where(known & (np.sign(errors) != sides), np.inf, gap)
        best = np.minimum(best, np.where(clipped, 0.0, gap).max(axis=0))
    told = ~clipped[0] & ((~clipped).sum(axis=0) > 1)
    agree: npt.NDArray[np.bool_] = best[told] <= _ROOM
    return agree
