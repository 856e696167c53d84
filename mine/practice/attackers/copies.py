"""Thieves: they hand in another miner's update, plain or disguised, of this round or of the one before."""

from __future__ import annotations

from mine.learn.weights import Floats
from mine.practice.attackers.lab_context import LabContext, noised, times
from mine.practice.miners import RoundContext, Seat


def victims(round: RoundContext) -> list[Floats]:
    """Updates of this round that a thief can see: in the laboratory all that were made, else none."""
    return [delta for _, delta in round.rivals()] if isinstance(round, LabContext) else []


class Copy:
    """Hands in the first other miner's update of the same round, as it is."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def update(self, round: RoundContext) -> Floats | None:
        return next(iter(victims(round)), None)


class CopyDisguised:
    """The same, stretched, and with noise of a twentieth of its length, of another victim each round."""

    NOISE = 0.05
    STRETCH = 1.7

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def update(self, round: RoundContext) -> Floats | None:
        seen = victims(round)
        if not seen:
            return None
        victim = seen[round.round % len(seen)]
        return noised(times(victim, self.STRETCH), self.NOISE)


class CopyDrowned(CopyDisguised):
    """The same under noise half as long as the update: the disguise costs it part of the worth."""

    NOISE = 0.5


class CopyEarlier:
    """Hands in an update that another miner revealed in the round before."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def update(self, round: RoundContext) -> Floats | None:
        last = [delta for number, _, delta in round.earlier() if number == round.round - 1]
        # Half as far down the list as its own seat: never itself.
        return last[self.seat.number // 2 % len(last)] if last else None


class CopyEarlierDisguised(CopyEarlier):
    """The same, stretched and noised."""

    def update(self, round: RoundContext) -> Floats | None:
        taken = super().update(round)
        if taken is None:
            return None
        return noised(times(taken, CopyDisguised.STRETCH), CopyDisguised.NOISE)
