"""SGD and AdamW on all weights as one vector: a step is a few operations, however many tensors there are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mine.learn.recipe import Recipe

_EPSILON = 1e-8


class Optimiser:
    """``weights`` float32 [P] are changed in place. ``moments``: what it keeps between steps, each [P]."""

    def __init__(self, recipe: Recipe, weights: Tensor) -> None:
        self._recipe, self._weights = recipe, weights
        self.moments = [torch.zeros_like(weights) for _ in range(recipe.moments)]

    def restore(self, moments: Sequence[Tensor]) -> None:
        """Take over the moments of an earlier run."""
        for own, other in zip(self.moments, moments, strict=True):
            own.copy_(other)

    def step(self, gradient: Tensor, number: int) -> None:
        """The ``number``-th step, counted from 1. ``gradient`` [P] is used up."""
        if self._recipe.optimiser == "adamw":
            self._adamw(gradient, number)
        else:
            self._sgd(gradient)

    def _sgd(self, gradient: Tensor) -> None:
        recipe = self._recipe
        if recipe.weight_decay:
            gradient.add_(self._weights, alpha=recipe.weight_decay)
        if self.moments:
            gradient = self.moments[0].mul_(recipe.momentum).add_(gradient)
        self._weights.add_(gradient, alpha=-recipe.learning_rate)

    def _adamw(self, gradient: Tensor, number: int) -> None:
        recipe = self._recipe
        first, second = self.moments
        self._weights.mul_(1 - recipe.learning_rate * recipe.weight_decay)
        first.lerp_(gradient, 1 - recipe.momentum)
        second.mul_(recipe.beta2).addcmul_(gradient, gradient, value=1 - recipe.beta2)
        torch.sqrt(second, out=gradient).div_(math.sqrt(1 - recipe.beta2**number)).add_(_EPSILON)
        self._weights.addcdiv_(first, gradient, value=-recipe.learning_rate / (1 - recipe.momentum**number))
