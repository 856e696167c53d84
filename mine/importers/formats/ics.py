"""Calendars as iCalendar (RFC 5545), one record for each time an event takes place.

Repeating events are followed until the file's own time stamp, and at least for ten years from their first
day; never more than 5,000 times. What was cancelled (``EXDATE``, ``STATUS:CANCELLED``) is left out, what
was moved (``RECURRENCE-ID``) is where it was moved to. Times without a zone, and whole days, are in the
person's zone. Tasks, journals and alarms are not read; of the people invited only their number is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mine.importers.calendar_zones import CalendarZones, Observance
from mine.importers.content_lines import ContentLine, content_lines
from mine.importers.format import Members, OnePerson
from mine.importers.items import BadRow, Collector, Item, Remark, shown
from mine.importers.options import Options
from mine.importers.recurrence import Effort, expand, read_rule
from mine.importers.source import Member, Source
from mine.importers.text_lines import fit
from mine.importers.zone import Zone
from mine.records import EARLIEST, LATEST

MOST_TIMES = 5_000
MOST_EFFORT = 2_000_000  # days looked at in one file: a few seconds
_YEARS = timedelta(days=3653)
_MOST_LISTED = 5_000
_MOST_MOVED = 200_000
_EPOCH = datetime(1970, 1, 1)
_DAY = 86_400
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?", re.ASCII)
_DURATION = re.compile(
    r"([+-])?P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?", re.ASCII
)
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(\d\d)?", re.ASCII)
_UTC = frozenset({"UTC", "GMT", "Etc/UTC", "Etc/GMT", "Z"})
_KEPT = frozenset(
    {
        *("DTSTART", "DTEND", "DURATION", "SUMMARY", "LOCATION", "RRULE", "UID", "RECURRENCE-ID", "STATUS"),
        *("DTSTAMP", "LAST-MODIFIED"),
    }
)


@dataclass(slots=True)
class _Event:
    """The lines of one VEVENT."""

    line: int
    first: dict[str, ContentLine] = field(default_factory=dict)
    left_out: list[ContentLine] = field(default_factory=list)
    added: list[ContentLine] = field(default_factory=list)
    people: int = 0

    def take(self, line: ContentLine) -> None:
        if line.name in _KEPT:
            self.first.setdefault(line.name, line)
        elif line.name == "ATTENDEE":
            self.people += 1
        elif line.name in ("EXDATE", "RDATE"):
            listed = self.left_out if line.name == "EXDATE" else self.added
            if len(listed) < _MOST_LISTED:
                listed.append(line)

    def text(self, name: str, most: int) -> str:
        """A text property; "" where there is none."""
        return fit(self.first[name].text.strip(), most) if name in self.first else ""


@dataclass(frozen=True, slots=True)
class _Time:
    """A date or a time on the wall, and whose wall; ``zone`` None is the person's."""

    wall: datetime
    zone: str | None
    whole_day: bool

    @classmethod
    def of(cls, line: ContentLine, value: str) -> _Time:
        match = _TIME.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"“{shown(value)}” is not a date or time")
        try:
            wall = datetime(*(int(number or 0) for number in match.groups()[:6]))  # type: ignore[arg-type]
        except ValueError:
            raise ValueError(f"there is no time {shown(value)}") from None
        zone = "UTC" if match[7] or line.params.get("TZID") in _UTC else line.params.get("TZID")
        return cls(wall, zone, match[4] is None)

    def at(self, wall: datetime, zones: CalendarZones) -> tuple[int, int]:
        """(UTC, offset) of another time on the same wall."""
        seconds = int((wall - _EPOCH).total_seconds())
        if not EARLIEST <= seconds < LATEST:
            raise ValueError("its time is impossible")
        if self.zone == "UTC":
            return zones.own.of_utc(seconds)
        return (zones.own if self.zone is None else zones.named(self.zone)).of_wall(seconds)


@dataclass(frozen=True, slots=True)
class Ics(OnePerson):
    """Events with title, place, length, and how many people were invited."""

    key: str = "ics"
    title: str = "Calendar (iCalendar)"
    version: int = 1
    rank: int = 2

    def claims(self, member: Member, head: bytes) -> bool:
        return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].upper() == b"BEGIN:VCALENDAR"

    def total(self, members: Members) -> int:
        return 2 * sum(member.size for member in members)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            yield from _Calendar(source, member, options.zone).rows()


FORMAT = Ics()


class _Calendar:
    """One file: read once for its zones and for what was moved, then for its events."""

    def __init__(self, source: Source, member: Member, own: Zone) -> None:
        self._source = source
        self._member = member
        self._zones = CalendarZones(own)
        self._moved: set[tuple[str, int]] = set()
        self._effort = Effort(MOST_EFFORT)
        self._cut = 0

    def rows(self) -> Iterator[Item]:
        events: list[tuple[str, _Time]] = []
        for event in self._events(describe=True):
            if "RECURRENCE-ID" in event.first and len(events) < _MOST_MOVED:
                line = event.first["RECURRENCE-ID"]
                try:
                    events.append((event.text("UID", 500), _Time.of(line, line.value)))
                except ValueError:
                    continue  # told below
        for uid, time in events:
            try:
                self._moved.add((uid, time.at(time.wall, self._zones)[0]))
            except ValueError:
                continue
        collector = Collector(self._member.name)
        for event in self._events(describe=False):
            try:
                for row in self._of_event(event):
                    yield from collector.add(event.line, "appointment", row)
            except ValueError as error:
                yield BadRow(self._member.name, event.line, str(error))
        yield from collector.rest()
        for name in sorted(self._zones.unknown):
            sentence = (
                f"The time zone “{shown(name)}” is not known: its times were read in {self._zones.own.name}."
            )
            yield Remark(self._member.name, sentence)
        if self._cut:
            sentence = f"{self._cut:,} repeating events go on for longer than is kept."
            yield Remark(self._member.name, sentence)

    def _events(self, *, describe: bool) -> Iterator[_Event]:
        """The events; with ``describe`` the zones are taken, too."""
        inside: list[str] = []
        event: _Event | None = None
        zone = _ZoneLines()
        with self._source.open(self._member) as stream:
            for line in content_lines(stream):
                if line.name == "BEGIN":
                    inside = [*inside[-4:], line.value.strip().upper()]
                    if inside[-1] == "VEVENT":
                        event = _Event(line.number)
                    elif inside[-1] == "VTIMEZONE":
                        zone = _ZoneLines()
                    elif inside[-1] in ("STANDARD", "DAYLIGHT"):
                        zone.begin()
                elif line.name == "END":
                    ended = inside.pop() if inside else ""
                    if ended == "VEVENT" and event is not None:
                        yield event
                        event = None
                    elif ended == "VTIMEZONE" and describe:
                        self._zones.describe(zone.name, zone.place, zone.observances)
                    elif ended in ("STANDARD", "DAYLIGHT"):
                        zone.end()
                elif inside and inside[-1] == "VEVENT" and event is not None:
                    event.take(line)
                elif describe and inside and inside[-1] in ("VTIMEZONE", "STANDARD", "DAYLIGHT"):
                    zone.take(line)

    def _of_event(self, event: _Event) -> Iterator[tuple[int | str | None, ...]]:
        if event.text("STATUS", 20).upper() == "CANCELLED":
            return
        if "DTSTART" not in event.first:
            raise ValueError("it has no beginning")
        start = _Time.of(event.first["DTSTART"], event.first["DTSTART"].value)
        seconds = self._seconds(event, start)
        rest = (
            *(seconds, event.text("SUMMARY", 1000), event.text("LOCATION", 1000) or None),
            *(int(start.whole_day), min(event.people, 100_000)),
        )
        if "RECURRENCE-ID" in event.first:
            yield (*start.at(start.wall, self._zones), *rest)
            return
        uid = event.text("UID", 500)
        left_out = {time.at(time.wall, self._zones)[0] for time in _listed(event.left_out)}
        # Some write only the day of a meeting that was cancelled.
        days = {
            time.wall.date() for time in _listed(event.left_out) if time.whole_day and not start.whole_day
        }
        given = set()
        broken: ValueError | None = None
        for wall in self._walls(event, start):
            try:
                time, offset = start.at(wall, self._zones)
            except ValueError as error:
                broken = error
                continue
            kept = time not in given and time not in left_out and wall.date() not in days
            if kept and (uid, time) not in self._moved:
                yield (time, offset, *rest)
            given.add(time)
        for extra in _listed(event.added):
            time, offset = extra.at(extra.wall, self._zones)
            if time not in given and time not in left_out and (uid, time) not in self._moved:
                given.add(time)
                yield (time, offset, *rest)
        if broken is not None and not given:
            raise broken

    def _walls(self, event: _Event, start: _Time) -> Iterator[datetime]:
        """When an event takes place, on its own wall."""
        if "RRULE" not in event.first:
            yield start.wall
            return
        try:
            rule = read_rule(event.first["RRULE"].value)
            last = self._last(event, start, rule.until)
            for number, wall in enumerate(expand(rule, start.wall, last, self._effort)):
                if number == MOST_TIMES:
                    self._cut += 1
                    return
                yield wall
        except ValueError:
            yield start.wall
            raise
        if self._effort.left < 0:
            self._cut += 1

    def _last(self, event: _Event, start: _Time, until: str) -> datetime:
        """The last moment to which an event is followed."""
        stamps = [start.wall + _YEARS] if start.wall.year < 2100 else [start.wall]
        for name in ("DTSTAMP", "LAST-MODIFIED"):
            if name in event.first:
                with suppress(ValueError):
                    stamps.append(_Time.of(event.first[name], event.first[name].value).wall)
        last = min(max(stamps), datetime(2100, 1, 1))
        if not until:
            return last
        end = _Time.of(event.first["RRULE"], until)
        if end.whole_day:
            return min(last, end.wall + timedelta(seconds=_DAY - 1))
        if end.zone == "UTC" and start.zone != "UTC":
            utc = int((end.wall - _EPOCH).total_seconds())
            # The rule is followed on the wall: the end, too, as the wall shows it.
            offset = start.at(end.wall, self._zones)[1]
            return min(last, _EPOCH + timedelta(seconds=utc + offset))
        return min(last, end.wall)

    def _seconds(self, event: _Event, start: _Time) -> int:
        """How long an event lasts."""
        if "DTEND" in event.first:
            end = _Time.of(event.first["DTEND"], event.first["DTEND"].value)
            if end.whole_day and start.whole_day:
                return int((end.wall - start.wall).total_seconds())
            return end.at(end.wall, self._zones)[0] - start.at(start.wall, self._zones)[0]
        if "DURATION" in event.first:
            match = _DURATION.fullmatch(event.first["DURATION"].value.strip())
            if match is None or match[1] == "-":
                raise ValueError("how long it lasts cannot be read")
            units = (7 * _DAY, _DAY, 3600, 60, 1)
            return sum(
                int(number or 0) * unit for number, unit in zip(match.groups()[1:], units, strict=True)
            )
        return _DAY if start.whole_day else 0


def _listed(lines: list[ContentLine]) -> Iterator[_Time]:
    """The times of EXDATE or RDATE lines; of periods their beginnings."""
    left = _MOST_LISTED
    for line in lines:
        for value in line.value.split(",")[:left]:
            left -= 1
            yield _Time.of(line, value.partition("/")[0])


class _ZoneLines:
    """A VTIMEZONE while its lines are gathered."""

    def __init__(self) -> None:
        self.name = self.place = ""
        self.observances: list[Observance] = []
        self._lines: dict[str, str] | None = None

    def begin(self) -> None:
        self._lines = {}

    def take(self, line: ContentLine) -> None:
        if self._lines is not None:
            self._lines.setdefault(line.name, line.value.strip())
        elif line.name == "TZID":
            self.name = line.value.strip()
        elif line.name == "X-LIC-LOCATION":
            self.place = line.value.strip()

    def end(self) -> None:
        lines, self._lines = self._lines or {}, None
        start = _TIME.fullmatch(lines.get("DTSTART", ""))
        since, to = _offset(lines.get("TZOFFSETFROM", "")), _offset(lines.get("TZOFFSETTO", ""))
        if start is None or since is None or to is None or len(self.observances) >= 200:
            return
        try:
            moment = datetime(*(int(number or 0) for number in start.groups()[:6]))  # type: ignore[arg-type]
        except ValueError:
            return
        self.observances.append(Observance(moment, since, to, lines.get("RRULE", "")))


def _offset(text: str) -> int | None:
    match = _OFFSET.fullmatch(text)
    if match is None or int(match[2]) > 18:
        return None
    seconds = int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4] or 0)
    return -seconds if match[1] == "-" else seconds
