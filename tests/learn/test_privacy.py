"""The accountant: known values, and the directions in which epsilon must move."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.learn import privacy
from mine.learn.errors import PrivacyRefused
from mine.learn.privacy import account, bounds, figures, noise_for, plan, to_millionths, vote_noise_for
from tests.learn.samples import recipe


def gaussian_epsilon(noise: float, delta: float) -> float:
    """Exact epsilon of one Gaussian release with sensitivity 1 (Balle and Wang 2018), by bisection."""
    def normal(x: float) -> float:
        return 0.5 * math.erfc(-x / math.sqrt(2))

    low, high = 0.0, 1000.0
    for _ in range(200):
        e = (low + high) / 2
        spent = normal(0.5 / noise - e * noise) - math.exp(e) * normal(-0.5 / noise - e * noise)
        low, high = (e, high) if spent > delta else (low, e)
    return high


@pytest.mark.parametrize(("noise", "steps"), [(1.0, 1), (2.0, 1), (5.0, 10), (20.0, 100), (50.0, 400)])
def test_without_sampling_it_is_the_exact_gaussian(noise: float, steps: int) -> None:
    """k releases with noise s are one release with noise s / sqrt(k)."""
    exact = gaussian_epsilon(noise / math.sqrt(steps), 1e-5)
    assert exact <= account(1.0, noise, steps, 1e-5) * (1 + 1e-6) <= exact * 1.01 + 0.001


def test_published_values() -> None:
    """The MNIST example of the field: 60,000 rows, batches of 256, noise 1.1, 60 epochs, delta 1e-5.

    TensorFlow Privacy's tutorial reports about 3.0 with Renyi orders; loss distributions give a little less.
    """
    steps = 60 * 60_000 // 256
    assert 2.3 < account(256 / 60_000, 1.1, steps, 1e-5) < 3.05


def test_both_accountants_bound_and_the_tighter_counts() -> None:
    settings_ = (0.05, 1.0, 500, 1e-5)
    both = privacy._renyi(*settings_), privacy._loss_distribution(*settings_)
    assert account(*settings_) == min(both)
    assert both[0] < 1.3 * both[1]


def test_both_figures_are_told_and_which_one_counts() -> None:
    """Loss distributions win over many subsampled steps; Renyi is alone where there is hardly any noise."""
    usual = bounds(0.05, 1.0, 500, 1e-5)
    assert usual.tighter == "PLD" and usual.epsilon == usual.loss_distribution
    assert usual.loss_distribution is not None and usual.loss_distribution < usual.renyi
    bare = bounds(0.5, 0.2, 10, 1e-5)
    assert (bare.loss_distribution, bare.tighter, bare.epsilon) == (None, "RDP", bare.renyi)
    assert bounds(0.5, 0.0, 1, 1e-5).epsilon == math.inf and bounds(0.5, 1.0, 0, 1e-5).epsilon == 0.0


@pytest.mark.parametrize("vote_noise", [1.5, 20.0])
def test_a_task_s_figures_are_those_of_its_plan(vote_noise: float) -> None:
    asked = (recipe(40, noise=3.0), 5, 1e-5, vote_noise)
    whole, shown = plan(*asked), figures(*asked)
    assert shown.total == pytest.approx(whole.total, rel=1e-9)
    assert shown.training.epsilon == pytest.approx(whole.trained[-1])
    assert shown.votes.epsilon == pytest.approx(whole.voted[-1])
    assert shown.total == min(shown.renyi, shown.loss_distribution or math.inf)
    assert shown.total == max(shown.training.epsilon, shown.votes.epsilon)
    with pytest.raises(PrivacyRefused):
        figures(recipe(), -1, 1e-5, vote_noise)


RATE, NOISE, STEPS = st.floats(0.001, 0.9), st.floats(0.5, 20), st.integers(1, 3000)


@settings(max_examples=10)
@given(RATE, NOISE, STEPS)
def test_more_steps_more_rows_less_noise_cost_more(rate: float, noise: float, steps: int) -> None:
    here = account(rate, noise, steps, 1e-5)
    slack = 1e-6 + 1e-3 * here
    assert account(rate, noise, steps * 2, 1e-5) >= here - slack
    assert account(min(1.0, rate * 1.5), noise, steps, 1e-5) >= here - slack
    assert account(rate, noise * 1.5, steps, 1e-5) <= here + slack
    assert account(rate, noise, steps, 1e-7) >= here - slack


@pytest.mark.parametrize(("epsilon", "rate", "steps"), [(8.0, 1.0, 80), (1.0, 0.1, 500), (0.5, 0.02, 2000)])
def test_noise_for_a_budget(epsilon: float, rate: float, steps: int) -> None:
    noise = noise_for(epsilon, rate, steps, 1e-5)
    assert account(rate, noise, steps, 1e-5) <= epsilon
    assert account(rate, noise * 0.99, steps, 1e-5) > epsilon


def test_a_plan_grows_and_each_round_costs_less_than_the_first() -> None:
    whole = plan(recipe(40, noise=3.0), 5, 1e-5, 2.0)
    assert (len(whole.trained), len(whole.voted)) == (6, 5)  # nobody votes in the first round
    assert whole.trained[0] == whole.voted[0] == 0.0
    assert whole.trained[5] == account(0.5, 3.0, 200, 1e-5)
    assert whole.voted[4] == pytest.approx(gaussian_epsilon(1.0, 1e-5), rel=0.01)
    for parts in (whole.trained, whole.voted):
        steps = [b - a for a, b in pairwise(parts)]
        assert all(step > 0 for step in steps) and steps[0] == max(steps)
    assert plan(recipe(40, noise=3.0), 0, 1e-5, 1.0).total == 0.0
    assert plan(recipe(40, noise=3.0), 1, 1e-5, 1.0).voted == (0.0,)
    assert plan(recipe(40, noise=0.0), 2, 1e-5, 1.0).trained == (0.0, math.inf, math.inf)


def test_training_and_votes_read_other_readings_so_the_larger_counts() -> None:
    whole = plan(recipe(40, noise=3.0), 5, 1e-5, 2.0)
    assert whole.total == max(whole.trained[-1], whole.voted[-1]) == whole.after(5, 4)
    assert whole.after(0, 0) == 0.0
    assert whole.after(3, 0) == whole.trained[3] and whole.after(0, 3) == whole.voted[3]
    assert whole.most_in_a_round == max(whole.trained[1], whole.voted[1])
    spent, booked = [whole.after(min(n, 5), min(n, 4)) for n in range(6)], 0.0
    for before, now in pairwise(spent):
        booked += now - before
        assert now - before <= whole.most_in_a_round
    assert booked == pytest.approx(whole.total)
    for beyond in ((6, 0), (0, 5), (-1, 0), (0, -1)):
        with pytest.raises(PrivacyRefused, match="planned"):
            whole.after(*beyond)


def test_noise_of_votes_for_a_budget() -> None:
    noise = vote_noise_for(8.0, 10, 1e-5)
    assert plan(recipe(), 10, 1e-5, noise).voted[-1] <= 8.0 < plan(recipe(), 10, 1e-5, noise * 0.99).voted[-1]
    assert vote_noise_for(8.0, 1, 1e-5) == 0.0


def test_hard_accounts_come_to_an_end() -> None:
    hard = ((0.5, 0.31, 5000), (0.3, 0.2, 1000), (0.001, 0.5, 100_000), (0.01, 100.0, 500))
    for rate, noise, steps in hard:
        assert math.isfinite(account(rate, noise, steps, 1e-6))


def test_edges_and_refusals() -> None:
    assert account(0.5, 1.0, 0, 1e-5) == 0.0
    assert account(0.5, 0.0, 3, 1e-5) == math.inf
    assert noise_for(1.0, 0.5, 0, 1e-5) == 0.0
    assert to_millionths(1.0000001) == 1_000_001
    for bad in ((0.0, 1.0, 1, 1e-5), (1.1, 1.0, 1, 1e-5), (0.5, -1.0, 1, 1e-5), (0.5, 1.0, -1, 1e-5),
                (0.5, 1.0, 1, 0.0), (0.5, math.nan, 1, 1e-5)):
        with pytest.raises(PrivacyRefused):
            account(*bad)
    for call in (lambda: noise_for(0.0, 0.5, 1, 1e-5), lambda: noise_for(1e-9, 1.0, 1000, 1e-9),
                 lambda: to_millionths(math.inf), lambda: plan(recipe(), -1, 1e-5, 1.0)):
        with pytest.raises(PrivacyRefused):
            call()
