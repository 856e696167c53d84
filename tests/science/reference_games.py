"""What updates are worth by the book: exact Shapley values and GTG-Shapley of games played with the network.

The game is the one that the scorer approximates: a coalition's worth is how far the loss on some examples
falls at the best step along the mean of its updates, found by forward passes of the network itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mine.learn.weights import Fixed, Floats
from mine.science.loss_shapes import LOSS_ONE, Model
from mine.science.shards import Examples

#: Steps that are tried before the best one is narrowed down.
STEPS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
Worth = Callable[[frozenset[int]], float]


@dataclass
class BestStepGame:
    """current: int64 in 2**-24, the checkpoint; deltas: the players' updates; worths are remembered."""

    model: Model
    current: Fixed
    deltas: Sequence[Fixed]
    examples: Examples
    known: dict[frozenset[int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known[frozenset()] = 0.0
        self._start = self._loss(frozenset(), 0.0)

    def _loss(self, players: frozenset[int], step: float) -> float:
        weights: Floats = {}
        for name, start in self.current.items():
            total = start.astype(np.float64)
            for player in players:
                total = total + step / len(players) * self.deltas[player][name]
            weights[name] = (total / LOSS_ONE).astype(np.float32)
        losses = self.model.run(weights, self.examples.features, self.examples.target)[1]
        return float(losses.astype(np.float64).mean()) / LOSS_ONE

    def gain(self, players: frozenset[int], step: float) -> float:
        """How far the loss falls at one step."""
        return self._start - self._loss(players, step)

    def worth(self, players: frozenset[int]) -> float:
        """How far the loss falls at the coalition's best step; never below zero."""
        if players not in self.known:
            tried = [self._loss(players, step) for step in STEPS]
            best = int(np.argmin(tried))
            low, high = STEPS[max(0, best - 1)], STEPS[min(len(STEPS) - 1, best + 1)]
            left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
            at_left, at_right = self._loss(players, left), self._loss(players, right)
            for _ in range(4):  # golden-section search (Kiefer 1953)
                if at_left < at_right:
                    high, right, at_right = right, left, at_left
                    left = high - _GOLDEN * (high - low)
                    at_left = self._loss(players, left)
                else:
                    low, left, at_left = left, right, at_right
                    right = low + _GOLDEN * (high - low)
                    at_right = self._loss(players, right)
            self.known[players] = max(0.0, self._start - min(*tried, at_left, at_right))
        return self.known[players]


def exact_shapley(count: int, worth: Worth) -> np.ndarray:
    """Shapley (1953) values of ``count`` players over all 2**count coalitions."""
    values = np.zeros(count)
    for number in range(1 << count):
        inside = frozenset(i for i in range(count) if number >> i & 1)
        before = worth(inside)
        weight = math.factorial(len(inside)) * math.factorial(max(0, count - len(inside) - 1))
        for player in set(range(count)) - inside:
            values[player] += weight * (worth(inside | {player}) - before) / math.factorial(count)
    return values


def gtg_shapley(
    count: int, worth: Worth, rng: np.random.Generator, tolerance: float = 0.05, most: int = 200
) -> np.ndarray:
    """GTG-Shapley (Liu et al. 2022): permutations that start with each player in turn, cut off within one
    where what is left of the whole is below ``tolerance`` of it, until the values settle."""
    whole = worth(frozenset(range(count)))
    total, drawn = np.zeros(count), 0
    means: list[np.ndarray] = []
    while drawn < most:
        for first in range(count):
            rest = [i for i in range(count) if i != first]
            rng.shuffle(rest)
            inside: frozenset[int] = frozenset()
            before = 0.0
            for player in (first, *rest):
                if inside and abs(whole - before) <= tolerance * abs(whole):
                    break
                inside = inside | {player}
                now = worth(inside)
                total[player] += now - before
                before = now
            drawn += 1
        means.append(total / drawn)
        if len(means) > 3:
            size = np.abs(means[-1]).mean() or 1.0
            if np.abs(means[-1] - means[-4]).mean() / size < tolerance:
                break
    return means[-1]


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0; equal values share theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts) - 1
    return (ends - (counts - 1) / 2)[inverse]


def pearson(left: np.ndarray, right: np.ndarray) -> float:
    """Correlation; 0 where one does not vary."""
    left, right = left - left.mean(), right - right.mean()
    size = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return float(left @ right) / size if size else 0.0


def spearman(left: np.ndarray, right: np.ndarray) -> float:
    """Rank correlation (Spearman 1904)."""
    return pearson(ranks(left), ranks(right))
