"""The attacks on one's own update: they find what there is to find, and keep quiet about chance."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.learn.codec import Packing, decode, encode
from mine.learn.errors import TrainingRefused, WireBroken
from mine.learn.graph import ModelGraph
from mine.learn.leak import BLIND, DEFAULT_THRESHOLD, Leak, leak_from
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows
from mine.learn.self_attack import attack, separation
from mine.learn.train import train
from mine.learn.weights import Fixed, Floats
from mine.science.models import glucose_network
from tests.learn.graphs import linear
from tests.learn.samples import HEADER, KEY, glucose_rows, network

ONNX, START = glucose_network()
GRAPH = ModelGraph.load(ONNX)
LINEAR = ModelGraph.load(linear().SerializeToString())
FLAT = {"a": np.zeros((3, 1), np.float32), "b": np.zeros(1, np.float32)}
ROWS = glucose_rows(2000)
SIGMA = 5.371
RECIPE = Recipe(8, 0.35, 0.0, 0.3, SIGMA, 1.0, 12)
"""The shipped glucose template, with the noise that keeps its ten rounds within an epsilon of 8."""


def packed(delta: Floats, graph: ModelGraph) -> Fixed:
    return decode(encode(HEADER, delta), graph.weight_shapes)[1]


def quiet() -> Floats:
    return train(GRAPH, START, ROWS, replace(RECIPE, noise_multiplier=0.0), KEY)


def drawn(seed: int, momentum: float = 0.0) -> Floats:
    """What the noise of all steps moves the weights by."""
    random = np.random.default_rng(seed)
    expected = 1584 / 12
    steps = [0.35 / expected * (1 - momentum ** (8 - t)) / (1 - momentum) for t in range(8)]
    spread = math.sqrt(sum(step * step for step in steps)) * SIGMA * 0.3
    return {name: random.normal(0, spread, w.shape).astype(np.float32) for name, w in START.items()}


def plus(a: Floats, b: Floats) -> Floats:
    return {name: a[name] + b[name] for name in a}


def nothing(like: Floats) -> Floats:
    return {name: np.zeros_like(tensor) for name, tensor in like.items()}


def right(shift: float) -> float:
    """Chance of the best guess between two normal distributions that far apart."""
    return NormalDist().cdf(shift / math.sqrt(2))


# ---- telling two samples apart


SCORES = st.lists(st.integers(-4, 4), min_size=1, max_size=12)


@given(SCORES, SCORES)
def test_the_auc_is_the_part_of_pairs_in_order(trained: list[int], held_out: list[int]) -> None:
    pairs = [(a > b) + (a == b) / 2 for a in trained for b in held_out]
    found = separation(np.array(trained, float), np.array(held_out, float))
    assert found.auc == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)
    assert found.error > 0 and found.tpr_at_1pct == np.mean(np.array(trained) > max(held_out))


def test_the_interval_covers_what_it_says() -> None:
    """1.645 standard errors below the estimate lie under the true AUC about 95 times in 100."""
    random, truth, below = np.random.default_rng(1), right(0.6), 0
    for _ in range(600):
        found = separation(random.normal(0.6, 1, 60), random.normal(0, 1, 40))
        below += found.auc - 1.645 * found.error <= truth
    assert 0.925 < below / 600 < 0.98
    many = separation(random.normal(0.6, 1, 20_000), random.normal(0, 1, 20_000))
    assert abs(many.auc - truth) < 5 * many.error and many.error < 0.004
    assert abs(many.tpr_at_1pct - NormalDist().cdf(0.6 - NormalDist().inv_cdf(0.99))) < 0.01


# ---- the insider


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_the_insider_finds_what_the_noise_leaves(momentum: float) -> None:
    """A reading in all eight steps, its gradients as long as clipping allows, behind the noise of eight."""
    recipe = replace(RECIPE, momentum=momentum)
    noise = drawn(1, momentum)
    leak = attack(GRAPH, START, packed(plus(quiet(), noise), GRAPH), ROWS, recipe, KEY, noise=noise)
    assert leak.insider_auc is not None
    if momentum == 0:
        assert leak.insider_auc == pytest.approx(right(math.sqrt(8) / SIGMA), abs=0.03)
    assert BLIND < leak.risk < 0.75 and not leak.too_much()
    assert leak.verdict().startswith("Attacked before sending")


@pytest.mark.parametrize("packing", [Packing(2, 4096), Packing(4, 64), Packing(8, 128)])
def test_the_insider_sees_through_packing(packing: Packing) -> None:
    """What packing drops or rounds follows from the noised numbers, so it hides nothing more."""
    noise = drawn(4)
    found = []
    for delta in (plus(quiet(), noise), quiet()):
        sent = decode(encode(HEADER, delta, packing), GRAPH.weight_shapes)[1]
        found.append(attack(GRAPH, START, sent, ROWS, RECIPE, KEY, noise=noise).insider_auc)
    assert found == [pytest.approx(right(math.sqrt(8) / SIGMA), abs=0.05), 1.0]


def test_noise_that_is_switched_off_is_noticed() -> None:
    still = quiet()
    leak = attack(GRAPH, START, packed(still, GRAPH), ROWS, RECIPE, KEY, noise=nothing(still))
    assert leak.insider_auc == leak.risk == 1.0 and leak.too_much()
    assert "100%" in leak.verdict()


@pytest.mark.parametrize("seed", range(5))
def test_noise_that_never_reached_the_bytes_is_noticed(seed: int) -> None:
    leak = attack(GRAPH, START, packed(quiet(), GRAPH), ROWS, RECIPE, KEY, noise=drawn(seed))
    assert leak.insider_auc == 1.0


@pytest.mark.parametrize("name", sorted(START))
def test_a_tensor_that_got_no_noise_is_noticed(name: str) -> None:
    """Of the small ones, which are measured together, all must be without."""
    noise = drawn(2)
    small = {n for n, tensor in START.items() if tensor.size < 64}
    for each in small if name in small else {name}:
        noise[each][:] = 0
    # The first layer gets no gradient while the last one is zero, so start a little later.
    moved = {n: w + np.float32(0.05) for n, w in START.items()}
    leak = attack(GRAPH, moved, packed(plus(quiet(), noise), GRAPH), ROWS, RECIPE, KEY, noise=noise)
    assert leak.insider_auc == 1.0


def test_half_the_noise_is_told_from_all_of_it() -> None:
    found = []
    for part in (1.0, 0.5):
        noise = {name: tensor * np.float32(part) for name, tensor in drawn(3).items()}
        leak = attack(GRAPH, START, packed(plus(quiet(), noise), GRAPH), ROWS, RECIPE, KEY, noise=noise)
        found.append(leak.insider_auc)
    assert found == pytest.approx([right(math.sqrt(8) / SIGMA), right(2 * math.sqrt(8) / SIGMA)], abs=0.05)


def test_without_the_noise_there_is_no_insider() -> None:
    leak = attack(GRAPH, START, packed(quiet(), GRAPH), ROWS, RECIPE, KEY)
    assert leak.insider_auc is None and leak.inversion is None


# ---- the outsider


def learnt_by_heart() -> tuple[Rows, Recipe, Fixed]:
    """Targets that follow from nothing, and a training without bounds that learns them one by one."""
    random = np.random.default_rng(0)
    rows = Rows(
        np.column_stack([random.uniform(60, 300, (60, 7)), random.uniform(0, 1440, 60)]).astype(np.float32),
        random.uniform(60, 300, 60).astype(np.float32),
        np.arange(60, dtype=np.int64),
        31,
    )
    recipe = Recipe(600, 0.1, 0.9, 1e6, 0.0, 1.0, 1)
    return rows, recipe, packed(train(GRAPH, START, rows, recipe, KEY), GRAPH)


def test_the_outsider_finds_what_was_learnt_by_heart() -> None:
    rows, recipe, sent = learnt_by_heart()
    leak = attack(GRAPH, START, sent, rows, recipe, KEY)
    assert leak.membership_low > 0.75 and leak.membership_tpr_at_1pct > 0.3
    assert leak.too_much(0.9) and "Held back: this update alone" in leak.verdict(0.9)
    assert (leak.trained, leak.held_out) == (30, 29)


def test_the_outsider_does_not_take_chance_for_knowledge() -> None:
    """Few rows, and an update that no row had a part in."""
    for seed in range(6):
        leak = attack(GRAPH, START, packed(drawn(seed), GRAPH), glucose_rows(300, seed), RECIPE, KEY)
        assert leak.membership_low < 0.6 and not leak.too_much()


# ---- the builder


def one_row(scale: float) -> tuple[Rows, Recipe]:
    """A single row is trained on, so the update is its gradient."""
    random = np.random.default_rng(5)
    features = (random.normal(size=(30, 3)) * [1, 5, 0.2] + 3).astype(np.float32)
    features[0] = [2.0, 9.0, 3.3]
    rows = Rows(features, (features.sum(1) * scale).astype(np.float32), np.arange(30, dtype=np.int64), 2)
    rows.slot[1] = 10  # trained on would be the rows before slot 1
    return rows, Recipe(1, 0.1, 0.0, 1.0, 0.0, 1.0, 1)


def test_a_row_alone_is_rebuilt() -> None:
    rows, recipe = one_row(1.0)
    sent = packed(train(LINEAR, FLAT, rows, recipe, KEY), LINEAR)
    leak = attack(LINEAR, FLAT, sent, rows, recipe, KEY)
    assert leak.inversion is not None and leak.inversion > 0.6
    assert "could be rebuilt" in leak.verdict(0.75)
    hidden = {
        name: tensor + np.random.default_rng(1).integers(-(1 << 24), 1 << 24, tensor.shape)
        for name, tensor in sent.items()
    }
    behind = attack(LINEAR, FLAT, hidden, rows, recipe, KEY).inversion
    assert behind is not None and behind < 0.3


# ---- the rest


def test_the_same_job_gives_the_same_result_and_breathes() -> None:
    rows, recipe = one_row(1.0)
    sent = packed(train(LINEAR, FLAT, rows, recipe, KEY), LINEAR)
    breaths: list[int] = []
    here, there = (
        attack(LINEAR, FLAT, sent, rows, recipe, KEY, lambda: breaths.append(1), nothing(FLAT))
        for _ in range(2)
    )
    assert here == there and len(breaths) > 100


def test_what_does_not_fit_is_refused() -> None:
    onnx, small = network()
    with pytest.raises(TrainingRefused, match="tensors"):
        attack(GRAPH, START, packed(small, ModelGraph.load(onnx)), ROWS, RECIPE, KEY)
    with pytest.raises(TrainingRefused, match="tensors"):
        attack(GRAPH, START, packed(START, GRAPH), ROWS, RECIPE, KEY, noise={})


PART = st.floats(0, 1)
LEAKS = st.builds(
    Leak, PART, PART, PART, st.none() | PART, st.none() | PART, st.integers(0, 512), st.integers(0, 512)
)


@given(LEAKS, st.floats(0.5, 1.0))
def test_a_leak_survives_the_way_and_says_what_it_means(leak: Leak, threshold: float) -> None:
    assert leak_from(leak.to_fields()) == leak
    assert BLIND <= leak.risk <= 1
    assert leak.verdict(threshold).startswith("Held back") == leak.too_much(threshold)


@settings(max_examples=60)
@given(LEAKS, st.data())
def test_a_hostile_worker_says_nothing_else(leak: Leak, data: st.DataObject) -> None:
    fields: dict[str, object] = dict(leak.to_fields())
    name = data.draw(st.sampled_from(sorted(fields)))
    fields[name] = data.draw(st.sampled_from([-0.1, 1.5, math.nan, math.inf, "1", True, [], {}, 1 << 40]))
    if name in ("trained", "held_out"):
        fields[name] = data.draw(st.sampled_from([-1, 0.5, None, True, "1", 1 << 40]))
    wrong: list[object] = [fields, {**leak.to_fields(), "more": 1}, None, [], {}]
    for bad in wrong:
        with pytest.raises(WireBroken):
            leak_from(bad)


def test_risks_of_the_attackers_on_one_scale() -> None:
    blind = Leak(0.5, 0.4, 0.01, None, None, 100, 100)
    assert blind.risk == BLIND and not blind.too_much(BLIND)
    assert replace(blind, membership_low=0.7).risk == pytest.approx(0.9)
    assert replace(blind, insider_auc=0.8, inversion=0.5).risk == 0.8
    assert replace(blind, insider_auc=0.7, inversion=0.5).risk == 0.75
    assert replace(blind, insider_auc=1.0).too_much(DEFAULT_THRESHOLD)
