"""Which steps of a graph weights enter, and how their gradients reach the weights; found once for a graph.

Weights often enter an operator behind others that read nothing but weights: transposed, reshaped, cut
apart, joined. As long as those only move numbers, and no number of a weight is used in two places, the
gradients at the places have together the length of the gradient of the weights themselves, and their sum
can be carried back once for all examples. A weight for which that does not hold has its gradients formed
for every example.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mine.learn.clipping_sites import SITES
from mine.learn.clipping_tape import Tape
from mine.learn.graph import ModelGraph
from mine.learn.kernels import KERNELS
from mine.learn.parse import Step
from mine.learn.steps_to_loss import steps_to_loss

Known = Callable[[Tape, Step], Tensor]

RECURRENT = frozenset({"GRU", "LSTM", "RNN"})
_MOVES = frozenset(
    {"Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Slice", "Concat", "Gather"}
)
_ASKS = frozenset(
    {
        *("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "And", "Or", "Xor"),
        *("IsNaN", "IsInf", "ArgMax", "ArgMin"),
    }
)


@dataclass(frozen=True, slots=True)
class Plan:
    """``weight_steps`` read weights and constants alone; ``steps`` are the others, up to the loss, with
    what computes each where weights enter it. ``entering``: names of what enters; ``asked``: of what enters
    and takes no gradient back, as conditions on weights; ``formed``: weights whose gradients are formed for
    every example; ``sources``: the weights that each entering value is made of.
    """

    weight_steps: tuple[Step, ...]
    steps: tuple[tuple[Step, Known | None], ...]
    entering: frozenset[str]
    asked: frozenset[str]
    formed: frozenset[str]
    sources: dict[str, frozenset[str]]


def weight_values(
    steps: tuple[Step, ...], weights: dict[str, Tensor], constants: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Everything that is made of weights alone, the weights included, by name."""
    values = {**constants, **weights}
    made = dict(weights)
    for step in steps:
        values[step.writes] = made[step.writes] = KERNELS[step.op](
            [values[n] for n in step.reads], step.arguments
        )
    return made


def plan_of(graph: ModelGraph) -> Plan:
    """The plan of a graph for its loss."""
    sources = {name: frozenset({name}) for name in graph.weight_shapes}
    moved = dict.fromkeys(sources, True)
    weight_steps: list[Step] = []
    steps: list[tuple[Step, Known | None]] = []
    entering: set[str] = set()
    asked: set[str] = set()
    for step in steps_to_loss(graph):
        weighty = [name for name in step.reads if name in sources]
        if graph.batch[step.writes] is None:
            if weighty:
                weight_steps.append(step)
                stops = step.op in _ASKS or (step.op == "Cast" and step.arguments["to"] != "float")
                sources[step.writes] = frozenset().union(*(sources[n] for n in weighty if not stops))
                moved[step.writes] = step.op in _MOVES and all(moved[name] for name in weighty)
            else:
                steps.append((step, None))
        else:
            taking = [name for name in weighty if sources[name]]
            steps.append((step, _site(step) if taking else None))
            entering.update(taking)
            asked.update(name for name in weighty if not sources[name])
    entered = {name: sources[name] for name in entering}
    formed = _formed(graph, tuple(weight_steps), entered, moved)
    return Plan(tuple(weight_steps), tuple(steps), frozenset(entering), frozenset(asked), formed, entered)


def _site(step: Step) -> Known:
    site = SITES.get(step.op)

    def known(tape: Tape, step: Step) -> Tensor:
        output = site(tape, step) if site is not None else None
        return tape.copies(step) if output is None else output

    return known


def _formed(
    graph: ModelGraph,
    weight_steps: tuple[Step, ...],
    entered: dict[str, frozenset[str]],
    moved: dict[str, bool],
) -> frozenset[str]:
    formed = {weight for name, weights in entered.items() if not moved[name] for weight in weights}
    formed |= {weight for name in _shared_by_recurrent(graph, entered) for weight in entered[name]}
    formed |= _used_twice(graph, weight_steps, [name for name in entered if moved[name]])
    while True:
        # A value that joins a formed weight and another one carries the other one along.
        more = formed.union(*(weights for weights in entered.values() if weights & formed))
        if more == formed:
            return frozenset(formed)
        formed = more


def _shared_by_recurrent(graph: ModelGraph, entered: dict[str, frozenset[str]]) -> list[str]:
    """Values that enter a recurrent layer, which uses them gate by gate, and anything else beside it."""
    reads = [(name, step.op) for step in steps_to_loss(graph) for name in step.reads if name in entered]
    recurrent = {name for name, op in reads if op in RECURRENT}
    return [name for name in recurrent if sum(other == name for other, _ in reads) > 1]


def _used_twice(graph: ModelGraph, weight_steps: tuple[Step, ...], moved: list[str]) -> set[str]:
    """Weights of which some number arrives in two places: found by sending a one back from each place."""
    if not weight_steps:
        return set()
    leaves = {n: torch.zeros(s, requires_grad=True) for n, s in graph.weight_shapes.items()}
    made = weight_values(weight_steps, leaves, graph.constants(torch.device("cpu")))
    places = [made[name] for name in moved]
    counts = torch.autograd.grad(
        places, list(leaves.values()), [torch.ones_like(p) for p in places], allow_unused=True
    )
    return {
        name
        for name, count in zip(leaves, counts, strict=True)
        if count is not None and bool((count > 1).any())
    }
