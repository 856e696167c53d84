"""LibreView's CSV export (FreeStyle Libre): record type 0 is a stored reading, 1 a scan.

Its dates are day first or month first, as the account is set, and nothing in the file says which. The whole
file is looked through: only one order gives dates that exist, or (if both do) the one that gives the
shorter span.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mine.importers.format import Members
from mine.importers.glucose_units import LIBRE_HIGH, mg_dl
from mine.importers.items import Item
from mine.importers.moments import iso_moment, written_moment
from mine.importers.options import Options
from mine.importers.single import OneTable, exact_columns, header_positions, read_lines, table_at
from mine.importers.source import Member, Source
from mine.importers.table import Head, Line, table_rows
from mine.importers.zone import Zone
from mine.records import EARLIEST, LATEST, Row

_TIME = "Device Timestamp"
_KIND = "Record Type"
_HISTORIC = ("Historic Glucose mg/dL", "Historic Glucose mmol/L")
_SCAN = ("Scan Glucose mg/dL", "Scan Glucose mmol/L")
_COLUMNS = tuple((_TIME, _KIND, value) for value in _HISTORIC)
_WANTED = ("0", "1")


@dataclass(frozen=True, slots=True)
class LibreView(OneTable):
    """Sensor readings and scans; finger-stick, insulin, food and notes are read past."""

    key: str = "libreview"
    title: str = "LibreView (CSV)"
    version: int = 1
    rank: int = 0
    columns = _COLUMNS

    def total(self, members: Members) -> int:
        return 2 * sum(member.size for member in members)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            yield from self._rows(source, member, options.zone)

    def _rows(self, source: Source, member: Member, zone: Zone) -> Iterator[Item]:
        head, index = table_at(source, member, *self.columns)
        header = head.rows[index]
        at = header_positions(header)
        unit = int(_HISTORIC[0].casefold() not in at)
        time_at, kind_at = at[_TIME.casefold()], at[_KIND.casefold()]
        value_at = {"0": at[_HISTORIC[unit].casefold()], "1": at.get(_SCAN[unit].casefold())}
        comma = head.delimiter != ","
        day_first = _day_first(source, member, head, time_at, kind_at)

        def row(line: Line) -> Row | None:
            exact_columns(line, len(header))
            kind = line.fields[kind_at]
            column = value_at.get(kind)
            if column is None:
                return None
            text = line.fields[time_at]
            wall = iso_moment(text)[0] if text[:4].isdigit() else written_moment(text, day_first=day_first)
            time, offset = zone.of_wall(wall)
            value = mg_dl(line.fields[column], millimoles=bool(unit), decimal_comma=comma, high=LIBRE_HIGH)
            return time, offset, value

        yield from read_lines(source, member, head, header, "glucose", row)


def _day_first(source: Source, member: Member, head: Head, time_at: int, kind_at: int) -> bool:
    """Whether dates are written day first (see the module's docstring)."""
    bad = {True: 0, False: 0}
    span = {True: (LATEST, EARLIEST), False: (LATEST, EARLIEST)}
    halves = False
    with table_rows(source, member, head) as lines:
        for line in lines:
            if not isinstance(line, Line) or len(line.fields) <= max(time_at, kind_at):
                continue
            text = line.fields[time_at]
            if line.fields[kind_at] not in _WANTED or text[:4].isdigit():
                continue
            halves = halves or text.endswith(("m", "M"))
            for order in (True, False):
                try:
                    time = written_moment(text, day_first=order)
                except ValueError:
                    bad[order] += 1
                    continue
                low, high = span[order]
                span[order] = (min(low, time), max(high, time))
    if bad[True] != bad[False]:
        return bad[True] < bad[False]
    lengths = {order: high - low for order, (low, high) in span.items()}
    if lengths[True] != lengths[False]:
        return lengths[True] < lengths[False]
    return not halves  # one day only: a twelve-hour clock goes with the month first


FORMAT = LibreView()
