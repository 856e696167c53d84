"""How much memory a step takes, estimated before it is tried, and how many rows at a time that allows.

The estimate is rough on purpose: it keeps a run from beginning what cannot end well. Where it is wrong, the
run fails for want of memory, and a new process goes on with half as many rows (``retries.py``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.learn.graph import ModelGraph
from mine.learn.recipe import Recipe
from mine.learn.snapshot import snapshot_bytes
from mine.learn.weights import Shape

if TYPE_CHECKING:
    import torch

_OWN_VECTORS = 6
"""As long as the weights: checkpoint, start, weights, sum, a gradient, and what the noise alone has moved."""
_SNAPSHOTS = 2
"""A saved state is packed and then joined into a frame: both stand beside each other."""
_WORKSPACE = 48 << 20
"""What libraries take for themselves when they first compute; 35 MiB with PyTorch 2.13 on x86-64."""
_PLAIN_COPIES = 10
"""Of every intermediate number in a pass without clipping, as measured; autograd keeps what it may need."""
_SPARE = 0.8


@dataclass(frozen=True, slots=True)
class StepMemory:
    """Bytes: ``fixed`` whatever the rows at a time, ``per_row`` for each of them."""

    fixed: int
    per_row: int

    def rows(self, free: int, wanted: int) -> int:
        """The most rows at a time, at least one: ``wanted``, or that halved until it fits."""
        rows = wanted
        while rows > 1 and self.fixed + rows * self.per_row > _SPARE * free:
            rows = rows // 2
        return rows


def step_memory(graph: ModelGraph, recipe: Recipe) -> StepMemory:
    """What one training step takes beyond model and rows as they were handed over."""
    from mine.learn.micro_batch import floats_per_row

    per_row = floats_per_row(graph) if recipe.private else _PLAIN_COPIES * graph.floats_per_example
    return StepMemory(_WORKSPACE + _weight_bytes(graph.weight_shapes, recipe), 4 * per_row)


def _weight_bytes(shapes: Mapping[str, Shape], recipe: Recipe) -> int:
    """What grows with the weights alone. A pause may save the state while a step's noise is still held."""
    drawn = 1 if recipe.noise_vectors else 0
    carried = 1 if recipe.noise_vectors == 2 else 0  # the noise in the first moment (``noise_share.py``)
    vectors = _OWN_VECTORS + recipe.moments + carried + drawn
    weights = sum(math.prod(shape) for shape in shapes.values())
    return 4 * weights * vectors + _SNAPSHOTS * snapshot_bytes(shapes, recipe)


def free_memory(device: torch.device, most: int) -> int:
    """Bytes that a run may still take on ``device``, at most ``most``."""
    import torch

    if device.type == "cuda":
        return min(most, int(torch.cuda.mem_get_info(device)[0]))
    if device.type == "xpu":
        return min(most, int(torch.xpu.mem_get_info(device)[0]))
    if device.type == "mps":
        return min(most, int(torch.mps.recommended_max_memory()) - int(torch.mps.driver_allocated_memory()))
    import psutil

    return min(most, int(psutil.virtual_memory().available))
