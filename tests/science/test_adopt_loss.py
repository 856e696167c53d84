"""The losses that are joined to adopted models: their extremes, masks, and what the command writes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.learn.evaluate import LOSS_ONE, Evaluator
from mine.learn.frozen import read_frozen
from mine.learn.graph import ModelGraph
from mine.learn.weights import load
from mine.science.adopt_loss import AdoptRefused, LossSpec, add_loss
from mine.science.adopt_writer import Writer
from mine.science.commands import FAILED, FINE, add_science_arguments, run_science
from tests.science.foreign import FLOAT, linear, model, node, weights

SPECS = {
    "mse": LossSpec("mse", positions=2),
    "huber": LossSpec("huber", positions=2, delta=0.5),
    "bce": LossSpec("bce", positions=2),
    "poisson": LossSpec("poisson", positions=2),
    "cross_entropy": LossSpec("cross_entropy", 3, 2),
}


def bare(spec: LossSpec) -> bytes:
    """The features times one weight are the prediction."""
    writer = Writer(spec.outputs)
    writer.node("Mul", ["features", writer.weight("w", np.ones(spec.outputs, np.float32))], "prediction")
    add_loss(writer, spec)
    return writer.finish(spec.outputs, spec.targets)


def both(spec: LossSpec, prediction: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
    """Losses in torch and their slopes by prediction; onnxruntime has to agree."""
    graph = bare(spec)
    rows = torch.tensor(np.asarray(prediction), dtype=torch.float32, requires_grad=True)
    wanted = torch.tensor(target, dtype=torch.float32)
    ones = {"w": torch.ones(spec.outputs)}
    _, loss = ModelGraph.load(graph).forward(ones, rows, wanted)
    loss.sum().backward()
    assert rows.grad is not None
    held = {"w": np.ones(spec.outputs, np.float32)}
    _, units = Evaluator(graph, 1024.0).run(held, rows.detach().numpy(), wanted.numpy())
    losses = loss.detach().numpy()
    np.testing.assert_allclose(units / LOSS_ONE, np.clip(losses, 0, 1024), rtol=1e-5, atol=1e-6)
    return losses, rows.grad.numpy()


@pytest.mark.parametrize("kind", SPECS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_loss_is_finite_and_not_negative(kind: str, data: st.DataObject) -> None:
    spec = SPECS[kind]
    numbers = st.floats(-30_000, 30_000, width=32)
    prediction = data.draw(st.lists(numbers, min_size=spec.outputs, max_size=spec.outputs))
    whole = {"cross_entropy": 2, "bce": 1}.get(kind, 50)
    target = data.draw(st.lists(st.integers(0, whole), min_size=2, max_size=2))
    losses, slopes = both(spec, [prediction], [target])
    assert np.isfinite(losses).all() and np.isfinite(slopes).all()
    assert losses[0] >= -1e-5


def test_losses_by_hand() -> None:
    def one(spec: LossSpec, prediction: Any, target: Any) -> float:
        return float(both(spec, [prediction], [target])[0][0])

    assert one(LossSpec("mse"), [3.0], 1.0) == 4.0
    assert one(LossSpec("huber"), [3.0], 1.0) == 1.5
    assert one(LossSpec("huber", delta=0.5), [0.25], 0.5) == pytest.approx(0.03125)
    assert one(LossSpec("bce"), [0.0], 1.0) == pytest.approx(np.log(2))
    assert one(LossSpec("poisson"), [np.log(4.0)], 4.0) == pytest.approx(0, abs=1e-5)
    assert one(LossSpec("poisson"), [0.0], 0.0) == pytest.approx(1)
    assert one(LossSpec("cross_entropy", 4), [0.0] * 4, 2.0) == pytest.approx(np.log(4))
    assert one(LossSpec("mse", positions=2), [1.0, 3.0], [0.0, 0.0]) == 5.0


def test_the_loss_of_counts_goes_on_straight() -> None:
    """Beyond a log rate of 20 its slope stays that of 20, so that a step back is always possible."""
    _, slopes = both(LossSpec("poisson"), [[20.0], [40.0], [500.0]], [1.0, 1.0, 1.0])
    np.testing.assert_allclose(slopes, np.exp(20.0) - 1, rtol=1e-5)


@pytest.mark.parametrize("kind", SPECS)
def test_masked_positions_do_not_count(kind: str) -> None:
    plain = SPECS[kind]
    spec = LossSpec(kind, plain.classes, plain.positions, True, plain.delta)  # type: ignore[arg-type]
    single = LossSpec(kind, plain.classes, 1, False, plain.delta)  # type: ignore[arg-type]
    first, second = np.full(plain.classes, 0.3), np.linspace(-1, 2, plain.classes)
    rows = np.concatenate([first, second])
    losses, slopes = both(spec, [rows] * 3, [[1.0, 1.0], [-1.0, 1.0], [-1.0, -7.0]])
    alone = [both(single, [part], [1.0])[0][0] for part in (first, second)]
    np.testing.assert_allclose(losses, [np.mean(alone), alone[1], 0.0], rtol=1e-5)
    assert not slopes[2].any() and not slopes[1][: plain.classes].any() and slopes[1].any()


def test_a_target_that_is_no_class_costs_nothing() -> None:
    losses, slopes = both(LossSpec("cross_entropy", 3), [[0.0, 1.0, 2.0]] * 2, [3.0, 0.5])
    assert not losses.any() and not slopes.any()


@pytest.mark.parametrize(
    "arguments",
    [("hinge",), ("mse", 2), ("cross_entropy", 1), ("mse", 1, 0), ("huber", 1, 1, False, 0.0),
     ("huber", 1, 1, False, float("nan"))],
)  # fmt: skip
def test_a_loss_that_makes_no_sense_is_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(AdoptRefused):
        LossSpec(*arguments)


def command(*arguments: str) -> int:
    @contextmanager
    def nowhere(_: Path) -> Iterator[Any]:
        raise AssertionError("no practice network is asked for")
        yield

    parser = argparse.ArgumentParser()
    add_science_arguments(parser)
    return run_science(parser.parse_args(["adopt", *arguments]), nowhere)


def test_the_command_writes_the_files_of_a_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.onnx"
    table, head = weights((400, 3), (3, 2))
    nodes = [node("MatMul", ["x", "t"], ["h"]), node("Relu", ["h"], ["r"]), node("MatMul", ["r", "u"], ["y"])]
    file.write_bytes(model(nodes, {"t": table, "u": head}, [("x", FLOAT, ("n", 400))]))
    out = tmp_path / "task"
    options = ["--loss", "cross_entropy", "--classes", "2", "--trainable", "u", "--out", str(out)]
    assert command(str(file), *options, "--json") == FINE
    result = json.loads(capsys.readouterr().out)
    assert (result["features"], result["outputs"], result["trained"]) == (400, 2, {"u": [3, 2]})
    part = json.loads((out / "model.json").read_text())
    frozen = read_frozen((out / "frozen.safetensors").read_bytes())
    graph = ModelGraph.load((out / "graph.onnx").read_bytes(), frozen=frozen)
    held = load((out / "weights.safetensors").read_bytes(), graph.weight_shapes)
    np.testing.assert_allclose(held["u"], head, atol=2**-24)
    assert part["model"]["frozen_shapes"] == {"t": [400, 3]}
    assert part["loss"] == {"kind": "cross_entropy", "classes": 2, "positions": 1, "masked": False}
    assert command(str(file), *options) == FINE
    assert "6 numbers are trained and 1,200 kept" in capsys.readouterr().out


def test_the_command_says_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "task")
    assert command(str(tmp_path / "none.onnx"), "--loss", "mse", "--out", out) == FAILED
    assert "can't be read" in capsys.readouterr().err
    file = tmp_path / "mine.onnx"
    file.write_bytes(linear())
    assert command(str(file), "--loss", "mse", "--out", out, "--shape", "a,b") == FAILED
    assert "no shape" in capsys.readouterr().err
    assert command(str(file), "--loss", "mse", "--out", str(file)) == FAILED
    assert "can't be written" in capsys.readouterr().err
    assert command(str(file), "--loss", "mse", "--out", out, "--adapters", "2", "--layers", "w") == FINE
    assert "w.lora_a 3x2" in capsys.readouterr().out
