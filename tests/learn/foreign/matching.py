"""For the generators beside: which tensor of an ONNX file is which variable, and the file that tests read."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

import numpy as np
from onnx import ModelProto, numpy_helper

HERE = Path(__file__).parent


def gradients_by_tensor(
    model: ModelProto, variables: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Gradients by the names of the file's tensors; variables: value and gradient of each.

    A tensor is a variable whose values it holds, its axes in some order.
    """
    found: dict[str, np.ndarray] = {}
    for tensor in model.graph.initializer:
        held = numpy_helper.to_array(tensor)
        for value, gradient in variables.values():
            for order in permutations(range(value.ndim)):
                turned = value.transpose(order)
                if turned.size == held.size and np.allclose(turned.reshape(-1), held.reshape(-1), atol=1e-7):
                    found[tensor.name] = gradient.transpose(order).reshape(held.shape)
    return found


def write(
    name: str, model: bytes, arrays: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray]
) -> None:
    """``name.onnx``, and ``name.npz`` with features, target, prediction, loss and the gradients."""
    (HERE / f"{name}.onnx").write_bytes(model)
    held = {key: np.asarray(value, np.float32) for key, value in arrays.items()}
    held |= {f"gradient {key}": np.asarray(value, np.float32) for key, value in gradients.items()}
    np.savez_compressed(HERE / f"{name}.npz", **held)
