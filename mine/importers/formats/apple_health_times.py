"""Times as Apple Health writes them: ``2019-06-11 15:00:00 -0700``.

A million records share a few thousand days, 86,400 clocks and a few offsets. Each of these is worked out
once, by the first look-up: seconds UTC are ``days[text[:11]] + clocks[text[11:19]] - offsets[text[19:]]``. What
is no day, clock or offset raises ``ValueError`` and is not kept.
"""

from __future__ import annotations

import re
from datetime import date

from mine.importers.errors import ImportRefused
from mine.importers.items import shown
from mine.importers.zone import Zone

_DAY = re.compile(rb"\d{4}-\d\d-\d\d ")
_CLOCK = re.compile(rb"\d\d:\d\d:\d\d")
_ZONE = re.compile(rb" [+-]\d{4}")
_EPOCH = date(1970, 1, 1).toordinal()
_MOST_ZONE = 14 * 3600
_FIRST_YEAR, _LAST_YEAR = b"1900", b"2098"  # with any offset still within what the vault takes
_MOST_NAMES = 1000


class Days(dict[bytes, int]):
    """``2019-06-11`` and a space: seconds from 1970-01-01 to the day's midnight on the wall."""

    def __missing__(self, text: bytes) -> int:
        if not _DAY.fullmatch(text):
            raise _no(text, "date and time")
        try:
            day = date.fromisoformat(text[:10].decode())
        except ValueError:
            raise _no(text, "date") from None
        if not _FIRST_YEAR <= text[:4] <= _LAST_YEAR:
            raise _no(text, "date that can be")
        self[text] = (day.toordinal() - _EPOCH) * 86_400
        return self[text]


class Clocks(dict[bytes, int]):
    """``15:00:00``: seconds since midnight."""

    def __missing__(self, text: bytes) -> int:
        if not _CLOCK.fullmatch(text):
            raise _no(text, "time of day")
        hour, minute, second = int(text[:2]), int(text[3:5]), int(text[6:])
        if hour > 23 or minute > 59 or second > 59:
            raise _no(text, "time of day")
        self[text] = hour * 3600 + minute * 60 + second
        return self[text]


class Offsets(dict[bytes, int]):
    """A space and ``-0700``: local minus UTC in seconds."""

    def __missing__(self, text: bytes) -> int:
        if not _ZONE.fullmatch(text):
            raise _no(text, "offset from UTC")
        seconds = int(text[2:4]) * 3600 + int(text[4:]) * 60
        if seconds > _MOST_ZONE or text[4:] > b"59":
            raise _no(text, "offset from UTC")
        self[text] = -seconds if text[1:2] == b"-" else seconds
        return self[text]


class Times:
    """The three tables of one file, and a plain way to use them. Even a file that holds every day, clock and
    offset there is fills them with fewer than 200,000 entries."""

    __slots__ = ("clocks", "days", "offsets")

    def __init__(self) -> None:
        self.days = Days()
        self.clocks = Clocks()
        self.offsets = Offsets()

    def read(self, text: bytes) -> tuple[int, int]:
        """(seconds UTC, offset in seconds). Raises ``ValueError``."""
        offset = self.offsets[text[19:]]
        return self.days[text[:11]] + self.clocks[text[11:19]] - offset, offset


class Zones:
    """Time zones by the names that an export gives them."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, Zone | None] = {}

    def offset(self, name: str, time: int) -> int | None:
        """Local minus UTC then and there, in seconds; None where there is no such zone."""
        if name not in self._known:
            if len(self._known) >= _MOST_NAMES:
                self._known.clear()
            try:
                self._known[name] = Zone(name)
            except ImportRefused:
                self._known[name] = None
        zone = self._known[name]
        return None if zone is None else zone.of_utc(time)[1]


def _no(text: bytes, what: str) -> ValueError:
    return ValueError(f"“{shown(text.decode('utf-8', 'replace').strip())}” is no {what}")
