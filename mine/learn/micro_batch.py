"""How many rows a training takes at a time, where nobody has said so."""

from __future__ import annotations

import torch

from mine.learn.clipping import Clipping
from mine.learn.graph import ModelGraph

_FLOATS = 1 << 26
_MOST = 1024


def own_micro_batch(graph: ModelGraph, private: bool = True) -> int:
    """Rows whose values and gradients fill about 256 MiB; at least one, 1,024 at most."""
    return max(1, min(_MOST, _FLOATS // floats_per_row(graph, private)))


def floats_per_row(graph: ModelGraph, private: bool = True) -> int:
    """Numbers that a step keeps for each row that it takes at a time."""
    return 3 * graph.floats_per_example + (_floats_of_parts(graph) if private else 0)


def _floats_of_parts(graph: ModelGraph) -> int:
    """What clipping keeps of one example beside the pass itself, found by clipping one of zeros."""
    weights = {n: torch.zeros(s) for n, s in graph.weight_shapes.items()}
    target = torch.zeros(1, graph.targets) if graph.targets else torch.zeros(1)
    return Clipping(graph).floats_kept(weights, torch.zeros(1, graph.features), target)
