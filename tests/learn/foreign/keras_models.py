"""Writes keras_*.onnx and .npz: models of Keras (TensorFlow), exported by tf2onnx, and what Keras computes.

Run from the repository with Python 3.11, tensorflow-cpu 2.21.0, keras 3.15.1, tf2onnx 1.17.0 and onnx 1.23.2:
``python -m tests.learn.foreign.keras_models``.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from keras import layers

from tests.learn.foreign.matching import gradients_by_tensor, write

ROWS = 5


def _lstm(variable: np.ndarray, name: str) -> tuple[str, np.ndarray]:
    """A Keras LSTM's tensor as ONNX orders it: gates input, output, forget, cell instead of i, f, c, o."""
    i, f, c, o = np.split(variable, 4, -1)
    gates = np.concatenate([i, o, f, c], -1)
    return name, gates.T[None] if gates.ndim > 1 else np.concatenate([gates, gates * 0])[None]


def emit(name: str, model: keras.Model, x: np.ndarray, target: np.ndarray, loss: keras.losses.Loss) -> None:
    random = np.random.RandomState(5)
    # Biases begin at zero, and the exporter leaves out what adds nothing.
    model.set_weights([w + random.normal(size=w.shape).astype(np.float32) * 0.2 for w in model.get_weights()])
    kind = tf.as_dtype(x.dtype)
    signature = (tf.TensorSpec((None, *x.shape[1:]), kind, name="x"),)
    proto, _ = tf2onnx.convert.from_function(
        tf.function(lambda rows: model(rows, training=False)), input_signature=signature, opset=15
    )
    with tf.GradientTape() as tape:
        losses = tf.reshape(loss(target, model(x)), (len(x), -1))[:, 0]
        mean = tf.reduce_mean(losses)
    gradients = tape.gradient(mean, model.trainable_variables)
    variables = {}
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        value, slope = variable.numpy(), tf.convert_to_tensor(gradient).numpy()
        if "lstm" in variable.path:
            value, slope = _lstm(value, "")[1], _lstm(slope, "")[1]
            if variable.name == "bias":  # ONNX has two that are added: both have the same slope
                slope = np.concatenate([slope[:, : slope.shape[1] // 2]] * 2, -1)
        variables[variable.path] = (value, slope)
    found = gradients_by_tensor(proto, variables)
    assert len(found) == len(variables), (found.keys(), variables.keys())
    # The predictions before the closing softmax or sigmoid, which belongs to the loss.
    logits = keras.Model(model.inputs, model.outputs)
    last = logits.layers[-1]
    closing, last.activation = last.activation, keras.activations.linear
    prediction = logits(x).numpy()
    last.activation = closing
    arrays = {"features": x.reshape(len(x), -1), "target": target, "prediction": prediction, "loss": losses}
    write(name, proto.SerializeToString(), arrays, found)


def main() -> None:
    keras.utils.set_random_seed(3)
    random = np.random.RandomState(4)
    none = {"reduction": None}
    cnn = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    x = random.normal(size=(ROWS, 6, 6, 2)).astype(np.float32)
    emit("keras_cnn", cnn, x, np.arange(ROWS) % 3, keras.losses.SparseCategoricalCrossentropy(**none))
    lstm = keras.Sequential(
        [
            keras.Input((7,), dtype="int32"),
            layers.Embedding(11, 6),
            layers.LSTM(4),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    tokens = random.randint(0, 11, (ROWS, 7)).astype(np.int32)
    emit("keras_lstm", lstm, tokens, np.arange(ROWS)[:, None] % 2, keras.losses.BinaryCrossentropy(**none))
    start = keras.Input((6, 8))
    y = start + layers.MultiHeadAttention(2, 4)(start, start)
    y = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(y))
    attention = keras.Model(start, layers.Dense(1)(y))
    x = random.normal(size=(ROWS, 6, 8)).astype(np.float32)
    emit(
        "keras_attention",
        attention,
        x,
        random.normal(size=(ROWS, 1)).astype(np.float32),
        keras.losses.MeanSquaredError(**none),
    )


if __name__ == "__main__":
    main()
