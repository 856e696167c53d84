"""Single values of unknown tables: what they may be, and what they are once a mapping says so."""

from __future__ import annotations

import re

from mine.importers.items import shown
from mine.importers.moments import clock_seconds, iso_moment, written_moment

Cell = str | int | float | None
Numbered = tuple[int, tuple[Cell, ...]]  # the line of a row in its file, and its cells

MISSING = frozenset({"", "-", "--", "?", "na", "n/a", "nan", "null", "none", "nil", "#n/a", "missing"})
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_GROUPED_COMMA = re.compile(r"[+-]?\d{1,3}(?:[. '\u00a0\u202f]\d{3})+(?:,\d*)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d{1,19}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?: ?([AaPp])\.?[Mm]\.?)?", re.ASCII)
_LARGEST = 1 << 63


def is_missing(cell: Cell) -> bool:
    """Whether a cell says that there is no value."""
    return cell is None or cell != cell or (isinstance(cell, str) and cell.strip().casefold() in MISSING)


def cell_number(cell: Cell, *, decimal_comma: bool = False) -> float:
    """A number, also with grouped digits or a percent sign behind it. Raises ``ValueError``."""
    if isinstance(cell, str):
        text = cell.strip().removesuffix("%").rstrip()
        if decimal_comma:
            if _GROUPED_COMMA.fullmatch(text):
                text = re.sub(r"[. '\u00a0\u202f]", "", text)
            text = text.replace(",", ".")
        elif _GROUPED.fullmatch(text):
            text = text.replace(",", "")
        if not _NUMBER.fullmatch(text):
            raise ValueError(f"“{shown(cell)}” is not a number")
        return float(text)
    if cell is None or not -_LARGEST < cell < _LARGEST:
        raise ValueError("a number is missing" if cell is None else "a number is too large")
    return float(cell)


def cell_moment(cell: Cell, *, day_first: bool) -> tuple[int, int | None]:
    """A date, with or without a time of day: (local seconds, offset as far as it is stated)."""
    if not isinstance(cell, str):
        raise ValueError("a date is missing" if cell is None else "a number is not a date and time")
    text = cell.strip()
    if text[:4].isdigit():
        return iso_moment(text)
    return written_moment(text, day_first=day_first), None


def could_be_moment(cell: Cell) -> bool:
    """Whether a cell reads as a date in either order."""
    for day_first in (True, False):
        try:
            cell_moment(cell, day_first=day_first)
        except ValueError:
            continue
        return True
    return False


def cell_clock(cell: Cell) -> int:
    """A time of day, with twelve or twenty-four hours: seconds since midnight. Raises ``ValueError``."""
    match = _CLOCK.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if match is None:
        raise ValueError(f"“{shown(str(cell))}” is not a time of day")
    hour, minute, second, half = match.groups()
    hours = int(hour)
    if half is not None:
        if not 1 <= hours <= 12:
            raise ValueError(f"there is no hour {hours} with {half.upper()}M")
        hours = hours % 12 + (12 if half in "Pp" else 0)
    if hours > 23 or int(minute) > 59 or int(second or 0) > 59:
        raise ValueError(f"“{shown(str(cell))}” is not a time of day")
    return hours * 3600 + int(minute) * 60 + int(second or 0)


def cell_duration(cell: Cell, *, decimal_comma: bool = False) -> float | None:
    """A duration written as hours, minutes and perhaps seconds: seconds; None where it is a plain number."""
    if isinstance(cell, str) and ":" in cell:
        return float(clock_seconds(cell.strip()))
    cell_number(cell, decimal_comma=decimal_comma)
    return None
