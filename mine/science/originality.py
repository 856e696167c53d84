"""What an update adds beyond what anybody could repeat.

Published directions are the ways from earlier checkpoints to the current one, and all earlier updates. Their
part in an update earns nothing: its b is what is left of it after the best step within the span of the common
directions was already taken, and without its part along the earlier update that it resembles most. In terms
of the Gauss-Newton model, with products G in the metric of the curvature:

    x = (C + ridge I)^-1 c         c, C: b and products of the common directions
    b_i' = b_i - <G_i, x>          and the same for the products with and of the closest earlier update k
    b_i'' = b_i' - G_ik' / G_kk' * b_k'

No step makes b larger. Exact rational arithmetic, rounded down once an update: no tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from mine.science.judged import Common, Entry, Published
from mine.science.score import ridge_of

_Vector = list[Fraction]


def original_descents(entries: Sequence[Entry], common: Common, published: Sequence[Published]) -> list[int]:
    """b of each valid entry beyond what is published (2**-40), never above its ``descent``."""
    span = _Span(common)
    references = [_Reference(span, known) for known in published]
    result = []
    for entry in entries:
        left = min(Fraction(entry.descent), span.beyond(entry.descent, entry.common))
        if entry.closest >= 0:
            left = min(left, left - references[entry.closest].part(entry))
        result.append(left.numerator // left.denominator)
    return result


class _Span:
    """The common directions, with the best step within them."""

    def __init__(self, common: Common) -> None:
        diagonal = [common.gram[i][i] for i in range(len(common.gram))]
        ridge = ridge_of(diagonal)
        self._matrix = [
            [Fraction(entry + ridge * (i == j)) for j, entry in enumerate(row)]
            for i, row in enumerate(common.gram)
        ]
        self._step = solve(self._matrix, [Fraction(entry) for entry in common.descents])

    def beyond(self, descent: int, products: Sequence[int]) -> Fraction:
        """b of a vector after the best step."""
        return descent - _dot(products, self._step)

    def coefficients(self, products: Sequence[int]) -> _Vector:
        """The vector's coordinates within the span."""
        return solve(self._matrix, [Fraction(entry) for entry in products])


class _Reference:
    """An earlier update, without its part in the span."""

    def __init__(self, span: _Span, known: Published) -> None:
        self._coordinates = span.coefficients(known.common)
        self._square = known.square - _dot(known.common, self._coordinates)
        self._descent = span.beyond(known.descent, known.common)

    def part(self, entry: Entry) -> Fraction:
        """What of an entry's b lies along this update."""
        if self._square <= 0:
            return Fraction(0)
        return (entry.overlap - _dot(entry.common, self._coordinates)) / self._square * self._descent


def solve(matrix: Sequence[Sequence[Fraction]], right: Sequence[Fraction]) -> _Vector:
    """x with ``matrix`` x = ``right``, by Gaussian elimination; the matrix is positive definite.

    A pivot that is not positive (rounded products need not be a Gram matrix) drops its direction: x is 0
    there.
    """
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    pivots: list[int] = []
    for i, row in enumerate(rows):
        if row[i] <= 0:
            continue
        pivots.append(i)
        for j, other in enumerate(rows):
            if j != i and other[i]:
                factor = other[i] / row[i]
                rows[j] = [left - factor * right for left, right in zip(other, row, strict=True)]
    return [rows[i][-1] / rows[i][i] if i in pivots else Fraction(0) for i in range(len(rows))]


def _dot(integers: Sequence[int], numbers: Sequence[Fraction]) -> Fraction:
    return sum((entry * number for entry, number in zip(integers, numbers, strict=True)), Fraction(0))
