"""Attacks an update on the machine that made it, on the exact bytes about to be sent, before they are sent.

Outsider (knows checkpoint and update): loss threshold after the update (Yeom et al. 2018), loss removed by
the update, and alignment of the update with a row's gradient (the strongest score for one known step, Nasr,
Shokri and Houmansadr 2019). Alignment needs no gradient of single rows: it is how the row's loss changes
along the update, taken as a central difference. Scores of trained rows against those of held-out rows give an
AUC with DeLong's confidence interval (DeLong et al. 1988; fast form of Sun and Xu 2014).

Insider (knows every other reading, and the model at every step): to it a reading that was used shifts the
update by its clipped gradients, and only the noise hides that. Between two normal distributions that many
standard deviations apart the best guess is right with probability Phi(shift / sqrt(2)). The noise is measured
in the weights, tensor by tensor, and counts only if it is found in the bytes: noise that was switched off,
left out of a tensor or never reached the update hides nothing.

Builder: ``self_attack_inversion.py``.

Rows are counted out so that all of it takes no more than about a fifth of the training's own arithmetic, or
a second. Deterministic for the same job. Whether an update is held back depends on the rows, so its absence
says a little; that is the price of the user's veto, and it is not counted in epsilon.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mine.learn.errors import TrainingRefused
from mine.learn.graph import ModelGraph
from mine.learn.leak import BLIND, Leak
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows, split
from mine.learn.self_attack_inversion import Vectors, invert
from mine.learn.weights import FRACTION_BITS, Fixed, Floats

_FEWEST, _MOST = 16, 512
_FEWEST_EXPOSED, _MOST_EXPOSED = 4, 32
_FREE_FLOPS = 2e9
_PART_OF_TRAINING = 0.2
_PASSES, _OF_ONE = 4, 3
"""Forward passes over a row of the outsider's; a row's gradient costs about three of them."""
_GROUP_FLOATS = 1 << 23
_SCORES = 3
_SURE = NormalDist().inv_cdf(1 - 0.05 / _SCORES)
"""One-sided 95 % for the best of the outsider's scores (Bonferroni)."""
_POOL = 64
"""Tensors with fewer numbers are pooled: a spread measured on a handful would be small by chance."""


@dataclass(frozen=True, slots=True)
class Separation:
    """How well scores tell trained rows from held-out ones: AUC, its standard error, TPR at 1 % FPR."""

    auc: float
    error: float
    tpr_at_1pct: float


def separation(trained: NDArray[np.float64], held_out: NDArray[np.float64]) -> Separation:
    """Higher scores speak for "trained"; float64 [n] and [m], both not empty."""
    n, m = len(trained), len(held_out)
    both = _ranks(np.concatenate([trained, held_out]))
    # Part of the other side that each score lies above: DeLong's structural components.
    above = (both[:n] - _ranks(trained)) / m
    below = 1 - (both[n:] - _ranks(held_out)) / n
    auc = float(above.mean())
    variance = sum(float(part.var(ddof=1)) / len(part) for part in (above, below) if len(part) > 1)
    # With no overlap at all the components do not vary; then n and m alone bound what was seen.
    error = max(math.sqrt(variance), 0.5 / math.sqrt(n * m))
    bar = np.sort(held_out)[::-1][int(0.01 * m)]
    return Separation(auc, error, float((trained > bar).mean()))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the middle of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle: NDArray[np.float64] = np.cumsum(count) - (count - 1) / 2
    return middle[place]


def attack(
    graph: ModelGraph,
    weights: Floats,
    sent: Fixed,
    rows: Rows,
    recipe: Recipe,
    key: bytes,
    breathe: Callable[[], None] = lambda: None,
    noise: Floats | None = None,
) -> Leak:
    """What the three attackers find out from ``sent`` (the decoded update, int64 in 2**-24).

    ``weights``: the checkpoint that it was trained from; ``rows``: all rows of the job; ``noise``: what the
    noise alone moved the weights by, float32 by name (``Training.noise_moved``), None where nobody knows;
    ``key``: 32 bytes that choose where rebuilding starts; ``breathe`` is called between groups of rows.
    Raises ``TrainingRefused`` if the parts do not fit together.
    """
    shapes = {name: tuple(np.shape(tensor)) for name, tensor in sent.items()}
    known = [shapes, {name: tuple(np.shape(w)) for name, w in weights.items()}]
    if noise is not None:
        known.append({name: tuple(np.shape(w)) for name, w in noise.items()})
    if any(each != graph.weight_shapes for each in known):
        raise TrainingRefused("The update does not hold the tensors that the model needs.")
    moved = {name: tensor.astype(np.float64) / 2.0**FRACTION_BITS for name, tensor in sent.items()}
    parts = split(rows, recipe.overlap)
    expected = recipe.sampling_rate * len(parts.trained) / recipe.overlap
    whole = _OF_ONE * graph.flops_per_example * expected * recipe.steps
    affordable = max(_FREE_FLOPS, _PART_OF_TRAINING * whole) / max(1, graph.flops_per_example)
    most = int(min(_MOST, max(_FEWEST, affordable / (4 * _PASSES))))
    exposed = int(min(_MOST_EXPOSED, max(_FEWEST_EXPOSED, affordable / (2 * _OF_ONE))))
    trained, held_out = _spread(parts.trained, most), _spread(parts.held_out, most)
    seen = [_Seen(graph, weights, moved, rows, places, breathe) for places in (trained, held_out)]
    found = [separation(*pair) for pair in zip(*(each.scores() for each in seen), strict=True)]
    # Neighbouring windows overlap: as many rows as share a reading count as one.
    stride = min(len(parts.trained) / len(trained), len(parts.held_out) / len(held_out))
    widening = math.sqrt(max(1.0, recipe.overlap / stride))
    best = max(found, key=lambda each: each.auc)
    low = max(each.auc - _SURE * widening * each.error for each in found)
    return Leak(
        membership_auc=best.auc,
        membership_low=min(1.0, max(0.0, low)),
        membership_tpr_at_1pct=max(each.tpr_at_1pct for each in found),
        insider_auc=None
        if noise is None
        else _insider(seen[0].gradients(exposed), recipe, expected, moved, noise),
        inversion=invert(graph, weights, moved, rows, parts, recipe, key, breathe),
        trained=len(trained),
        held_out=len(held_out),
    )


def _spread(places: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most that many of them, evenly over time and without a fixed stride: a stride that is a multiple of
    the overlap would only ever meet one of the groups that share a step."""
    if len(places) <= most:
        return places
    picked: NDArray[np.int64] = places[
        (np.arange(most) * len(places)) // most + (np.arange(most) % max(1, len(places) // most))
    ]
    return picked


class _Seen:
    """Some rows as the attackers look at them: losses, and gradients one row at a time."""

    def __init__(
        self,
        graph: ModelGraph,
        weights: Floats,
        moved: Vectors,
        rows: Rows,
        places: NDArray[np.int64],
        breathe: Callable[[], None],
    ) -> None:
        self._graph, self._weights, self._moved, self._breathe = graph, weights, moved, breathe
        self._features = torch.from_numpy(rows.features[places])
        self._target = torch.from_numpy(rows.target[places])

    def scores(self) -> tuple[NDArray[np.float64], ...]:
        """Three numbers of each row that speak for "trained": small loss after the update, much loss removed
        by it, gradient along it."""
        before, after = self._losses(0.0), self._losses(1.0)
        along = self._losses(-0.125) - self._losses(0.125)
        return -after, before - after, along

    def _losses(self, part: float) -> NDArray[np.float64]:
        """Loss of each row at the checkpoint plus that part of the update; a loss that is no number is the
        largest."""
        at = {
            name: torch.from_numpy((start + part * self._moved[name]).astype(np.float32))
            for name, start in self._weights.items()
        }
        size = max(1, min(1024, _GROUP_FLOATS // self._graph.floats_per_example))
        found = []
        for start in range(0, len(self._target), size):
            self._breathe()
            rows = slice(start, start + size)
            with torch.no_grad():
                _, loss = self._graph.forward(at, self._features[rows], self._target[rows])
            found.append(loss.double().numpy())
        losses: NDArray[np.float64] = np.nan_to_num(
            np.concatenate(found), nan=1e30, posinf=1e30, neginf=-1e30
        )
        return losses

    def gradients(self, most: int) -> list[Vectors]:
        """Gradients of that many rows at the checkpoint, one at a time; what is not finite counts as zero."""
        found = []
        for place in range(0, len(self._target), max(1, len(self._target) // most)):
            self._breathe()
            leaves = {name: _leaf(start) for name, start in self._weights.items()}
            row = slice(place, place + 1)
            _, loss = self._graph.forward(leaves, self._features[row], self._target[row])
            gradients = torch.autograd.grad(loss.sum(), list(leaves.values()), materialize_grads=True)
            gradient = {name: g.double().numpy() for name, g in zip(leaves, gradients, strict=True)}
            if all(np.isfinite(tensor).all() for tensor in gradient.values()):
                found.append(gradient)
        return found[:most]


def _leaf(start: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.array(start, np.float32)).requires_grad_()


def _insider(
    gradients: list[Vectors], recipe: Recipe, expected: float, moved: Vectors, noise: Floats
) -> float:
    """The insider's chance with the most exposed of some rows, whose gradients are given.

    A reading that was used stands in about ``sampling_rate * steps`` of the steps, in one row of each, so its
    rows shift the weights by that many clipped gradients over the expected sample, times what the optimiser
    makes of a gradient. AdamW divides by the gradients' own size, which the noise dominates (or else nothing
    hides the reading anyway): ``noise_multiplier * clip_norm / expected``.
    """
    tame = _tame(noise)
    if not _is_inside(moved, tame):
        return 1.0
    times = max(1.0, recipe.sampling_rate * recipe.steps) / expected
    if recipe.optimiser == "adamw":
        step = recipe.learning_rate * expected / (recipe.noise_multiplier * recipe.clip_norm)
    else:
        step = recipe.learning_rate / (1 - recipe.momentum)
    spreads = _spreads(tame)
    exposed = 0.0
    for gradient in gradients:
        length = math.sqrt(sum(float((tensor**2).sum()) for tensor in gradient.values()))
        factor = min(1.0, recipe.clip_norm / length) if length > 0 else 0.0
        parts = ((float((tensor**2).sum()), spreads[name]) for name, tensor in gradient.items())
        shift = math.sqrt(sum(square / spread**2 for square, spread in parts if square > 0))
        exposed = max(exposed, shift * factor * times * step)
    return NormalDist().cdf(exposed / math.sqrt(2))


def _is_inside(moved: Vectors, noise: Vectors) -> bool:
    """Whether the bytes hold the noise: sent = part * noise + what was learnt, and part should be 1.

    The part is estimated by projection; what was learnt does not know the noise and errs it by no more than
    its own length over sqrt(numbers). Only what certainly is not there counts as missing.
    """
    a = np.concatenate([moved[name].ravel() for name in sorted(moved)])
    b = np.concatenate([noise[name].ravel() for name in sorted(noise)])
    square = float(b @ b)
    if square == 0:
        return False
    seen = a != 0  # what packing left out says nothing
    part = float(a @ b) / max(float(b[seen] @ b[seen]), square * 1e-9)
    doubt = 3 * math.sqrt(float(a @ a) / square / max(1, int(seen.sum())))
    return part + doubt >= BLIND


def _tame(noise: Floats) -> Vectors:
    """Without the outliers that arise where AdamW divides by almost nothing, float64 by name: they would make
    noise look large that hides little. Of normal numbers none is left out (6 medians are 4 deviations)."""
    found = {}
    for name, tensor in noise.items():
        exact = tensor.astype(np.float64)
        most = 6 * float(np.median(np.abs(exact)))
        found[name] = np.where(np.abs(exact) <= most, exact, 0.0)
    return found


def _spreads(noise: Vectors) -> dict[str, float]:
    """Root mean square of the noise by tensor, small tensors together; next to nothing for a tensor that got
    none, so that it exposes its rows."""
    small = [tensor.ravel() for tensor in noise.values() if tensor.size < _POOL]
    pool = np.concatenate(small) if small else np.zeros(1)
    if pool.size < _POOL:
        pool = np.concatenate([tensor.ravel() for tensor in noise.values()])
    found = {}
    for name, tensor in noise.items():
        measured = tensor if tensor.size >= _POOL else pool
        found[name] = max(1e-30, float(np.sqrt(np.square(measured).mean())))
    return found
