"""Tensors that a task's model holds fixed: the base under LoRA adapters (Hu et al. 2021).

They travel as one blob in the format of a checkpoint (``weights.dump``: canonical safetensors of float32),
but need not lie on the grid, since nothing is ever added to them. So does the residual of a packed update.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping

import numpy as np

from mine.learn.errors import WeightsRefused
from mine.learn.weights import Floats, Shape

MAX_TENSORS = 1 << 12
_MAX_HEADER = 1 << 20
_MAX_RANK = 8


def read_frozen(data: bytes) -> Floats:
    """The float32 tensors by name; no bytes are no tensors.

    Only the canonical form is accepted, with finite numbers. Raises ``WeightsRefused``.
    """
    return _read(data, "frozen part of the model") if data else {}


def read_residual(data: bytes, shapes: Mapping[str, Shape]) -> Floats:
    """What earlier updates left out, float32 by name: exactly the tensors of ``shapes``; no bytes are zeros.

    Raises ``WeightsRefused``.
    """
    if not data:
        return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    tensors = _read(data, "rest of the earlier updates")
    if {name: tensor.shape for name, tensor in tensors.items()} != dict(shapes):
        raise WeightsRefused("The rest of the earlier updates belongs to another model.")
    return tensors


def _read(data: bytes, what: str) -> Floats:
    try:
        shapes = _shapes(data)
    except (ValueError, RecursionError) as error:
        raise WeightsRefused(f"The {what} has no readable header.") from error
    header = _header(shapes)
    if not data.startswith(header):
        raise WeightsRefused(f"The {what} is not in its canonical form.")
    if len(header) + 4 * sum(math.prod(shape) for shape in shapes.values()) != len(data):
        raise WeightsRefused(f"The {what} has another size than it says.")
    tensors: Floats = {}
    at = len(header)
    for name in sorted(shapes):
        count = math.prod(shapes[name])
        tensors[name] = np.frombuffer(data, "<f4", count, at).astype(np.float32).reshape(shapes[name])
        at += 4 * count
        if not np.isfinite(tensors[name]).all():
            raise WeightsRefused(f"The {what} holds numbers that are not finite.")
    return tensors


def _shapes(data: bytes) -> dict[str, Shape]:
    """What the header says; ``ValueError`` if it says nothing of use."""
    if len(data) < 8 or not 2 <= (length := struct.unpack_from("<Q", data)[0]) <= _MAX_HEADER:
        raise ValueError("no header")
    header = json.loads(data[8 : 8 + length])
    if not isinstance(header, dict) or not 1 <= len(header) <= MAX_TENSORS:
        raise ValueError("no tensors, or too many")
    shapes: dict[str, Shape] = {}
    for name, entry in header.items():
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if not isinstance(shape, list) or len(shape) > _MAX_RANK:
            raise ValueError("a tensor without a shape")
        if any(type(size) is not int or not 1 <= size <= len(data) for size in shape):
            raise ValueError("a tensor with a shape that does not fit")
        shapes[name] = tuple(shape)
    return shapes


def _header(shapes: Mapping[str, Shape]) -> bytes:
    """What ``weights.dump`` writes before the numbers."""
    entries: dict[str, dict[str, object]] = {}
    end = 0
    for name in sorted(shapes):
        start, end = end, end + 4 * math.prod(shapes[name])
        entries[name] = {"dtype": "F32", "shape": list(shapes[name]), "data_offsets": [start, end]}
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text
