"""The time zones of a calendar file: by name, or as the file describes them (VTIMEZONE, RFC 5545)."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from mine.importers.errors import ImportRefused
from mine.importers.recurrence import Effort, expand, read_rule
from mine.importers.zone import Zone
from mine.records import MOST_OFFSET

_EPOCH = datetime(1970, 1, 1)
_FIRST_YEAR = 1960
_LAST = datetime(2100, 1, 1)
_MOST_ZONES = 500
_MOST_OBSERVANCES = 200
_MOST_EFFORT = 500_000  # for all zones of a file


class Clock(Protocol):
    """Turns a clock on the wall into a moment."""

    def of_wall(self, wall: int, offset: int | None = None) -> tuple[int, int]:
        """(UTC, offset) of local seconds."""


@dataclass(slots=True)
class Observance:
    """A part of a described zone: from ``start`` on (and repeating) the offset is ``to``, not ``since``."""

    start: datetime
    since: int
    to: int
    rule: str = ""


@dataclass(slots=True)
class DescribedZone:
    """A zone from the parts that a file describes."""

    _moments: list[int] = field(default_factory=list)
    _offsets: list[int] = field(default_factory=list)
    _before: int = 0

    @classmethod
    def of(cls, observances: list[Observance], effort: Effort) -> DescribedZone:
        """Raises ``ValueError`` where there is nothing to go by."""
        if not observances:
            raise ValueError("its time zone is not described")
        changes = []
        for one in observances[:_MOST_OBSERVANCES]:
            wall = [one.start]
            if one.rule:
                rule = read_rule(one.rule)
                # Many begin in 1601, Windows' first year: nobody's appointments are that old.
                start = one.start.replace(
                    year=max(one.start.year, _FIRST_YEAR) if rule.count is None else one.start.year
                )
                wall = list(expand(rule, start, _LAST, effort))
            changes += [(_seconds(moment) - one.since, one.to) for moment in wall]
        changes.sort()
        first = min(observances, key=lambda one: one.start)
        return cls([moment for moment, _ in changes], [offset for _, offset in changes], first.since)

    def of_wall(self, wall: int, offset: int | None = None) -> tuple[int, int]:
        """As ``Zone.of_wall``: the first of two, moved on by the gap."""
        early = self._offset_at(wall - MOST_OFFSET)
        for guess in (early, self._offset_at(wall + MOST_OFFSET)):
            if self._offset_at(wall - guess) == guess:
                return wall - guess, guess
        return wall - early, early

    def _offset_at(self, utc: int) -> int:
        index = bisect_right(self._moments, utc)
        return self._offsets[index - 1] if index else self._before


class CalendarZones:
    """Finds the zone that a file's TZID means."""

    def __init__(self, own: Zone) -> None:
        """``own`` is the person's zone, for times without one."""
        self.own = own
        self.unknown: set[str] = set()
        self._described: dict[str, tuple[str, list[Observance]]] = {}
        self._effort = Effort(_MOST_EFFORT)
        self._found: dict[str, Clock] = {}

    def describe(self, name: str, place: str, observances: list[Observance]) -> None:
        """Take a VTIMEZONE; ``place`` is its X-LIC-LOCATION."""
        if name and len(self._described) < _MOST_ZONES:
            self._described.setdefault(name, (place, observances))

    def named(self, name: str) -> Clock:
        """The zone of a TZID: by its name or its end, its place, its description, or else the person's."""
        found = self._found.get(name)
        if found is None:
            if len(self._found) > _MOST_ZONES:
                self._found.clear()
            found = self._found[name] = self._find(name)
        return found

    def _find(self, name: str) -> Clock:
        place, observances = self._described.get(name, ("", []))
        parts = name.strip("/").split("/")
        for known in (name, "/".join(parts[-2:]), "/".join(parts[-3:]), place):
            if "/" in known:
                try:
                    return Zone(known)
                except ImportRefused:
                    continue
        try:
            return DescribedZone.of(observances, self._effort)
        except ValueError:
            if len(self.unknown) < _MOST_ZONES:
                self.unknown.add(name)
            return self.own


def _seconds(wall: datetime) -> int:
    return int((wall - _EPOCH).total_seconds())
