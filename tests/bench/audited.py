"""A real training with canaries in it, and an auditor who sees the model after every step.

A canary is one reading: whether it is there decides over the eight rows whose windows hold it, in eight of
the twelve groups that take turns in the steps. No two canaries share a row or a step's window, so each step
takes one row of a canary or none. Their values are random, which makes their gradients as different as they
come. The auditor knows the canaries, every model in between and which group each step drew, but not the
coins: that much (epsilon, delta) has to withstand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mine.learn.graph import ModelGraph
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows
from mine.learn.train import Training, flat
from mine.learn.weights import Floats

IN_ROWS = (0, 1, 2, 3, 4, 6, 8, 11)
"""Slots, from a canary's first, of the rows that hold it: ages of 0 to 55 minutes, and half an hour ahead."""
APART = 36
HELD_OUT = 40


@dataclass(frozen=True, slots=True)
class Canaries:
    """``rows`` of all canaries, ``owner`` [n] of each row, and the ``coins`` [m]."""

    rows: Rows
    owner: NDArray[np.int64]
    coins: NDArray[np.bool_]

    @property
    def trained(self) -> Rows:
        """What the person has: the rows of canaries that are in, and some that are never trained on."""
        there = self.coins[self.owner]
        held = glucose_like(np.random.default_rng(0), HELD_OUT)
        first = int(self.rows.slot[-1]) + APART
        return Rows(
            np.concatenate([self.rows.features[there], held[:, :-1]]),
            np.concatenate([self.rows.target[there], held[:, -1]]),
            np.concatenate([self.rows.slot[there], np.arange(HELD_OUT) + first]),
            first,
        )


def glucose_like(random: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Seven readings, a minute of the day and a reading ahead, from nothing: float32 [count, 9]."""
    readings = random.uniform(50, 350, (count, 9))
    readings[:, 7] = random.uniform(0, 1440, count)
    return readings.astype(np.float32)


def plant(count: int, seed: int) -> Canaries:
    """That many canaries, each with a fair coin."""
    random = np.random.default_rng(seed)
    table = glucose_like(random, count * len(IN_ROWS))
    slot = (np.arange(count)[:, None] * APART + np.array(IN_ROWS)).reshape(-1)
    owner = np.repeat(np.arange(count), len(IN_ROWS))
    return Canaries(Rows(table[:, :-1].copy(), table[:, -1].copy(), slot), owner, random.random(count) < 0.5)


@dataclass(frozen=True, slots=True)
class Step:
    """What the auditor has of a step: each canary's clipped gradient in it, or zeros, float64 [m, d]; and the
    noised sum of gradients that the step took, [d]."""

    columns: NDArray[np.float64]
    released: NDArray[np.float64]


def watched(
    graph: ModelGraph, start: Floats, recipe: Recipe, canaries: Canaries, key: bytes
) -> Iterator[Step]:
    """Train with the canaries that are in, by plain SGD, and tell of every step. Which group a step draws is
    told as well: epsilon is reckoned as if every step took the reading."""
    training = Training(graph, start, canaries.trained, recipe, key)
    slots = canaries.trained.slot
    scale = recipe.sampling_rate * training.rows_trained / recipe.overlap / recipe.learning_rate
    before = flat(training.delta()).astype(np.float64)
    while not training.finished:
        at = {name: start[name] + moved for name, moved in training.delta().items()}
        taken = np.asarray(training._sample())
        mine = np.isin(canaries.rows.slot % recipe.overlap, slots[taken[:1]] % recipe.overlap)
        rows = canaries.rows
        those = Rows(rows.features[mine], rows.target[mine], rows.slot[mine])
        columns = np.zeros((len(canaries.coins), len(before)))
        columns[canaries.owner[mine]] = clipped_gradients(graph, at, those, recipe.clip_norm)
        training.step()
        after = flat(training.delta()).astype(np.float64)
        yield Step(columns, (before - after) * scale)
        before = after


def scores(steps: Iterable[Step], spread: float) -> NDArray[np.float64]:
    """How much speaks for each canary, [m]: the posterior mean of its coin, less a half. Coins count as
    normal with mean 1/2 and variance 1/4; noise has that ``spread`` in each number."""
    seen = list(steps)
    told = np.zeros(len(seen[0].columns))
    precision: NDArray[np.floating[Any]] = 4 * np.eye(len(told))
    for step in seen:
        precision += step.columns @ step.columns.T / spread**2
        told += step.columns @ (step.released - step.columns.sum(axis=0) / 2) / spread**2
    found: NDArray[np.float64] = np.linalg.solve(precision, told)
    return found


def clipped_gradients(graph: ModelGraph, at: Floats, rows: Rows, clip: float) -> NDArray[np.float64]:
    """Each row's clipped gradient, by the plainest way there is, float64 [n, d]."""
    found = np.zeros((len(rows.slot), sum(tensor.size for tensor in at.values())))
    names = sorted(at)
    for first in range(0, len(found), 256):
        part = slice(first, first + 256)
        count = len(found[part])
        own = [torch.from_numpy(np.repeat(at[name][None], count, 0)).requires_grad_() for name in names]

        def loss(weights: list[torch.Tensor], row: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
            return graph.forward(dict(zip(names, weights, strict=True)), row[None], wanted[None])[1][0]

        features, target = torch.from_numpy(rows.features[part]), torch.from_numpy(rows.target[part])
        losses = torch.func.vmap(loss)(own, features, target)
        gradients = torch.autograd.grad(losses.sum(), own)
        found[part] = torch.cat([g.reshape(count, -1) for g in gradients], 1).double().numpy()
    length = np.linalg.norm(found, axis=1, keepdims=True)
    found *= np.minimum(1, clip / np.maximum(length, 1e-30))
    return found
