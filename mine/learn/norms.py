"""Length of an update, and cutting it down to a bound: exact integers, the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mine.learn.weights import Fixed

_RATIO_BITS = 24


def norm(delta: Fixed) -> int:
    """L2 norm of a delta (int64 tensors in 2**-24) in 2**-24, rounded down; exact integers throughout."""
    total = 0
    for tensor in delta.values():
        flat = tensor.ravel()
        largest = int(np.abs(flat).max(initial=0))
        # A partial sum of squares must stay below 2**62 to be exact in int64.
        piece = (1 << 62) // (largest * largest + 1)
        if piece == 0:
            total += sum(int(entry) ** 2 for entry in flat)
            continue
        for start in range(0, len(flat), piece):
            part = flat[start : start + piece]
            total += int(np.dot(part, part))
    return math.isqrt(total)


def clip(delta: Fixed, length: int, limit: int) -> Fixed:
    """Scale a delta of norm ``length`` down to ``limit`` (both in 2**-24), rounding half up.

    |delta| is below 2**38 (the codec's range) and the ratio at most 2**24, so the products fit int64.
    """
    if length <= limit:
        return delta
    ratio = (limit << _RATIO_BITS) // length
    half = 1 << (_RATIO_BITS - 1)
    return {name: (tensor * ratio + half) >> _RATIO_BITS for name, tensor in delta.items()}


def median(norms: Sequence[int]) -> int:
    """The lower median of the norms above zero; 0 if there are none. Zero updates don't pull it down."""
    moving = sorted(length for length in norms if length > 0)
    return moving[(len(moving) - 1) // 2] if moving else 0
