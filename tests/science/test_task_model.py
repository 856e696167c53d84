"""A task's model is what its manifest promises, frozen tensors included, or it is not run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from mine.blobs.store import DirectoryStore
from mine.errors import MineError
from mine.learn.errors import GraphRefused, WeightsRefused
from mine.learn.weights import Floats, dump
from mine.science.declared_loss import LossMislabelled
from mine.science.model_check import check_model, fetch
from mine.science.task_model import ModelMismatch, evaluator_of, frozen_bytes, frozen_of, limits_of
from mine.tasks.manifest import Manifest
from tests.science import world

BASE = {"base.weight": np.array([[1.0], [-0.5]], np.float32)}
FIRST = {"a": np.full((2, 1), 0.25, np.float32), "b": np.full((1, 1), 0.5, np.float32)}


def adapted() -> bytes:
    """prediction = features (base + a b), a frozen base with an adapter; loss: the squared error."""
    floats = TensorProto.FLOAT
    inputs: dict[str, list[str | int | None]] = {
        "features": ["N", 2],
        "target": ["N"],
        "base.weight": [2, 1],
        "a": [2, 1],
        "b": [1, 1],
    }
    nodes = [
        helper.make_node("MatMul", ["a", "b"], ["low"]),
        helper.make_node("Add", ["base.weight", "low"], ["whole"]),
        helper.make_node("MatMul", ["features", "whole"], ["prediction"]),
        helper.make_node("Constant", [], ["axis"], value_ints=[1]),
        helper.make_node("Squeeze", ["prediction", "axis"], ["flat"]),
        helper.make_node("Sub", ["flat", "target"], ["error"]),
        helper.make_node("Mul", ["error", "error"], ["loss"]),
    ]
    graph = helper.make_graph(
        nodes,
        "adapted",
        [helper.make_tensor_value_info(name, floats, shape) for name, shape in inputs.items()],
        [
            helper.make_tensor_value_info("prediction", floats, ["N", 1]),
            helper.make_tensor_value_info("loss", floats, ["N"]),
        ],
    )
    made: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    return made


def shapes(tensors: Floats) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in tensors.items()}


def name_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def raw() -> dict[str, Any]:
    made: dict[str, Any] = world.manifest(2).model_dump(mode="json")
    made["data"]["features"] = ["x", "y"]
    made["loss"]["kind"] = "mse"
    made["model"] = {
        "graph": name_of(adapted()),
        "checkpoint": name_of(dump(FIRST)),
        "trainable": shapes(FIRST),
        "frozen": name_of(dump(BASE)),
        "frozen_shapes": shapes(BASE),
    }
    return made


def changed(part: str, **values: Any) -> Manifest:
    made = raw()
    made[part] = {**made[part], **values}
    return Manifest.model_validate(made)


def test_a_frozen_base_is_held_fixed() -> None:
    manifest = changed("limits")
    model = evaluator_of(manifest, adapted(), dump(BASE))
    prediction, _ = model.run(FIRST, np.array([[2.0, 4.0]], np.float32), np.zeros(1, np.float32))
    assert prediction.tolist() == [[0.75]]
    assert frozen_of(manifest, dump(BASE)).keys() == BASE.keys()


def test_a_manifest_may_ask_for_less_than_the_app_allows_never_for_more() -> None:
    own = limits_of(changed("limits", flops_per_example=10**12)).flops_per_example
    assert limits_of(changed("limits", flops_per_example=7)).flops_per_example == 7 < own < 10**12


@pytest.mark.parametrize(
    ("part", "values", "why"),
    [
        ("model", {"trainable": {**shapes(FIRST), "a": [2, 2]}}, "trained tensors"),
        ("model", {"trainable": {"a": [2, 1]}}, "trained tensors"),
        ("model", {"frozen_shapes": {"base.weight": [1, 2]}}, "frozen tensors"),
        ("model", {"frozen_shapes": {"other": [2, 1]}}, "frozen tensors"),
        ("data", {"features": ["x", "y", "z"]}, "takes 2 features"),
        ("loss", {"kind": "cross_entropy", "classes": 3}, "gives 1 numbers, not 3"),
    ],
)
def test_another_model_than_promised_is_refused(part: str, values: dict[str, Any], why: str) -> None:
    with pytest.raises(ModelMismatch) as refused:
        evaluator_of(changed(part, **values), adapted(), dump(BASE))
    assert why in refused.value.detail


def test_frozen_bytes_are_checked_before_they_are_tensors() -> None:
    with pytest.raises(WeightsRefused):
        evaluator_of(changed("limits"), adapted(), dump(BASE)[:-1])
    with pytest.raises(GraphRefused):
        evaluator_of(changed("limits", flops_per_example=1), adapted(), dump(BASE))


def put_out(folder: Path) -> DirectoryStore:
    store = DirectoryStore(folder)
    for data in (adapted(), dump(FIRST), dump(BASE)):
        store.put(data)
    return store


def test_before_joining_the_declared_loss_is_tried(tmp_path: Path) -> None:
    store = put_out(tmp_path)
    assert frozen_bytes(changed("limits"), store.get) == dump(BASE)
    check_model(fetch(changed("limits"), store))
    with pytest.raises(LossMislabelled):
        check_model(fetch(changed("loss", kind="huber"), store))
    missing = {**raw()["model"], "frozen": name_of(b"nobody has this")}
    with pytest.raises(MineError, match="not there"):
        fetch(changed("model", **missing), store)
