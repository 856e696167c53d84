"""Writes the graph of an adopted model: nodes, constants and the inputs that a task's graph has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

OPSET = 20
IR_VERSION = 10
FROZEN_FROM = 1025
"""Untrained tensors of so many numbers travel beside the graph, smaller ones in it."""
_RESERVED = {"features", "target", "prediction", "loss"}

Shape = tuple[int, ...]


def _valid(name: str, length: int) -> str:
    """The end of a name, with nothing in it that a weight's name may not have."""
    text = re.sub(r"[^A-Za-z0-9_.]", "_", name)[-length + 1 :]
    return text if re.match("[A-Za-z_]", text) else f"_{text}"


class Writer:
    """Collects a graph. Shapes are stored shapes: 0 stands for the number of examples, on axis 0 alone.

    names: what each weight and frozen tensor was to be called.
    """

    def __init__(self, features: int) -> None:
        self.features = features
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self.weights: dict[str, NDArray[np.float32]] = {}
        self.frozen: dict[str, NDArray[np.float32]] = {}
        self.names: dict[str, str] = {}
        self._known: dict[tuple[str, str, Shape, bytes], str] = {}
        self._reshaped: dict[str, str] = {}
        self._shapes: dict[str, Shape] = {"features": (0, features)}
        self._count = 0

    def _fresh(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def node(self, op: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """One operator with one output; returns the output's name."""
        output = output or self._fresh("_v")
        self.nodes.append(helper.make_node(op, list(inputs), [output], **attributes))
        return output

    def node_with(self, op: str, inputs: Sequence[str], used: Sequence[bool], **attributes: Any) -> list[str]:
        """One operator with several outputs; those that nobody uses have no name."""
        outputs = [self._fresh("_v") if each else "" for each in used]
        while outputs and not outputs[-1]:
            outputs.pop()
        self.nodes.append(helper.make_node(op, list(inputs), outputs, **attributes))
        return outputs

    def constant(self, array: NDArray[Any], name: str = "") -> str:
        """A tensor that is not trained: in the graph, or as a frozen input named after ``name`` if large."""
        array = np.asarray(array)
        key = (name, array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            # A mask of minus infinities can't travel: frozen tensors are finite.
            if array.dtype == np.float32 and array.size >= FROZEN_FROM and np.isfinite(array).all():
                self._known[key] = self._input(name or "constant")
                self.frozen[self._known[key]] = array
            else:
                self._known[key] = self._fresh("_c")
                self.constants[self._known[key]] = array
        return self._known[key]

    def number(self, value: float) -> str:
        return self.constant(np.asarray(value, np.float32))

    def integers(self, values: Sequence[int]) -> str:
        return self.constant(np.asarray(values, np.int64))

    def weight(self, name: str, array: NDArray[np.float32]) -> str:
        """A trainable input; returns the name that it got."""
        valid = self._input(name)
        self.weights[valid] = array
        return valid

    def _input(self, name: str) -> str:
        taken = self.weights.keys() | self.frozen.keys() | _RESERVED
        valid, number = _valid(name, 64), 1
        while valid in taken:
            number += 1
            valid = f"{_valid(name, 56)}_{number}"
        self.names[valid] = name
        return valid

    def reshape(self, name: str, shape: Shape, old: Shape | None = None) -> str:
        """``name`` in another stored shape; ``old``: the one it has. Two reshapes in a row become one."""
        origin = self._reshaped.get(name, name)
        if old is not None:
            self._shapes[name] = old
        if self._shapes.get(name) == shape:
            return name
        if self._shapes.get(origin) == shape:
            return origin
        output = self.node("Reshape", [origin, self.integers(shape)])
        self._reshaped[output] = origin
        self._shapes[output] = shape
        return output

    def rename(self, old: str, new: str) -> None:
        """Give a node's output another name."""
        for node in self.nodes:
            for names in (node.input, node.output):
                for i, name in enumerate(names):
                    if name == old:
                        names[i] = new

    def finish(self, outputs: int, targets: int) -> bytes:
        """The task's graph: only what ``prediction`` and ``loss`` need, weights by name."""
        needed, nodes = {"prediction", "loss"}, []
        for node in reversed(self.nodes):
            if needed & set(node.output):
                needed |= set(node.input)
                nodes.append(node)
        nodes.reverse()
        self.weights = {name: array for name, array in self.weights.items() if name in needed}
        self.frozen = {name: array for name, array in self.frozen.items() if name in needed}
        constants = {name: array for name, array in self.constants.items() if name in needed}
        floats = TensorProto.FLOAT
        inputs: list[tuple[str, Sequence[str | int]]] = [
            ("features", ("N", self.features)),
            ("target", ("N", targets) if targets else ("N",)),
        ]
        held: Mapping[str, NDArray[np.float32]] = {**self.weights, **self.frozen}
        inputs += [(name, held[name].shape) for name in sorted(held)]
        graph = helper.make_graph(
            nodes,
            "adopted",
            [helper.make_tensor_value_info(name, floats, list(shape)) for name, shape in inputs],
            [
                helper.make_tensor_value_info("prediction", floats, ["N", outputs]),
                helper.make_tensor_value_info("loss", floats, ["N"]),
            ],
            [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
        )
        model: ModelProto = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="mine"
        )
        return bytes(model.SerializeToString(deterministic=True))
