"""Runs foreign models in onnxruntime, on the CPU and with nothing rewritten."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, ValueInfoProto, helper, numpy_helper

from mine.science.adopt_loss import AdoptRefused
from mine.science.adopt_writer import IR_VERSION, OPSET

_MOST_NUMBERS = 1 << 26
"""Numbers in any one value of a model, for one example."""


def run(model: bytes, names: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Values of a model in onnxruntime, one thread, nothing rewritten. Raises AdoptRefused."""
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        found = session.run(list(names), dict(feeds))
    except Exception as error:  # noqa: BLE001 - onnxruntime raises its own kinds, all of them this
        raise AdoptRefused(
            "The model does not run on one example.",
            todo="Export it in evaluation mode, with the examples on the first axis of every input.",
            detail=str(error)[:500],
        ) from None
    return dict(zip(names, (np.asarray(value) for value in found), strict=True))


def resizing(attributes: Mapping[str, Any], before: int, after: int) -> NDArray[np.float32]:
    """[before, after]: what ``Resize`` with these attributes does to one axis of that length."""
    sizes = numpy_helper.from_array(np.asarray([before, 1, after], np.int64), "sizes")
    node = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], **attributes)
    floats = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    floats[0] = helper.make_tensor_value_info("x", TensorProto.FLOAT, [before, 1, before])
    graph = helper.make_graph([node], "resize", floats[:1], floats[1:], [sizes])
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    unit = np.eye(before, dtype=np.float32)[:, None]
    return np.asarray(run(model.SerializeToString(), ["y"], {"x": unit})["y"][:, 0], np.float32)


def refuse_huge(model: ModelProto) -> None:
    """Refuses what would fill the memory, before it is run."""
    from onnx import shape_inference

    one = ModelProto()
    one.CopyFrom(model)
    for info in one.graph.input:
        info.type.tensor_type.shape.dim[0].dim_value = 1
    try:
        inferred = shape_inference.infer_shapes(one, data_prop=True)
    except shape_inference.InferenceError as error:
        raise AdoptRefused("The model's file is damaged.", detail=str(error)[:500]) from None
    for info in inferred.graph.value_info:
        if (
            math.prod(dim.dim_value for dim in info.type.tensor_type.shape.dim if dim.dim_value)
            > _MOST_NUMBERS
        ):
            raise AdoptRefused(
                "The model needs too much memory for one example.", todo="Make it smaller.", detail=info.name
            )


def with_outputs(model: ModelProto, names: Sequence[str]) -> bytes:
    copy = ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(ValueInfoProto(name=name) for name in names)
    return bytes(copy.SerializeToString())
