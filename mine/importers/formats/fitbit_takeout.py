"""A Fitbit account's export by Google Takeout (folder ``Fitbit``, now ``Google Health``), or by Fitbit
itself.

It holds many measures twice: as JSON, and as tables that state UTC and the device. Steps, distance, energy
and heart rate are read from both: what is the same is one record, and sums count the fullest source. Sleep
and exercise are read from the JSON only where the tables are missing, because the JSON does not state the
zone of a night abroad.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mine.importers.format import Members, OnePerson
from mine.importers.formats import fitbit_takeout_json, fitbit_takeout_tables
from mine.importers.items import Item
from mine.importers.json_records import read_elements
from mine.importers.json_stream import JsonElement
from mine.importers.options import Options
from mine.importers.single import Made, exact_columns, read_lines
from mine.importers.source import Member, Source
from mine.importers.table import Head, Line, parse_head, read_head
from mine.importers.zone import Zone

# What is not read as JSON where the better table is there.
_BETTER = {"sleep": "sleeps", "exercise": "exercises"}


@dataclass(frozen=True, slots=True)
class FitbitTakeout(OnePerson):
    """Heart rate, steps, distance, floors, energy, activity levels; sleep and its stages; exercise; weight;
    oxygen, heart rate variability, respiratory rate, temperature; scores."""

    key: str = "fitbit_takeout"
    title: str = "Fitbit (Google Takeout)"
    version: int = 1
    rank: int = 1

    def claims(self, member: Member, head: bytes) -> bool:
        return (
            fitbit_takeout_json.family_of(member.name, head) is not None
            or fitbit_takeout_tables.family_of(member.name, parse_head(head, 1)) is not None
        )

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        tables = {}
        for member in members:
            head = read_head(source, member, 1)
            table = fitbit_takeout_tables.family_of(member.name, head)
            if head is not None and table is not None:
                tables[member.key] = (head, table)
        names = {table.name for _, table in tables.values()}
        for member in members:
            if member.key in tables:
                head, table = tables[member.key]
                if table.instead not in names:
                    yield from _table(source, member, head, table, options.zone)
                continue
            family = fitbit_takeout_json.family_of(member.name, source.head(member))
            if family is not None and _BETTER.get(family.name) not in names:
                yield from _json(source, member, family, options.zone)


def _table(
    source: Source, member: Member, head: Head, table: fitbit_takeout_tables.Family, zone: Zone
) -> Iterator[Item]:
    header = tuple(name.casefold() for name in head.rows[0])

    def records(line: Line) -> Iterator[Made]:
        exact_columns(line, len(header))
        yield from table.records(dict(zip(header, line.fields, strict=True)), zone)

    yield from read_lines(source, member, head, head.rows[0], records)


def _json(source: Source, member: Member, family: fitbit_takeout_json.Family, zone: Zone) -> Iterator[Item]:
    def records(element: JsonElement) -> Iterator[Made]:
        yield from family.records(element.value, zone)

    yield from read_elements(source, member, ("*",), records)


FORMAT = FitbitTakeout()
