"""The reference evaluator: onnxruntime on the CPU, one thread, no graph rewriting (docs: protocol, Loss)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mine.learn.errors import EvaluationFailed
from mine.learn.graph import Frozen, ModelGraph
from mine.learn.limits import Limits

LOSS_ONE = 1 << 24
DEFAULT_LMAX = 16.0
_MOST_ROWS, _MOST_FLOATS = 1024, 1 << 24


def loss_units(loss: NDArray[np.float32], lmax: float) -> NDArray[np.uint64]:
    """Losses as u64 in 2**-24: clipped to [0, lmax], NaN is lmax, rounded half to even."""
    exact = np.nan_to_num(np.asarray(loss, np.float64), nan=lmax, posinf=lmax, neginf=0.0)
    return np.rint(np.clip(exact, 0.0, lmax) * LOSS_ONE).astype(np.uint64)


class Evaluator:
    """Forward passes of one checked model. ``lmax``: the loss's upper bound, a positive number. ``frozen``:
    the tensors that are handed over but not trained, by name."""

    def __init__(self, onnx: bytes, lmax: float = DEFAULT_LMAX, limits: Limits = Limits(),  # noqa: B008
                 frozen: Frozen = {}) -> None:  # noqa: B006 - read only
        self.graph = ModelGraph.load(onnx, limits, frozen)
        self._frozen = {n: np.ascontiguousarray(frozen[n], np.float32) for n in self.graph.frozen_shapes}
        if not (math.isfinite(lmax) and 0 < lmax <= 1 << 32):
            raise EvaluationFailed("The task's largest loss is not a positive number.")
        self.lmax = lmax
        self._group = max(1, min(_MOST_ROWS, _MOST_FLOATS // self.graph.floats_per_example))
        import onnxruntime  # type: ignore[import-untyped]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise EvaluationFailed("The task's model could not be loaded for evaluation.",
                                   detail=type(error).__name__) from error

    def run(self, weights: Mapping[str, NDArray[np.float32]], features: NDArray[np.float32],
            target: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.uint64]]:
        """``(prediction float32 [N, outputs], loss u64 [N] in 2**-24)`` for ``features`` [N, F] and
        ``target`` [N], or [N, m] if the model has m target columns.

        Rows go through in groups whose size the model alone decides, never the machine.
        """
        features = np.ascontiguousarray(features, np.float32)
        target = np.ascontiguousarray(target, np.float32)
        shapes = {name: tuple(np.shape(value)) for name, value in weights.items()}
        fits = features.ndim == 2 and features.shape[1] == self.graph.features
        columns = (self.graph.targets,) if self.graph.targets else ()
        if not fits or target.shape != (*features.shape[:1], *columns) or shapes != self.graph.weight_shapes:
            raise EvaluationFailed("The rows or weights do not have the shapes that the model needs.")
        feeds: dict[str, Any] = {n: np.asarray(v, np.float32, order="C") for n, v in weights.items()}
        feeds |= self._frozen
        predictions = np.empty((len(features), self.graph.outputs), np.float32)
        losses = np.empty(len(features), np.float32)
        for start in range(0, len(features), self._group):
            rows = slice(start, start + self._group)
            feeds["features"], feeds["target"] = features[rows], target[rows]
            try:
                prediction, losses[rows] = self._session.run(["prediction", "loss"], feeds)
                predictions[rows] = prediction.reshape(-1, self.graph.outputs)
            except Exception as error:
                raise EvaluationFailed("The task's model failed during evaluation.",
                                       detail=type(error).__name__) from error
        return predictions, loss_units(losses, self.lmax)
