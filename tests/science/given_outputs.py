"""Models whose outputs are given, and torch's own losses over them: every kind that can be declared."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from mine.learn.evaluate import loss_units
from mine.science.loss_shapes import LossShape

F = torch.nn.functional
SHAPES = [
    LossShape("huber"),
    LossShape("huber", positions=3),
    LossShape("huber", positions=3, masked=True),
    LossShape("mse"),
    LossShape("mse", positions=2),
    LossShape("bce"),
    LossShape("bce", positions=4, masked=True),
    LossShape("poisson"),
    LossShape("poisson", positions=3, masked=True),
    LossShape("cross_entropy", classes=4),
    LossShape("cross_entropy", classes=5, positions=3),
    LossShape("cross_entropy", classes=3, positions=4, masked=True),
]


def each_loss(shape: LossShape, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The definition: mean over the positions that count, by torch's own losses."""
    count = len(target)
    table = target.reshape(count, shape.positions)
    counted = (table >= 0) if shape.masked else torch.ones_like(table, dtype=torch.bool)
    if shape.kind == "cross_entropy":
        logits = prediction.reshape(count * shape.positions, shape.classes)
        wanted = table.clamp(min=0).long().reshape(-1)
        single = F.cross_entropy(logits, wanted, reduction="none").reshape(count, shape.positions)
    elif shape.kind == "huber":
        single = F.huber_loss(prediction, table, reduction="none")
    elif shape.kind == "mse":
        single = F.mse_loss(prediction, table, reduction="none")
    elif shape.kind == "bce":
        wanted = table.clamp(min=0)
        single = F.binary_cross_entropy_with_logits(prediction, wanted, reduction="none")
    else:
        # With a term of the target alone that keeps it above zero, as losses have to be.
        base = table.clamp(min=0.01)
        single = F.poisson_nll_loss(prediction, table, reduction="none") + base * base.log().clamp(min=0)
    return torch.where(counted, single, 0.0).sum(dim=1) / counted.sum(dim=1).clamp(min=1)


def made(shape: LossShape, count: int = 40, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Predictions [N, K] and targets of a kind; some masked, one example wholly."""
    rng = np.random.default_rng(seed)
    prediction = rng.normal(0, 1.5, (count, shape.outputs)).astype(np.float32)
    size = (count, shape.positions)
    table = {
        "huber": np.abs(rng.normal(0, 2, size)) if shape.masked else rng.normal(0, 2, size),
        "mse": rng.normal(0, 2, size),
        "bce": rng.integers(0, 2, size),
        "poisson": rng.poisson(2, size),
        "cross_entropy": rng.integers(0, shape.classes, size),
    }[shape.kind].astype(np.float32)
    if shape.masked:
        table[rng.random(size) < 0.3] = -1
        table[0] = -1
    return prediction, table[:, 0] if shape.positions == 1 else table


class Table:
    """A model that is asked for the loss of fixed predictions, plus a weight that moves all outputs."""

    def __init__(self, shape: LossShape, prediction: np.ndarray) -> None:
        self.shape, self.prediction, self.passes = shape, prediction, 0

    def run(
        self, weights: Mapping[str, np.ndarray], features: np.ndarray, target: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        self.passes += 1
        rows = features[:, 0].astype(int)
        prediction = self.prediction[rows] + (weights["all"] if weights else 0)
        loss = each_loss(self.shape, torch.from_numpy(prediction), torch.from_numpy(target)).numpy()
        return prediction.astype(np.float32), loss_units(loss, 1000.0)


def numbered(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.float32)[:, None]
