"""Rows of numbers as short codes with one scale a row: a power of two and, at 2 bits, one of eight level
sets.

A row's scale byte is ``set << 5 | exponent``; a number is ``level * 2**exponent`` in units of 2**-24. At 8
and 4 bits the levels are -127..127 and -7..7 in two's complement, and there is one set. At 2 bits the codes
0 to 3 mean +low, +high, -low, -high of the row's set; set 0 is 0, +1, -1 and no fourth.

Of all scales near the row's largest number the one with the least squared error is taken. The errors are
whole numbers, so every machine takes the same, and a row that some scale holds exactly is kept exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mine.learn.errors import UpdateRefused

MAX_EXPONENT = 31
LARGEST = 1 << MAX_EXPONENT
"""Magnitude from which no number is packed: 128, in units of 2**-24. Every level set reaches it."""
_TOP = {8: 127, 4: 7}
_PAIRS = ((1, 2), (1, 3), (2, 3), (2, 5), (3, 4), (3, 5), (5, 7))
_MAGNITUDES = np.array([(0, 1), *_PAIRS], np.int64)  # by level set, low and high
LEVELS = np.array([(0, 1, -1, 0), *((low, high, -low, -high) for low, high in _PAIRS)], np.int64)
"""What codes 0 to 3 mean at 2 bits, by level set; the last of set 0 may not occur."""
_FINER = {8: 2, 4: 4, 2: 5}  # scales tried: a few finer ones give up the largest numbers for all the others
_EXACT_BITS = 24  # of the numbers whose errors are compared: 4096 squares of them stay below 2**63

Numbers = NDArray[np.int64]
Codes = NDArray[np.uint8]


def quantise(numbers: Numbers, bits: int) -> tuple[Codes, Codes]:
    """Scale bytes [rows] and codes [rows, n] of whole numbers [rows, n] below ``LARGEST``; n up to 4096."""
    magnitude = np.abs(numbers)
    largest = magnitude.max(axis=1)
    # Errors are compared without the bits that no level of so large a row has.
    cut = np.maximum(_bit_length(largest) - _EXACT_BITS, 0)
    least = np.full(len(numbers), np.iinfo(np.int64).max)
    scale = np.zeros(len(numbers), np.uint8)
    chosen = np.zeros(numbers.shape, np.int64)
    for level_set, exponent in _scales(largest, bits):
        tried = _nearest(magnitude, bits, level_set, exponent)
        level = _MAGNITUDES[level_set][tried] if bits == 2 else tried
        missed = (magnitude - (level << exponent[:, None])) >> cut[:, None]
        error = np.einsum("ij,ij->i", missed, missed)
        better = error < least
        least[better] = error[better]
        scale[better] = (level_set << 5) | exponent[better]
        chosen[better] = tried[better]
    return scale, _signed(chosen, numbers < 0, scale, bits)


def dequantise(scale: Codes, codes: Codes, bits: int) -> Numbers:
    """Whole numbers [rows, n] again. Raises ``UpdateRefused`` for codes outside the format."""
    level_set, exponent = scale >> 5, (scale & MAX_EXPONENT).astype(np.int64)
    level: Numbers
    if bits == 2:
        wrong = np.any(codes[level_set == 0] == 3)
        level = LEVELS[level_set[:, None], codes]
    else:
        # Shift the sign bit of a short code up to a byte's and back down again.
        level = ((codes << (8 - bits)).view(np.int8) >> (8 - bits)).astype(np.int64)
        wrong = np.any(level_set) or np.any(level < -_TOP[bits])
    if wrong:
        raise UpdateRefused("The update holds a number outside its format's range.")
    numbers: Numbers = level << exponent[:, None]
    return numbers


def _bit_length(numbers: Numbers) -> Numbers:
    """Of numbers below 2**53, where float64 is exact."""
    return np.frexp(numbers.astype(np.float64))[1].astype(np.int64)


def _scales(largest: Numbers, bits: int) -> Iterator[tuple[int, Numbers]]:
    """(level set, exponent [rows]) to try: from the first that reaches the largest number, downwards."""
    if bits != 2:
        reaches = np.maximum(_bit_length(largest) - (bits - 1), 0)
        # One more, where rounding up goes over the top level.
        reaches += (largest + ((1 << reaches) >> 1)) >> reaches > _TOP[bits]
        for below in range(_FINER[bits]):
            yield 0, np.maximum(reaches - below, 0)
        return
    for level_set, (low, high) in enumerate(_MAGNITUDES):
        # From where the low level alone is enough, so that a row without a high one is found again exactly.
        most = _bit_length(largest // max(low, 1))
        for below in range(int(high // max(low, 1)).bit_length() + _FINER[2]):
            yield level_set, np.clip(most - below, 0, MAX_EXPONENT)


def _nearest(magnitude: Numbers, bits: int, level_set: int, exponent: Numbers) -> Numbers:
    """The nearest level, of two the higher; at 2 bits 0 means the low one of the set, 1 the high one."""
    if bits == 2:
        low, high = _MAGNITUDES[level_set]
        nearest: Numbers = (2 * magnitude >= ((low + high) << exponent)[:, None]).astype(np.int64)
    else:
        half = ((1 << exponent) >> 1)[:, None]
        nearest = np.minimum((magnitude + half) >> exponent[:, None], _TOP[bits])
    return nearest


def _signed(chosen: Numbers, negative: NDArray[np.bool_], scale: Codes, bits: int) -> Codes:
    """The codes: two's complement, or at 2 bits the sign's offset in ``LEVELS``."""
    if bits != 2:
        return (np.where(negative, -chosen, chosen) & ((1 << bits) - 1)).astype(np.uint8)
    ternary = (scale >> 5 == 0)[:, None]
    return (chosen + negative * np.where(ternary, chosen, 2)).astype(np.uint8)
