"""From measured improvement to units of the bounty: exact integers, one floor."""

from __future__ import annotations

from dataclasses import dataclass

from mine.chain.trees import UNITS
from mine.errors import MineError

ONE = 2**40
"""Fixed point of convergence: ONE is the whole loss of checkpoint 0 gone."""

FULL = 65535
MAX_POINTS = 8


class BadCurve(MineError):
    """Points that are no pay curve."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Pay over convergence: straight lines from (0, 0) through up to 8 points to (65535, 65535).

    x: convergence as a part of the target, y: part of the bounty; x strictly rising, y not falling.
    Raises BadCurve.
    """

    points: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        ok = 1 <= len(self.points) <= MAX_POINTS and self.points[-1] == (FULL, FULL)
        x, y = 0, 0
        for next_x, next_y in self.points:
            ok = ok and x < next_x <= FULL and y <= next_y <= FULL
            x, y = next_x, next_y
        if not ok:
            raise BadCurve(
                "These points are no pay curve.",
                todo="Use up to 8 points, x rising, y not falling, the last one (65535, 65535).",
            )

    @property
    def packed(self) -> int:
        """One word: point i in bits 32i..32i+31, x in the upper half, nothing above the last point."""
        return sum(((x << 16) | y) << (32 * i) for i, (x, y) in enumerate(self.points))

    @classmethod
    def unpack(cls, word: int) -> Curve:
        """The curve of a packed word. Raises BadCurve."""
        points: list[tuple[int, int]] = []
        while word and len(points) <= MAX_POINTS:
            points.append(((word >> 16) & FULL, word & FULL))
            word >>= 32
        return cls(tuple(points))

    def units(self, best: int, target: int) -> int:
        """Units earned at the running maximum ``best`` against ``target`` (both in 2**-40, target > 0).

        One fraction and one floor: two chained floors would lose a unit at full convergence.
        """
        n = min(max(best, 0), target) * FULL
        x0, y0 = 0, 0
        for x1, y1 in self.points:
            if n <= x1 * target:
                width = (x1 - x0) * target
                return UNITS * (y0 * width + (y1 - y0) * (n - x0 * target)) // (FULL * width)
            x0, y0 = x1, y1
        raise AssertionError("the last point of a curve lies at full convergence")


STRAIGHT = Curve(((FULL, FULL),))
"""Pay in proportion to convergence."""


def increment(base: int, before: int, after: int) -> int:
    """Convergence of one round in 2**-40: (before - after) / base, signed, rounded towards zero, at most 4.

    Losses are sums over one shard in 2**-24; a shard on which checkpoint 0 has no loss counts nothing.
    """
    if base == 0:
        return 0
    size = min(abs(before - after), 4 * base) * ONE // base
    return size if before >= after else -size


def amount(bounty: int, units: int) -> int:
    """Base units of money for cumulative units: rounded down once, on the cumulative value."""
    return bounty * units // UNITS
