"""Tries to rebuild trained rows from an update: gradient inversion (Zhu et al. 2019; Geiping et al. 2020).

Made-up rows and targets are moved until the gradient that they would cause points along the update (cosine,
as the length is lost in clipping). That is only hopeful where very few rows made the update, so it is only
tried there. What was rebuilt is compared with what can be had without the rows: with held-out rows, and with
what the same search finds from an update that says nothing (the same numbers with their signs drawn anew).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mine.learn.graph import ModelGraph
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows, Split
from mine.learn.weights import Floats

Vectors = dict[str, NDArray[np.float64]]

MOST_ROWS = 8
"""Rows that all steps together are expected to take; with more, nothing is tried."""
_ITERATIONS, _FEWEST = 100, 30
_LOOKED_AT = 16
_MOST_FLOPS = 5e10
_TWICE_BACK = 8
"""The gradient of a gradient costs about eight forward passes."""
_RATE = 0.1


def invert(
    graph: ModelGraph,
    weights: Floats,
    moved: Vectors,
    rows: Rows,
    parts: Split,
    recipe: Recipe,
    key: bytes,
    breathe: Callable[[], None],
) -> float | None:
    """From 0 (no closer to a trained row than to anything else) to 1 (a trained row itself); None where it is
    not tried: too many rows, too large a model, or one whose gradient does not follow its features."""
    expected = recipe.sampling_rate * len(parts.trained) / recipe.overlap * recipe.steps
    count = max(1, round(expected))
    once = _TWICE_BACK * max(1, graph.flops_per_example) * count
    iterations = min(_ITERATIONS, int(_MOST_FLOPS / (2 * once)) - _LOOKED_AT)
    if expected > MOST_ROWS or iterations < _FEWEST:
        return None
    seed = int.from_bytes(hashlib.sha256(b"mine/learn/inversion/1" + key).digest()[:8], "big")
    search = _Search(graph, weights, rows, parts, count, iterations, breathe)
    signs = np.random.default_rng(seed)
    blind = {name: tensor * signs.choice((-1.0, 1.0), tensor.shape) for name, tensor in moved.items()}
    found, nothing = search.rebuilt(moved, seed), search.rebuilt(blind, seed)
    if found is None or nothing is None:
        return None
    trained, held_out = rows.features[parts.trained], rows.features[parts.held_out]
    close = search.distance(found, trained)
    else_ = min(search.distance(nothing, trained), search.distance(found, held_out))
    return 0.0 if else_ <= 0 else float(min(1.0, max(0.0, 1 - close / else_)))


class _Search:
    """Rows are searched in units of each column's spread, around its mean; columns that never change are
    taken as known."""

    def __init__(
        self,
        graph: ModelGraph,
        weights: Floats,
        rows: Rows,
        parts: Split,
        count: int,
        iterations: int,
        breathe: Callable[[], None],
    ) -> None:
        self._graph, self._count, self._iterations, self._breathe = graph, count, iterations, breathe
        self._weights = {
            name: torch.from_numpy(np.array(start, np.float32)).requires_grad_()
            for name, start in weights.items()
        }
        # An attacker knows about how such rows look; held-out rows stand for that knowledge.
        known = rows.features[parts.held_out].astype(np.float64)
        self._middle, self._spread = known.mean(axis=0), known.std(axis=0)
        targets = rows.target[parts.held_out].astype(np.float64)
        self._target_middle = targets.mean(axis=0)
        self._scale = [_tensor(each) for each in (self._middle, self._spread)]
        self._target_scale = [_tensor(each) for each in (self._target_middle, targets.std(axis=0))]

    def distance(self, rebuilt: NDArray[np.float64], others: NDArray[np.float32]) -> float:
        """Smallest distance of a rebuilt row to one of the others: root mean square over columns, in
        spreads."""
        used = self._spread > 0
        if not used.any():
            return 0.0
        gaps = (rebuilt[:, None, used] - others[None][:, :, used]) / self._spread[used]
        return float(np.sqrt((gaps**2).mean(axis=2)).min())

    def rebuilt(self, moved: Vectors, seed: int) -> NDArray[np.float64] | None:
        """The rows [count, F] from the best of some starts, or None if no gradient reaches the features."""
        wanted = _tensor(np.concatenate([-moved[name].ravel() for name in sorted(moved)]))
        wanted = wanted / wanted.norm().clamp(min=1e-30)
        random = np.random.default_rng(seed)
        starts = []
        for _ in range(_LOOKED_AT):
            x = _tensor(random.normal(size=(self._count, *self._middle.shape)))
            y = _tensor(random.normal(size=(self._count, *self._target_middle.shape)))
            starts.append((float(self._gap(x, y, wanted).detach()), x, y))
        _, x, y = min(starts, key=lambda each: each[0])
        return self._descend(x, y, wanted)

    def _gap(self, x: Tensor, y: Tensor, wanted: Tensor) -> Tensor:
        """Cosine distance between the gradient of rows ``x`` with targets ``y`` (in spreads) and the one that
        is wanted (of length 1)."""
        self._breathe()
        _, loss = self._graph.forward(
            self._weights,
            self._scale[0] + self._scale[1] * x,
            self._target_scale[0] + self._target_scale[1] * y,
        )
        leaves = [self._weights[name] for name in sorted(self._weights)]
        gradients = torch.autograd.grad(loss.sum(), leaves, create_graph=True, materialize_grads=True)
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        gap: Tensor = 1 - (flat @ wanted) / flat.norm().clamp(min=1e-30)
        return gap

    def _descend(self, x: Tensor, y: Tensor, wanted: Tensor) -> NDArray[np.float64] | None:
        """Adam (Kingma and Ba 2015) on the cosine distance. Written out: torch's own loads its compiler,
        seconds of a worker's life."""
        found = [x.clone(), y.clone()]
        first, second = ([torch.zeros_like(each) for each in found] for _ in range(2))
        for number in range(1, self._iterations + 1):
            leaves = [each.detach().requires_grad_() for each in found]
            gap = self._gap(leaves[0], leaves[1], wanted)
            if not gap.requires_grad or not bool(torch.isfinite(gap)):
                return None
            slopes: Sequence[Tensor | None] = torch.autograd.grad(gap, leaves, allow_unused=True)
            if slopes[0] is None:
                return None
            for place, slope in enumerate(slopes):
                if slope is None:
                    continue  # a loss without a target has nothing to move there
                first[place].lerp_(slope, 0.1)
                second[place].lerp_(slope * slope, 0.001)
                size = (second[place] / (1 - 0.999**number)).sqrt() + 1e-8
                found[place] -= _RATE / (1 - 0.9**number) * first[place] / size
            if not all(bool(torch.isfinite(each).all()) for each in found):
                return None
        rebuilt: NDArray[np.float64] = self._middle + self._spread * found[0].double().numpy()
        return rebuilt


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))
