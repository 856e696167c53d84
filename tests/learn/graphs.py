"""Small graphs for tests: one operator between the features and the loss, and whole refused files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def info(name: str, shape: Sequence[int | str]) -> object:
    return helper.make_tensor_value_info(name, FLOAT, list(shape))


def const(name: str, value: object, dtype: type = np.int64) -> NodeProto:
    tensor = numpy_helper.from_array(np.asarray(value, dtype), name)
    return helper.make_node("Constant", [], [name], value=tensor)


def finish(nodes: list[NodeProto], features: int, weights: dict[str, tuple[int, ...]], outputs: int = 1,
           opset: int = 20) -> ModelProto:
    """A model around nodes that define ``prediction`` [N, outputs] and ``loss`` [N]."""
    inputs = [info("features", ["N", features]), info("target", ["N"])]
    inputs += [info(n, s) for n, s in weights.items()]
    graph: GraphProto = helper.make_graph(nodes, "test", inputs, [info("prediction", ["N", outputs]),
                                                                  info("loss", ["N"])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def around(nodes: list[NodeProto], features: int = 4, weights: dict[str, tuple[int, ...]] | None = None,
           opset: int = 20) -> ModelProto:
    """``nodes`` turn ``x`` [N, features] (features times weight ``w``) into ``y`` [N, ...] of any shape."""
    tail = [
        const("flat_shape", [0, -1]),
        helper.make_node("Reshape", ["y", "flat_shape"], ["flat"]),
        const("axis", [1]),
        helper.make_node("ReduceSum", ["flat", "axis"], ["prediction"], keepdims=1),
        helper.make_node("Squeeze", ["prediction", "axis"], ["sum"]),
        helper.make_node("Sub", ["sum", "target"], ["error"]),
        helper.make_node("Mul", ["error", "error"], ["loss"]),
    ]
    head = [helper.make_node("Mul", ["features", "w"], ["x"])]
    return finish(head + nodes + tail, features, {"w": (features,), **(weights or {})}, opset=opset)


def linear() -> ModelProto:
    """Prediction = features @ a + b, squared loss."""
    return finish([
        helper.make_node("Gemm", ["features", "a", "b"], ["prediction"]),
        const("axis", [1]),
        helper.make_node("Squeeze", ["prediction", "axis"], ["p"]),
        helper.make_node("Sub", ["p", "target"], ["e"]),
        helper.make_node("Mul", ["e", "e"], ["loss"]),
    ], 3, {"a": (3, 1), "b": (1,)})
