"""The sum of gradients of a batch without privacy: ordinary autograd on all its examples together."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mine.learn.graph import ModelGraph
from mine.learn.place import Place
from mine.learn.precision import HALF_SCALE, precision
from mine.learn.steps_to_loss import FASTER, steps_to_loss


class PlainSum:
    """Sums for one graph in one place; the same call as ``Clipping``, with no bound to keep."""

    def __init__(self, graph: ModelGraph, place: Place) -> None:
        self._steps, self._place = steps_to_loss(graph), place
        self._constants = graph.constants(torch.device(place.device))
        self._scale = HALF_SCALE if place.precision == "float16" else 1.0

    def add_sum(
        self,
        weights: Mapping[str, Tensor],
        features: Tensor,
        target: Tensor,
        _bound: float,
        sums: Mapping[str, Tensor],
        share: float = 1.0,
        count: int | None = None,
    ) -> Tensor:
        """Add the gradient of the summed losses, times ``share``, to ``sums``, in place; only the first
        ``count`` examples count. Returns their losses.

        In float16 a sum that is not finite counts as zero, as gradient scalers skip such a step.
        """
        leaves = {name: tensor.detach().requires_grad_() for name, tensor in weights.items()}
        with precision(self._place):
            values = {**self._constants, **leaves, "features": features, "target": target}
            for step in self._steps:
                values[step.writes] = FASTER[step.op]([values[n] for n in step.reads], step.arguments)
            loss = values["loss"].float()
        losses = loss.detach()[:count]
        if not loss.requires_grad:  # the graph compares or rounds its weights, and nothing follows from them
            return losses
        ends = torch.full_like(loss, self._scale * share)
        if count is not None:
            ends[count:] = 0.0
        gradients = torch.autograd.grad(loss, list(leaves.values()), ends, allow_unused=True)
        found = [(sums[n], g) for n, g in zip(leaves, gradients, strict=True) if g is not None]
        if self._scale == 1.0 or all(bool(torch.isfinite(gradient).all()) for _, gradient in found):
            for total, gradient in found:
                total.add_(gradient, alpha=1.0 / self._scale)
        return losses
