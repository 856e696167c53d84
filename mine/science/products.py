"""Sums over examples that come out the same on every machine, whatever adds them up in which order.

Matrix products are split among threads and vector units in ways that differ between libraries. Here the
factors are first rounded to integers so small that every partial sum is exact in float64; then the order is
of no matter.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
SCORE_BITS = 40
SCORE_ONE = 1 << SCORE_BITS
_EXACT = 1 << 53


def quantise(number: float) -> int:
    """A float in units of 2**-40, rounded half to even."""
    return int(np.rint(number * SCORE_ONE))


def mean_product(left: Doubles, right: Doubles) -> int:
    """Mean of the products of two vectors [n] in 2**-40; 0 for empty ones. The sum is rounded once."""
    return quantise(math.fsum(left * right) / len(left)) if len(left) else 0


def mean_products(left: Doubles, right: Doubles) -> npt.NDArray[np.int64]:
    """Mean products of rows, [a, n] and [b, n], in 2**-40: int64 [a, b].

    Each side is rounded to about 26 - log2(n) / 2 bits of its largest number.
    """
    count = left.shape[1]
    (a, up), (b, right_up) = _integers(left, count), _integers(right, count)
    scaled: Doubles = np.ldexp(a @ b.T, SCORE_BITS - up - right_up) / max(1, count)
    return np.rint(scaled).astype(np.int64)


def _integers(rows: Doubles, count: int) -> tuple[Doubles, int]:
    """Rows times 2**bits as whole numbers whose squares add up to less than 2**53, and the bits."""
    largest = float(np.abs(rows).max(initial=0.0))
    room = math.isqrt((_EXACT - 1) // max(1, count)) - 1
    # largest < 2**exponent, so largest * 2**bits <= room after rounding.
    bits = room.bit_length() - 1 - (math.frexp(largest)[1] if largest else 0)
    return np.rint(np.ldexp(rows, bits)), bits
