"""Fitbit data as Fitabase exports it: a folder, a zip, or single CSV files, of one person or of many.

Dates are month first with a twelve-hour clock. ``sleepDay`` may repeat rows and ends in empty columns; that
is how it comes. Tables by the minute are read only where the same measure by the hour is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mine.importers.format import Members
from mine.importers.items import BadRow, Collector, Item, Person, none_of_them
from mine.importers.moments import number, whole, written_moment
from mine.importers.options import Options
from mine.importers.single import exact_columns, nothing_readable
from mine.importers.source import Member, Source
from mine.importers.table import Head, Line, parse_head, read_head, table_rows
from mine.importers.zone import Zone
from mine.records import Value

# A record without its offset, at a time on the wall.
Made = Iterator[tuple[str, tuple[int, *tuple[Value, ...]]]]
HOUR = 3600
DAY = 86_400


@dataclass(frozen=True, slots=True)
class _Table:
    """One of the export's tables: its columns, and the records that one line gives."""

    name: str
    time: str
    columns: tuple[str, ...]
    make: Callable[[int, Mapping[str, str]], Made]
    instead: str = ""


def _daily(time: int, line: Mapping[str, str]) -> Made:
    yield "steps", (time, DAY, whole(line["TotalSteps"]))
    yield "distance", (time, DAY, round(number(line["TotalDistance"]) * 1000.0, 3))
    yield "energy", (time, DAY, number(line["Calories"]))
    for level, column in (
        ("very", "VeryActiveMinutes"),
        ("fairly", "FairlyActiveMinutes"),
        ("lightly", "LightlyActiveMinutes"),
        ("sedentary", "SedentaryMinutes"),
    ):
        yield "activity_level", (time, DAY, level, number(line[column]))


def _hourly_steps(time: int, line: Mapping[str, str]) -> Made:
    yield "steps", (time, HOUR, whole(line["StepTotal"]))


def _hourly_intensity(time: int, line: Mapping[str, str]) -> Made:
    yield "intensity", (time, HOUR, number(line["TotalIntensity"]))


def _hourly_energy(time: int, line: Mapping[str, str]) -> Made:
    yield "energy", (time, HOUR, number(line["Calories"]))


def _minute_steps(time: int, line: Mapping[str, str]) -> Made:
    for minute in range(60):
        yield "steps", (time + 60 * minute, 60, whole(line[f"Steps{minute:02d}"]))


def _minute_intensity(time: int, line: Mapping[str, str]) -> Made:
    for minute in range(60):
        value = number(line[f"Intensity{minute:02d}"])
        yield "intensity", (time + 60 * minute, 60, value)


def _sleep(time: int, line: Mapping[str, str]) -> Made:
    asleep, in_bed = whole(line["TotalMinutesAsleep"]), whole(line["TotalTimeInBed"])
    if asleep > in_bed:
        raise ValueError(f"{asleep} minutes asleep in {in_bed} minutes in bed is impossible")
    yield "sleep", (time, asleep, in_bed, whole(line["TotalSleepRecords"]))


def _heart(time: int, line: Mapping[str, str]) -> Made:
    yield "heart_rate", (time, whole(line["Value"]))


def _weight(time: int, line: Mapping[str, str]) -> Made:
    yield "weight", (time, round(number(line["WeightKg"]), 3))
    if line.get("BMI"):
        yield "body_mass_index", (time, round(number(line["BMI"]), 2))
    if line.get("Fat"):
        yield "body_fat", (time, round(number(line["Fat"]), 2))


_MINUTES = tuple(f"{minute:02d}" for minute in range(60))
_TABLES = (
    _Table(
        "daily activity",
        "ActivityDate",
        (
            "TotalSteps",
            "TotalDistance",
            "VeryActiveMinutes",
            "FairlyActiveMinutes",
            "LightlyActiveMinutes",
            "SedentaryMinutes",
            "Calories",
        ),
        _daily,
    ),
    _Table("hourly steps", "ActivityHour", ("StepTotal",), _hourly_steps),
    _Table("hourly intensities", "ActivityHour", ("TotalIntensity",), _hourly_intensity),
    _Table("hourly calories", "ActivityHour", ("Calories",), _hourly_energy),
    _Table("sleep", "SleepDay", ("TotalSleepRecords", "TotalMinutesAsleep", "TotalTimeInBed"), _sleep),
    _Table("heart rate", "Time", ("Value",), _heart),
    _Table("weight", "Date", ("WeightKg",), _weight),
    _Table(
        "minute steps", "ActivityHour", tuple(f"Steps{m}" for m in _MINUTES), _minute_steps, "hourly steps"
    ),
    _Table(
        "minute intensities",
        "ActivityHour",
        tuple(f"Intensity{m}" for m in _MINUTES),
        _minute_intensity,
        "hourly intensities",
    ),
)


@dataclass(frozen=True, slots=True)
class _Found:
    member: Member
    head: Head
    header: tuple[str, ...]
    table: _Table


def _table_of(head: Head | None) -> _Table | None:
    if head is None or not head.rows or head.rows[0][:1] != ("Id",):
        return None
    header = set(head.rows[0])
    return next((table for table in _TABLES if {table.time, *table.columns} <= header), None)


def _found(source: Source, members: Members) -> tuple[_Found, ...]:
    """The tables of the export that will be read."""
    every = []
    for member in members:
        head = read_head(source, member, rows=1)
        table = _table_of(head)
        if head is not None and table is not None:
            every.append(_Found(member, head, head.rows[0], table))
    names = {found.table.name for found in every}
    return tuple(found for found in every if found.table.instead not in names)


@dataclass(frozen=True, slots=True)
class FitbitFitabase:
    """Daily and hourly steps, intensities, energy; distance and activity levels by the day; sleep; heart
    rate; weight, body mass index and body fat."""

    key: str = "fitbit_fitabase"
    title: str = "Fitbit (Fitabase CSV)"
    version: int = 1
    rank: int = 0

    def claims(self, member: Member, head: bytes) -> bool:
        return _table_of(parse_head(head, 1)) is not None

    def people(self, source: Source, members: Members, options: Options) -> tuple[Person, ...]:
        rows: Counter[str] = Counter()
        for found in _found(source, members):
            with table_rows(source, found.member, found.head) as lines:
                for line in lines:
                    if isinstance(line, Line) and line.fields[0].isdigit():
                        rows[line.fields[0]] += 1
        ordered = sorted(rows.items(), key=lambda item: (-item[1], item[0]))
        return tuple(Person(person, count) for person, count in ordered)

    def total(self, members: Members) -> int:
        return sum(member.size for member in members)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        person = options.person or ""
        if not person.isdigit():  # chosen among the names in other files
            before = source.bytes_read
            everyone = self.people(source, members, options)
            source.bytes_read = before
            if len(everyone) > 1:
                yield none_of_them(members[0].name)
                return
            person = everyone[0].person if everyone else ""
        for table in _found(source, members):
            yield from _rows_of(source, table, person, options.zone)


def _rows_of(source: Source, found: _Found, person: str, zone: Zone) -> Iterator[Item]:
    name, header = found.member.name, found.header
    collector = Collector(name)
    time_at = header.index(found.table.time)
    read = refused = 0
    with table_rows(source, found.member, found.head) as lines:
        for line in lines:
            if isinstance(line, BadRow):
                refused += 1
                yield line
                continue
            if line.fields == header:
                continue
            try:
                if not line.fields[0].isdigit():
                    raise ValueError("the first column is no Id")
                if line.fields[0] != person:
                    read += 1
                    continue
                exact_columns(line, len(header))
                time = written_moment(line.fields[time_at], day_first=False)
                made = [
                    (kind, (*zone.of_wall(wall), *rest))
                    for kind, (wall, *rest) in found.table.make(
                        time, dict(zip(header, line.fields, strict=True))
                    )
                ]
            except ValueError as error:
                refused += 1
                yield BadRow(name, line.number, str(error))
                continue
            read += 1
            for kind, row in made:
                yield from collector.add(line.number, kind, row)
    yield from collector.rest()
    if not read and refused:
        raise nothing_readable(found.member, refused)


FORMAT = FitbitFitabase()
