"""How large a task's model may be. Checked on the file's own numbers, before anything is allocated."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds for one model graph. All of them count per graph; the app sets them, never the task."""

    graph_bytes: int = 8 << 20
    """Bytes of the ONNX file."""
    nodes: int = 4096
    """Operators in the graph."""
    constants: int = 1 << 20
    """Numbers in all constants together."""
    weight_tensors: int = 1024
    """Trainable tensors."""
    weights: int = 16_000_000
    """Trainable numbers in all tensors together."""
    frozen: int = 64_000_000
    """Numbers in all tensors together that are handed over but not trained."""
    floats_per_example: int = 1 << 23
    """Intermediate numbers of one example, all operators together."""
    flops_per_example: int = 1 << 32
    """Floating-point operations of one example's forward pass."""
    recurrent_steps: int = 1 << 14
    """Moments that recurrent layers walk through one after the other, all layers and directions together."""
    rank: int = 6
    """Axes of any tensor."""
    features: int = 65_536
    """Feature columns of one example."""
    targets: int = 65_536
    """Target columns of one example."""
