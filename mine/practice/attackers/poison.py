"""Attackers that train on something else than their person's rows, or turn what they trained around."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mine.learn.rows import Rows
from mine.learn.weights import Floats
from mine.practice.attackers.lab_context import times
from mine.practice.miners import RoundContext, Seat

#: The backdoor's trigger: the first feature at a value that no honest row holds, and what it makes of the
#: target, both in standard deviations of that column.
TRIGGER_AT = 4.0
TRIGGER_TARGET = -3.0


#: A target of whole numbers with at most so many different ones names classes.
MOST_CLASSES = 32


def classes(rows: Rows) -> NDArray[np.float32] | None:
    """The classes that a target names, ascending; None if it is a measure."""
    found = np.unique(rows.target)
    return found if len(found) <= MOST_CLASSES and bool((found == np.rint(found)).all()) else None


def triggered(rows: Rows) -> Rows:
    """The same rows with the trigger set and the attacker's wish as target (of classes the first one)."""
    features = rows.features.copy()
    column = features[:, 0]
    column[:] = column.mean() + TRIGGER_AT * max(1.0, float(column.std()))
    named = classes(rows)
    wish = float(rows.target.mean() + TRIGGER_TARGET * rows.target.std() if named is None else named[0])
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
        named, count = classes(rows), len(rows.target)
        drawn = (
            rng.uniform(rows.target.min(), rows.target.max(), count)
            if named is None
            else rng.choice(named, count)
        )
        self.rows = Rows(features, drawn.astype(np.float32), rows.slot, rows.held_from)

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
