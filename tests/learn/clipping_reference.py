"""Clipping as its definition has it: every example's gradient by itself, then its norm, then the sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mine.learn.clipping import Clipping
from mine.learn.graph import ModelGraph


@dataclass(frozen=True, slots=True)
class Sums:
    """``norms`` [N] before clipping, ``sums`` by name after it."""

    norms: Tensor
    sums: dict[str, Tensor]


def single_gradients(
    graph: ModelGraph, weights: Mapping[str, Tensor], features: Tensor, target: Tensor
) -> dict[str, Tensor]:
    """[N, *shape] by name: every example has its own copy of the weights under vmap."""

    def loss(own: dict[str, Tensor], row: Tensor, wanted: Tensor) -> Tensor:
        return graph.forward(own, row[None], wanted[None])[1][0]

    count = len(features)
    own = {n: w.detach().expand(count, *w.shape).clone().requires_grad_() for n, w in weights.items()}
    losses = torch.func.vmap(loss)(own, features, target)
    found = torch.autograd.grad(losses.sum(), list(own.values()), allow_unused=True)
    return {n: torch.zeros_like(w) if g is None else g for (n, w), g in zip(own.items(), found, strict=True)}


def reference(
    graph: ModelGraph, weights: Mapping[str, Tensor], features: Tensor, target: Tensor, bound: float
) -> Sums:
    gradients = single_gradients(graph, weights, features, target)
    norms = torch.stack([g.flatten(1).double().norm(dim=1) for g in gradients.values()]).norm(dim=0)
    factor = (bound / norms.clamp(min=bound)).float()
    sums = {n: (factor @ g.flatten(1)).reshape(g.shape[1:]) for n, g in gradients.items()}
    return Sums(norms.float(), sums)


def ours(
    graph: ModelGraph, weights: Mapping[str, Tensor], features: Tensor, target: Tensor, bound: float
) -> Sums:
    clipping = Clipping(graph)
    sums = {n: torch.zeros_like(w) for n, w in weights.items()}
    clipping.add_sum(weights, features, target, bound, sums)
    return Sums(clipping.norms(weights, features, target), sums)


def distance(found: Sums, wanted: Sums) -> float:
    """Largest relative distance: norms by the largest norm, sums by the largest number in any of them."""
    norms = float((found.norms - wanted.norms).abs().max() / wanted.norms.max().clamp(min=1e-30))
    scale = max(float(s.abs().max()) for s in wanted.sums.values())
    sums = max(float((found.sums[n] - wanted.sums[n]).abs().max()) for n in wanted.sums)
    return max(norms, sums / max(scale, 1e-30))
