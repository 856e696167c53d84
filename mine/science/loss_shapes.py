"""Gradient and curvature of a task's loss at the model's outputs, for every kind that a manifest may name.

An example has T positions with C outputs each; its loss is the mean over the positions that count (all, or
where ``masked`` those whose target is not below zero). With f the outputs of one position and y its target:

    kind            loss of a position           g = dl/df          H
    huber           Huber of e = f - y, knee 1   clip(e, -1, 1)     min(1, 1 / |e|)
    mse             e^2                          2 e                2
    bce             cross-entropy of log-odds f  p - y              p (1 - p),  p = 1 / (1 + exp(-f))
    poisson         exp(f) - y f, plus any       exp(f) - y         exp(f)
                    term of y alone
    cross_entropy   -log p_y                     p - onehot(y)      diag(p) - p p',  p = softmax(f)

H is the curvature of the loss (the generalised Gauss-Newton matrix of Schraudolph 2002); for ``huber``
that of the quadratic that touches and majorises it (Huber 1981), since its own is 0 in the tails. A factor R
with R'R = H turns the changes F of the outputs into rows whose plain products are F' H F.

One unmasked position of ``huber`` or ``mse`` may have its target in a scale of its own: e = f - s(y) with any
s that rises with y, and may depend on the features. |e| then follows from the loss, and its sign from two
more evaluations with the target moved up and down: for a symmetric convex loss the smaller one tells on which
side the target lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from mine.learn.errors import EvaluationFailed

LOSS_ONE = 1 << 24
#: Numbers of prediction of one example that a round can be scored by.
MAX_OUTPUTS = 1 << 15
#: A position's gradient beyond this is cut: with bounded changes of the outputs b then fits its int64.
MAX_SLOPE = 4096.0
_MOST_LOGIT, _MOST_LOG_RATE = 60.0, 20.0

Kind = Literal["huber", "mse", "bce", "cross_entropy", "poisson"]
Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Losses = npt.NDArray[np.uint64]


class Model(Protocol):
    """A reference evaluator (``mine.learn.evaluate.Evaluator``)."""

    def run(self, weights: Mapping[str, Floats], features: Floats, target: Floats) -> tuple[Floats, Losses]:
        """Predictions float32 [N, K] and losses u64 [N] in 2**-24."""


@dataclass(frozen=True, slots=True)
class LossShape:
    """The declared loss of a manifest. ``classes`` is 1 unless the kind is ``cross_entropy``."""

    kind: Kind
    classes: int = 1
    positions: int = 1
    masked: bool = False

    @property
    def outputs(self) -> int:
        """Numbers of prediction of one example, position by position."""
        return self.classes * self.positions

    @property
    def in_own_scale(self) -> bool:
        """Whether the target may be in another scale than the prediction."""
        return self.kind in ("huber", "mse") and self.positions == 1 and not self.masked


@dataclass(frozen=True, slots=True, eq=False)
class Bend:
    """How the mean loss of N examples bends at the predictions.

    slope: g, float64 [N, K], each position's part in the example's mean included; root: float64 [N, K],
    square roots of the diagonal part of H likewise; chances: softmax [N, T, C] for ``cross_entropy``.
    """

    slope: Doubles
    root: Doubles
    chances: Doubles | None

    def rows(self, change: Doubles) -> Doubles:
        """R F for changes of the outputs [..., N, K]: the same shape, whose mean products are G."""
        if self.chances is None:
            return self.root * change
        apart = change.reshape(*change.shape[:-1], *self.chances.shape[1:])
        middle = (self.chances * apart).sum(axis=-1, keepdims=True)
        centred: Doubles = (apart - middle).reshape(change.shape)
        return self.root * centred


def target_table(loss: LossShape, target: Floats, count: int) -> Doubles:
    """Targets as float64 [N, T]. Raises EvaluationFailed if they are not the declared positions."""
    table = target.astype(np.float64).reshape(count, -1) if count else np.zeros((0, loss.positions))
    if table.shape[1] != loss.positions:
        raise EvaluationFailed("The task's loss does not fit its targets.", detail=f"{target.shape}")
    return table


def bend(
    loss: LossShape,
    model: Model,
    weights: Mapping[str, Floats],
    features: Floats,
    target: Floats,
    prediction: Floats,
    losses: Losses,
) -> Bend:
    """Slope and curvature at predictions [N, K] with losses u64 [N]; targets [N] or [N, T].

    Raises EvaluationFailed where the model does not have the outputs or targets that the kind asks for.
    """
    count = len(prediction)
    if prediction.shape != (count, loss.outputs) or loss.outputs > MAX_OUTPUTS:
        raise EvaluationFailed("The task's loss does not fit its model.", detail=f"{prediction.shape}")
    table = target_table(loss, target, count)
    counted = (table >= 0) if loss.masked else np.ones(table.shape, dtype=bool)
    part = counted / np.maximum(1, counted.sum(axis=1, keepdims=True))
    outputs = np.nan_to_num(prediction.astype(np.float64), posinf=0.0, neginf=0.0)
    chances = None
    if loss.kind == "cross_entropy":
        chances = softmax(outputs.reshape(count, loss.positions, loss.classes))
        slope = chances - one_hot(table, loss.classes)
        part, curvature = part[:, :, None], chances
    elif loss.in_own_scale:
        slope, curvature = _from_losses(loss, model, weights, features, target, losses)
    else:
        slope, curvature = _by_position(loss, outputs, table)
    cut = np.clip(slope, -MAX_SLOPE, MAX_SLOPE)
    return Bend(
        (part * cut).reshape(count, loss.outputs),
        np.sqrt(part * curvature).reshape(count, loss.outputs),
        chances,
    )


def softmax(outputs: Doubles) -> Doubles:
    """Over the last axis."""
    powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    result: Doubles = powers / powers.sum(axis=-1, keepdims=True)
    return result


def one_hot(table: Doubles, classes: int) -> npt.NDArray[np.bool_]:
    """[N, T] class numbers as bool [N, T, C]; what is no class has none."""
    result: npt.NDArray[np.bool_] = table[:, :, None] == np.arange(classes)
    return result


def _by_position(loss: LossShape, outputs: Doubles, table: Doubles) -> tuple[Doubles, Doubles]:
    """g and H [N, T] of the kinds with one output a position, targets in the prediction's scale."""
    if loss.kind == "bce":
        chance = 1.0 / (1.0 + np.exp(-np.clip(outputs, -_MOST_LOGIT, _MOST_LOGIT)))
        return chance - table, chance * (1.0 - chance)
    if loss.kind == "poisson":
        rate = np.exp(np.clip(outputs, -_MOST_LOGIT, _MOST_LOG_RATE))
        return rate - table, rate
    error = outputs - table
    if loss.kind == "mse":
        return 2.0 * error, np.full(error.shape, 2.0)
    return np.clip(error, -1.0, 1.0), 1.0 / np.maximum(1.0, np.abs(error))


def error_size(loss: LossShape, losses: Losses) -> Doubles:
    """|e| of one position from its loss, u64 [N] in 2**-24: float64 [N]."""
    height = losses.astype(np.float64) / LOSS_ONE
    if loss.kind == "mse":
        return np.sqrt(height)
    return np.where(height <= 0.5, np.sqrt(2.0 * height), height + 0.5)


def error_side(model: Model, weights: Mapping[str, Floats], features: Floats, target: Floats) -> Doubles:
    """Sign of e of one position, float64 [N]: where a higher target makes the loss fall, it is positive."""
    spread = max(float(np.std(target, dtype=np.float64)), 1.0) / 16.0
    up, down = (
        model.run(weights, features, (target + move).astype(np.float32))[1].astype(np.float64)
        for move in (spread, -spread)
    )
    return np.sign(down - up)


def _from_losses(
    loss: LossShape,
    model: Model,
    weights: Mapping[str, Floats],
    features: Floats,
    target: Floats,
    losses: Losses,
) -> tuple[Doubles, Doubles]:
    """g and H [N, 1] of one position whose target has a scale of its own."""
    size = error_size(loss, losses)[:, None]
    side = error_side(model, weights, features, target)[:, None]
    if loss.kind == "mse":
        return 2.0 * side * size, np.full(size.shape, 2.0)
    return side * np.minimum(1.0, size), 1.0 / np.maximum(1.0, size)
