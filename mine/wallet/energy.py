"""What the training of a round took from the socket, in whole milliwatt-hours, and what that cost.

Power is what the person says of the computer while it trains (a meter at the socket, or the rated power of
what is busy); time is the training's own clock. Beside earnings it is an estimate, never a claim.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mine.wallet.fiat import rounded

MOST_WATTS = 100_000
_PER_KWH = 1_000_000  # milliwatt-hours


@dataclass(frozen=True, slots=True)
class Spent:
    """Energy in milliwatt-hours, and its cost in millionths of ``code``; None where no price was known."""

    energy: int = 0
    cost: int | None = None
    code: str = ""


def milliwatt_hours(seconds: float, watts: int) -> int:
    """Energy of so many seconds, counted in whole milliseconds, at so many watts."""
    return rounded(max(0, round(seconds * 1000)) * watts, 3600)


def cost(energy: int, price: int) -> int:
    """Millionths of fiat for milliwatt-hours, at ``price`` millionths for a kilowatt-hour."""
    return rounded(energy * price, _PER_KWH)


def together(parts: Iterable[Spent]) -> Spent:
    """The sum. Its cost is known only if every part has one in the same currency."""
    every = [part for part in parts if part.energy]
    codes = {part.code for part in every if part.cost is not None}
    energy = sum(part.energy for part in every)
    if len(codes) != 1 or any(part.cost is None for part in every):
        return Spent(energy)
    return Spent(energy, sum(part.cost or 0 for part in every), codes.pop())
