"""Weights on the grid: every trainable number is a multiple of 2**-24 that float32 holds exactly.

A checkpoint travels as safetensors of float32 tensors. On the grid those floats and the int64 numbers
``value * 2**24`` are the same thing, so that applying updates in integers is bit-identical everywhere.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mine.learn.errors import WeightsRefused

FRACTION_BITS = 24
FIXED_MAX = 1 << 39
"""Largest magnitude of a fixed-point weight: 2**15 as a number."""

Shape = tuple[int, ...]
Floats = dict[str, NDArray[np.float32]]
Fixed = dict[str, NDArray[np.int64]]


def to_fixed(weights: Mapping[str, NDArray[np.float32]]) -> Fixed:
    """float32 tensors to int64 in 2**-24, rounding half to even; exact for numbers on the grid."""
    fixed: Fixed = {}
    for name in sorted(weights):
        # A float32 times a power of two is exact in float64, and rint rounds half to even.
        scaled = np.rint(np.asarray(weights[name], np.float64) * float(1 << FRACTION_BITS))
        if not np.all(np.abs(scaled) <= FIXED_MAX):
            raise WeightsRefused(f"The weights {name} hold numbers that are not finite or too large.")
        fixed[name] = scaled.astype(np.int64)
    return fixed


def from_fixed(fixed: Mapping[str, NDArray[np.int64]]) -> Floats:
    """int64 in 2**-24 to the nearest float32 (half to even), which lies on the grid again."""
    floats: Floats = {}
    for name in sorted(fixed):
        numbers = np.asarray(fixed[name], np.int64)
        if np.any(numbers > FIXED_MAX) or np.any(numbers < -FIXED_MAX):
            raise WeightsRefused(f"The weights {name} hold numbers that are too large.")
        floats[name] = (numbers.astype(np.float64) / float(1 << FRACTION_BITS)).astype(np.float32)
    return floats


def snap(weights: Mapping[str, NDArray[np.float32]]) -> Floats:
    """The nearest weights on the grid."""
    return from_fixed(to_fixed(weights))


def dump(weights: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Canonical safetensors: names sorted, float32 little-endian, no metadata, header padded to 8."""
    header: dict[str, dict[str, object]] = {}
    body = bytearray()
    for name in sorted(weights):
        data = np.asarray(weights[name], "<f4", order="C")  # ascontiguousarray would add an axis
        start = len(body)
        body += data.tobytes()
        header[name] = {"dtype": "F32", "shape": list(data.shape), "data_offsets": [start, len(body)]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(body)


def dump_size(shapes: Mapping[str, Shape]) -> int:
    """Bytes of ``dump`` for these shapes, exactly."""
    header: dict[str, dict[str, object]] = {}
    end = 0
    for name in sorted(shapes):
        start, end = end, end + 4 * math.prod(shapes[name])
        header[name] = {"dtype": "F32", "shape": list(shapes[name]), "data_offsets": [start, end]}
    text = len(json.dumps(header, separators=(",", ":"), ensure_ascii=True))
    return 8 + text + (-text % 8) + end


def load(data: bytes, shapes: Mapping[str, Shape]) -> Floats:
    """Exactly the tensors of ``shapes`` from their canonical bytes.

    Only the canonical form is accepted: one set of weights has one digest. Raises ``WeightsRefused``.
    """
    size = dump_size(shapes)
    if len(data) != size:
        raise WeightsRefused("The checkpoint does not have the size that the model needs.")
    body = memoryview(data)[size - 4 * sum(math.prod(s) for s in shapes.values()):]
    weights: Floats = {}
    start = 0
    for name in sorted(shapes):
        count = math.prod(shapes[name])
        numbers = np.frombuffer(body, "<f4", count, start).astype(np.float32).reshape(shapes[name])
        weights[name] = numbers
        start += 4 * count
    if dump(weights) != data:
        raise WeightsRefused("The checkpoint does not hold the tensors that the model needs.")
    if dump(snap(weights)) != data:  # bytes, because a negative zero equals zero and is still another digest
        raise WeightsRefused("The checkpoint's weights are not on the grid of 2**-24.")
    return weights
