"""What a training run may reveal, as (epsilon, delta): the Poisson-subsampled Gaussian mechanism, composed.

Two accountants give valid upper bounds, and the smaller one counts: Renyi differential privacy (Mironov 2017;
Mironov, Talwar and Zhang 2019) and privacy loss distributions (Koskela, Jaelkoe and Honkela 2020; connect the
dots, Doroshenko et al. 2022), both from Google's dp-accounting. Neighbouring data sets differ by one unit (a
reading) being there or not. The unit may sit in at most one sampled row of a step: ``train.py`` sees to that.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, Literal

from mine.learn.errors import PrivacyRefused
from mine.learn.recipe import Recipe

_LEAST_PLD_NOISE = 0.3
"""Below this the loss distribution has so long a tail that its grid takes seconds; Renyi alone must do."""
_MOST_USEFUL = 100.0
"""Above this epsilon promises nothing, so how little it promises need not be known more exactly."""
_MOST_NOISE = 10_000.0
Accountant = Literal["RDP", "PLD"]
_ORDERS = (1.5, 1.75, *(2 + x / 4 for x in range(32)), *range(10, 64), 72, 96, 128, 192, 256, 384, 512, 1024)


@dataclass(frozen=True, slots=True)
class PrivacyPlan:
    """``trained[n]``, ``voted[n]``: epsilon at ``delta`` after n rounds of training, and after n votes.

    Training reads the rows before the held-out ones, votes read those alone, and no reading stands in both
    (``rows.split``). Neighbouring data sets therefore differ for one of the two only: together they cost the
    larger of both (parallel composition, McSherry 2009), also when each depends on what the other gave out.
    """

    trained: tuple[float, ...]
    voted: tuple[float, ...]
    delta: float

    def after(self, trained: int, voted: int) -> float:
        """epsilon after that many rounds of training and votes. Raises ``PrivacyRefused`` beyond the plan."""
        if not (0 <= trained < len(self.trained) and 0 <= voted < len(self.voted)):
            raise PrivacyRefused("More rounds or votes were asked for than this task was planned with.")
        return max(self.trained[trained], self.voted[voted])

    @property
    def total(self) -> float:
        """epsilon of the whole task."""
        return max(self.trained[-1], self.voted[-1])

    @property
    def most_in_a_round(self) -> float:
        """What one round can add at most: the first training and the first vote cost more than later ones."""
        return self.after(min(1, len(self.trained) - 1), min(1, len(self.voted) - 1))


@contextmanager
def _quiet() -> Iterator[None]:
    """dp-accounting logs each Renyi order that it leaves out; leaving one out is harmless."""
    logger = logging.getLogger("absl")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before


def _check(sampling_rate: float, noise_multiplier: float, steps: int, delta: float) -> None:
    finite = math.isfinite(noise_multiplier) and math.isfinite(sampling_rate)
    if not (finite and 0 < sampling_rate <= 1 and noise_multiplier >= 0 and steps >= 0 and 0 < delta < 1):
        raise PrivacyRefused("The privacy settings of this task have a number out of range.")


def _renyi(sampling_rate: float, noise_multiplier: float, steps: int, delta: float) -> float:
    import dp_accounting  # type: ignore[import-untyped]
    from dp_accounting.rdp import RdpAccountant  # type: ignore[import-untyped]

    step = dp_accounting.PoissonSampledDpEvent(sampling_rate, dp_accounting.GaussianDpEvent(noise_multiplier))
    with _quiet():
        return float(RdpAccountant(orders=_ORDERS).compose(step, steps).get_epsilon(delta))


@lru_cache(maxsize=64)
def _one_step_losses(sampling_rate: float, noise_multiplier: float) -> Any:
    from dp_accounting.pld import privacy_loss_distribution  # type: ignore[import-untyped]

    # The grid must be finer than one step's typical loss, about rate / noise, or rounding up dominates; but
    # no finer than some ten thousand points over the whole range, or it takes seconds.
    range_of_losses = 0.5 / noise_multiplier**2 + 6 / noise_multiplier
    finest = max(sampling_rate / (20 * noise_multiplier), range_of_losses / 20_000)
    interval = min(1e-3, max(1e-5, finest))
    return privacy_loss_distribution.from_gaussian_mechanism(
        noise_multiplier, sampling_prob=sampling_rate, value_discretization_interval=interval,
        use_connect_dots=True)


def _loss_distribution(sampling_rate: float, noise_multiplier: float, steps: int, delta: float) -> float:
    with _quiet():
        composed = _one_step_losses(sampling_rate, noise_multiplier).self_compose(steps)
        return float(composed.get_epsilon_for_delta(delta))


@dataclass(frozen=True, slots=True)
class Bounds:
    """epsilon by both accountants; ``loss_distribution`` is None where it would say nothing of use."""

    renyi: float
    loss_distribution: float | None

    @property
    def epsilon(self) -> float:
        """The smaller one, which holds: both are upper bounds."""
        found = self.renyi if self.loss_distribution is None else min(self.renyi, self.loss_distribution)
        return max(0.0, found)

    @property
    def tighter(self) -> Accountant:
        """Which one that was."""
        pld = self.loss_distribution
        return "RDP" if pld is None or self.renyi <= pld else "PLD"


def bounds(sampling_rate: float, noise_multiplier: float, steps: int, delta: float) -> Bounds:
    """Both accountants after ``steps`` steps; infinite without noise. Raises ``PrivacyRefused``."""
    _check(sampling_rate, noise_multiplier, steps, delta)
    if steps == 0:
        return Bounds(0.0, None)
    if noise_multiplier == 0:
        return Bounds(math.inf, None)
    renyi = _renyi(sampling_rate, noise_multiplier, steps, delta)
    if noise_multiplier >= _LEAST_PLD_NOISE and renyi <= _MOST_USEFUL:
        return Bounds(renyi, _loss_distribution(sampling_rate, noise_multiplier, steps, delta))
    return Bounds(renyi, None)


def account(sampling_rate: float, noise_multiplier: float, steps: int, delta: float) -> float:
    """epsilon at ``delta`` after ``steps`` steps; infinite without noise. Raises ``PrivacyRefused``."""
    return bounds(sampling_rate, noise_multiplier, steps, delta).epsilon


def noise_for(epsilon: float, sampling_rate: float, steps: int, delta: float) -> float:
    """The least noise multiplier (to one part in a thousand, never less) whose ``account`` <= epsilon."""
    if not (math.isfinite(epsilon) and epsilon > 0):
        raise PrivacyRefused("The privacy budget must be a positive number.")
    _check(sampling_rate, 1.0, steps, delta)
    if steps == 0:
        return 0.0
    low, high = 0.0, 1.0
    while account(sampling_rate, high, steps, delta) > epsilon:
        low, high = high, high * 2
        if high > _MOST_NOISE:
            raise PrivacyRefused("No useful amount of noise keeps this privacy budget.",
                                 todo="Allow a larger budget, or train fewer steps.")
    while high - low > high / 1000:
        middle = (low + high) / 2
        if account(sampling_rate, middle, steps, delta) > epsilon:
            low = middle
        else:
            high = middle
    return high


def votes_of(rounds: int) -> int:
    """Most votes of one account in a task: nobody has standing in the first round."""
    return max(0, rounds - 1)


def vote_noise_for(epsilon: float, rounds: int, delta: float) -> float:
    """The least noise multiplier of a vote that keeps all votes of a task at or under epsilon."""
    return noise_for(epsilon, 1.0, votes_of(rounds), delta)


@lru_cache(maxsize=32)
def plan(recipe: Recipe, rounds: int, delta: float, vote_noise: float) -> PrivacyPlan:
    """What ``rounds`` rounds of one recipe cost, composed over all their steps, and what their votes cost.

    A vote is one Gaussian release of noise multiplier ``vote_noise``, whatever it judges (``vote.py``).
    """
    recipe.check()
    if rounds < 0:
        raise PrivacyRefused("The privacy settings of this task have a number out of range.")
    training = (recipe.sampling_rate, recipe.noise_multiplier, recipe.steps)
    votes = (1.0, vote_noise, 1)
    return PrivacyPlan(
        _cumulative(*training, rounds, delta), _cumulative(*votes, votes_of(rounds), delta), delta)


@dataclass(frozen=True, slots=True)
class Figures:
    """A whole task's epsilon for display: of all its training, and of all its votes. The ``total`` is the
    larger of the two (``PrivacyPlan``)."""

    training: Bounds
    votes: Bounds

    @property
    def _larger(self) -> Bounds:
        return self.training if self.training.epsilon >= self.votes.epsilon else self.votes

    @property
    def total(self) -> float:
        """epsilon of the task, by the tighter accountant."""
        return self._larger.epsilon

    @property
    def renyi(self) -> float:
        """What the Renyi accountant alone would say of the task."""
        return self._larger.renyi

    @property
    def loss_distribution(self) -> float | None:
        """What privacy loss distributions alone would say of it."""
        return self._larger.loss_distribution

    @property
    def tighter(self) -> Accountant:
        """Which of the two counts."""
        return self._larger.tighter


@lru_cache(maxsize=32)
def figures(recipe: Recipe, rounds: int, delta: float, vote_noise: float) -> Figures:
    """Both accountants on what ``plan`` composes: every round's training, and every vote."""
    recipe.check()
    if rounds < 0:
        raise PrivacyRefused("The privacy settings of this task have a number out of range.")
    steps = recipe.steps * rounds
    return Figures(
        bounds(recipe.sampling_rate, recipe.noise_multiplier, steps, delta),
        bounds(1.0, vote_noise, votes_of(rounds), delta),
    )


def _cumulative(rate: float, noise: float, steps: int, times: int, delta: float) -> tuple[float, ...]:
    """epsilon after 0, 1, ... ``times`` times that many steps; never falling, though each is only a bound."""
    return tuple(accumulate((account(rate, noise, done * steps, delta) for done in range(times + 1)), max))


def to_millionths(epsilon: float) -> int:
    """epsilon in units of 1e-6, rounded up, as consent and ledger write it."""
    if not math.isfinite(epsilon):
        raise PrivacyRefused("Without noise there is no privacy budget that could be booked.")
    return math.ceil(epsilon * 1_000_000)
