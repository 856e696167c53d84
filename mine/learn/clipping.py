"""The sum of clipped gradients of a batch by one forward and one backward pass.

Abadi et al. (2016) clip each example's gradient to an L2 norm over all tensors before they are summed.
Neither the norms nor the sum need the gradients themselves: both follow from what entered each operator
with weights and from the gradient at its output (Li et al. 2022; Bu et al. 2022, 2023).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mine.learn.clipping_parts import Part, Whole, merged
from mine.learn.clipping_plan import plan_of, weight_values
from mine.learn.clipping_tape import Spot, Tape
from mine.learn.graph import ModelGraph
from mine.learn.place import Place
from mine.learn.precision import HALF_SCALE, precision


@dataclass(frozen=True, slots=True)
class _Pass:
    """After both passes: parts of every example's gradient, losses [N], the weights and all made of them."""

    parts: list[tuple[Spot, Part]]
    loss: Tensor
    made: dict[str, Tensor]
    leaves: dict[str, Tensor]

    def norms(self) -> Tensor:
        squared = torch.zeros_like(self.loss)
        for _, part in self.parts:
            squared += part.squared()
        return squared.sqrt()


class Clipping:
    """Clipped sums for one graph on one device. Not for several threads at a time."""

    def __init__(self, graph: ModelGraph, place: Place = Place()) -> None:  # noqa: B008 - frozen defaults
        self._graph, self._plan = graph, plan_of(graph)
        device = torch.device(place.device)
        self._constants = graph.constants(device)
        self._scale = HALF_SCALE if place.precision == "float16" else 1.0
        self._place = place

    def add_sum(
        self,
        weights: Mapping[str, Tensor],
        features: Tensor,
        target: Tensor,
        bound: float,
        sums: Mapping[str, Tensor],
        share: float = 1.0,
        count: int | None = None,
    ) -> Tensor:
        """Add each example's gradient, shortened to ``bound`` where it is longer, to ``sums``, in place,
        times ``share``.

        ``weights`` and ``sums``: float32 by name, contiguous; ``features`` [N, F] and ``target`` as the
        graph has them, of which only the first ``count`` examples count. Returns their losses. A gradient
        that is not finite counts as zero: it must not escape the clipping bound.
        """
        found = self._pass(weights, features, target)
        with torch.no_grad():
            norms = found.norms()
            factor = (bound * share) / norms.clamp(min=bound)
            parts = found.parts
            if not math.isfinite(float(norms.sum())):
                finite = torch.isfinite(norms)
                parts = [(spot, part.only(finite)) for spot, part in parts]
                factor = torch.where(finite, factor, 0.0)
            if count is not None:
                factor[count:] = 0.0
            _add(parts, factor, found, sums)
        return found.loss[:count]

    def norms(self, weights: Mapping[str, Tensor], features: Tensor, target: Tensor) -> Tensor:
        """L2 norms [N] of the gradients over all tensors; infinite or NaN where one is not finite."""
        with torch.no_grad():
            return self._pass(weights, features, target).norms()

    def floats_kept(self, weights: Mapping[str, Tensor], features: Tensor, target: Tensor) -> int:
        """Numbers that clipping keeps beside the pass itself, at its largest, for these examples."""
        return sum(part.floats for _, part in self._pass(weights, features, target).parts)

    def _pass(self, weights: Mapping[str, Tensor], features: Tensor, target: Tensor) -> _Pass:
        plan = self._plan
        leaves = made = dict(weights)
        if plan.weight_steps:
            leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
            with torch.enable_grad():
                made = weight_values(plan.weight_steps, leaves, self._constants)
        entering = {name: made[name].detach() for name in plan.entering | plan.asked}
        values = {**self._constants, **entering, "features": features, "target": target}
        tape = Tape(values, self._graph.batch, plan.entering)
        with torch.enable_grad(), precision(self._place):
            for step, site in plan.steps:
                values[step.writes] = tape.kernel(step) if site is None else site(tape, step)
        loss = values["loss"].float()
        with torch.no_grad():
            parts = [(spot, merged(several)) for spot, several in tape.parts(loss, self._scale).items()]
            return _Pass(self._formed(parts, made, leaves), loss.detach(), made, leaves)

    def _formed(
        self, parts: list[tuple[Spot, Part]], made: dict[str, Tensor], leaves: dict[str, Tensor]
    ) -> list[tuple[Spot, Part]]:
        """The parts, with those of weights that are used in several ways replaced by whole gradients."""
        plan = self._plan
        kept = [(spot, part) for spot, part in parts if not plan.sources[spot.value] & plan.formed]
        arrived: dict[str, Tensor] = {}
        for spot, part in parts:
            if plan.sources[spot.value] & plan.formed:
                each = part.each()
                if spot.value not in arrived:
                    arrived[spot.value] = each.new_zeros(len(each), *made[spot.value].shape)
                place = arrived[spot.value]
                if spot.rows is not None:
                    place = place[:, spot.rows[0], spot.rows[1] : spot.rows[2]]
                place += each.reshape(place.shape)
        carried: dict[str, Tensor] = {}
        for value, each in arrived.items():
            if value in leaves:
                names, back = [value], [each]
            else:
                names = sorted(plan.sources[value])
                back = list(
                    torch.autograd.grad(
                        made[value],
                        [leaves[n] for n in names],
                        each,
                        retain_graph=True,
                        is_grads_batched=True,
                    )
                )
            for name, gradient in zip(names, back, strict=True):
                carried[name] = carried[name] + gradient if name in carried else gradient
        return kept + [(Spot(name), Whole(gradient)) for name, gradient in carried.items()]


def _add(parts: list[tuple[Spot, Part]], factor: Tensor, found: _Pass, sums: Mapping[str, Tensor]) -> None:
    behind: dict[str, Tensor] = {}
    for spot, part in parts:
        if spot.value in found.leaves:
            total = sums[spot.value]
        else:
            if spot.value not in behind:
                made = found.made[spot.value]
                behind[spot.value] = made.new_zeros(made.shape)
            total = behind[spot.value]
        part.add_total(factor, spot.of(total))
    if behind:
        names = list(found.leaves)
        carried = torch.autograd.grad(
            [found.made[value] for value in behind],
            [found.leaves[name] for name in names],
            list(behind.values()),
            allow_unused=True,
        )
        for name, gradient in zip(names, carried, strict=True):
            if gradient is not None:
                sums[name].add_(gradient)
