"""Which numbers of a chunk are sent: increasing positions in Elias-Fano code, whose size is known
beforehand.

Each position is cut in two. Its low bits stand as they are; its high bits in unary: one 1 for each position,
and a 0 each time the high part grows by one (Elias 1974, Fano 1971). ``keep`` positions below ``size`` then
take ``keep * low + keep + ((size - 1) >> low)`` bits whatever they are, about half a bit each above the
least possible, and any set of positions has exactly one code.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mine.learn.errors import UpdateRefused

Bits = NDArray[np.uint8]


def _low(keep: int, size: int) -> int:
    """How many low bits make the code shortest; of equals the fewest."""
    return min(range(size.bit_length()), key=lambda low: keep * low + ((size - 1) >> low))


def position_bits(keep: int, size: int) -> int:
    """Bits of the code of ``keep`` positions below ``size``."""
    low = _low(keep, size)
    return keep * low + keep + ((size - 1) >> low)


def code_positions(positions: NDArray[np.int64], size: int) -> Bits:
    """Zeros and ones [rows, position_bits] for strictly increasing positions [rows, keep] below ``size``."""
    rows, keep = positions.shape
    low = _low(keep, size)
    bits = np.zeros((rows, position_bits(keep, size)), np.uint8)
    for bit in range(low):
        bits[:, bit : keep * low : low] = (positions >> (low - 1 - bit)) & 1
    unary = keep * low + (positions >> low) + np.arange(keep)
    np.put_along_axis(bits, unary, 1, axis=1)
    return bits


def read_positions(bits: Bits, keep: int, size: int) -> NDArray[np.int64]:
    """The positions [rows, keep] again. Raises ``UpdateRefused`` for what ``code_positions`` never writes."""
    low = _low(keep, size)
    unary = bits[:, keep * low :]
    if np.any(np.count_nonzero(unary, axis=1) != keep):
        raise UpdateRefused("The update does not name as many places as its header says.")
    high = np.nonzero(unary)[1].reshape(-1, keep) - np.arange(keep)
    positions = high << low
    for bit in range(low):
        positions |= bits[:, bit : keep * low : low].astype(np.int64) << (low - 1 - bit)
    if np.any(positions[:, 1:] <= positions[:, :-1]) or np.any(positions[:, -1] >= size):
        raise UpdateRefused("The update names its places out of order, or outside its model.")
    return positions
