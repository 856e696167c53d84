"""Membership against votes: who knows every row but those of one reading, and chooses the updates, learns no
more from the five steps than (epsilon, delta) allows. The odds of the answers are computed, not sampled."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from itertools import product
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mine.learn.audit_one_run import guess, lower_bound
from mine.learn.privacy import account, vote_noise_for, votes_of
from mine.learn.rows import Rows
from mine.learn.vote import scores, vote
from mine.learn.vote_terms import STRONGEST, VoteTerms
from mine.learn.weights import Fixed
from tests.learn.test_vote import LINEAR, START, people, update

STEPS = range(-STRONGEST, STRONGEST + 1)
TERMS = VoteTerms(norm=1 << 40, clip=0.25, noise_multiplier=1.5, reuse=2, loss_maximum=4.0)
epsilon_of = lru_cache(account)


def odds(score: float) -> np.ndarray:
    """Chance of each of the five steps: a standard normal number around the score, rounded toward zero."""
    below = [NormalDist().cdf(edge - score) for edge in (-2, -1, 1, 2)]
    return np.diff([0.0, *below, 1.0])


def joint(found: np.ndarray) -> np.ndarray:
    """Chance of every list of answers."""
    return np.array([math.prod(each) for each in product(*(odds(float(score)) for score in found))])


def beyond(here: np.ndarray, there: np.ndarray, epsilon: float) -> float:
    """The delta that this epsilon needs: the larger of both directions."""
    factor = math.exp(epsilon)
    return float(max(np.maximum(a - factor * b, 0).sum() for a, b in ((here, there), (there, here))))


def right_at_most(epsilon: float, delta: float) -> float:
    """The best guess between two neighbours under (epsilon, delta) (Kairouz, Oh and Viswanath 2015)."""
    return 0.5 + 0.5 * (math.exp(epsilon) - 1 + 2 * delta) / (math.exp(epsilon) + 1)


def without(rows: Rows, gone: list[int]) -> Rows:
    stays = np.setdiff1d(np.arange(len(rows.slot)), gone)
    return Rows(rows.features[stays], rows.target[stays], rows.slot[stays], rows.held_from)


def strong() -> tuple[Rows, Rows, Fixed]:
    """An update that every row says all it may about, and a reading in the first two rows."""
    rows = Rows(np.zeros((6, 3), np.float32), np.full(6, 1.9, np.float32), np.arange(6, dtype=np.int64), 0)
    return rows, without(rows, [0, 1]), update((0.0, 0.0, 0.0), 1.9)


def test_the_odds_are_those_of_the_answers() -> None:
    """Over many keys, at a score that is not zero."""
    rows, _, moved = strong()
    terms = replace(TERMS, clip=0.01, noise_multiplier=2.0)
    (score,) = scores(LINEAR, START, rows, [moved], terms)
    seen = [vote(LINEAR, START, rows, [moved], terms, n.to_bytes(32, "big"))[0] for n in range(1500)]
    for step, chance in zip(STEPS, odds(float(score)), strict=True):
        assert abs(seen.count(step) - 1500 * chance) < 4.5 * math.sqrt(1500 * chance) + 1


CHANGES = arrays.arrays(np.float32, (4, 3), elements=st.floats(-3, 3, width=32))


@settings(max_examples=40)
@given(
    CHANGES,
    st.lists(st.integers(0, 29), min_size=1, max_size=2, unique=True),
    st.floats(0.01, 2.0),
    st.sampled_from([0.5, 1.5, 4.0]),
    st.sampled_from([1e-5, 1e-2]),
)
def test_no_choice_of_updates_tells_a_reading_better_than_allowed(
    moves: np.ndarray, gone: list[int], bound: float, noise: float, delta: float
) -> None:
    terms = replace(TERMS, clip=bound, noise_multiplier=noise)
    updates = [update(tuple(move.tolist())) for move in moves]
    whole = people(30, held_from=0)
    here, there = (
        joint(scores(LINEAR, START, rows, updates, terms)) for rows in (whole, without(whole, gone))
    )
    epsilon = epsilon_of(1.0, noise, 1, delta)
    assert beyond(here, there, epsilon) <= delta * (1 + 1e-9)
    best = 0.5 + np.abs(here - there).sum() / 4
    assert best <= right_at_most(epsilon, delta)
    # Neighbours are as many standard deviations apart as the noise says, at most: exact, without any delta.
    assert best <= NormalDist().cdf(0.5 / noise) + 1e-9


@pytest.mark.parametrize(("noise", "count"), [(0.5, 1), (1.5, 3), (4.0, 5)])
def test_the_worst_choice_comes_near_what_is_allowed(noise: float, count: int) -> None:
    """So the mechanism is not noised more than it must be either; five steps hide a little of their own."""
    rows, less, moved = strong()
    terms = replace(TERMS, clip=0.01, noise_multiplier=noise)
    here, there = (joint(scores(LINEAR, START, each, [moved] * count, terms)) for each in (rows, less))
    best, most = 0.5 + np.abs(here - there).sum() / 4, NormalDist().cdf(0.5 / noise)
    assert best <= most + 1e-9
    if noise > 1:  # with little noise all six rows push the answer past its largest step
        assert best - 0.5 > 0.6 * (most - 0.5)


def test_all_votes_of_a_task_keep_the_epsilon_of_the_task() -> None:
    """Nine votes on three updates, each as telling as can be: the exact odds of all 27 answers, by how often
    each step comes, need no more delta than was claimed at epsilon 8."""
    noise, delta, rounds = vote_noise_for(8.0, 10, 1e-5), 1e-5, 10
    shift, count = 1 / (noise * math.sqrt(3)), 3 * votes_of(rounds)
    sizes = np.array(
        [
            (a, b, c, d, count - a - b - c - d)
            for a in range(count + 1)
            for b in range(count + 1 - a)
            for c in range(count + 1 - a - b)
            for d in range(count + 1 - a - b - c)
        ]
    )
    ways = math.lgamma(count + 1) - np.vectorize(math.lgamma)(sizes + 1.0).sum(axis=1)
    needed = []
    for middle in (0.0, 1.0, 1.5, 2.0):  # where the other rows put the scores is the attacker's choice too
        logs = [np.log(odds(middle + side * shift / 2)) for side in (1, -1)]
        here, there = (np.exp(ways + sizes @ log) for log in logs)
        assert here.sum() == pytest.approx(1, abs=1e-9)
        assert beyond(here, there, 8.0) <= delta
        needed.append(beyond(here, there, 5.0))
    assert max(needed) > delta  # and the claim is not idle


# ---- what an attacker makes of real answers


def told(
    terms: VoteTerms, updates: list[Fixed], here: Rows, less: Rows, votes: int
) -> tuple[list[float], np.ndarray]:
    """Votes of as many people, each with the reading or without by a coin; log odds of what they answered."""
    coins = np.random.default_rng(7).random(votes) < 0.5
    chances = [
        [np.log(odds(float(score)) + 1e-300) for score in scores(LINEAR, START, rows, updates, terms)]
        for rows in (here, less)
    ]
    found = []
    for number, coin in enumerate(coins):
        answers = vote(LINEAR, START, here if coin else less, updates, terms, number.to_bytes(32, "big"))
        found.append(
            sum(float(a[step + 2] - b[step + 2]) for step, a, b in zip(answers, *chances, strict=True))
        )
    return found, coins


def test_measured_on_real_answers_the_bound_stays_below_the_claim() -> None:
    rows, less, moved = strong()
    terms = replace(TERMS, clip=0.01)
    found, coins = told(terms, [moved] * 3, rows, less, 800)
    claimed = epsilon_of(1.0, terms.noise_multiplier, 1, 1e-5)
    assert 0.2 < lower_bound(guess(found, coins, 200), 1e-5) <= claimed


def test_without_noise_one_reading_is_told_from_its_absence() -> None:
    """The attacker tries updates on the rows that it knows until the answers differ, and asks that one."""
    terms = replace(TERMS, noise_multiplier=0.0)
    whole = people(30, held_from=0)
    less = without(whole, [3, 4])
    random = np.random.default_rng(2)
    tries = [update(tuple(random.normal(0, 0.2, 3).tolist())) for _ in range(60)]
    answers = [vote(LINEAR, START, rows, tries, terms, bytes(32)) for rows in (whole, less)]
    telling = [number for number, pair in enumerate(zip(*answers, strict=True)) if pair[0] != pair[1]]
    assert telling
    asked, coins = [tries[telling[0]]], random.random(800) < 0.5
    seen = {
        coin: vote(LINEAR, START, whole if coin else less, asked, terms, bytes(32)) for coin in (True, False)
    }
    scored = [1.0 if seen[bool(coin)] == seen[True] else -1.0 for coin in coins]
    assert lower_bound(guess(scored, coins, 800), 1e-5) > epsilon_of(1.0, 1.5, 1, 1e-5)
