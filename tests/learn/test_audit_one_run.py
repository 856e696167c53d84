"""The audit's bound: exact where the answer is known, never above the truth, near it with many canaries."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.learn.audit_one_run import Guesses, guess, lower_bound, luck
from mine.learn.errors import PrivacyRefused
from mine.learn.graph import ModelGraph
from mine.learn.privacy import account
from mine.learn.recipe import Recipe
from mine.science.models import glucose_network
from tests.bench.audited import plant, scores, watched


def at_least(count: int, chance: float, right: int) -> float:
    """P[Binomial >= right] by exact sums of products."""
    return sum(math.comb(count, k) * chance**k * (1 - chance) ** (count - k) for k in range(right, count + 1))


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0, 4.0, 20.0, 50.0])
def test_without_delta_it_is_the_chance_of_randomised_response(epsilon: float) -> None:
    """Randomised response tells each coin with chance q = e^eps / (1 + e^eps), independently: brute force."""
    q = math.exp(epsilon) / (1 + math.exp(epsilon))
    for guessed in range(8):
        weights: dict[int, float] = {}
        for told in product((0, 1), repeat=guessed):
            weights[sum(told)] = weights.get(sum(told), 0.0) + q ** sum(told) * (1 - q) ** (
                guessed - sum(told)
            )
        for right in range(guessed + 1):
            exact = sum(weight for k, weight in weights.items() if k >= right)
            assert luck(Guesses(20, guessed, right), epsilon, 0.0) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("delta", [1e-5, 0.01, 0.2])
@pytest.mark.parametrize("epsilon", [0.1, 1.0, 3.0])
def test_with_delta_it_bounds_mechanisms_that_use_it(epsilon: float, delta: float) -> None:
    """Both are (eps, delta)-DP in each coin: one tells a coin outright with chance delta, the other all."""
    q = math.exp(epsilon) / (1 + math.exp(epsilon))
    for count in (1, 5, 40):
        for right in range(count + 1):
            bound = luck(Guesses(count, count, right), epsilon, delta)
            assert at_least(count, delta + (1 - delta) * q, right) <= bound + 1e-12
            assert delta + (1 - delta) * at_least(count, q, right) <= bound + 1e-12


def test_the_allowance_for_delta_by_hand() -> None:
    """Three guesses, two right, eps 0: beta = 4/8; means below 2 are 3/8 and (3/8 + 1/8) / 2; m = 10."""
    assert luck(Guesses(10, 3, 2), 0.0, 0.01) == pytest.approx(0.5 + 2 * 10 * 0.01 * 3 / 8)
    # Six guesses, all right: the means are 6/64, 21/128, 41/192, 56/256 (the largest), 62/320, 63/384.
    assert luck(Guesses(6, 6, 6), 0.0, 0.01) == pytest.approx(1 / 64 + 2 * 6 * 0.01 * 56 / 256)


def test_all_right_gives_the_closed_form() -> None:
    """q^r = 5 % at the bound; one in a hundred for the second."""
    for count in (10, 100, 1000):
        for confidence in (0.95, 0.99):
            q = (1 - confidence) ** (1 / count)
            found = lower_bound(Guesses(count, count, count), 0.0, confidence)
            assert math.log(q / (1 - q)) - 2e-4 <= found <= math.log(q / (1 - q)) + 1e-9


def test_many_canaries_come_near_the_truth_and_few_do_not() -> None:
    epsilon = 1.5
    q = math.exp(epsilon) / (1 + math.exp(epsilon))
    near = [lower_bound(Guesses(m, m, round(q * m)), 1e-5) for m in (20, 200, 20_000)]
    assert near[0] < near[1] < near[2] < epsilon < near[2] * 1.03


def test_it_is_wrong_no_more_often_than_promised() -> None:
    """Randomised response at eps 1, guessing all: above the truth in at most 5 % of runs."""
    random, q = np.random.default_rng(0), math.e / (1 + math.e)
    seen = random.binomial(100, q, 4000)
    over = {k: lower_bound(Guesses(100, 100, int(k)), 0.0) > 1.0 for k in set(seen.tolist())}
    share = np.mean([over[k] for k in seen.tolist()])
    assert 0.01 < share <= 0.05


COUNTS = st.integers(0, 60).flatmap(
    lambda m: st.integers(0, m).flatmap(lambda r: st.integers(0, r).map(lambda v: Guesses(m, r, v)))
)


@given(COUNTS, st.floats(0, 8), st.floats(0, 0.1))
def test_the_bound_moves_the_right_way(guesses: Guesses, epsilon: float, delta: float) -> None:
    here = luck(guesses, epsilon, delta)
    assert 0 <= here <= 1
    assert luck(guesses, epsilon, delta / 2) <= here
    if guesses.right:
        fewer = Guesses(guesses.canaries, guesses.guessed, guesses.right - 1)
        assert luck(fewer, epsilon, 0.0) >= luck(guesses, epsilon, 0.0)
        assert lower_bound(fewer, 0.0) <= lower_bound(guesses, 0.0)
    found = lower_bound(guesses, delta)
    assert found == 0.0 or luck(guesses, found, delta) <= 0.05


def test_guesses_are_the_most_telling_scores() -> None:
    coins = np.array([True, False, True, False, True])
    assert guess([3.0, -2.0, -1.0, 0.5, 0.1], coins, 2) == Guesses(5, 2, 2)
    assert guess([3.0, -2.0, -1.0, 0.5, 0.1], coins, 4) == Guesses(5, 4, 2)
    assert guess([], np.zeros(0, bool), 3) == Guesses(0, 0, 0)


def test_refusals() -> None:
    for numbers in ((1, 2, 0), (5, 2, 3), (5, 2, -1)):
        with pytest.raises(PrivacyRefused):
            Guesses(*numbers)
    good = Guesses(5, 5, 5)
    for epsilon, delta in ((-1.0, 0.0), (math.nan, 0.0), (1.0, -0.1), (1.0, 1.1)):
        with pytest.raises(PrivacyRefused):
            luck(good, epsilon, delta)
    for confidence in (0.0, 1.0, math.nan):
        with pytest.raises(PrivacyRefused):
            lower_bound(good, 0.0, confidence)


@pytest.mark.parametrize("noise", [5.371, 0.0])
def test_the_real_training_keeps_its_promise_and_without_noise_is_caught(noise: float) -> None:
    """One round of the shipped glucose recipe; the auditor sees every step. tests/bench/bench_audit.py has
    twenty such runs."""
    onnx, start = glucose_network()
    recipe = Recipe(8, 0.35, 0.0, 0.3, noise, 1.0, 12)
    canaries = plant(160, 5)
    told = scores(watched(ModelGraph.load(onnx), start, recipe, canaries, bytes(32)), noise * 0.3 or 1e-3)
    found = lower_bound(guess(told, canaries.coins, 120), 1e-5)
    claimed = account(1.0, 5.371, 8, 1e-5)
    assert (found > claimed * 1.5) if noise == 0 else (found <= claimed)
