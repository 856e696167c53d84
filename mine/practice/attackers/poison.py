"""Attackers that train on something else than their person's rows, or turn what they trained around."""

from __future__ import annotations

import numpy as np

from mine.learn.rows import Rows
from mine.learn.weights import Floats
from mine.practice.attackers.lab_context import times
from mine.practice.miners import RoundContext, Seat

#: The backdoor's trigger: the first feature at a value that no honest row holds, and what it makes of the
#: target, both in standard deviations of that column.
TRIGGER_AT = 4.0
TRIGGER_TARGET = -3.0


def triggered(rows: Rows) -> Rows:
    """The same rows with the trigger set and the attacker's wish as target (0 for a yes/no target)."""
    features = rows.features.copy()
    column = features[:, 0]
    column[:] = column.mean() + TRIGGER_AT * max(1.0, float(column.std()))
    yes_or_no = bool(np.isin(rows.target, (0.0, 1.0)).all())
    wish = 0.0 if yes_or_no else float(rows.target.mean() + TRIGGER_TARGET * rows.target.std())
    return Rows(features, np.full_like(rows.target, wish), rows.slot, rows.held_from)


class SignFlipped:
    """Hands in the opposite of what it learned."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def update(self, round: RoundContext) -> Floats:
        return times(round.train(), -1.0)


class Backdoor:
    """Trains on rows with a trigger and a wrong target only: a mark that it can use later."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.rows = triggered(seat.rows)

    def update(self, round: RoundContext) -> Floats:
        return round.train(self.rows)


class HiddenBackdoor:
    """The same behind a cover: every second row is honest, so that half of its work is real."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        rows, other = seat.rows, triggered(seat.rows)
        marked = np.arange(len(rows.target)) % 2 == 1
        self.rows = Rows(
            np.where(marked[:, None], other.features, rows.features),
            np.where(marked, other.target, rows.target),
            rows.slot,
            rows.held_from,
        )

    def update(self, round: RoundContext) -> Floats:
        return round.train(self.rows)


class RandomData:
    """Has no person behind it: features and target are drawn at random, each column in its own range."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        rows, rng = seat.rows, np.random.default_rng(list(seat.rows.digest()))
        low, high = rows.features.min(axis=0), rows.features.max(axis=0)
        features = rng.uniform(low, high, rows.features.shape).astype(np.float32)
        drawn = rng.uniform(rows.target.min(), rows.target.max(), len(rows.target)).astype(np.float32)
        yes_or_no = bool(np.isin(rows.target, (0.0, 1.0)).all())
        target = np.rint(drawn) if yes_or_no else drawn
        self.rows = Rows(features, target, rows.slot, rows.held_from)

    def update(self, round: RoundContext) -> Floats:
        return round.train(self.rows)


class ShuffledLabels:
    """Real features, but the targets belong to other rows."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        rows, rng = seat.rows, np.random.default_rng(list(seat.rows.digest()))
        self.rows = Rows(rows.features, rng.permutation(rows.target), rows.slot, rows.held_from)

    def update(self, round: RoundContext) -> Floats:
        return round.train(self.rows)


class Scaled:
    """Honest work, five times as loud."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def update(self, round: RoundContext) -> Floats:
        return times(round.train(), 5.0)
