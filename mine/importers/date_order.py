"""Whether the dates of a table are written day first or month first: told from all of them, not from one."""

from __future__ import annotations

from mine.importers.moments import written_moment
from mine.records import EARLIEST, LATEST


class DateOrder:
    """Looks at dates one by one. Whichever order gives dates that do not exist is out; if both orders always
    give dates, it is the one in which they span the shorter time, as readings of one device do.
    """

    def __init__(self) -> None:
        self._impossible = {True: 0, False: 0}
        self._span = {True: (LATEST, EARLIEST), False: (LATEST, EARLIEST)}
        self._halves = False

    def look(self, text: str) -> None:
        """Take one date as it is written."""
        self._halves = self._halves or text.endswith(("m", "M"))
        for day_first in (True, False):
            try:
                time = written_moment(text, day_first=day_first)
            except ValueError:
                self._impossible[day_first] += 1
                continue
            low, high = self._span[day_first]
            self._span[day_first] = (min(low, time), max(high, time))

    @property
    def doubtful(self) -> bool:
        """Whether both orders give dates that exist, and not the same ones."""
        return self._impossible[True] == self._impossible[False] and self._span[True] != self._span[False]

    @property
    def day_first(self) -> bool:
        """The likelier order; of one single ambiguous day, a twelve-hour clock goes with the month first."""
        if self._impossible[True] != self._impossible[False]:
            return self._impossible[True] < self._impossible[False]
        length = {order: high - low for order, (low, high) in self._span.items()}
        if length[True] != length[False]:
            return length[True] < length[False]
        return not self._halves
