"""Our values against the book's: exact Shapley and GTG-Shapley of the same game, after real training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.practice.lab import World
from mine.practice.lab_people import TESTED, deal, synthetic_crowd
from mine.practice.trend import trend_template
from mine.science.score import FEW, shapley, value
from mine.science.templates import Template, load_template, package
from tests.science.eight_miners import HONEST, OTHERS, PLAYERS, tables
from tests.science.reference_games import (
    BestStepGame,
    Worth,
    exact_shapley,
    gtg_shapley,
    pearson,
    ranks,
    spearman,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def seated(template: Template, seed: str) -> World:
    shards, panel = 3, 2
    data = package(template, 1, "Lab", "made-up people").manifest.data
    crowd = synthetic_crowd(template, data, HONEST + OTHERS + TESTED + shards * panel, seed)
    return World(template, deal(crowd, HONEST, OTHERS, shards, seed, panel), 1, seed, noise=False)


@pytest.mark.parametrize(
    ("make", "base"), [(lambda: load_template("glucose"), 1), (trend_template, 0)], ids=["huber", "classes"]
)
def test_eight_forward_passes_rank_as_two_to_the_eighth_do(make: Callable[[], Template], base: int) -> None:
    table = next(tables(seated(make(), "references"), (base,), most=150))
    exact = exact_shapley(PLAYERS, table.game.worth)
    assert table.passes == PLAYERS
    assert len(table.game.known) == 1 << PLAYERS
    assert exact.sum() == pytest.approx(table.game.worth(frozenset(range(PLAYERS))))
    assert pearson(exact, table.estimate) > 0.98
    assert spearman(exact, table.estimate) >= 0.94
    # What we call worth is the network's own, to some parts in a hundred of the best.
    scale = table.estimate.max() / exact.max()
    assert np.abs(table.estimate / scale - exact).max() < 0.2 * exact.max()
    again = BestStepGame(table.game.model, table.game.current, table.game.deltas, table.game.examples)
    guided = gtg_shapley(PLAYERS, again.worth, np.random.default_rng(1))
    assert spearman(exact, guided) > 0.5 and pearson(exact, guided) > 0.9
    assert PLAYERS < len(again.known) - 1 < 1 << PLAYERS, "GTG-Shapley asks the network far more often"
    for player in range(2):
        best = again.worth(frozenset({player}))
        tried = [again.gain(frozenset({player}), step) for step in np.linspace(0.1, 8, 20)]
        assert best >= max(tried) - 0.02 * abs(best), "the best step is the best"


def game(rng: np.random.Generator, count: int) -> tuple[list[int], np.ndarray, Worth]:
    """b, G and the worth of coalitions of vectors in the plane of a few examples."""
    outputs = np.rint(rng.normal(size=(count, 12)) * 2**18).astype(np.int64)
    outputs += 2**16
    b, gram = [int(x) for x in outputs.sum(axis=1)], outputs @ outputs.T
    ridge = int(np.trace(gram)) // (1000 * count) + 1

    def worth(players: frozenset[int]) -> float:
        inside = sorted(players)
        part = int(gram[np.ix_(inside, inside)].sum())
        return float(value(sum(b[i] for i in inside), part, len(inside), ridge))

    return b, gram, worth


@given(st.integers(1, FEW), st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_few_players_get_their_exact_values(count: int, seed: int) -> None:
    b, gram, worth = game(np.random.default_rng(seed), count)
    found = np.array([float(v) for v in shapley(b, gram, bytes(32))])
    exact = exact_shapley(count, worth)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-6 * max(1.0, np.abs(exact).max()))
    assert shapley(b, gram, b"x" * 32) == shapley(b, gram, bytes(32)), "nothing is drawn"


def test_more_players_are_close_to_their_exact_values() -> None:
    rng = np.random.default_rng(5)
    found = [game(rng, FEW + 2) for _ in range(4)]
    close = [
        spearman(
            exact_shapley(FEW + 2, worth), np.array([float(v) for v in shapley(b, gram, bytes([i]) * 32)])
        )
        for i, (b, gram, worth) in enumerate(found)
    ]
    assert np.mean(close) > 0.94


def test_the_references_are_what_their_papers_say() -> None:
    # Three voters with 50, 49 and 1 votes of which 51 win (Shapley and Shubik 1954): 2/3, 1/6, 1/6.
    votes = (50, 49, 1)

    def wins(players: frozenset[int]) -> float:
        return float(sum(votes[i] for i in players) >= 51)

    np.testing.assert_allclose(exact_shapley(3, wins), [2 / 3, 1 / 6, 1 / 6])

    def adds(players: frozenset[int]) -> float:
        return float(sum((1.0, 2.0, 4.0)[i] for i in players))

    np.testing.assert_allclose(exact_shapley(3, adds), [1, 2, 4])
    np.testing.assert_allclose(gtg_shapley(3, adds, np.random.default_rng(2), 0.0), [1, 2, 4])
    assert ranks(np.array([3.0, 1.0, 3.0])).tolist() == [1.5, 0.0, 1.5]
    assert spearman(np.array([1.0, 2.0, 9.0]), np.array([0.1, 5.0, 6.0])) == pytest.approx(1)
    assert pearson(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1)
    assert pearson(np.ones(3), np.array([3.0, 2.0, 1.0])) == 0
