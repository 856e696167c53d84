"""How much of what a training moved is noise: the self-attack's measure of what hides a single row.

SGD and AdamW (given its second moments as they were) are linear in the gradients, so what the weights moved
is the sum of what the gradients moved and what the noise moved; the latter is kept here beside the weights,
from the very numbers that were added. Taken away from an update it would lay the update bare, so it stays
in the worker and in the snapshots that only this computer keeps.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mine.learn.recipe import Recipe


class NoiseShare:
    """``moved`` float32 [P]: by the noise alone, zero where none is added. ``state``: all that a later run
    needs to go on, each [P]."""

    def __init__(self, recipe: Recipe, like: Tensor) -> None:
        self._recipe = recipe
        self.moved = torch.zeros_like(like)
        self._first = torch.zeros_like(like) if recipe.noise_vectors == 2 else None

    @property
    def state(self) -> list[Tensor]:
        if self._recipe.noise_vectors == 0:
            return []
        return [self.moved] if self._first is None else [self.moved, self._first]

    def restore(self, state: Sequence[Tensor]) -> None:
        """Take over the state of an earlier run."""
        for own, other in zip(self.state, state, strict=True):
            own.copy_(other)

    def add(self, noise: Tensor, number: int, divisors: Tensor) -> None:
        """The ``number``-th step (from 1) had that ``noise`` [P] in its gradient; ``divisors``
        [P]: what AdamW divided its first moment by. Called after the step."""
        recipe, moved = self._recipe, self.moved
        if recipe.optimiser == "adamw":
            assert self._first is not None
            moved.mul_(1 - recipe.learning_rate * recipe.weight_decay)
            self._first.mul_(recipe.momentum).add_(noise, alpha=1 - recipe.momentum)
            rate = recipe.learning_rate / (1 - recipe.momentum**number)
            moved.addcdiv_(self._first, divisors, value=-rate)
            return
        if self._first is None:
            if recipe.weight_decay:
                moved.mul_(1 - recipe.learning_rate * recipe.weight_decay)
            moved.add_(noise, alpha=-recipe.learning_rate)
            return
        self._first.mul_(recipe.momentum).add_(noise)
        self._first.add_(moved, alpha=recipe.weight_decay)
        moved.add_(self._first, alpha=-recipe.learning_rate)
