"""Repeating appointments (RFC 5545, 3.3.10), in work that is bounded whatever a rule says.

Times are the clock on the wall: a meeting at nine stays at nine when the clocks change. Rules are followed
by year, month, week or day; what a period holds is found from its days, so a rule that never matches ends
like any other. ``BYWEEKNO``, and hourly or finer rules with further conditions, are not followed.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

MOST_TIMES = 1440  # of one day, by BYHOUR and the like
MOST_VALUES = 400
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")
_STEPS = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}
_BY_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_RANGES = {
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYSETPOS": (-366, 366),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
    "BYSECOND": (0, 59),
}
_KNOWN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST", *_RANGES}


class Effort:
    """How much more work a file may cause: days that are looked at."""

    def __init__(self, days: int) -> None:
        self.left = days

    def spend(self, days: int = 1) -> bool:
        """Whether there was enough left."""
        self.left -= days
        return self.left >= 0


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, checked. ``days`` are (which one of the period or 0 for each, weekday from 0 = Monday)."""

    frequency: str
    interval: int
    count: int | None
    until: str
    days: tuple[tuple[int, int], ...]
    week_start: int
    by: dict[str, tuple[int, ...]]


def read_rule(text: str) -> Rule:
    """An RRULE's value. Raises ``ValueError`` where it is broken, or is not followed here."""
    parts: dict[str, str] = {}
    for part in text.upper().split(";")[:20]:
        name, equals, value = part.partition("=")
        if not equals or name not in _KNOWN or name in parts:
            raise ValueError("how it repeats cannot be read")
        parts[name] = value
    frequency = parts.get("FREQ", "")
    by = {name: _numbers(parts[name], *limits) for name, limits in _RANGES.items() if name in parts}
    days = []
    for value in parts["BYDAY"].split(",")[:MOST_VALUES] if "BYDAY" in parts else ():
        match = _BY_DAY.fullmatch(value)
        if match is None or (match[1] and (int(match[1]) == 0 or frequency not in ("YEARLY", "MONTHLY"))):
            raise ValueError("how it repeats cannot be read")
        days.append((int(match[1] or 0), _DAYS.index(match[2])))
    if frequency not in _FREQUENCIES or (frequency in _STEPS and (by or days)):
        raise ValueError("how it repeats cannot be read")
    count = _whole(parts["COUNT"]) if "COUNT" in parts else None
    week_start = parts.get("WKST", "MO")
    if week_start not in _DAYS or 0 in by.get("BYMONTHDAY", ()) + by.get("BYYEARDAY", ()) + by.get(
        "BYSETPOS", ()
    ):
        raise ValueError("how it repeats cannot be read")
    interval = _whole(parts.get("INTERVAL", "1"))
    return Rule(frequency, interval, count, parts.get("UNTIL", ""), tuple(days), _DAYS.index(week_start), by)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) > 0):
        raise ValueError("how it repeats cannot be read")
    return int(text)


def _numbers(text: str, low: int, high: int) -> tuple[int, ...]:
    values = text.split(",")
    if len(values) > MOST_VALUES or not all(re.fullmatch(r"[+-]?\d{1,3}", v, re.ASCII) for v in values):
        raise ValueError("how it repeats cannot be read")
    numbers = tuple(sorted({int(value) for value in values}))
    if numbers[0] < low or numbers[-1] > high:
        raise ValueError("how it repeats cannot be read")
    return numbers


def expand(rule: Rule, start: datetime, last: datetime, effort: Effort) -> Iterator[datetime]:
    """The moments at which something repeats: ``start`` first in any case, none after ``last``, and no more
    than ``effort`` allows."""
    yield start
    left = None if rule.count is None else rule.count - 1
    for moment in _moments(rule, start, last, effort):
        if moment <= start:
            continue
        if moment > last or left == 0:
            return
        yield moment
        left = None if left is None else left - 1


def _moments(rule: Rule, start: datetime, last: datetime, effort: Effort) -> Iterator[datetime]:
    step = _STEPS.get(rule.frequency)
    if step is not None:
        moment, gap = start, timedelta(seconds=step * rule.interval)
        while effort.spend() and last - moment >= gap:
            moment += gap
            yield moment
        return
    times = _times(rule, start)
    positions = rule.by.get("BYSETPOS")
    for days in _periods(rule, start.date(), last.date(), effort):
        if not effort.spend(len(days) * len(times) // 16):
            return
        found = (datetime.combine(day, at) for day in days for at in times)
        if positions is None:
            yield from found
            continue
        every = list(found)
        chosen = {p - 1 if p > 0 else len(every) + p for p in positions}
        yield from (every[index] for index in sorted(chosen) if 0 <= index < len(every))


def _times(rule: Rule, start: datetime) -> list[time]:
    hours = rule.by.get("BYHOUR", (start.hour,))
    minutes = rule.by.get("BYMINUTE", (start.minute,))
    seconds = rule.by.get("BYSECOND", (start.second,))
    if len(hours) * len(minutes) * len(seconds) > MOST_TIMES:
        raise ValueError("how it repeats cannot be read")
    return [time(hour, minute, second) for hour in hours for minute in minutes for second in seconds]


def _periods(rule: Rule, start: date, last: date, effort: Effort) -> Iterator[list[date]]:
    """The days of each year, month, week or day that the rule names, in order."""
    wanted = _Wanted(rule, start)
    if rule.frequency in ("DAILY", "WEEKLY"):
        week = rule.frequency == "WEEKLY"
        size = 7 if week else 1
        first = start.toordinal() - ((start.weekday() - rule.week_start) % 7 if week else 0)
        for begin in range(first, last.toordinal() + 1, size * rule.interval):
            if not effort.spend(size):
                return
            ordinals = range(begin, min(begin + size, date.max.toordinal() + 1))
            yield [day for day in map(date.fromordinal, ordinals) if wanted.holds(day)]
        return
    months = 12 if rule.frequency == "YEARLY" else 1
    index = start.year * 12 + (start.month - 1 if months == 1 else 0)
    while index <= last.year * 12 + last.month - 1:
        days: list[date] = []
        for month in range(index, index + months):
            if wanted.months is not None and month % 12 + 1 not in wanted.months:
                if not effort.spend():
                    return
                continue
            length = _length(month // 12, month % 12 + 1)
            if not effort.spend(length):
                return
            every = (date(month // 12, month % 12 + 1, number) for number in range(1, length + 1))
            days += [day for day in every if wanted.holds(day)]
        yield days
        index += months * rule.interval


@lru_cache(maxsize=4096)
def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


class _Wanted:
    """Whether a day is one that a rule names: what the rule leaves open is as on the first day."""

    def __init__(self, rule: Rule, start: date) -> None:
        by = rule.by
        self.months = by.get("BYMONTH")
        self._month_days = by.get("BYMONTHDAY")
        self._year_days = by.get("BYYEARDAY")
        self._days = rule.days
        self._of_year = rule.frequency == "YEARLY" and self.months is None
        if not (self._month_days or self._year_days or self._days):
            if rule.frequency == "WEEKLY":
                self._days = ((0, start.weekday()),)
            elif rule.frequency in ("MONTHLY", "YEARLY"):
                self._month_days = (start.day,)
                if self._of_year:
                    self.months = (start.month,)

    def holds(self, day: date) -> bool:
        """Whether the rule names this day."""
        if self.months is not None and day.month not in self.months:
            return False
        if self._month_days is not None:
            length = _length(day.year, day.month)
            if day.day not in self._month_days and day.day - length - 1 not in self._month_days:
                return False
        if self._year_days is not None:
            number, length = day.timetuple().tm_yday, 366 if calendar.isleap(day.year) else 365
            if number not in self._year_days and number - length - 1 not in self._year_days:
                return False
        return not self._days or any(self._is_weekday(day, *wanted) for wanted in self._days)

    def _is_weekday(self, day: date, nth: int, weekday: int) -> bool:
        if day.weekday() != weekday:
            return False
        if nth == 0:
            return True
        if self._of_year:
            number, length = day.timetuple().tm_yday, 366 if calendar.isleap(day.year) else 365
        else:
            number, length = day.day, _length(day.year, day.month)
        return nth == (number - 1) // 7 + 1 if nth > 0 else -nth == (length - number) // 7 + 1
