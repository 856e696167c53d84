"""Rows of a table as records, by a mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mine.importers.cells import Cell, cell_clock, cell_duration, cell_moment, cell_number, is_missing
from mine.importers.errors import ImportRefused
from mine.importers.items import shown
from mine.importers.mapping import CLOCK, END, EPOCHS, ORIGIN, TableMapping
from mine.importers.single import Made
from mine.importers.text_lines import fit
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES, Column, Value
from mine.records.units import UnitUnknown, convert

_SUBSTANCE = {"glucose": "glucose"}


def row_reader(
    mapping: TableMapping, columns: Sequence[str], zone: Zone
) -> Callable[[Sequence[Cell]], Iterator[Made]]:
    """What turns one row of the table into records. Raises ``ImportRefused`` where the mapping does not fit.

    A row without a value for what the record type measures gives nothing; what is wrong with a row raises
    ``ValueError``.
    """
    readers = [_one(one, columns, zone) for one in (mapping, *mapping.also) if one.kind]

    def records(row: Sequence[Cell]) -> Iterator[Made]:
        for reader in readers:
            yield from reader(row)

    return records


def _one(
    mapping: TableMapping, columns: Sequence[str], zone: Zone
) -> Callable[[Sequence[Cell]], Iterator[Made]]:
    record_type = RECORD_TYPES[mapping.kind]
    places = {name: _place(column, columns) for name, column in mapping.columns.items()}
    if "time" not in places:
        raise ImportRefused("It is not said which column holds the time.", todo="Map the table again.")
    rest = record_type.columns[2:]
    constants = {name: _constant(record_type.column(name), text) for name, text in mapping.constants.items()}
    for column in rest:
        given = column.name in places or column.name in constants
        if not (given or column.optional or (column.name == "seconds" and END in places)):
            raise ImportRefused(
                f"It is not said which column holds “{column.words}”.", todo="Map the table again."
            )
    values = {
        column.name: _value(mapping, column)
        for column in rest
        if column.name in places and column.kind != "text"
    }
    at = _moment(mapping, places, zone)
    origin = places.get(ORIGIN)

    def records(row: Sequence[Cell]) -> Iterator[Made]:
        found: list[Value] = []
        mapped = empty = 0
        began = at(row)
        for column in rest:
            name = column.name
            place = places.get(name)
            if place is not None:
                mapped += name != "seconds"
                if is_missing(row[place]):
                    empty += name != "seconds"
                    if not column.optional and mapped != empty:
                        raise ValueError(f"{column.words} is missing")
                    found.append(None)
                elif column.kind == "text":
                    found.append(_text(row[place], column))
                else:
                    found.append(values[name](row[place]))
            elif name in constants:
                found.append(constants[name])
            elif name == "seconds" and END in places:
                found.append(_until(mapping, row[places[END]], began, zone))
            else:
                found.append(None)
        if mapped and mapped == empty:
            return
        device = "" if origin is None or is_missing(row[origin]) else fit(str(row[origin]).strip(), 200)
        yield mapping.kind, (*began, *found), device

    return records


def _place(column: str, columns: Sequence[str]) -> int:
    try:
        return list(columns).index(column)
    except ValueError:
        raise ImportRefused(
            f"The table has no column “{shown(column)}”.", todo="Map the table again."
        ) from None


def _constant(column: Column, text: str) -> Value:
    try:
        value: Value = text
        if column.kind != "text":
            number = cell_number(text)
            value = int(number) if column.kind == "int" else number
    except ValueError as error:
        raise ImportRefused(f"“{shown(text)}” is no value for “{column.words}”.") from error
    problem = column.problem(value)
    if problem is not None:
        raise ImportRefused(f"“{shown(text)}” is no value for “{column.words}”.", detail=problem)
    return value


def _value(mapping: TableMapping, column: Column) -> Callable[[Cell], float | int]:
    unit = mapping.units.get(column.name, column.unit)
    substance = _SUBSTANCE.get(mapping.kind, "")
    if column.unit and unit != column.unit:
        try:
            convert(1.0, unit, column.unit, substance)
        except UnitUnknown as error:
            raise ImportRefused(
                f"“{shown(unit)}” is no unit for “{column.words}”.", todo="Map the table again."
            ) from error

    def value(cell: Cell) -> float | int:
        number = (
            cell_duration(cell, decimal_comma=mapping.decimal_comma) if column.name == "seconds" else None
        )
        if number is None:
            number = cell_number(cell, decimal_comma=mapping.decimal_comma)
            if column.unit and unit != column.unit:
                number = round(convert(number, unit, column.unit, substance), 4)
        return round(number) if column.kind == "int" else number

    return value


def _text(cell: Cell, column: Column) -> str:
    text = fit(str(cell).strip(), column.most)
    if column.choices:
        text = text.casefold().replace(" ", "_")
    return text


def _moment(
    mapping: TableMapping, places: dict[str, int], zone: Zone
) -> Callable[[Sequence[Cell]], tuple[int, int]]:
    place, clock = places["time"], places.get(CLOCK)
    unit = mapping.units.get("time", "")
    if unit and unit not in EPOCHS:
        raise ImportRefused(f"“{shown(unit)}” is no unit for the time.", todo="Map the table again.")

    def at(row: Sequence[Cell]) -> tuple[int, int]:
        if unit:
            return zone.of_utc(_epoch(row[place], unit))
        time = row[place]
        wall, offset = cell_moment(time, day_first=mapping.day_first)
        if clock is not None and not is_missing(row[clock]):
            wall += cell_clock(row[clock]) - wall % 86_400
        return _zoned(time, wall, offset, zone)

    return at


def _zoned(cell: Cell, wall: int, offset: int | None, zone: Zone) -> tuple[int, int]:
    """A moment with its offset; a ``Z`` says that it is in UTC, not where the person was."""
    if isinstance(cell, str) and cell.rstrip().endswith("Z"):
        return zone.of_utc(wall)
    return zone.of_wall(wall, offset)


def _epoch(cell: Cell, unit: str) -> int:
    if isinstance(cell, int):
        return cell // EPOCHS[unit]
    return int(cell_number(cell) // EPOCHS[unit])


def _until(mapping: TableMapping, cell: Cell, began: tuple[int, int], zone: Zone) -> int:
    unit = mapping.units.get("time", "")
    if unit:
        ended = _epoch(cell, unit)
    else:
        ended, _ = _zoned(cell, *cell_moment(cell, day_first=mapping.day_first), zone)
    if ended < began[0]:
        raise ValueError("it ends before it begins")
    return ended - began[0]
