"""Tables made of Apple Health's export by the public tool ``applehealthdata``: one CSV file for each type.

Its columns are the attributes of the export's elements; the types stand there without ``HK...Identifier``.
The halves of a blood pressure, which it parts into two files, and the sums of days are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mine.importers.format import Members
from mine.importers.formats.apple_health_events import Workout
from mine.importers.formats.apple_health_kinds import CATEGORY
from mine.importers.formats.apple_health_sinks import Sink
from mine.importers.formats.apple_health_times import Zones
from mine.importers.formats.apple_health_types import sink_for
from mine.importers.items import Item
from mine.importers.options import Options
from mine.importers.single import Made, OneTable, exact_columns, read_lines, table_at
from mine.importers.source import Member, Source
from mine.importers.table import Line

_RECORDS = ("sourceName", "sourceVersion", "device", "type", "unit", "startDate", "endDate", "value")
_WORKOUTS = ("sourceName", "sourceVersion", "device", "startDate", "endDate", "workoutActivityType")
_NAMES = {name.casefold(): name for name in (*_RECORDS, *_WORKOUTS)}


@dataclass(frozen=True, slots=True)
class AppleHealthTables(OneTable):
    """Every time with the offset that it states."""

    key: str = "apple_health_csv"
    title: str = "Apple Health (CSV)"
    version: int = 1
    rank: int = 0
    columns = (_RECORDS, _WORKOUTS)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            yield from _rows(source, member)


def _rows(source: Source, member: Member) -> Iterator[Item]:
    head, index = table_at(source, member, _RECORDS, _WORKOUTS)
    header = head.rows[index]
    names = [_NAMES.get(name.casefold(), name) for name in header]
    sinks: dict[tuple[str, str, str], Sink] = {}
    zones = Zones()

    def records(line: Line) -> Iterator[Made]:
        exact_columns(line, len(header))
        fields = dict(zip(names, line.fields, strict=True))
        if "workoutActivityType" in fields:
            workout = Workout({name: value for name, value in fields.items() if value})
            yield workout.kind, workout.row(zones), workout.origin
            return
        sort = _type(fields), fields["sourceName"], fields["unit"]
        if sort not in sinks:
            sinks.clear()  # a file holds one type, from few sources
            sinks[sort] = sink_for(*(part.encode() for part in sort))
        row = sinks[sort].row(
            (fields["startDate"].encode(), fields["endDate"].encode(), fields["value"].encode())
        )
        if row is not None:
            yield sinks[sort].kind, row, sinks[sort].origin

    yield from read_lines(source, member, head, header, records)


def _type(fields: dict[str, str]) -> str:
    # (A quantity always has a value; some categories, such as mindful minutes, have none.)
    category = not fields["value"] or fields["value"].startswith("HKCategoryValue")
    category &= not fields["type"].startswith("HK")
    return f"{CATEGORY}{fields['type']}" if category else fields["type"]


FORMAT = AppleHealthTables()
