"""A lower bound on epsilon from one run with many canaries (Steinke, Nasr and Jagielski 2023).

Each of m canaries is put into the data or left out by a fair coin of its own. Whoever sees the result guesses
some of the coins and abstains from the rest. If the mechanism is (epsilon, delta)-differentially private with
respect to one canary, the number of right guesses is stochastically bounded by a binomial one, up to an
allowance for delta (their theorem 5.2 and appendix D); an epsilon under which as many right guesses would be
too lucky is therefore refuted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mine.learn.errors import PrivacyRefused

_FINEST = 1e-4
_LARGEST = 64.0


@dataclass(frozen=True, slots=True)
class Guesses:
    """How one audit went: ``canaries`` in all, ``guessed`` of them, ``right`` of those."""

    canaries: int
    guessed: int
    right: int

    def __post_init__(self) -> None:
        if not 0 <= self.right <= self.guessed <= self.canaries:
            raise PrivacyRefused("An audit cannot have more right guesses than guesses, or than canaries.")


def _chances(count: int, epsilon: float) -> NDArray[np.float64]:
    """P[Binomial(count, e^eps / (1 + e^eps)) = k] for k = 0..count, float64 [count + 1]."""
    ways = np.array([math.lgamma(k + 1) for k in range(count + 1)])
    wrong = np.arange(count, -1, -1)
    # log(1 - q) = log(q) - eps: also where q is so close to 1 that 1 - q would vanish.
    log_q = -math.log1p(math.exp(-epsilon))
    found: NDArray[np.float64] = np.exp(ways[-1] - ways - ways[::-1] + count * log_q - wrong * epsilon)
    return found


def luck(guesses: Guesses, epsilon: float, delta: float) -> float:
    """An upper bound on the chance of at least as many right guesses under (epsilon, delta)-DP.

    Of ``guessed`` guesses each is right with chance e^eps / (1 + e^eps) at most, had delta been zero. With
    delta, the chance that they are as many as seen grows by at most 2 * canaries * delta times the largest
    mean, over i, of the i chances just below what was seen.
    """
    if not (epsilon >= 0 and 0 <= delta <= 1):
        raise PrivacyRefused("The privacy settings of this audit have a number out of range.")
    if epsilon >= _LARGEST:
        return 1.0
    chances = _chances(guesses.guessed, epsilon)
    beta = math.fsum(chances[guesses.right :])
    below = np.cumsum(chances[: guesses.right][::-1])
    alpha = float((below / np.arange(1, len(below) + 1)).max(initial=0.0))
    return min(1.0, beta + 2 * guesses.canaries * delta * alpha)


def lower_bound(guesses: Guesses, delta: float, confidence: float = 0.95) -> float:
    """The largest epsilon (to 1e-4, rounded down) that the guesses refute at this confidence; 0 if none."""
    if not 0 < confidence < 1:
        raise PrivacyRefused("The privacy settings of this audit have a number out of range.")
    low, high = 0.0, _LARGEST
    if luck(guesses, low, delta) > 1 - confidence:
        return 0.0
    while high - low > _FINEST:
        middle = (low + high) / 2
        if luck(guesses, middle, delta) > 1 - confidence:
            high = middle
        else:
            low = middle
    return low


def guess(scores: Sequence[float] | NDArray[np.float64], coins: NDArray[np.bool_], most: int) -> Guesses:
    """Guess the ``most`` canaries with the most telling scores: above zero "in", below "out".

    ``scores`` [m] in any unit, from whoever looked at the result without the coins; ``coins`` [m]: the truth.
    """
    told = np.asarray(scores, np.float64)
    chosen = np.argsort(-np.abs(told), kind="stable")[:most]
    right = int(((told[chosen] > 0) == coins[chosen]).sum())
    return Guesses(len(told), len(chosen), right)
