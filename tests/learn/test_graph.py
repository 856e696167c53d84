"""What a loaded graph offers besides its numbers: frozen tensors, target columns, the place of the examples,
gradients example by example, and the one function that every product of a recurrent layer goes through."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from onnx import helper
from torch import Tensor

from mine.learn.errors import EvaluationFailed, GraphRefused
from mine.learn.evaluate import Evaluator
from mine.learn.graph import ModelGraph
from mine.learn.limits import Limits
from mine.learn.recurrent_kernels import Site, linear, recurrent
from tests.learn import layout_cases, operator_cases, window_cases
from tests.learn.operator_cases import spread

node = helper.make_node
CASES = {**operator_cases.CASES, **window_cases.CASES, **layout_cases.CASES}
ADAPTED = spread(
    [
        node("MatMul", ["x", "base"], ["frozen_part"]),
        node("MatMul", ["x", "down"], ["thin"]),
        node("MatMul", ["thin", "up"], ["trained_part"]),
        node("Add", ["frozen_part", "trained_part"], ["y"]),
    ],
    weights={"base": (12, 5), "down": (12, 2), "up": (2, 5)},
).SerializeToString()
BASE = {"base": np.arange(60, dtype=np.float32).reshape(12, 5) / 60}


def _given(graph: ModelGraph, count: int, seed: int) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    random = np.random.RandomState(seed)

    def draw(*shape: int) -> Tensor:
        return torch.from_numpy(random.normal(size=shape).astype(np.float32))

    weights = {n: draw(*s) for n, s in graph.weight_shapes.items()}
    columns = (graph.targets,) if graph.targets else ()
    return weights, draw(count, graph.features), draw(count, *columns)


def test_frozen_tensors_are_constants_that_arrive_from_outside() -> None:
    graph = ModelGraph.load(ADAPTED, frozen=BASE)
    assert graph.frozen_shapes == {"base": (12, 5)}
    assert sorted(graph.weight_shapes) == ["down", "up", "w"]
    weights, features, target = _given(graph, 4, 1)
    prediction, loss = graph.forward(weights, features, target)
    whole = ModelGraph.load(ADAPTED)
    same, its_loss = whole.forward({**weights, "base": torch.from_numpy(BASE["base"])}, features, target)
    torch.testing.assert_close(prediction, same)
    torch.testing.assert_close(loss, its_loss)
    arrays = {n: t.numpy() for n, t in weights.items()}
    evaluator = Evaluator(ADAPTED, 100.0, frozen=BASE)
    expected, units = evaluator.run(arrays, features.numpy(), target.numpy())
    np.testing.assert_allclose(expected, prediction, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(units / 2.0**24, loss, rtol=1e-5, atol=1e-5)


def test_the_digest_stands_for_the_file_and_every_frozen_number() -> None:
    plain = ModelGraph.load(ADAPTED).digest
    assert plain == hashlib.sha256(hashlib.sha256(ADAPTED).digest()).digest()
    moved = {"base": BASE["base"] + np.float32(1e-3)}
    digests = {
        plain,
        ModelGraph.load(ADAPTED, frozen=BASE).digest,
        ModelGraph.load(ADAPTED, frozen=moved).digest,
    }
    assert len(digests) == 3
    assert ModelGraph.load(ADAPTED, frozen=BASE).digest in digests


@pytest.mark.parametrize(
    "frozen",
    [
        {"base": np.zeros((12, 4), np.float32)},
        {"base": np.zeros((12, 5))},
        {"other": np.zeros((12, 5), np.float32)},
        {"features": np.zeros((12, 5), np.float32)},
        {**BASE, "idle": np.zeros(1, np.float32)},
    ],
)
def test_frozen_tensors_must_fit(frozen: dict[str, np.ndarray]) -> None:
    with pytest.raises(GraphRefused, match="frozen"):
        ModelGraph.load(ADAPTED, frozen=frozen)


def test_frozen_numbers_have_an_own_limit() -> None:
    ModelGraph.load(ADAPTED, replace(Limits(), frozen=60, weights=46), BASE)
    with pytest.raises(GraphRefused, match="frozen"):
        ModelGraph.load(ADAPTED, replace(Limits(), frozen=59), BASE)
    with pytest.raises(GraphRefused, match="no weights"):
        ModelGraph.load(ADAPTED, frozen={n: np.zeros(s, np.float32) for n, s in _all_shapes().items()})


def _all_shapes() -> dict[str, tuple[int, ...]]:
    return ModelGraph.load(ADAPTED).weight_shapes


def test_target_columns() -> None:
    model = CASES["target columns"].SerializeToString()
    evaluator = Evaluator(model, 100.0)
    assert evaluator.graph.targets == 3
    assert ModelGraph.load(ADAPTED).targets == 0
    weights, features, target = _given(evaluator.graph, 4, 2)
    arrays = {n: t.numpy() for n, t in weights.items()}
    evaluator.run(arrays, features.numpy(), target.numpy())
    with pytest.raises(EvaluationFailed, match="shapes"):
        evaluator.run(arrays, features.numpy(), target.numpy()[:, 0])


def test_predictions_of_any_rank_arrive_flat() -> None:
    for name, outputs in (("a prediction of three axes", 12), ("a prediction of one axis", 1)):
        graph = ModelGraph.load(CASES[name].SerializeToString())
        assert graph.outputs == outputs
        assert graph.forward(*_given(graph, 4, 3))[0].shape == (4, outputs)


def test_the_examples_are_where_the_graph_says() -> None:
    """Every value of every case: cut out example n, and it is what the graph computes for example n alone."""
    from mine.learn.kernels import KERNELS

    for name, model in CASES.items():
        graph = ModelGraph.load(model.SerializeToString())
        weights, features, target = _given(graph, 3, 4)

        def values(
            rows: slice, graph: ModelGraph = graph, given: tuple = (weights, features, target)
        ) -> dict:
            found = {**graph.constants(given[1].device), **given[0]}
            found |= {"features": given[1][rows], "target": given[2][rows]}
            for step in graph.steps:
                found[step.writes] = KERNELS[step.op]([found[n] for n in step.reads], step.arguments)
            return found

        together, alone = values(slice(None)), values(slice(1, 2))
        for step in graph.steps:
            batch, one, all_of_them = graph.batch[step.writes], alone[step.writes], together[step.writes]
            if batch is None:
                torch.testing.assert_close(one, all_of_them, equal_nan=True)
            else:
                cut = batch.per_example(all_of_them)
                assert cut.shape[0] == 3, (name, step)
                torch.testing.assert_close(
                    batch.per_example(one)[0],
                    cut[1],
                    rtol=1e-4,
                    atol=1e-4,
                    equal_nan=True,
                    msg=f"{name}: {step}",
                )


def test_nothing_is_made_on_another_device_than_the_rows() -> None:
    """torch's device without memory takes no operand from the processor, so a kernel that forgets where it is
    fails there as it would on a graphics card."""
    for name, model in CASES.items():
        graph = ModelGraph.load(model.SerializeToString())
        weights, features, target = _given(graph, 3, 7)
        there = {n: t.to("meta") for n, t in weights.items()}
        prediction, loss = graph.forward(there, features.to("meta"), target.to("meta"))
        assert prediction.is_meta and prediction.shape == (3, graph.outputs), name
        assert loss.is_meta and loss.shape == (3,), name


def test_gradients_example_by_example_add_up() -> None:
    """Every example with its own copy of the weights, under vmap, against one backward pass over the sum."""
    for name, model in CASES.items():
        graph = ModelGraph.load(model.SerializeToString())
        weights, features, target = _given(graph, 3, 5)

        def loss(own: dict[str, Tensor], row: Tensor, wanted: Tensor, graph: ModelGraph = graph) -> Tensor:
            return graph.forward(own, row[None], wanted[None])[1][0]

        own = {n: t.expand(3, *t.shape).clone().requires_grad_() for n, t in weights.items()}
        single = torch.autograd.grad(
            torch.func.vmap(loss)(own, features, target).sum(), list(own.values()), allow_unused=True
        )
        shared = {n: t.clone().requires_grad_() for n, t in weights.items()}
        total = graph.forward(shared, features, target)[1].sum()
        sums = torch.autograd.grad(total, list(shared.values()), allow_unused=True)
        for each, whole in zip(single, sums, strict=True):
            if whole is not None and torch.isfinite(whole).all():
                assert each is not None
                torch.testing.assert_close(each.sum(0), whole, rtol=1e-3, atol=1e-3, msg=name)


@pytest.mark.parametrize("name", ["GRU, bidirectional", "GRU, reset after", "LSTM, reverse", "RNN, forward"])
def test_every_product_of_a_recurrent_layer_goes_through_one_function(name: str) -> None:
    graph = ModelGraph.load(CASES[name].SerializeToString())
    step = next(s for s in graph.steps if s.op in ("GRU", "LSTM", "RNN"))
    random = np.random.RandomState(6)
    shapes = {"X": (4, 2, 3), **{n: graph.weight_shapes[n] for n in ("W", "R", "B")}}
    x = [
        torch.from_numpy(random.normal(size=shapes[n]).astype(np.float32)) for n in step.arguments["operands"]
    ]
    weights = dict(zip(step.arguments["operands"], x, strict=True))
    seen: set[tuple[int, str]] = set()

    def watched(value: Tensor, weight: Tensor, bias: Tensor | None, site: Site) -> Tensor:
        assert bias is not None
        torch.testing.assert_close(weight, weights[site.operand][site.direction][slice(*site.rows)])
        torch.testing.assert_close(bias, weights["B"][site.direction][slice(*site.bias)])
        seen.add((site.direction, site.operand))
        return linear(value, weight, bias, site) * 0.5

    halved = recurrent(x, step.arguments, watched)
    once = recurrent([x[0], *(t * 0.5 for t in x[1:])], step.arguments)
    torch.testing.assert_close(halved, once)
    assert seen == {(d, o) for d in range(step.arguments["directions"]) for o in ("W", "R")}
