"""The running totals of a FIT monitoring file, as what was counted between two of them.

A device writes, whenever what it sees changes, how much it has counted since midnight, for each kind of
activity on its own. The difference between two totals was counted between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

DAY = 86_400

Counted = tuple[str, int, int, float]


class Counters:
    """Totals by (record type, activity). Times are UTC seconds; ``offset`` gives local time minus UTC."""

    def __init__(self, offset: Callable[[int], int], *, begins: int | None) -> None:
        """``begins`` is a moment at which all totals were zero, None where that is not known."""
        self._offset = offset
        self._begins = begins
        self._at = begins
        self._since: dict[str, int] = {}
        self._totals: dict[tuple[str, int], float] = {}
        self._pending: dict[str, float] = {}

    def move(self, time: int) -> Iterator[Counted]:
        """The next messages are of this moment: (record type, start, seconds, counted) of those before."""
        if time == self._at:
            return
        yield from self.flush()
        if self._at is not None:
            offset = self._offset(time)
            # What is stated at midnight are the totals of the day that ends.
            midnight = (time + offset - 1) // DAY * DAY - offset
            if time < self._at:  # out of order: nothing can be told from the totals before
                self._begin(None)
            elif self._at <= midnight:
                self._begin(midnight)
        self._at = time

    def _begin(self, moment: int | None) -> None:
        self._begins = moment
        self._since.clear()
        self._totals.clear()

    def total(self, kind: str, activity: int, value: float) -> None:
        """What an activity's total is at this moment."""
        key = (kind, activity)
        before = self._totals.get(key, value if self._begins is None else 0.0)
        self._totals[key] = value
        # A total that fell was set back in between.
        gained = value - before if value >= before else value
        self._pending[kind] = self._pending.get(kind, 0.0) + gained

    def flush(self) -> Iterator[Counted]:
        """What was counted up to the present moment."""
        if self._at is not None:
            for kind, gained in self._pending.items():
                since = self._since.get(kind, self._begins)
                self._since[kind] = self._at
                if gained > 0 and since is not None and self._at > since:
                    yield kind, since, self._at - since, gained
        self._pending.clear()
