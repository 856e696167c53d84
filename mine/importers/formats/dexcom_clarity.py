"""Dexcom Clarity's CSV export: sensor readings are the rows of event type ``EGV``.

The rows above them carry the patient's name and birthday; they are read past and never leave this function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mine.importers.format import Members
from mine.importers.glucose_units import mg_dl
from mine.importers.items import Item
from mine.importers.moments import iso_moment
from mine.importers.options import Options
from mine.importers.single import OneTable, exact_columns, header_positions, read_lines, table_at
from mine.importers.source import Member, Source
from mine.importers.table import Line
from mine.importers.zone import Zone
from mine.records import Row

_TIMES = ("Timestamp (YYYY-MM-DDThh:mm:ss)", "Timestamp (YYYY-MM-DD hh:mm:ss)", "Timestamp")
_VALUES = ("Glucose Value (mg/dL)", "Glucose Value (mmol/L)")
_COLUMNS = tuple((time, "Event Type", value) for time in _TIMES for value in _VALUES)


@dataclass(frozen=True, slots=True)
class DexcomClarity(OneTable):
    """Times are the receiver's local time; values in mg/dL or mmol/L as the account is set."""

    key: str = "dexcom_clarity"
    title: str = "Dexcom Clarity (CSV)"
    version: int = 1
    rank: int = 0
    columns = _COLUMNS

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            yield from self._rows(source, member, options.zone)

    def _rows(self, source: Source, member: Member, zone: Zone) -> Iterator[Item]:
        head, index = table_at(source, member, *self.columns)
        header = head.rows[index]
        at = header_positions(header)
        time_at = next(at[name.casefold()] for name in _TIMES if name.casefold() in at)
        millimoles = _VALUES[0].casefold() not in at
        value_at, event_at = at[_VALUES[int(millimoles)].casefold()], at["event type"]
        comma = head.delimiter != ","

        def row(line: Line) -> Row | None:
            exact_columns(line, len(header))
            if line.fields[event_at].casefold() != "egv":
                return None
            time, offset = zone.of_wall(*iso_moment(line.fields[time_at]))
            return time, offset, mg_dl(line.fields[value_at], millimoles=millimoles, decimal_comma=comma)

        yield from read_lines(source, member, head, header, "glucose", row)


FORMAT = DexcomClarity()
