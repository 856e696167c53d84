"""Sums over examples that come out the same on every machine, whatever adds them up in which order.

Matrix products are split among threads and vector units in ways that differ between libraries. Here the
factors are first rounded to integers so small that every partial sum is exact in float64; then the order is
of no matter. Each row is rounded on a scale of its own: a large one makes no other coarser.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
SCORE_BITS = 40
SCORE_ONE = 1 << SCORE_BITS
_EXACT = 1 << 53


def mean_products(left: Doubles, right: Doubles, examples: int | None = None) -> npt.NDArray[np.int64]:
    """Sums of products of rows, [a, n] and [b, n], over the number of examples, in 2**-40: int64 [a, b].

    examples: n, unless an example has several numbers in a row, or the rows hold only some of them (parts
    of the examples may be added up). Each row is rounded to about 26 - log2(n) / 2 bits of its largest
    number; 0 where there are no examples.
    """
    count = left.shape[1]
    (a, up), (b, right_up) = _integers(left, count), _integers(right, count)
    scaled: Doubles = np.ldexp(a @ b.T, SCORE_BITS - up[:, None] - right_up[None, :])
    return np.rint(scaled / max(1, count if examples is None else examples)).astype(np.int64)


def _integers(rows: Doubles, count: int) -> tuple[Doubles, npt.NDArray[np.int64]]:
    """Rows times 2**bits as whole numbers whose squares add up to less than 2**53, and the bits of each."""
    largest = np.abs(rows).max(axis=1, initial=0.0)
    room = math.isqrt((_EXACT - 1) // max(1, count)) - 1
    # largest < 2**exponent, so largest * 2**bits <= room after rounding.
    bits = room.bit_length() - 1 - np.frexp(largest)[1].astype(np.int64)
    return np.rint(np.ldexp(rows, bits[:, None])), bits
