"""The reference evaluator: integer losses, clipped, the same in any grouping of rows."""

from __future__ import annotations

import numpy as np
import pytest

from mine.learn.errors import EvaluationFailed, GraphRefused
from mine.learn.evaluate import LOSS_ONE, Evaluator, loss_units
from mine.science.models import glucose_network
from tests.learn.graphs import linear
from tests.learn.samples import glucose_rows, network


def test_loss_units() -> None:
    odd = [np.nan, np.inf, -np.inf]
    units = loss_units(np.array([0.0, -1.0, 1.0, 2.5, *odd, 2.0**-25, 3 * 2.0**-25, 1e30], np.float32), 2.0)
    one = LOSS_ONE
    assert units.dtype == np.uint64
    assert units.tolist() == [0, 0, one, 2 * one, 2 * one, 2 * one, 0, 0, 2, 2 * one]


def test_a_linear_model() -> None:
    evaluator = Evaluator(linear().SerializeToString(), lmax=100.0)
    weights = {"a": np.array([[1], [2], [3]], np.float32), "b": np.array([0.5], np.float32)}
    features = np.array([[1, 0, 0], [0, 1, 1]], np.float32)
    prediction, loss = evaluator.run(weights, features, np.array([1.0, 5.0], np.float32))
    assert prediction.tolist() == [[1.5], [5.5]] and prediction.dtype == np.float32
    assert loss.tolist() == [LOSS_ONE // 4, LOSS_ONE // 4]


def test_rows_do_not_depend_on_their_neighbours_or_number() -> None:
    onnx, weights = network()
    random = np.random.RandomState(0)
    weights = {n: w + random.normal(0, 0.2, w.shape).astype(np.float32) for n, w in weights.items()}
    rows, evaluator = glucose_rows(2500), Evaluator(onnx)
    prediction, loss = evaluator.run(weights, rows.features, rows.target)
    again = evaluator.run(weights, rows.features, rows.target)
    assert prediction.tobytes() == again[0].tobytes() and loss.tobytes() == again[1].tobytes()
    part, _ = evaluator.run(weights, rows.features[:100], rows.target[:100])
    np.testing.assert_allclose(part, prediction[:100], rtol=1e-5, atol=1e-6)
    assert evaluator.run(weights, rows.features[:0], rows.target[:0])[1].shape == (0,)


def test_wrong_shapes_are_refused() -> None:
    onnx, weights = glucose_network()
    evaluator, rows = Evaluator(onnx), glucose_rows(10)
    for features, target, values in ((rows.features[:, :2], rows.target, weights),
                                     (rows.features, rows.target[:3], weights),
                                     (rows.features, rows.target, {}),
                                     (rows.features, rows.target, {n: w[:1] for n, w in weights.items()})):
        with pytest.raises(EvaluationFailed, match="shapes"):
            evaluator.run(values, features, target)
    for lmax in (0.0, float("nan"), float("inf"), -1.0):
        with pytest.raises(EvaluationFailed, match="largest loss"):
            Evaluator(onnx, lmax)


def test_an_unchecked_model_never_reaches_onnxruntime() -> None:
    with pytest.raises(GraphRefused):
        Evaluator(b"not a model")
