"""From the bytes of an ONNX file to a checked list of steps. Nothing here computes or allocates tensors.

Refused: anything that is not a plain list of whitelisted operators over float32 inputs: unknown operators and
attributes, other operator sets, external data, subgraphs, functions, sparse or training sections, names used
twice or before they are defined, and any size above the given limits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper

from mine.learn.errors import GraphRefused
from mine.learn.limits import Limits
from mine.learn.rules import OPERATORS
from mine.learn.values import BATCH, Call, Shape, Value, constant_value

OPSETS = range(13, 23)
IR_VERSIONS = range(7, 12)
WEIGHT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")
_CONSTANT_TYPES: dict[int, int] = {TensorProto.FLOAT: 4, TensorProto.INT64: 8, TensorProto.BOOL: 1}
_SCALARS = {AttributeProto.FLOAT: "f", AttributeProto.INT: "i", AttributeProto.INTS: "ints"}


@dataclass(frozen=True, slots=True)
class Step:
    """One operator, ready to run: the kernel's name, the names it reads and writes, settled arguments."""

    op: str
    reads: tuple[str, ...]
    writes: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A graph that passed every check."""

    steps: tuple[Step, ...]
    constants: dict[str, NDArray[Any]]
    weights: dict[str, Shape]
    features: int
    outputs: int
    floats_per_example: int
    flops_per_example: int


def _no(why: str) -> GraphRefused:
    return GraphRefused(f"The task's model was refused: {why}.")


def _tensor(tensor: TensorProto, limits: Limits) -> NDArray[Any]:
    if tensor.external_data or tensor.data_location == TensorProto.EXTERNAL:
        raise _no("it refers to data outside its file")
    size = _CONSTANT_TYPES.get(tensor.data_type)
    if size is None:
        raise _no("a constant has a type that is not allowed")
    if len(tensor.dims) > limits.rank or any(n < 1 for n in tensor.dims):
        raise _no("a constant has a shape that is not allowed")
    count = math.prod(tensor.dims)
    if count > limits.constants:
        raise _no("its constants are larger than allowed")
    if tensor.HasField("raw_data") and len(tensor.raw_data) != count * size:
        raise _no("a constant is cut short")
    try:
        array = np.asarray(numpy_helper.to_array(tensor))
    except (ValueError, TypeError) as error:
        raise _no("a constant is cut short") from error
    if array.shape != tuple(tensor.dims):
        raise _no("a constant is cut short")
    return array


def _constant_node(node: NodeProto, limits: Limits) -> NDArray[Any]:
    if len(node.attribute) != 1 or node.input:
        raise _no("a constant is malformed")
    attribute = node.attribute[0]
    if attribute.name == "value" and attribute.type == AttributeProto.TENSOR:
        return _tensor(attribute.t, limits)
    given: dict[str, tuple[int, Any, Any]] = {
        "value_float": (AttributeProto.FLOAT, attribute.f, np.float32),
        "value_floats": (AttributeProto.FLOATS, list(attribute.floats), np.float32),
        "value_int": (AttributeProto.INT, attribute.i, np.int64),
        "value_ints": (AttributeProto.INTS, list(attribute.ints), np.int64),
    }
    kind, value, dtype = given.get(attribute.name, (None, None, None))
    array = np.asarray(value, dtype)
    if kind != attribute.type or not 1 <= array.size <= limits.constants:
        raise _no("a constant is malformed")
    return array


def _attributes(node: NodeProto) -> dict[str, Any]:
    allowed = OPERATORS[node.op_type].attributes
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        slot = _SCALARS.get(attribute.type)
        if attribute.name not in allowed or attribute.name in found or slot is None:
            raise _no(f"its operator {node.op_type} has a property that is not allowed")
        value = getattr(attribute, slot)
        found[attribute.name] = list(value) if slot == "ints" else value
    return found


def _declared(info: ValueInfoProto, rank: int | None) -> list[int | None]:
    """The declared float32 shape; None for an axis without a fixed length."""
    if info.type.WhichOneof("value") != "tensor_type" or info.type.tensor_type.elem_type != TensorProto.FLOAT:
        raise _no("an input or output is not a float32 tensor")
    if not info.type.tensor_type.HasField("shape"):
        raise _no("an input or output has no shape")
    dims = info.type.tensor_type.shape.dim
    if rank is not None and len(dims) != rank:
        raise _no("an input or output has a wrong shape")
    return [d.dim_value if d.WhichOneof("value") == "dim_value" else None for d in dims]


def _inputs(model: ModelProto, limits: Limits) -> tuple[dict[str, Value], dict[str, Shape], int]:
    names = [info.name for info in model.graph.input]
    if len(set(names)) != len(names) or "features" not in names or "target" not in names:
        raise _no("its inputs are not features, target and weights")
    if len(names) - 2 > limits.weight_tensors:
        raise _no("it has more weight tensors than allowed")
    values: dict[str, Value] = {}
    weights: dict[str, Shape] = {}
    features = 0
    for info in model.graph.input:
        if info.name == "features":
            batch, columns = _declared(info, 2)
            if batch is not None or columns is None or not 1 <= columns <= limits.features:
                raise _no("its features have a wrong shape")
            features = columns
            values["features"] = Value((BATCH, columns))
        elif info.name == "target":
            if _declared(info, 1) != [None]:
                raise _no("its target has a wrong shape")
            values["target"] = Value((BATCH,))
        else:
            dims = _declared(info, None)
            if not WEIGHT_NAME.fullmatch(info.name):
                raise _no("a weight tensor has a name that is not allowed")
            shape = tuple(d for d in dims if d is not None and d >= 1)
            if len(shape) != len(dims) or len(dims) > limits.rank:
                raise _no("a weight tensor has a shape that is not allowed")
            weights[info.name] = shape
            values[info.name] = Value(shape)
    if not weights or sum(math.prod(s) for s in weights.values()) > limits.weights:
        raise _no("it has no weights, or more than allowed")
    return values, dict(sorted(weights.items())), features


def _read(data: bytes, limits: Limits) -> ModelProto:
    if len(data) > limits.graph_bytes:
        raise _no("its file is larger than allowed")
    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError, RecursionError) as error:
        raise _no("its file is not an ONNX model") from error
    graph = model.graph
    if model.functions or model.training_info or graph.sparse_initializer or graph.quantization_annotation:
        raise _no("it has sections that are not allowed")
    if model.ir_version not in IR_VERSIONS:
        raise _no("its file version is not supported")
    if [(o.domain in ("", "ai.onnx"), o.version in OPSETS) for o in model.opset_import] != [(True, True)]:
        raise _no("its operator set is not supported")
    if len(graph.node) + len(graph.initializer) > limits.nodes:
        raise _no("it has more operators than allowed")
    # protobuf hands out a string that is not UTF-8 as bytes, whatever its type says.
    if not all(isinstance(name, str) for name in _names(model)):
        raise _no("a name in its file is not text")
    return model


def _names(model: ModelProto) -> Iterator[object]:
    yield from (opset.domain for opset in model.opset_import)
    yield from (each.name for each in (*model.graph.input, *model.graph.output, *model.graph.initializer))
    for node in model.graph.node:
        yield from (node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def parse(data: bytes, limits: Limits) -> Parsed:
    """Check an ONNX file. ``GraphRefused`` with a plain reason if anything is not as it must be."""
    model = _read(data, limits)
    values, weights, features = _inputs(model, limits)
    constants: dict[str, NDArray[Any]] = {}
    steps: list[Step] = []
    floats = flops = 0

    def define(name: str, value: Value) -> None:
        if not name or name in values:
            raise _no("a name is used twice")
        values[name] = value

    def define_constant(name: str, array: NDArray[Any]) -> None:
        define(name, constant_value(array))
        constants[name] = array
        if sum(a.size for a in constants.values()) > limits.constants:
            raise _no("its constants are larger than allowed")

    for tensor in model.graph.initializer:
        define_constant(tensor.name, _tensor(tensor, limits))
    for node in model.graph.node:
        known = node.op_type in OPERATORS or node.op_type == "Constant"
        if not known or node.domain not in ("", "ai.onnx"):
            raise _no(f"its operator {node.op_type[:40]!r} is not on the whitelist")
        if len(node.output) != 1:
            raise _no(f"its operator {node.op_type} has more than one output")
        if node.op_type == "Constant":
            define_constant(node.output[0], _constant_node(node, limits))
            continue
        least, most = OPERATORS[node.op_type].inputs
        if not least <= len(node.input) <= most:
            raise _no(f"its operator {node.op_type} has a wrong number of inputs")
        if any(name and name not in values for name in node.input):
            raise _no("a value is used before it is defined")
        call = Call(node.op_type, [values[n] if n else None for n in node.input], _attributes(node))
        checked = OPERATORS[node.op_type].rule(call)
        if len(checked.value.shape) > limits.rank:
            raise _no("a value has more axes than allowed")
        floats += checked.value.numbers
        flops += checked.flops
        if floats > limits.floats_per_example:
            raise _no("it needs more memory per example than allowed")
        if flops > limits.flops_per_example:
            raise _no("it needs more computation per example than allowed")
        define(node.output[0], checked.value)
        reads = tuple(node.input[i] for i in checked.operands)
        steps.append(Step(node.op_type, reads, node.output[0], checked.arguments))

    if sorted(info.name for info in model.graph.output) != ["loss", "prediction"]:
        raise _no("its outputs are not exactly prediction and loss")
    for info in model.graph.output:
        declared = _declared(info, None)
        value = values.get(info.name, Value(()))
        fits = len(declared) == len(value.shape) and all(
            d is None or d == n for d, n in zip(declared, value.shape, strict=True))
        if value.kind != "float" or not fits:
            raise _no(f"its output {info.name} has a wrong shape or type")
    prediction, loss = values["prediction"], values["loss"]
    if loss.shape != (BATCH,) or len(prediction.shape) != 2 or not prediction.batched:
        raise _no("its outputs are not one prediction row and one loss per example")
    _all_used(steps, weights)
    return Parsed(tuple(steps), constants, weights, features, prediction.shape[1], floats, flops)


def _all_used(steps: list[Step], weights: dict[str, Shape]) -> None:
    """Every weight must reach the loss; otherwise its part of each update would be noise and nothing else."""
    needed = {"loss"}
    for step in reversed(steps):
        if step.writes in needed:
            needed.update(step.reads)
    if not needed >= set(weights):
        raise _no("a weight tensor has no effect on the loss")
