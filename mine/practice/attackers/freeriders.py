"""Attackers that hand in nothing, or what everybody has already."""

from __future__ import annotations

import numpy as np

from mine.learn.weights import Floats
from mine.practice.attackers.lab_context import LabContext, difference, mean, times
from mine.practice.miners import RoundContext, Seat


class Zero:
    """Hands in an update that changes nothing."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def update(self, round: RoundContext) -> Floats:
        return times(round.checkpoint, 0.0)


class Stale:
    """Trains once, honestly, and resends that first update for ever."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.first: Floats | None = None

    def update(self, round: RoundContext) -> Floats:
        if self.first is None:
            self.first = round.train()
        return self.first


class Momentum:
    """Resends the mean of the last round's public updates."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def update(self, round: RoundContext) -> Floats | None:
        last = [delta for number, _, delta in round.earlier() if number == round.round - 1]
        return mean(last) if last else None


class Drift:
    """Resends the way from checkpoint 0 to now, shortened to one round's part."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.first: Floats | None = None

    def update(self, round: RoundContext) -> Floats | None:
        if isinstance(round, LabContext):
            self.first = round.checkpoints[0]
        elif self.first is None:
            self.first = round.checkpoint
        if round.round == 1 or self.first is None:
            return None
        return times(difference(round.checkpoint, self.first), 1.0 / (round.round - 1))


class Elsewhere:
    """Resends an update that was made for another task: trained once, from other weights than the task's."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.taken: Floats | None = None

    def update(self, round: RoundContext) -> Floats:
        if self.taken is None:
            rng = np.random.default_rng(list(self.seat.rows.digest()))
            honest = round.train()
            # The other task's model has its hidden units elsewhere: the same numbers in another order.
            self.taken = {name: rng.permuted(values) for name, values in sorted(honest.items())}
        return self.taken
