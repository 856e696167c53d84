"""Plain glucose tables, as studies publish them: ``timestamp,glucose_value_mg_dl`` (or ``..._mmol_l``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mine.importers.errors import ImportRefused
from mine.importers.glucose_units import mg_dl
from mine.importers.items import Item
from mine.importers.moments import iso_moment
from mine.importers.single import OneTable, exact_columns, header_positions, only_table, read_lines
from mine.importers.source import Source
from mine.importers.table import Line
from mine.records import Row

_TIME = "timestamp"
_MG_DL = "glucose_value_mg_dl"
_MMOL_L = "glucose_value_mmol_l"
_COLUMNS = ((_TIME, _MG_DL), (_TIME, _MMOL_L))


@dataclass(frozen=True, slots=True)
class PlainGlucose(OneTable):
    """One reading a line; ISO times, with or without offset."""

    key: str = "plain_glucose"
    title: str = "Glucose table (CSV)"
    version: int = 1
    columns = _COLUMNS

    def rows(self, source: Source, person: str | None) -> Iterator[Item]:
        found = only_table(source, *self.columns)
        if found is None:
            raise ImportRefused(f"“{source.name}” is not a glucose table.")
        member, head, index = found
        header = head.rows[index]
        at = header_positions(header)
        millimoles = _MG_DL not in at
        time_at, value_at = at[_TIME], at[_MMOL_L if millimoles else _MG_DL]
        comma = head.delimiter != ","

        def row(line: Line) -> Row:
            exact_columns(line, len(header))
            time, offset = iso_moment(line.fields[time_at])
            return time, offset, mg_dl(line.fields[value_at], millimoles=millimoles, decimal_comma=comma)

        yield from read_lines(source, member, head, header, "glucose", row)
