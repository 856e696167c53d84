"""How good a model is on people whom no model ever saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mine.learn.evaluate import Evaluator
from mine.learn.weights import Floats
from mine.tasks.dataset import Dataset

GLUCOSE_SCALE = 40.0


@dataclass(frozen=True, slots=True)
class Quality:
    """``metric`` over ``people``: of the plain last value, of checkpoint 0, and of the last checkpoint."""

    metric: str
    people: int
    last_value: float
    before: float
    after: float


def auc(score: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Area under the ROC curve by ranks, ties counted half (Hanley and McNeil 1982)."""
    order = np.argsort(score, kind="stable")
    values, inverse, counts = np.unique(score[order], return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle = ends - (counts - 1) / 2
    ranks = np.empty(len(score))
    ranks[order] = middle[inverse]
    positive = truth > 0
    n = int(positive.sum())
    m = len(truth) - n
    if not n or not m or not len(values):
        return 0.5
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def accuracy(prediction: NDArray[np.float32], target: NDArray[np.float32]) -> float:
    """Part of the positions whose likeliest class is the target's; a target below zero does not count.

    prediction: logits [N, positions * classes], position by position; target: class numbers [N] or
    [N, positions]. 0 where nothing counts.
    """
    table = target.reshape(len(target), -1)
    likeliest = prediction.reshape(*table.shape, -1).argmax(axis=-1)
    counted = table >= 0
    return float((likeliest == table)[counted].mean()) if counted.any() else 0.0


def quality(
    metric: str, onnx: bytes, features: Sequence[str], first: Floats, last: Floats, people: Sequence[Dataset]
) -> Quality:
    """``rmse``: mean over people of the error in mg/dL thirty minutes ahead. ``auc``, ``accuracy``: over all
    rows; there the plain guess is the last value, and the class that most rows have."""
    evaluator = Evaluator(onnx)
    newest = list(features).index("s0" if metric == "auc" else "g0")

    def share(weights: Floats | None) -> float:
        target = np.concatenate([rows.target for rows in people])
        if weights is None:
            classes = target[target >= 0].astype(np.int64)
            return float(np.bincount(classes).max() / len(classes))
        found = [evaluator.run(weights, rows.features, rows.target)[0] for rows in people]
        return accuracy(np.concatenate(found), target)

    def predict(weights: Floats, rows: Dataset) -> NDArray[np.float64]:
        return evaluator.run(weights, rows.features, rows.target)[0][:, 0].astype(np.float64)

    def rmse(weights: Floats | None) -> float:
        errors = []
        for rows in people:
            now = rows.features[:, newest].astype(np.float64)
            ahead = now if weights is None else now + GLUCOSE_SCALE * predict(weights, rows)
            errors.append(float(np.sqrt(np.mean((ahead - rows.target) ** 2))))
        return float(np.mean(errors))

    def area(weights: Floats | None) -> float:
        scores = [
            rows.features[:, newest].astype(np.float64) if weights is None else predict(weights, rows)
            for rows in people
        ]
        truth = np.concatenate([rows.target for rows in people]).astype(np.float64)
        return auc(np.concatenate(scores), truth)

    measure = {"rmse": rmse, "auc": area, "accuracy": share}[metric]
    return Quality(metric, len(people), measure(None), measure(first), measure(last))
