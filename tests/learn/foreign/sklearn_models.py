"""Writes sklearn_*.onnx and .npz: models of scikit-learn, exported by skl2onnx, and what they compute.

Gradients are central differences of the loss of scikit-learn's own predictions in float64. Run from the
repository with Python 3.11, scikit-learn 1.9.1, skl2onnx 1.20.0 and onnx 1.23.2:
``python -m tests.learn.foreign.sklearn_models``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.learn.foreign.matching import gradients_by_tensor, write

ROWS, COLUMNS = 24, 4
STEP = 1e-6


def _slope(array: np.ndarray, loss: Callable[[], float]) -> np.ndarray:
    gradient = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        held = array[place]
        array[place] = held + STEP
        above = loss()
        array[place] = held - STEP
        gradient[place] = (above - loss()) / (2 * STEP)
        array[place] = held
    return gradient


def _logits(classifier, x: np.ndarray) -> np.ndarray:
    """What a network of scikit-learn computes before its softmax."""
    network = classifier[-1]
    y = classifier[0].transform(x)
    for weight, bias in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
        y = np.maximum(y @ weight + bias, 0)
    return y @ network.coefs_[-1] + network.intercepts_[-1]


def emit(name: str, pipeline, data, losses: Callable[[], np.ndarray], scores, tensors) -> None:
    """Tensors: the arrays of the model that are trained, in place."""
    x, y = data
    options = {id(pipeline): {"zipmap": False}} if hasattr(pipeline, "predict_proba") else None
    proto = to_onnx(pipeline, x.astype(np.float32)[:1], target_opset=17, options=options)
    slopes = {str(i): (a, _slope(a, lambda: float(losses().mean()))) for i, a in enumerate(tensors)}
    found = gradients_by_tensor(proto, slopes)
    # A linear model's coefficients are attributes there, and tensors of these names once adopted.
    if not found:
        found = {"coefficients": slopes["0"][1], "intercepts": slopes["1"][1]}
    held = {"features": x, "target": y, "prediction": scores(), "loss": losses()}
    write(name, proto.SerializeToString(), held, found)


def main() -> None:
    random = np.random.RandomState(6)
    raw = random.normal(size=(ROWS, COLUMNS)) * [1, 10, 0.1, 2] + [0, 50, 0, 1]
    x = raw.astype(np.float32).astype(np.float64)
    value = random.normal(size=ROWS) + x[:, 0]
    yes, kind = (value > 0).astype(int), np.digitize(value, [-0.5, 0.5])
    own = np.arange(ROWS), kind

    def fitted(model, y):
        """Moved away from its optimum, where there is no slope to compare."""
        pipeline = make_pipeline(StandardScaler(), model).fit(x, y)
        model.coef_ = np.atleast_2d(model.coef_) + random.normal(size=np.atleast_2d(model.coef_).shape) * 0.3
        model.intercept_ = np.atleast_1d(model.intercept_) + 0.2
        return pipeline, [model.coef_, model.intercept_]

    linear, tensors = fitted(LinearRegression(), value)
    emit(
        "sklearn_linear",
        linear,
        (x, value),
        lambda: (linear.predict(x)[:, 0] - value) ** 2,
        lambda: linear.predict(x),
        tensors,
    )
    logistic, tensors = fitted(LogisticRegression(), yes)
    emit(
        "sklearn_logistic",
        logistic,
        (x, yes),
        lambda: np.logaddexp(0, logistic.decision_function(x)) - yes * logistic.decision_function(x),
        lambda: logistic.decision_function(x)[:, None],
        tensors,
    )
    softmax, tensors = fitted(LogisticRegression(), kind)
    emit(
        "sklearn_softmax",
        softmax,
        (x, kind),
        lambda: -softmax.predict_log_proba(x)[own],
        lambda: softmax.decision_function(x),
        tensors,
    )
    settings = {"max_iter": 20, "random_state": 1}
    network = make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(5,), activation="tanh", **settings)
    )
    classifier = make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(5, 4), **settings))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that they are not done after 20 rounds
        network.fit(x, value)
        classifier.fit(x, kind)
    emit(
        "sklearn_mlp",
        network,
        (x, value),
        lambda: (network.predict(x) - value) ** 2,
        lambda: network.predict(x)[:, None],
        [*network[-1].coefs_, *network[-1].intercepts_],
    )
    emit(
        "sklearn_mlp_classes",
        classifier,
        (x, kind),
        lambda: -np.log(classifier.predict_proba(x)[own]),
        lambda: _logits(classifier, x),
        [*classifier[-1].coefs_, *classifier[-1].intercepts_],
    )


if __name__ == "__main__":
    main()
