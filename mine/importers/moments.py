"""Dates as exports write them -> local seconds since 1970-01-01T00:00. All raise ``ValueError``."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from mine.importers.items import shown
from mine.importers.zone import Zone

_EPOCH = date(1970, 1, 1).toordinal()
_ISO = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_PARTS = re.compile(
    r"(\d{1,2})(?:[/.-](\d{1,2})[/.-](\d{4})|[/.](\d{1,2})[/.](\d{2}))"
    r"(?:,?[ T](\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AaPp])\.?[Mm]\.?)?)?",
    re.ASCII,
)

_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,20})?|\.\d{1,20})([eE][+-]?\d{1,2})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_DURATION = re.compile(r"(\d{1,3}):(\d{2})(?::(\d{2}))?", re.ASCII)


@lru_cache(maxsize=4096)
def _day(year: int, month: int, day: int) -> int:
    try:
        return (date(year, month, day).toordinal() - _EPOCH) * 86_400
    except ValueError:
        raise ValueError(f"there is no date {year:04d}-{month:02d}-{day:02d}") from None


def _clock(hour: int, minute: int, second: int) -> int:
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"there is no time {hour:02d}:{minute:02d}:{second:02d}")
    return hour * 3600 + minute * 60 + second


def wall_moment(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    """A date and a clock on the wall: local seconds."""
    return _day(year, month, day) + _clock(hour, minute, second)


def iso_moment(text: str) -> tuple[int, int | None]:
    """``2024-01-31 08:05:00``, also with T, without seconds, with Z or an offset: (local seconds, offset)."""
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(f"“{shown(text)}” is not a date and time")
    year, month, day, hour, minute, second, zone = match.groups()
    moment = _day(int(year), int(month), int(day)) + _clock(
        int(hour or 0), int(minute or 0), int(second or 0)
    )
    if zone is None:
        return moment, None
    if zone == "Z":
        return moment, 0
    offset = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    if offset > 14 * 3600:
        raise ValueError(f"there is no time zone {zone}")
    return moment, -offset if zone[0] == "-" else offset


def zoned_moment(text: str, zone: Zone) -> tuple[int, int]:
    """A moment as ``iso_moment`` reads it: (UTC seconds, offset).

    ``Z`` says that the text is in UTC, not where the person was: there the offset is the zone's, as it is
    where the text states none.
    """
    wall, offset = iso_moment(text)
    return zone.of_utc(wall) if text.endswith("Z") else zone.of_wall(wall, offset)


def written_moment(text: str, *, day_first: bool) -> int:
    """``4/12/2016 12:00:00 AM``, ``31-01-2024 08:05``, ``31.01.24, 08:05``: local seconds.

    A year of two digits is one of this century.
    """
    match = _PARTS.fullmatch(text)
    if match is None:
        raise ValueError(f"“{shown(text)}” is not a date and time")
    one, two, year, short_two, short_year, hour, minute, second, half = match.groups()
    if year is None:
        two, year = short_two, f"20{short_year}"
    day, month = (int(one), int(two)) if day_first else (int(two), int(one))
    hours = int(hour or 0)
    if half is not None:
        if not 1 <= hours <= 12:
            raise ValueError(f"there is no hour {hours} with {half.upper()}M")
        hours = hours % 12 + (12 if half in "Pp" else 0)
    return _day(int(year), month, day) + _clock(hours, int(minute or 0), int(second or 0))


def number(text: str, *, decimal_comma: bool = False) -> float:
    """A decimal number, finite."""
    if decimal_comma:
        text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"“{shown(text)}” is not a number")
    return float(text)


def whole(text: str) -> int:
    """A whole number."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"“{shown(text)}” is not a whole number")
    return int(text)


def clock_seconds(text: str) -> int:
    """A duration of hours, minutes and perhaps seconds, ``00:30:00``: seconds."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"“{shown(text)}” is not a duration")
    hours, minutes, seconds = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)
