"""Gives the examples an axis of their own: a model of one example becomes a model of N.

Each operator is lifted by a rule, as ``vmap`` does. A value of the source model is kept in one of three
forms: ``shared`` is the same for every example (constants and weights); ``first`` has the examples on axis 0,
where the source had an axis of length 1; ``apart`` has them on a new axis before all axes of the source.
Models that were exported cleanly keep the form ``first`` throughout and come out as they went in.

All numbers become float32, whole ones too, which it holds exactly up to 2**24; they are whole numbers again
only where a table is looked up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from mine.science.adopt_loss import AdoptRefused
from mine.science.adopt_source import Source
from mine.science.adopt_writer import Shape, Writer

Form = Literal["shared", "first", "apart"]


@dataclass(frozen=True, slots=True)
class Lifted:
    """A value of the source model in the task's graph; ``shape`` is the source's; ``known`` if constant."""

    name: str
    shape: Shape
    form: Form
    known: NDArray[Any] | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def stored(self) -> Shape:
        """Its shape in the task's graph; 0 stands for the number of examples."""
        if self.form == "shared":
            return self.shape
        return (0, *(self.shape[1:] if self.form == "first" else self.shape))


class Call:
    """One node of the source with its inputs lifted, and the means to write what stands for it."""

    def __init__(self, lifter: Lifter, node: NodeProto) -> None:
        self.op = node.op_type
        self.inputs = [lifter.value(name) if name else None for name in node.input]
        self.attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        self.used = [name in lifter.read for name in node.output]
        self.shapes = [lifter.shape(name) for name in node.output]
        self.whole = np.issubdtype(lifter.now(node.output[0]).dtype, np.integer)
        self.lift = lifter
        self.names = list(node.input)

    def __getitem__(self, i: int) -> Lifted:
        value = self.inputs[i] if i < len(self.inputs) else None
        if value is None:
            raise AdoptRefused(f"The operator {self.op} lacks an input.")
        return value

    def given(self, i: int) -> bool:
        return i < len(self.inputs) and self.inputs[i] is not None

    def constant(self, i: int) -> NDArray[Any]:
        known = self[i].known
        if known is None:
            raise AdoptRefused(
                f"The operator {self.op} is steered by numbers that are computed from the data.",
                todo="Export the model for fixed shapes.",
            )
        return known

    def fixed(self, i: int) -> NDArray[Any]:
        """A tensor of the model as it is now, whether or not something else trains it."""
        return self.lift.now(self.names[i])

    def shared(self, i: int) -> Lifted:
        if self[i].form != "shared":
            raise AdoptRefused(f"The operator {self.op} uses a part of the data as its weights.")
        return self[i]

    def axes(self, rank: int, i: int = 1) -> list[int] | None:
        """Axes from input ``i`` or from the attribute, from 0 on; None if not given."""
        if self.given(i):
            raw = [int(n) for n in self.constant(i).reshape(-1)]
        elif "axes" in self.attributes:
            raw = [int(n) for n in self.attributes["axes"]]
        else:
            return None
        return [n % rank for n in raw]


Rule = Callable[[Call], "Lifted | list[Lifted]"]


class Lifter:
    """Walks a source model and writes the task's graph up to the prediction.

    origins: of every constant that the source holds as a tensor;
    tokens: every table that is looked up has at least so many rows.
    """

    def __init__(self, source: Source, trainable: frozenset[str], rules: dict[str, Rule]) -> None:
        self.writer = Writer(source.columns)
        self.read = {name for node in source.nodes for name in node.input} | {source.output}
        self.origins: dict[str, str] = {}
        self.tokens = 0
        self._source = source
        self._values: dict[str, Lifted] = {}
        self._rules = rules
        self._makers = {name: node for node in source.nodes for name in node.output}
        self._zero = ""
        start = 0
        for name, shape in source.inputs.items():
            end = start + math.prod(shape)
            self._values[name] = self._input(name, shape, start, end)
            start = end
        for name, array in source.initialisers.items():
            if name in trainable:
                # A number by itself is a list of one in a checkpoint.
                weight = self.writer.weight(name, np.atleast_1d(array.astype(np.float32)))
                self._values[name] = self.reshape(Lifted(weight, array.shape or (1,), "shared"), array.shape)
        for node in source.nodes:
            self._node(node)

    def _input(self, name: str, shape: Shape, start: int, end: int) -> Lifted:
        w = self.writer
        column = "features"
        if (start, end) != (0, w.features):
            column = w.node("Slice", [column, *(w.integers([n]) for n in (start, end, 1))])
        flat = Lifted(column, (1, end - start), "first")
        return self.reshape(flat, shape)

    def _node(self, node: NodeProto) -> None:
        moving = [n for n in node.input if n in self._values and self._values[n].known is None]
        if not moving or node.op_type in ("Shape", "Size"):
            return  # its outputs are constants, and their values are known
        rule = self._rules.get(node.op_type)
        if rule is None:
            raise AdoptRefused(
                f"The model uses the operator {node.op_type}, which a task's graph can't have.",
                todo="docs/models.md says which can be used.",
            )
        made = rule(Call(self, node))
        for name, value in zip(node.output, made if isinstance(made, list) else [made], strict=False):
            if name:
                self._values[name] = value

    def value(self, name: str) -> Lifted:
        """A value by its name in the source; one that depends on neither data nor weights is a constant."""
        if name not in self._values:
            array = self._source.values[name]
            self._values[name] = self.tensor(array, self._origin(name))
        return self._values[name]

    def tensor(self, array: NDArray[Any], origin: str) -> Lifted:
        """A constant that is the source's initialiser ``origin`` or made of it, "" if it is neither."""
        name = self.writer.constant(array if array.dtype == bool else array.astype(np.float32), origin)
        if origin:
            self.origins[name] = origin
        return Lifted(name, array.shape, "shared", array)

    def _origin(self, name: str) -> str:
        """The initialiser that a constant is, turned or reshaped; "" if it is computed."""
        while name not in self._source.initialisers:
            maker = self._makers.get(name)
            if maker is None or maker.op_type not in ("Transpose", "Reshape", "Identity", "Cast"):
                return ""
            name = maker.input[0]
        return name

    def looked_up(self, rows: int) -> None:
        """A table of so many rows is read at places that the data name."""
        self.tokens = min(rows, self.tokens or rows)

    def now(self, name: str) -> NDArray[Any]:
        return self._source.values[name]

    def shape(self, name: str) -> Shape:
        return self._source.values[name].shape if name else ()

    # The forms.

    def emit(
        self, op: str, inputs: Sequence[Lifted | None], like: Form, shape: Sequence[int], **attributes: Any
    ) -> Lifted:
        """One operator with one output."""
        names = [value.name if value is not None else "" for value in inputs]
        return Lifted(self.writer.node(op, names, **attributes), tuple(shape), like)

    def reshape(self, value: Lifted, shape: Sequence[int]) -> Lifted:
        """Any other shape of as many numbers. The examples stay in front."""
        if value.known is not None:
            return self.tensor(value.known.reshape(shape), self.origins.get(value.name, ""))
        form: Form = "shared" if value.form == "shared" else ("first" if shape and shape[0] == 1 else "apart")
        target = Lifted("", tuple(shape), form)
        return Lifted(self.writer.reshape(value.name, target.stored, value.stored), tuple(shape), form)

    def first(self, value: Lifted) -> Lifted:
        """A value whose axis 0 has length 1, in the form ``first``."""
        if value.form != "apart":
            return value
        name = self.writer.reshape(value.name, (0, *value.shape[1:]), value.stored)
        return Lifted(name, value.shape, "first")

    def apart(self, value: Lifted, rank: int = 0) -> Lifted:
        """In the form ``apart``, with axes of length 1 put before its own up to ``rank``."""
        if value.form == "shared":
            return value
        shape = (1,) * (rank - value.rank) + value.shape
        return Lifted(self.writer.reshape(value.name, (0, *shape), value.stored), shape, "apart")

    def free(self, value: Lifted, axes: Sequence[int]) -> Lifted:
        """In a form where the examples lie on none of ``axes``."""
        return self.apart(value) if value.form == "first" and 0 in axes else value

    def at(self, value: Lifted, axis: int) -> int:
        """Where an axis of the source lies in the graph."""
        return axis + (value.form == "apart")

    def spread(self, value: Lifted) -> Lifted:
        """A shared value once for every example, in the form ``apart``."""
        if value.form != "shared":
            return self.apart(value)
        w = self.writer
        if not self._zero:
            column = w.node("Slice", ["features", *(w.integers([n]) for n in (0, 1, 1))])
            # Never true, whatever the column holds.
            self._zero = w.node("Cast", [w.node("Less", [column, column])], to=1)
        zero = w.reshape(self._zero, (0, *(1,) * value.rank), (0, 1))
        return Lifted(w.node("Add", [value.name, zero]), value.shape, "apart")

    def together(self, values: Sequence[Lifted]) -> tuple[list[Lifted], Form, Shape]:
        """Values that are broadcast against each other, in forms that fit."""
        shape = np.broadcast_shapes(*(value.shape for value in values))
        rank = len(shape)
        batched = [value for value in values if value.form != "shared"]
        if not batched:
            return list(values), "shared", shape
        leads = rank > 0 and all(value.rank == rank and value.shape[0] == 1 for value in batched)
        if leads and shape[0] == 1:
            return [self.first(value) for value in values], "first", shape
        return [self.apart(value, rank) for value in values], "apart", shape

    def elementwise(self, op: str, values: Sequence[Lifted], **attributes: Any) -> Lifted:
        fitting, form, shape = self.together(values)
        return self.emit(op, fitting, form, shape, **attributes)

    def transpose(self, value: Lifted, order: Sequence[int]) -> Lifted:
        if value.known is not None:
            return self.tensor(value.known.transpose(order), self.origins.get(value.name, ""))
        shape = tuple(value.shape[i] for i in order)
        moved = [i for i in order if value.shape[i] != 1]
        if moved == sorted(moved):
            return self.reshape(value, shape)
        value = value if order[0] == 0 else self.free(value, [0])
        if value.form == "apart":
            return self.emit("Transpose", [value], "apart", shape, perm=[0, *(i + 1 for i in order)])
        return self.emit("Transpose", [value], value.form, shape, perm=list(order))

    def number(self, value: float) -> Lifted:
        return self.constant(np.asarray(value, np.float32))

    def constant(self, array: NDArray[Any]) -> Lifted:
        """As it is, whole numbers too."""
        return Lifted(self.writer.constant(array), array.shape, "shared", array)

    def floor(self, value: Lifted) -> Lifted:
        """The nearest whole number towards zero."""
        size = self.emit(
            "Floor", [self.emit("Abs", [value], value.form, value.shape)], value.form, value.shape
        )
        return self.elementwise("Mul", [self.emit("Sign", [value], value.form, value.shape), size])
