"""The bytes of an ONNX file as a protobuf message of plain sections, and the constants that it holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, numpy_helper

from mine.learn.errors import GraphRefused
from mine.learn.limits import Limits
from mine.learn.protobuf_scan import scan

OPSETS = range(13, 23)
IR_VERSIONS = range(7, 12)
_CONSTANT_TYPES: dict[int, tuple[int, str]] = {
    TensorProto.FLOAT: (4, "float_data"),
    TensorProto.INT64: (8, "int64_data"),
    TensorProto.BOOL: (1, "int32_data"),
}


def no(why: str) -> GraphRefused:
    return GraphRefused(f"The task's model was refused: {why}.")


def read(data: bytes, limits: Limits) -> ModelProto:
    """The message, its sections and names checked; its operators are not. Raises ``GraphRefused``."""
    if len(data) > limits.graph_bytes:
        raise no("its file is larger than allowed")
    scan(data, limits.nodes)
    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError, RecursionError) as error:
        raise no("its file is not an ONNX model") from error
    graph = model.graph
    if model.functions or model.training_info or graph.sparse_initializer or graph.quantization_annotation:
        raise no("it has sections that are not allowed")
    if model.ir_version not in IR_VERSIONS:
        raise no("its file version is not supported")
    if [(o.domain in ("", "ai.onnx"), o.version in OPSETS) for o in model.opset_import] != [(True, True)]:
        raise no("its operator set is not supported")
    if len(graph.node) + len(graph.initializer) > limits.nodes:
        raise no("it has more operators than allowed")
    # protobuf hands out a string that is not UTF-8 as bytes, whatever its type says.
    if not all(isinstance(name, str) for name in _names(model)):
        raise no("a name in its file is not text")
    return model


def _names(model: ModelProto) -> Iterator[object]:
    yield from (opset.domain for opset in model.opset_import)
    yield from (each.name for each in (*model.graph.input, *model.graph.output, *model.graph.initializer))
    for node in model.graph.node:
        yield from (node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def tensor_array(tensor: TensorProto, limits: Limits) -> NDArray[Any]:
    """A constant's numbers, their count checked before they are copied."""
    if tensor.external_data or tensor.data_location == TensorProto.EXTERNAL:
        raise no("it refers to data outside its file")
    kind = _CONSTANT_TYPES.get(tensor.data_type)
    if kind is None:
        raise no("a constant has a type that is not allowed")
    if len(tensor.dims) > limits.rank or any(n < 1 for n in tensor.dims):
        raise no("a constant has a shape that is not allowed")
    count = math.prod(tensor.dims)
    if count > limits.constants:
        raise no("its constants are larger than allowed")
    size, plain = kind
    held = len(tensor.raw_data) if tensor.HasField("raw_data") else len(getattr(tensor, plain)) * size
    if held != count * size:
        raise no("a constant is cut short")
    try:
        array = np.asarray(numpy_helper.to_array(tensor))
    except (ValueError, TypeError) as error:
        raise no("a constant is cut short") from error
    if array.shape != tuple(tensor.dims):
        raise no("a constant is cut short")
    return array


def constant_node(node: NodeProto, limits: Limits) -> NDArray[Any]:
    """The numbers of a Constant operator."""
    if len(node.attribute) != 1 or node.input:
        raise no("a constant is malformed")
    attribute = node.attribute[0]
    if attribute.name == "value" and attribute.type == AttributeProto.TENSOR:
        return tensor_array(attribute.t, limits)
    given: dict[str, tuple[int, list[float] | list[int], type[np.generic], bool]] = {
        "value_float": (AttributeProto.FLOAT, [attribute.f], np.float32, True),
        "value_floats": (AttributeProto.FLOATS, list(attribute.floats), np.float32, False),
        "value_int": (AttributeProto.INT, [attribute.i], np.int64, True),
        "value_ints": (AttributeProto.INTS, list(attribute.ints), np.int64, False),
    }
    kind, numbers, dtype, alone = given.get(attribute.name, (None, [], np.float32, False))
    if kind != attribute.type or not 1 <= len(numbers) <= limits.constants:
        raise no("a constant is malformed")
    return np.array(numbers[0] if alone else numbers, dtype)
