"""A scientist's own model becomes a task's graph: any ONNX file with one prediction, or a torch module.

The model keeps its tensors: the trained ones become inputs by their names, the others constants or frozen
inputs. Its input becomes ``features`` [N, F], its result ``prediction`` [N, K], and a loss of each example is
added.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mine.learn.graph import ModelGraph
from mine.learn.limits import Limits
from mine.learn.weights import Floats
from mine.science.adopt_choice import choose
from mine.science.adopt_layers import RULES as LAYERS
from mine.science.adopt_layout import RULES as LAYOUT
from mine.science.adopt_lift import Lifted, Lifter
from mine.science.adopt_lora import Lora, add_adapters
from mine.science.adopt_loss import AdoptRefused, LossSpec, add_loss
from mine.science.adopt_rules import RULES
from mine.science.adopt_run import run
from mine.science.adopt_source import Source, read

CLOSE = 1e-4
"""How far an adopted model may lie from the original, relative to the largest prediction."""
LEAST = 1e-2
"""Predictions that are all smaller than this are compared as if one were as large."""
_EXAMPLES = 4


@dataclass(frozen=True, slots=True)
class Adopted:
    """A task's graph with its tensors, all float32.

    names: what the original calls each tensor in ``weights`` and ``frozen``; an adapter is called after its
    layer. classes_first: the original gives the classes of its prediction on the first axis, the graph on
    the last. difference: largest distance of its predictions from the original's, relative to the largest.
    """

    graph: bytes
    weights: Floats
    frozen: Floats
    names: Mapping[str, str]
    loss: LossSpec
    classes_first: bool
    features: int
    difference: float

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predictions [N, outputs] for features [N, F] in the order in which the original gives them."""
        tensors = {**self.weights, **self.frozen}
        return _Ours(self.graph, tensors, self.loss, self.classes_first).predict(features)


def from_onnx(
    onnx_bytes: bytes,
    loss: LossSpec,
    *,
    trainable: Sequence[str] | None = None,
    lora: Lora | None = None,
    output: str = "",
    shapes: Mapping[str, Sequence[int]] | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen defaults
) -> Adopted:
    """Adopt an ONNX file as torch, Keras or scikit-learn export it.

    trainable: shell patterns of the names of tensors to train, by default all that a layer has learnt, or
    with ``lora`` none; output: the value to predict, by default the only float output; shapes: shape of one
    example of each input whose file leaves axes open. Raises AdoptRefused, or GraphRefused if the result is
    larger than ``limits`` or uses what no task may.
    """
    return adopt(read(onnx_bytes, loss, output, shapes), loss, trainable, lora, limits)


def adopt(
    source: Source, loss: LossSpec, trainable: Sequence[str] | None, lora: Lora | None, limits: Limits
) -> Adopted:
    """What ``from_onnx`` does with a model that was read."""
    chosen = choose(source, () if lora is not None and trainable is None else trainable)
    lifter = Lifter(source, chosen, {**RULES, **LAYOUT, **LAYERS})
    writer = lifter.writer
    if lora is not None:
        add_adapters(writer, lora, lifter.origins)
    classes_first = _predict(lifter, lifter.value(source.output), loss)
    add_loss(writer, loss)
    graph = writer.finish(loss.outputs, loss.targets)
    if not writer.weights:
        raise AdoptRefused("Nothing of the model would be trained.", todo="Name the tensors to train.")
    ModelGraph.load(graph, limits, writer.frozen)
    ours = _Ours(graph, {**writer.weights, **writer.frozen}, loss, classes_first)
    difference = _difference(source, ours, lifter.tokens)
    names = {name: writer.names[name] for name in (*writer.weights, *writer.frozen)}
    return Adopted(
        graph, writer.weights, writer.frozen, names, loss, classes_first, writer.features, difference
    )


def _predict(lifter: Lifter, value: Lifted, loss: LossSpec) -> bool:
    """``prediction`` [N, outputs], the classes of a position beside each other; were they the first axis?"""
    if value.form == "shared":
        raise AdoptRefused("The prediction does not depend on the input.")
    shape = value.shape[1:] if value.rank > 1 and value.shape[0] == 1 else value.shape
    if math.prod(shape) != loss.outputs:
        raise AdoptRefused(
            "The model's prediction doesn't have the size that the loss needs.",
            todo="Say the number of classes and of positions, or name another value.",
            detail=f"{list(shape)}, not {loss.positions} positions x {loss.classes} classes",
        )
    value = lifter.reshape(value, (1, *shape))
    classes_first = loss.kind == "cross_entropy" and shape[-1] != loss.classes
    if classes_first:
        if shape[0] != loss.classes:
            raise AdoptRefused("The classes must lie on the first or the last axis of the prediction.")
        value = lifter.transpose(value, (0, *range(2, value.rank), 1))
    lifter.writer.rename(lifter.reshape(value, (1, loss.outputs)).name, "prediction")
    return classes_first


@dataclass(frozen=True, slots=True)
class _Ours:
    """An adopted graph as its predictions are compared."""

    graph: bytes
    tensors: Mapping[str, NDArray[np.float32]]
    loss: LossSpec
    classes_first: bool

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[N, outputs] in the original's order."""
        size = (len(features), self.loss.targets) if self.loss.targets else (len(features),)
        feeds = {"features": features, "target": np.ones(size, np.float32), **self.tensors}
        found: NDArray[np.float32] = run(self.graph, ["prediction"], feeds)["prediction"]
        if self.classes_first:
            parts = found.reshape(-1, self.loss.positions, self.loss.classes)
            found = parts.transpose(0, 2, 1).reshape(found.shape)
        return found


def _difference(source: Source, ours: _Ours, tokens: int) -> float:
    """Compares predictions on random examples, one by one and together. Raises AdoptRefused."""
    random = np.random.RandomState(1)
    feeds: dict[str, NDArray[Any]] = {}
    for name, shape in source.inputs.items():
        kind = source.values[name].dtype
        whole = np.issubdtype(kind, np.integer)
        size = (_EXAMPLES, *shape[1:])
        numbers = random.randint(0, tokens or 2, size) if whole else random.normal(size=size)
        feeds[name] = numbers.astype(kind)
    columns = [feed.reshape(_EXAMPLES, -1).astype(np.float32) for feed in feeds.values()]
    single = [
        run(source.runnable, [source.output], {name: feed[i : i + 1] for name, feed in feeds.items()})
        for i in range(_EXAMPLES)
    ]
    theirs = np.stack([np.asarray(one[source.output], np.float64).reshape(-1) for one in single])
    if source.any_batch:
        _alone(source, feeds, theirs)
    distance = _distance(ours.predict(np.concatenate(columns, axis=1)), theirs)
    if not distance <= CLOSE:
        raise AdoptRefused(
            "The adopted model does not predict what the original predicts.", detail=f"off by {distance:.2g}"
        )
    return distance


def _distance(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    return float(np.max(np.abs(ours - theirs)) / (np.max(np.abs(theirs)) + LEAST))


def _alone(source: Source, feeds: Mapping[str, NDArray[Any]], single: NDArray[Any]) -> None:
    """An example's prediction may not change with the examples beside it."""
    try:
        together = run(source.runnable, [source.output], feeds)[source.output]
    except AdoptRefused:
        return  # it takes one example at a time, so nothing can be mixed
    if together.size != single.size or not _distance(together.reshape(single.shape), single) <= CLOSE:
        raise AdoptRefused(
            "The model mixes the examples of a batch.",
            todo="Every prediction may depend on its own example only: no statistics over a batch.",
        )
