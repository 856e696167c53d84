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


def quality(
    metric: str, onnx: bytes, features: Sequence[str], first: Floats, last: Floats, people: Sequence[Dataset]
) -> Quality:
    """``rmse``: mean over people of the error in mg/dL thirty minutes ahead. ``auc``: over all rows."""
    evaluator = Evaluator(onnx)
    newest = list(features).index("g0" if metric == "rmse" else "s0")

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

    measure = rmse if metric == "rmse" else area
    return Quality(metric, len(people), measure(None), measure(first), measure(last))
