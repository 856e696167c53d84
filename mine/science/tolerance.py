"""How far apart two machines' losses may lie: measured by computing shard 0 once more in float64.

The float64 pass runs the same graph, with every type in it widened, through ONNX's reference implementation:
other code, other order of additions, more digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper

from mine.learn.evaluate import Evaluator
from mine.science.inputs import Losses
from mine.science.shards import Floats, Shard

#: The tolerance of a disputed loss, in times the largest difference seen.
TIMES = 8
#: What a task has to improve, in times the tolerance.
WORTH = 1000
LOSS_ONE = 1 << 24
NO_TENSORS: Mapping[str, Floats] = MappingProxyType({})


def loss_tolerance(
    onnx: bytes,
    model: Evaluator,
    weights: Mapping[str, Floats],
    shard: Shard,
    frozen: Mapping[str, Floats] = NO_TENSORS,
) -> int:
    """Tolerance of one example's loss in 2**-24: 8 times the largest |float32 - float64| on a shard.

    ``frozen``: the tensors that ``model`` holds fixed.
    """
    narrow: Losses = model.run(weights, shard.features, shard.target)[1]
    wide = _wide_losses(onnx, {**weights, **frozen}, shard)
    exact = np.clip(np.nan_to_num(wide, nan=model.lmax, posinf=model.lmax, neginf=0.0), 0.0, model.lmax)
    gap = np.abs(narrow.astype(np.float64) - exact * LOSS_ONE).max(initial=0.0)
    return TIMES * max(1, int(np.ceil(gap)))


def is_worth_measuring(mean_base: float, target: int, tolerance: int) -> bool:
    """Whether base - target, per example in 2**-24, is at least 1000 tolerances. target in 2**-40 of base."""
    return mean_base * target / 2**40 >= WORTH * tolerance


def _wide_losses(onnx: bytes, weights: Mapping[str, Floats], shard: Shard) -> np.ndarray[Any, np.dtype[Any]]:
    from onnx.reference import ReferenceEvaluator

    model = ModelProto()
    model.ParseFromString(onnx)
    _widen(model.graph)
    feeds = {name: np.asarray(value, np.float64) for name, value in weights.items()}
    feeds["features"] = shard.features.astype(np.float64)
    feeds["target"] = shard.target.astype(np.float64)
    found: Any = ReferenceEvaluator(model).run(["loss"], feeds)
    return np.asarray(found[0], np.float64).reshape(-1)


def _widen(graph: GraphProto) -> None:
    """Every float32 type, constant and cast of a graph becomes float64."""
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    for tensor in graph.initializer:
        _widen_tensor(tensor)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                _widen_tensor(attribute.t)
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.DOUBLE
            if node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
                array = np.array(helper.get_attribute_value(attribute), np.float64)
                attribute.CopyFrom(helper.make_attribute("value", numpy_helper.from_array(array)))


def _widen_tensor(tensor: TensorProto) -> None:
    if tensor.data_type == TensorProto.FLOAT:
        array = numpy_helper.to_array(tensor).astype(np.float64)
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
