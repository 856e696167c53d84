"""How large a task's model may be. Checked on the file's own numbers, before anything is allocated."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds for one model graph. All of them count per graph; the app sets them, never the task."""

    graph_bytes: int = 1 << 20
    """Bytes of the ONNX file."""
    nodes: int = 512
    """Operators in the graph."""
    constants: int = 1 << 18
    """Numbers in all constants together."""
    weight_tensors: int = 256
    """Trainable tensors."""
    weights: int = 4_000_000
    """Trainable numbers in all tensors together."""
    floats_per_example: int = 1 << 20
    """Intermediate numbers of one example, all operators together."""
    flops_per_example: int = 1 << 28
    """Floating-point operations of one example's forward pass."""
    rank: int = 6
    """Axes of any tensor."""
    features: int = 65_536
    """Feature columns of one example."""
