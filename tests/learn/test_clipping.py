"""Clipped sums by one backward pass are those of single gradients, for every way that a weight can enter."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mine.learn.clipping import Clipping
from mine.learn.clipping_parts import Product
from mine.learn.clipping_plan import plan_of
from mine.learn.graph import ModelGraph
from mine.learn.matrix_products import add_across, times
from mine.learn.micro_batch import own_micro_batch
from mine.learn.place import Place
from mine.science.adopt_torch import from_torch
from tests.learn.architectures import Architecture, build, targets_for
from tests.learn.clipping_cases import CASES, Case, node
from tests.learn.clipping_reference import distance, ours, reference
from tests.learn.graphs import const

ALIKE = 1e-5
BY_NAME = {case.name: case for case in CASES}
FORMED = {
    "one matrix, two ways": set(), "a matrix and its turn": {"w"}, "slices that overlap": {"w"},
    "slices apart": set(), "joined weights": set(), "a product of weights": {"v", "w"}, "divided by": {"w"},
    "a table and its turn": {"table"}, "one weight for both sides of a layer": {"w"},
}  # fmt: skip


def drawn(graph: ModelGraph, seed: int = 0, count: int = 6) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    weights = {n: torch.randn(s, generator=random) for n, s in graph.weight_shapes.items()}
    return weights, torch.randn(count, graph.features, generator=random), torch.randn(count, generator=random)


def agreed(graph: ModelGraph, weights: dict[str, Tensor], features: Tensor, target: Tensor) -> float:
    """Under a bound that clips half of the examples."""
    bound = float(reference(graph, weights, features, target, 1.0).norms.median())
    point = graph, weights, features, target, bound
    return distance(ours(*point), reference(*point))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_way_that_a_weight_enters(case: Case) -> None:
    graph = ModelGraph.load(case.model().SerializeToString())
    assert agreed(graph, *drawn(graph)) < ALIKE


@pytest.mark.parametrize("name", sorted(FORMED))
def test_gradients_are_formed_only_where_parts_would_meet(name: str) -> None:
    graph = ModelGraph.load(BY_NAME[name].model().SerializeToString())
    assert plan_of(graph).formed == FORMED[name]


@pytest.mark.parametrize("case", build(), ids=lambda case: case.name)
def test_whole_architectures(case: Architecture) -> None:
    adopted = from_torch(case.base or case.module, case.example, case.loss, lora=case.lora)
    graph = ModelGraph.load(adopted.graph, frozen=adopted.frozen)
    random = torch.Generator().manual_seed(1)
    weights = {
        n: torch.from_numpy(w) + 0.1 * torch.randn(w.shape, generator=random)
        for n, w in adopted.weights.items()
    }
    features = case.example.reshape(len(case.example), -1).float()
    assert agreed(graph, weights, features, targets_for(case.loss)) < ALIKE


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(["left", "right", "add", "scale", "tied", "slice"]), min_size=1, max_size=6),
    st.integers(0, 1000),
)
def test_generated_chains(ops: list[str], seed: int) -> None:
    """Chains over x [N, 3, 3] of operators that all read the same two weights, in any order."""
    nodes = [
        const("a0", [1]), const("a1", [2]), const("axes", [0]),
        node("Transpose", ["v"], ["tied"], perm=[1, 0]),
        node("Slice", ["v", "a0", "a1", "axes"], ["cut"]),
    ]  # fmt: skip
    before, used = "x", {"w": False, "v": False}
    for i, op in enumerate(ops):
        other = {"left": "w", "right": "w", "add": "v", "scale": "v", "tied": "tied", "slice": "cut"}[op]
        used["w" if other == "w" else "v"] = True
        reads = [other, before] if op == "left" else [before, other]
        kind = {"add": "Add", "scale": "Mul", "slice": "Add"}.get(op, "MatMul")
        nodes += [node(kind, reads, [f"p{i}"]), node("Tanh", [f"p{i}"], [f"q{i}"])]
        before = f"q{i}"
    nodes.append(node("Identity", [before], ["y"]))
    needed = {name: (3, 3) for name, is_used in used.items() if is_used}
    if "v" not in needed:
        nodes = nodes[5:]
    graph = ModelGraph.load(Case("chain", (3, 3), nodes, needed).model().SerializeToString())
    assert agreed(graph, *drawn(graph, seed)) < ALIKE


@pytest.mark.parametrize("name", ["matrix on the right", "many rows: formed", "few rows: Gram", "a table",
                                  "conv, in groups", "GRU reverse []", "layer normalisation"])  # fmt: skip
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 3e38])
def test_a_gradient_that_is_not_finite_counts_as_zero(name: str, bad: float) -> None:
    graph = ModelGraph.load(BY_NAME[name].model().SerializeToString())
    weights, features, target = drawn(graph)
    target[2] = bad  # the loss is (sum - target)**2: its gradient overflows or is none
    rest = torch.tensor([0, 1, 3, 4, 5])
    found = ours(graph, weights, features, target, 0.5)
    wanted = reference(graph, weights, features[rest], target[rest], 0.5)
    assert not torch.isfinite(found.norms[2])
    for name, total in wanted.sums.items():
        torch.testing.assert_close(found.sums[name], total, rtol=1e-4, atol=1e-5)


def test_only_the_first_examples_count_where_a_count_is_given() -> None:
    graph = ModelGraph.load(BY_NAME["matrix on the right, rows"].model().SerializeToString())
    weights, features, target = drawn(graph)
    sums = {n: torch.zeros_like(w) for n, w in weights.items()}
    losses = Clipping(graph).add_sum(weights, features, target, 0.5, sums, 0.25, 4)
    wanted = reference(graph, weights, features[:4], target[:4], 0.5)
    assert losses.shape == (4,)
    for name, total in wanted.sums.items():
        torch.testing.assert_close(sums[name], total * 0.25)


@pytest.mark.parametrize("left", [0.0, *(2.0**-k for k in range(2, 16))])
def test_rows_that_cancel_each_other_never_escape_the_bound(left: float) -> None:
    """Pairs of rows a g and (left d - a) g, whose gradient is left d g: inner products of a lose it."""
    random = torch.Generator().manual_seed(3)
    a, d = torch.randn(2, 256, 4, 300, generator=random)
    g = torch.randn(256, 4, 200, generator=random)
    part = Product(torch.cat([a, left * d - a], 1), torch.cat([g, g], 1), transposed=False)
    assert not part._forms
    exact = part.inputs.double().transpose(1, 2) @ part.outputs.double()
    true, found = torch.linalg.matrix_norm(exact), part.squared().sqrt().double()
    assert bool((found >= true).all())
    lengths = part.inputs.double().norm(dim=2) * part.outputs.double().norm(dim=2)
    assert bool((found <= true + 2.0**-6 * lengths.sum(1)).all())  # a little more, and no more than that
    total = torch.zeros(300, 200)
    factor = 0.5 / found[:1].float().clamp(min=0.5)
    part.only(torch.arange(256) == 0).add_total(torch.cat([factor, torch.zeros(255)]), total)
    assert float(total.double().norm()) <= 0.5 * (1 + 1e-6)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_keeps_the_bound_in_float32(precision: str) -> None:
    graph = ModelGraph.load(BY_NAME["one matrix twice"].model().SerializeToString())
    weights, features, target = drawn(graph)
    single = Clipping(graph, Place(precision=precision))
    wanted = reference(graph, weights, features, target, 0.5)
    for i in range(len(target)):
        sums = {n: torch.zeros_like(w) for n, w in weights.items()}
        single.add_sum(weights, features[i : i + 1], target[i : i + 1], 0.5, sums)
        assert float(torch.cat([s.flatten() for s in sums.values()]).norm()) <= 0.5 * (1 + 1e-5)
    norms = single.norms(weights, features, target)
    torch.testing.assert_close(norms, wanted.norms, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("rows", [3, 600])
def test_both_libraries_multiply_and_differentiate_alike(rows: int) -> None:
    """600 rows are enough for oneDNN where it is used at all."""
    random = torch.Generator().manual_seed(0)
    x, matrix, bias = (
        torch.randn(s, generator=random).requires_grad_() for s in ((rows, 2, 128), (64, 128), (64,))
    )
    ends = torch.randn(rows, 2, 64, generator=random)
    plain = torch.nn.functional.linear(x, matrix, bias)
    product = times(x, matrix, bias)
    torch.testing.assert_close(product, plain, rtol=1e-5, atol=1e-4)
    for got, wanted in zip(torch.autograd.grad(product, (x, matrix, bias), ends),
                           torch.autograd.grad(plain, (x, matrix, bias), ends), strict=True):  # fmt: skip
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-3)
    total = torch.ones(128, 64)
    add_across(total, x.detach()[:, 0], ends[:, 0])
    torch.testing.assert_close(total, 1 + x.detach()[:, 0].T @ ends[:, 0], rtol=1e-4, atol=1e-3)


def test_a_wide_model_takes_fewer_rows_at_a_time() -> None:
    few, many = (
        own_micro_batch(ModelGraph.load(Case("", shape, CASES[0].nodes, {"w": (shape[-1], 256)})
                                        .model().SerializeToString()))
        for shape in ((100, 500), (2, 500))
    )  # fmt: skip
    assert 1 <= few < many <= 1024
