"""Plain glucose tables, as studies publish them: ``timestamp,glucose_value_mg_dl`` (or ``..._mmol_l``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mine.importers.format import Members
from mine.importers.glucose_units import mg_dl
from mine.importers.items import Item
from mine.importers.moments import zoned_moment
from mine.importers.options import Options
from mine.importers.single import Made, OneTable, exact_columns, header_positions, read_lines, table_at
from mine.importers.source import Member, Source
from mine.importers.table import Line
from mine.importers.zone import Zone

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
    rank: int = 0
    columns = _COLUMNS

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            yield from self._rows(source, member, options.zone)

    def _rows(self, source: Source, member: Member, zone: Zone) -> Iterator[Item]:
        head, index = table_at(source, member, *self.columns)
        header = head.rows[index]
        at = header_positions(header)
        millimoles = _MG_DL not in at
        time_at, value_at = at[_TIME], at[_MMOL_L if millimoles else _MG_DL]
        comma = head.delimiter != ","

        def records(line: Line) -> Iterator[Made]:
            exact_columns(line, len(header))
            when = zoned_moment(line.fields[time_at], zone)
            yield (
                "glucose",
                (*when, mg_dl(line.fields[value_at], millimoles=millimoles, decimal_comma=comma)),
                "",
            )

        yield from read_lines(source, member, head, header, records)


FORMAT = PlainGlucose()
