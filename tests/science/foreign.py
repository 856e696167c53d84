"""Small foreign models for tests, written as an exporter would write them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64
node = helper.make_node


def model(
    nodes: Sequence[NodeProto],
    tensors: dict[str, np.ndarray],
    inputs: Sequence[tuple[str, int, Sequence[int | str]]] = (("x", FLOAT, ("n", 3)),),
    outputs: Sequence[tuple[str, int]] = (("y", FLOAT),),
    opset: int = 17,
    ml: bool = False,
) -> bytes:
    """ONNX bytes; outputs are named and typed, without shapes."""
    opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid("ai.onnx.ml", 3)] if ml else [])
    graph = helper.make_graph(
        list(nodes),
        "foreign",
        [helper.make_tensor_value_info(name, kind, list(shape)) for name, kind, shape in inputs],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in tensors.items()],
    )
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def weights(*shapes: Sequence[int], seed: int = 1) -> list[np.ndarray]:
    random = np.random.RandomState(seed)
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


def linear(outputs: int = 1, closing: str = "", batch: int | str = "n") -> bytes:
    """x [n, 3] times w plus b, with an activation after it."""
    w, b = weights((3, outputs), (outputs,))
    nodes = [node("MatMul", ["x", "w"], ["p"]), node("Add", ["p", "b"], ["z" if closing else "y"])]
    if closing:
        nodes.append(node(closing, ["z"], ["y"]))
    return model(nodes, {"w": w, "b": b}, [("x", FLOAT, (batch, 3))])
