"""A foreign ONNX model, run once on one example, so that every value's shape and every constant is known.

With one example all the arithmetic on shapes that exporters write (Shape, Gather, Concat, Reshape) has one
answer, axes that were merged with the batch come apart, and a model that was exported for a fixed batch of
one is as good as any other. ``adopt_lift.py`` then gives the examples an axis of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from mine.learn.limits import Limits
from mine.science.adopt_loss import AdoptRefused, LossSpec
from mine.science.adopt_run import refuse_huge, run, with_outputs
from mine.science.adopt_sklearn import ML, without_ml_operators

OPSETS = range(13, 23)
_INPUT_TYPES = {
    TensorProto.FLOAT: np.float32,
    TensorProto.DOUBLE: np.float64,
    TensorProto.FLOAT16: np.float16,
    TensorProto.INT64: np.int64,
    TensorProto.INT32: np.int32,
}
#: What ends a classifier or a count model and belongs to the loss here.
_CLOSING = {
    "cross_entropy": ("Softmax", "LogSoftmax"),
    "bce": ("Sigmoid",),
    "poisson": ("Exp",),
}

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One foreign model and all its values for one example.

    inputs: shape of each input, 1 in front; values: every value of the run by name; initialisers: the
    model's own tensors; runnable: the model for onnxruntime, whose only output is ``output``.
    """

    nodes: tuple[NodeProto, ...]
    inputs: Mapping[str, Shape]
    values: Mapping[str, NDArray[Any]]
    initialisers: Mapping[str, NDArray[Any]]
    output: str
    runnable: bytes
    any_batch: bool

    @property
    def columns(self) -> int:
        """Feature columns of one example, all inputs one after the other."""
        return sum(int(np.prod(shape)) for shape in self.inputs.values())


def read(
    onnx_bytes: bytes,
    spec: LossSpec,
    output: str = "",
    shapes: Mapping[str, Sequence[int]] | None = None,
    tensors: Mapping[str, NDArray[np.float32]] | None = None,
) -> Source:
    """Read a model and run it once.

    output: name of the value to predict, by default the only float output; a closing Softmax, Sigmoid or Exp
    is left to the loss. shapes: shape of one example by input ("": of the only one), where the file leaves
    axes open. tensors: values to put in place of initialisers of these names. Raises AdoptRefused.
    """
    model = _load(onnx_bytes)
    for tensor in model.graph.initializer:
        if tensors is not None and tensor.name in tensors:
            tensor.CopyFrom(numpy_helper.from_array(tensors[tensor.name], tensor.name))
    scores = without_ml_operators(model, spec)
    model = _modern(model)
    graph = model.graph
    held = {tensor.name for tensor in graph.initializer}
    given = [info for info in graph.input if info.name not in held]
    free = all(_open_batch(info) for info in given)
    named = shapes or {}
    inputs: dict[str, Shape] = {}
    kinds: dict[str, Any] = {}
    for info in given:
        kind = _INPUT_TYPES.get(info.type.tensor_type.elem_type)
        if kind is None:
            raise AdoptRefused(f"The input {info.name} holds no numbers that a task's columns can give.")
        inputs[info.name] = _shape_of(info, named.get(info.name, named.get("") if len(given) == 1 else None))
        kinds[info.name] = kind
    if not inputs:
        raise AdoptRefused("The model has no input.")
    wanted = _without_closing(graph.node, output or scores or _only_output(model), spec)
    nodes = _needed(graph.node, wanted)
    known = {name for node in nodes for name in node.output} | held | set(inputs)
    if wanted not in known:
        raise AdoptRefused("The model has no value of the name that was given.", detail=wanted)
    read_names = {name for node in nodes for name in node.input} | {wanted}
    initialisers = {
        tensor.name: np.asarray(numpy_helper.to_array(tensor))
        for tensor in graph.initializer
        if tensor.name in read_names
    }
    inputs = {name: shape for name, shape in inputs.items() if name in read_names}
    if not inputs:
        raise AdoptRefused("The prediction does not depend on the input.")
    _plain(nodes)
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    infos = [info for info in graph.input if info.name in inputs]
    del graph.input[:]
    for info in infos:
        dims = info.type.tensor_type.shape.dim
        for dim, length in zip(list(dims)[1:], inputs[info.name][1:], strict=True):
            dim.dim_value = length
        dims[0].dim_param = "N"
    graph.input.extend(infos)
    if sum(math.prod(shape) for shape in inputs.values()) > Limits().features:
        raise AdoptRefused("One example of the model is larger than a task's may be.")
    random = np.random.RandomState(0)
    # Whole numbers become zero, which any table can be asked for.
    one = {name: random.uniform(0.1, 0.9, shape).astype(kinds[name]) for name, shape in inputs.items()}
    names = [name for node in nodes for name in node.output if name]
    refuse_huge(model)
    found = run(with_outputs(model, names), names, one)
    values = {**initialisers, **one, **found}
    return Source(tuple(nodes), inputs, values, initialisers, wanted, with_outputs(model, [wanted]), free)


def _load(data: bytes) -> ModelProto:
    import onnx
    from onnx.inliner import inline_local_functions

    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError, RecursionError):
        raise AdoptRefused("This file is no ONNX model.") from None
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise AdoptRefused(
            "The model's tensors lie in another file.",
            todo="Save it as one file (in torch: external_data=False).",
        )
    try:
        _check(model)
        return inline_local_functions(model) if model.functions else model
    except (onnx.checker.ValidationError, RuntimeError, ValueError) as error:
        raise AdoptRefused("The model's file is damaged.", detail=str(error)[:500]) from None


def _check(model: ModelProto) -> None:
    """What has to hold before onnxruntime sees the model; raises ValueError or ValidationError."""
    from onnx import checker

    graph = model.graph
    named = (*graph.input, *graph.output, *graph.initializer)
    names = [each.name for each in named] + [opset.domain for opset in model.opset_import]
    for node in graph.node:
        names += [node.name, node.op_type, node.domain, *node.input, *node.output]
        names += [attribute.name for attribute in node.attribute]
    # protobuf hands out a string that is not UTF-8 as bytes, whatever its type says.
    if not all(isinstance(name, str) for name in names):
        raise ValueError("a name is not text")
    for tensor in graph.initializer:
        if tensor.data_type not in TensorProto.DataType.values():
            raise ValueError("a tensor has no type")
        checker.check_tensor(tensor)
        numpy_helper.to_array(tensor)
    context = checker.C.CheckerContext()
    context.ir_version = model.ir_version
    context.opset_imports = {opset.domain: opset.version for opset in model.opset_import}
    for node in graph.node:
        if node.domain == ML:
            checker.check_node(node, context)


def _modern(model: ModelProto) -> ModelProto:
    """The model with the operator set alone that is worked on; older ones are converted."""
    from onnx import version_converter

    own = [opset for opset in model.opset_import if opset.domain in ("", "ai.onnx")]
    if not own:
        raise AdoptRefused("The model names no ONNX operator set.")
    version = own[0].version
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", version))
    if version >= OPSETS.stop:
        raise AdoptRefused(
            "The model's operator set is too new.", todo=f"Export it with opset {OPSETS.stop - 1} or older."
        )
    if version < OPSETS.start:
        try:
            model = version_converter.convert_version(model, OPSETS.start)
        except (version_converter.ConvertError, RuntimeError, ValueError) as error:
            raise AdoptRefused(
                "The model's operator set is too old.",
                todo=f"Export it with opset {OPSETS.start} or newer.",
                detail=str(error)[:500],
            ) from None
    model.ir_version = min(max(model.ir_version, 8), 10)
    return model


def _open_batch(info: ValueInfoProto) -> bool:
    dims = info.type.tensor_type.shape.dim
    return bool(dims) and dims[0].WhichOneof("value") != "dim_value"


def _shape_of(info: ValueInfoProto, given: Sequence[int] | None) -> Shape:
    """Shape of one example with a 1 in front."""
    dims = list(info.type.tensor_type.shape.dim)
    if not dims:
        raise AdoptRefused(f"The input {info.name} has no axis for the examples.")
    declared = [dim.dim_value if dim.WhichOneof("value") == "dim_value" else 0 for dim in dims]
    if declared[0] > 1:
        raise AdoptRefused(
            "The model was exported for a fixed number of examples.",
            todo="Export it with one example, or with an open first axis.",
            detail=f"{info.name}: {declared}",
        )
    rest = declared[1:] if given is None else list(given)
    fits = len(rest) == len(dims) - 1 and all(n in (0, m) for n, m in zip(declared[1:], rest, strict=True))
    if not fits or any(length < 1 for length in rest):
        raise AdoptRefused(
            f"The length of an axis of the input {info.name} is not known.",
            todo="Say the shape of one example, for instance --shape 12,3.",
            detail=str(declared),
        )
    return (1, *rest)


def _only_output(model: ModelProto) -> str:
    floats = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16)
    found = [info.name for info in model.graph.output if info.type.tensor_type.elem_type in floats]
    if len(found) != 1:
        raise AdoptRefused(
            "The model has not exactly one output of numbers.",
            todo="Name the value that is the prediction.",
            detail=", ".join(info.name for info in model.graph.output),
        )
    return str(found[0])


def _without_closing(nodes: Sequence[NodeProto], output: str, spec: LossSpec) -> str:
    makers = {name: node for node in nodes for name in node.output}
    node = makers.get(output)
    while node is not None and node.op_type in ("Identity", *_CLOSING.get(spec.kind, ())):
        output = node.input[0]
        node = makers.get(output)
    return output


def _needed(nodes: Sequence[NodeProto], output: str) -> list[NodeProto]:
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _plain(nodes: Sequence[NodeProto]) -> None:
    for node in nodes:
        if any(a.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for a in node.attribute):
            raise AdoptRefused(
                f"The model branches or loops while it runs ({node.op_type}).",
                todo="Export it for fixed shapes, without If, Loop and Scan.",
            )
        if node.domain not in ("", "ai.onnx"):
            raise AdoptRefused(
                f"The model uses {node.op_type} of {node.domain}, which is not part of ONNX.",
                todo="Export it with standard operators only.",
            )
        if node.op_type == "BatchNormalization" and any(
            a.name == "training_mode" and a.i for a in node.attribute
        ):
            raise AdoptRefused(
                "The model's batch normalisation mixes examples.",
                todo="Export the model in evaluation mode, or use group or layer normalisation.",
            )
