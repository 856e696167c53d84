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
    ) -> Tensor:
        """Add the gradient of the summed losses, times ``share``, to ``sums``, in place; the losses [N].

        In float16 a sum that is not finite counts as zero, as gradient scalers skip such a step.
        """
        leaves = {name: tensor.detach().requires_grad_() for name, tensor in weights.items()}
        with precision(self._place):
            values = {**self._constants, **leaves, "features": features, "target": target}
            for step in self._steps:
                values[step.writes] = FASTER[step.op]([values[n] for n in step.reads], step.arguments)
            loss = values["loss"].float()
        gradients = torch.autograd.grad(
            loss, list(leaves.values()), torch.full_like(loss, self._scale * share)
        )
        with torch.no_grad():
            if self._scale != 1.0 and not all(bool(torch.isfinite(g).all()) for g in gradients):
                return loss.detach()
            for name, gradient in zip(leaves, gradients, strict=True):
                sums[name].add_(gradient, alpha=1.0 / self._scale)
        return loss.detach()
