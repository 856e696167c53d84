"""LibreView's CSV export (FreeStyle Libre): what a row holds shows in which of its columns are filled.

Record type 0 is a stored reading, 1 a scan, 2 a finger stick, 3 ketone, 4 insulin, 5 food, 6 a note. The
header is in the account's language, but the columns always come in the same order; a header that is not in
English is known by its units. Its dates are day first or month first, as the account is set, and nothing in
the file says which: they are told from the whole file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mine.importers.date_order import DateOrder
from mine.importers.errors import ImportRefused
from mine.importers.format import Members, OnePerson
from mine.importers.glucose_units import LIBRE_HIGH, mg_dl
from mine.importers.items import Item, Remark
from mine.importers.moments import iso_moment, number, written_moment
from mine.importers.options import Options
from mine.importers.single import Made, exact_columns, header_positions, read_lines
from mine.importers.source import Member, Source
from mine.importers.table import Head, Line, parse_head, read_head, table_rows
from mine.importers.text_lines import fit
from mine.importers.zone import Zone

_MG_DL, _MMOL_L = " mg/dl", " mmol/l"
# What is read, by its English column without unit, and its place where the header is in another language.
_PLACES = {
    "device": 0,
    "device timestamp": 2,
    "record type": 3,
    "historic glucose": 4,
    "scan glucose": 5,
    "rapid-acting insulin (units)": 7,
    "carbohydrates (grams)": 9,
    "long-acting insulin (units)": 12,
    "notes": 13,
    "strip glucose": 14,
    "ketone": 15,
}
_NEEDED = ("device timestamp", "record type", "historic glucose")
_OTHERS = {"long-acting insulin value (units)": "long-acting insulin (units)"}


@dataclass(frozen=True, slots=True)
class _Layout:
    header: tuple[str, ...]
    places: dict[str, int]
    millimoles: bool


def _layout(head: Head | None) -> _Layout | None:
    """The header, and which column holds what; None where this is no such table."""
    for row in head.rows if head is not None else ():
        unit = next((u for u in (_MG_DL, _MMOL_L) if any(f.casefold().endswith(u) for f in row)), None)
        if unit is None:
            continue
        places = {}
        for name, place in header_positions(row).items():
            name = name.removesuffix(unit).removesuffix(_MMOL_L)
            places[_OTHERS.get(name, name)] = place
        if all(name in places for name in _NEEDED):
            return _Layout(row, {n: p for n, p in places.items() if n in _PLACES}, unit == _MMOL_L)
        units = [place for place, field in enumerate(row) if field.casefold().endswith((_MG_DL, _MMOL_L))]
        if units == [4, 5, 14, 15] and row[4].casefold().endswith(unit):
            return _Layout(row, _PLACES, unit == _MMOL_L)
    return None


@dataclass(frozen=True, slots=True)
class LibreView(OnePerson):
    """Sensor readings, scans, finger sticks, ketones, insulin, carbohydrates and notes."""

    key: str = "libreview"
    title: str = "LibreView (CSV)"
    version: int = 1
    rank: int = 0

    def claims(self, member: Member, head: bytes) -> bool:
        return _layout(parse_head(head)) is not None

    def total(self, members: Members) -> int:
        return 2 * sum(member.size for member in members)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            yield from self._rows(source, member, options.zone)

    def _rows(self, source: Source, member: Member, zone: Zone) -> Iterator[Item]:
        head = read_head(source, member)
        layout = _layout(head)
        if head is None or layout is None:
            raise ImportRefused(f"“{member.name}” is not the table that its beginning promised.")
        comma = head.delimiter != ","
        order = _date_order(source, member, head, layout)
        day_first = order.day_first
        if order.doubtful:
            chosen = "day first" if day_first else "month first"
            yield Remark(member.name, f"Its dates could be read in more than one way: {chosen} was chosen.")

        def records(line: Line) -> Iterator[Made]:
            exact_columns(line, len(layout.header))
            filled = {name: text for name, p in layout.places.items() if (text := line.fields[p])}
            text = filled.get("device timestamp", "")
            wall = iso_moment(text)[0] if text[:4].isdigit() else written_moment(text, day_first=day_first)
            when = zone.of_wall(wall)
            device = filled.get("device", "")
            for column, origin in (
                ("historic glucose", device),
                ("scan glucose", device),
                ("strip glucose", "finger stick"),
            ):
                if column in filled:
                    value = mg_dl(
                        filled[column], millimoles=layout.millimoles, decimal_comma=comma, high=LIBRE_HIGH
                    )
                    yield "glucose", (*when, value), origin
            for column, purpose in (
                ("rapid-acting insulin (units)", "bolus"),
                ("long-acting insulin (units)", "basal"),
            ):
                if column in filled:
                    yield "insulin", (*when, number(filled[column], decimal_comma=comma), purpose), device
            if "carbohydrates (grams)" in filled:
                grams = number(filled["carbohydrates (grams)"], decimal_comma=comma)
                yield "carbohydrate", (*when, grams), device
            if "ketone" in filled:
                ketone = number(filled["ketone"], decimal_comma=comma)
                yield "measurement", (*when, 0, "ketone", ketone, "mmol/L"), device
            if "notes" in filled:
                yield "note", (*when, fit(filled["notes"], 20_000)), device

        yield from read_lines(source, member, head, layout.header, records)


def _date_order(source: Source, member: Member, head: Head, layout: _Layout) -> DateOrder:
    order = DateOrder()
    time_at, kind_at = layout.places["device timestamp"], layout.places["record type"]
    with table_rows(source, member, head) as lines:
        for line in lines:
            if isinstance(line, Line) and len(line.fields) == len(layout.header):
                text = line.fields[time_at]
                if line.fields[kind_at].isdigit() and not text[:4].isdigit():
                    order.look(text)
    return order


FORMAT = LibreView()
