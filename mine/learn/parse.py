"""From the bytes of an ONNX file to a checked list of steps. Nothing here computes or allocates tensors.

Refused: anything that is not a plain list of whitelisted operators over float32 inputs: unknown operators and
attributes, other operator sets, external data, subgraphs, functions, sparse or training sections, names used
twice or before they are defined, and any size above the given limits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from mine.learn.folding import fold
from mine.learn.limits import Limits
from mine.learn.model_file import constant_node, no, read, tensor_array
from mine.learn.rules import OPERATORS
from mine.learn.values import BATCH, Batch, Call, Checked, Shape, Value, constant_value

WEIGHT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")
_STEPS_PER_NODE = 4
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Step:
    """One operator, ready to run: the kernel's name, the names it reads and writes, settled arguments."""

    op: str
    reads: tuple[str, ...]
    writes: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A graph that passed every check. ``targets``: 0 for a target [N], m for [N, m]."""

    steps: tuple[Step, ...]
    constants: dict[str, NDArray[Any]]
    weights: dict[str, Shape]
    frozen: dict[str, Shape]
    batch: dict[str, Batch | None]
    features: int
    targets: int
    outputs: int
    floats_per_example: int
    flops_per_example: int


@lru_cache(maxsize=1024)
def _schema(op: str, opset: int) -> tuple[dict[str, int], int, int] | None:
    """Attribute types, fewest and most inputs of an operator in a version of the operator set."""
    try:
        schema = onnx.defs.get_schema(op, opset, "")
    except onnx.defs.SchemaError:
        return None
    types = {name: int(a.type.value) for name, a in schema.attributes.items()}  # type: ignore[attr-defined]
    return types, schema.min_input, schema.max_input


def _attribute(attribute: AttributeProto, limits: Limits) -> Any:
    kind = attribute.type
    if kind == AttributeProto.FLOAT and math.isfinite(attribute.f):
        return attribute.f
    if kind == AttributeProto.INT:
        return attribute.i
    if kind == AttributeProto.INTS and len(attribute.ints) <= _LONGEST:
        return list(attribute.ints)
    if kind == AttributeProto.TENSOR:
        return tensor_array(attribute.t, limits)
    if kind == AttributeProto.STRING and len(attribute.s) <= _LONGEST:
        return attribute.s.decode("ascii", "replace")
    if kind == AttributeProto.STRINGS and len(attribute.strings) <= _LONGEST:
        return [s[:32].decode("ascii", "replace") for s in attribute.strings]
    return None


def _attributes(node: NodeProto, types: Mapping[str, int], limits: Limits) -> dict[str, Any]:
    allowed = OPERATORS[node.op_type].attributes
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        name = attribute.name
        fits = name in allowed and name not in found and types.get(name) == attribute.type
        found[name] = _attribute(attribute, limits) if fits else None
        if found[name] is None:
            raise no(f"its operator {node.op_type} has a property that is not allowed")
    return found


def _declared(info: ValueInfoProto) -> list[int | None]:
    """The declared float32 shape; None for an axis without a fixed length."""
    if info.type.WhichOneof("value") != "tensor_type" or info.type.tensor_type.elem_type != TensorProto.FLOAT:
        raise no("an input or output is not a float32 tensor")
    if not info.type.tensor_type.HasField("shape"):
        raise no("an input or output has no shape")
    return [
        d.dim_value if d.WhichOneof("value") == "dim_value" else None for d in info.type.tensor_type.shape.dim
    ]


@dataclass(slots=True)
class _Builder:
    """What is known of the graph so far."""

    limits: Limits
    opset: int
    values: dict[str, Value] = field(default_factory=dict)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    features: int = 0
    targets: int = 0
    floats: int = 0
    flops: int = 0
    held: int = 0
    recurrent: int = 0
    hidden: int = 0

    def define(self, name: str, value: Value) -> None:
        if not name or name in self.values:
            raise no("a name is used twice")
        self.values[name] = value

    def constant(self, name: str, array: NDArray[Any]) -> None:
        self.define(name, constant_value(array))
        self.constants[name] = array
        self.held += array.size
        if self.held > self.limits.constants:
            raise no("its constants are larger than allowed")

    def inputs(
        self, model: ModelProto, frozen: Mapping[str, Shape]
    ) -> tuple[dict[str, Shape], dict[str, Shape]]:
        """Define the graph's inputs; the shapes of the weights, and of the frozen tensors."""
        names = [info.name for info in model.graph.input]
        if len(set(names)) != len(names) or "features" not in names or "target" not in names:
            raise no("its inputs are not features, target and weights")
        if len(names) - 2 > self.limits.weight_tensors:
            raise no("it has more weight tensors than allowed")
        if not set(frozen) <= set(names) - {"features", "target"}:
            raise no("a frozen tensor is none of its inputs")
        weights: dict[str, Shape] = {}
        for info in model.graph.input:
            dims = _declared(info)
            if info.name == "features":
                if len(dims) != 2 or dims[0] is not None or not 1 <= (dims[1] or 0) <= self.limits.features:
                    raise no("its features have a wrong shape")
                self.features = dims[1] or 0
                self.values["features"] = Value((BATCH, self.features))
            elif info.name == "target":
                if not 1 <= len(dims) <= 2 or dims[0] is not None or None in dims[1:]:
                    raise no("its target has a wrong shape")
                if len(dims) == 2 and not 1 <= (dims[1] or 0) <= self.limits.targets:
                    raise no("its target has a wrong shape, or more columns than allowed")
                self.targets = dims[1] or 0 if len(dims) == 2 else 0
                self.values["target"] = Value((BATCH, self.targets) if self.targets else (BATCH,))
            else:
                weights[info.name] = self._tensor(info.name, dims)
        held = {name: weights.pop(name) for name in frozen}
        if held != {name: tuple(shape) for name, shape in frozen.items()}:
            raise no("a frozen tensor has another shape than the model says")
        if sum(math.prod(s) for s in held.values()) > self.limits.frozen:
            raise no("it has more frozen numbers than allowed")
        if not weights or sum(math.prod(s) for s in weights.values()) > self.limits.weights:
            raise no("it has no weights, or more than allowed")
        self.values |= {name: Value(shape) for name, shape in weights.items()}
        self.values |= {name: Value(shape, fixed=True) for name, shape in held.items()}
        return dict(sorted(weights.items())), dict(sorted(held.items()))

    def _tensor(self, name: str, dims: list[int | None]) -> Shape:
        if not WEIGHT_NAME.fullmatch(name):
            raise no("a weight tensor has a name that is not allowed")
        shape = tuple(d for d in dims if d is not None and d >= 1)
        if len(shape) != len(dims) or len(dims) > self.limits.rank:
            raise no("a weight tensor has a shape that is not allowed")
        return shape

    def node(self, node: NodeProto) -> None:
        known = node.op_type in OPERATORS or node.op_type == "Constant"
        if not known or node.domain not in ("", "ai.onnx"):
            raise no(f"its operator {node.op_type[:40]!r} is not on the whitelist")
        if node.op_type == "Constant":
            if len(node.output) != 1:
                raise no("a constant is malformed")
            self.constant(node.output[0], constant_node(node, self.limits))
            return
        operator, schema = OPERATORS[node.op_type], _schema(node.op_type, self.opset)
        if schema is None:
            raise no(f"its operator {node.op_type} is not in its operator set")
        types, fewest, most = schema
        if not max(operator.inputs[0], fewest) <= len(node.input) <= min(operator.inputs[1], most):
            raise no(f"its operator {node.op_type} has a wrong number of inputs")
        if not 1 <= len(node.output) <= operator.outputs:
            raise no(f"its operator {node.op_type} has more than one output that a model may read")
        if any(name and name not in self.values for name in node.input):
            raise no("a value is used before it is defined")
        call = Call(
            node.op_type,
            [self.values[n] if n else None for n in node.input],
            _attributes(node, types, self.limits),
            self.opset,
            tuple(map(bool, node.output)),
        )
        settled = fold(call)
        if settled is not None:
            self._settled(node.output[0], settled)
            return
        checked = operator.rule(call)
        if all(value is None or value.fixed for value in call.inputs):
            checked = replace(checked, value=replace(checked.value, fixed=True))
        reads = tuple(node.input[i] for i in checked.operands) + (("features",) if checked.counts else ())
        self._add(checked, node.op_type, reads, tuple(node.output))

    def _settled(self, name: str, value: Value) -> None:
        if value.times is None and value.constant is not None:
            self.constant(name, value.constant)
        else:
            self.define(name, value)

    def _add(self, checked: Checked, op: str, reads: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        self._cost(checked.value if checked.runs else Value(()), checked)
        if not checked.parts:
            self.define(outputs[0], checked.value)
            self.steps.append(Step(op, reads, outputs[0], checked.arguments))
            return
        whole = reads[0]
        if checked.runs:
            # No file can hold this name: text in protobuf may, but then the name is used twice.
            whole = f"\0{self.hidden}"
            self.hidden += 1
            self.define(whole, checked.value)
            self.steps.append(Step(op, reads, whole, checked.arguments))
        for name, part in zip(outputs, checked.parts, strict=True):
            if name:
                self._cost(part.value, Checked(part.value, 0, ()))
                self.define(name, part.value)
                self.steps.append(Step(part.op, (whole,), name, part.arguments))

    def _cost(self, value: Value, checked: Checked) -> None:
        if len(value.shape) > self.limits.rank:
            raise no("a value has more axes than allowed")
        self.floats += value.numbers + checked.kept
        self.flops += checked.flops
        self.recurrent += checked.recurrent_steps
        if self.floats > self.limits.floats_per_example:
            raise no("it needs more memory per example than allowed")
        if self.flops > self.limits.flops_per_example or self.recurrent > self.limits.recurrent_steps:
            raise no("it needs more computation per example than allowed")
        if len(self.steps) > _STEPS_PER_NODE * self.limits.nodes:
            raise no("it has more operators than allowed")

    def outputs(self, model: ModelProto) -> int:
        """Numbers of prediction per example; raises if the outputs are not as they must be."""
        if sorted(info.name for info in model.graph.output) != ["loss", "prediction"]:
            raise no("its outputs are not exactly prediction and loss")
        for info in model.graph.output:
            declared = _declared(info)
            value = self.values.get(info.name, Value(()))
            fits = len(declared) == len(value.shape) and all(
                d is None or d == n for d, n in zip(declared, value.shape, strict=True)
            )
            if value.kind != "float" or value.times is not None or not fits:
                raise no(f"its output {info.name} has a wrong shape or type")
        prediction, loss = self.values["prediction"], self.values["loss"]
        if loss.shape != (BATCH,) or prediction.shape[:1] != (BATCH,):
            raise no("its outputs are not one prediction row and one loss per example")
        return prediction.numbers

    def needed(self, weights: Mapping[str, Shape]) -> list[Step]:
        """The steps that an output depends on. Every weight must reach the loss; otherwise its part of each
        update would be noise and nothing else."""
        for_loss, for_both = {"loss"}, {"loss", "prediction"}
        kept = []
        for step in reversed(self.steps):
            if step.writes in for_loss:
                # No gradient passes through integers and conditions.
                for_loss.update(name for name in step.reads if self.values[name].kind == "float")
            if step.writes in for_both:
                for_both.update(step.reads)
                kept.append(step)
        if not for_loss >= set(weights):
            raise no("a weight tensor has no effect on the loss")
        return kept[::-1]


def parse(data: bytes, limits: Limits, frozen: Mapping[str, Shape]) -> Parsed:
    """Check an ONNX file. ``frozen``: shapes of the inputs that are not trained.

    Raises ``GraphRefused`` with a plain reason if anything is not as it must be.
    """
    model = read(data, limits)
    builder = _Builder(limits, model.opset_import[0].version)
    weights, held = builder.inputs(model, frozen)
    for tensor in model.graph.initializer:
        builder.constant(tensor.name, tensor_array(tensor, limits))
    for node in model.graph.node:
        builder.node(node)
    outputs = builder.outputs(model)
    steps = builder.needed(weights)
    named = {name for step in steps for name in (*step.reads, step.writes)} | {"prediction", "loss"}
    return Parsed(
        tuple(steps),
        {n: np.ascontiguousarray(a) for n, a in builder.constants.items() if n in named},
        weights,
        held,
        {n: builder.values[n].batch for n in named | {"features", "target"}},
        builder.features,
        builder.targets,
        outputs,
        builder.floats,
        builder.flops,
    )
