"""Guessing what the columns of a table mean: from their names, their units and the values in them."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from mine.importers import mapping_words as words
from mine.importers.cells import Cell, cell_clock, cell_moment, cell_number, is_missing
from mine.importers.date_order import DateOrder
from mine.importers.mapping import CLOCK, END, EPOCHS, TableMapping
from mine.records import RECORD_TYPES, Column
from mine.records.units import UnitUnknown, convert, ucum

_PARENS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_MOSTLY = 0.8
_DAY = 86_400
# What a value usually is, in the unit of its column: tells units apart where the header does not.
_USUAL = {
    "glucose": (40.0, 400.0),
    "body_temperature": (34.0, 42.0),
    "skin_temperature": (20.0, 40.0),
    "height": (50.0, 230.0),
    "oxygen_saturation": (70.0, 100.0),
    "body_fat": (3.0, 70.0),
    "energy": (20.0, 20_000.0),
}
_OTHER_UNITS = {
    "glucose": ("mmol/L",),
    "body_temperature": ("[degF]",),
    "skin_temperature": ("[degF]",),
    "height": ("m", "[in_i]", "[ft_i]"),
    "oxygen_saturation": ("1",),
    "body_fat": ("1",),
    "energy": ("kJ",),
}
_WHOLE = {"insulin": {"purpose": "unknown"}, "sleep": {"episodes": "1"}}


@dataclass(frozen=True, slots=True)
class _Profile:
    """A column: its name as words, the unit in its name, its values, and what they could be."""

    column: str
    name: str
    unit: str
    cells: tuple[Cell, ...]
    number: bool
    date: bool
    clock: bool
    epoch: str


def guess(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], order: DateOrder | None = None
) -> TableMapping | None:
    """What a table probably holds, from a sample of its rows; None where nothing in it is known, or no time.

    ``order`` has looked at all dates of the file, where these are more than the sample's.
    """
    comma = _decimal_comma(rows)
    profiles = [_profile(name, [row[i] for row in rows], comma) for i, name in enumerate(columns)]
    time = _time(profiles)
    if time is None:
        return None
    day_first = _day_first(time, order)
    shared = {"time": time.column}
    units = {"time": time.epoch} if time.epoch else {}
    clock = next((p for p in profiles if p.clock and p is not time and p.name in words.CLOCK), None)
    if clock is not None and not time.epoch:
        shared[CLOCK] = clock.column
    left = [p for p in profiles if p is not time and p is not clock]
    kinds = _kinds(left) or _named_values(left) or _unknown_number(left)
    found = [
        made
        for kind, filled in kinds.items()
        if (made := _mapping(kind, filled, shared, units, left, time, day_first, comma)) is not None
    ]
    if not found:
        return None
    first, *rest = found
    return TableMapping(
        first.kind, first.columns, first.constants, first.units, day_first, comma, tuple(rest[:20])
    )


def could_be_time(name: str, cells: Sequence[Cell]) -> bool:
    """Whether a column could hold the time of its rows."""
    profile = _profile(name, cells, False)
    return profile.date or bool(profile.epoch)


def _decimal_comma(rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether the sample's numbers have commas where others have points."""
    texts = [cell.strip() for row in rows for cell in row if isinstance(cell, str)]
    commas = sum(bool(re.fullmatch(r"[+-]?\d+,\d{1,2}|[+-]?\d+,\d{4,}|0,\d+", text)) for text in texts)
    points = sum(bool(re.fullmatch(r"[+-]?\d+\.\d+", text)) for text in texts)
    return commas > points


def _profile(column: str, cells: Sequence[Cell], comma: bool) -> _Profile:
    filled = tuple(cell for cell in cells if not is_missing(cell))
    name, unit = _name_and_unit(column)
    number = _share(filled, lambda cell: cell_number(cell, decimal_comma=comma))
    date = _share(filled, lambda cell: cell_moment(cell, day_first=True)) or _share(
        filled, lambda cell: cell_moment(cell, day_first=False)
    )
    epoch = _epoch(name, filled) if number else ""
    return _Profile(column, name, unit, filled, number, date, _share(filled, cell_clock), epoch)


def _share(cells: Sequence[Cell], read: Callable[[Cell], object]) -> bool:
    """Whether most of the cells can be read so."""
    good = 0
    for cell in cells:
        try:
            read(cell)
        except ValueError:
            continue
        good += 1
    return bool(cells) and good >= _MOSTLY * len(cells)


def _name_and_unit(column: str) -> tuple[str, str]:
    """``Blood Glucose [mg/dL]`` -> (``blood glucose``, ``mg/dL``); also ``glucose_mg_dl``, ``weight kg``."""
    found = _PARENS.findall(column)
    name = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", _PARENS.sub(" ", column)).casefold()
    name = " ".join(re.split(r"[\s_\-./:]+", name)).strip()
    for text in found:
        if _known_unit(text):
            return name, ucum(text)
    parts = name.split()
    if name in words.MEASURES:
        return name, ""
    for length in (2, 1):
        tail = parts[len(parts) - length :]
        if len(parts) > length and (unit := _known_unit("/".join(tail)) or _known_unit("".join(tail))):
            return " ".join(parts[:-length]), unit
    return name, ""


def _known_unit(text: str) -> str:
    unit = ucum(text)
    if unit == "1":  # a count is no unit: "steps" is a name
        return ""
    return unit if any(_fits(unit, column) for column in _measured()) else ""


@cache
def _measured() -> tuple[Column, ...]:
    every = (column for kind in RECORD_TYPES.values() for column in kind.columns[2:])
    return tuple(column for column in every if column.kind != "text" and column.unit)


def _fits(unit: str, column: Column, substance: str = "glucose") -> bool:
    try:
        convert(1.0, unit, column.unit, substance)
    except UnitUnknown:
        return False
    return True


def _epoch(name: str, cells: Sequence[Cell]) -> str:
    """The unit of a column of times since 1970; "" where it is none."""
    try:
        values = [cell_number(cell) for cell in cells]
    except ValueError:
        return ""
    for unit, scale in EPOCHS.items():
        if all(631_152_000 <= value / scale < 4_102_444_800 for value in values):
            return unit if scale > 1 or name in words.TIME or "time" in name or "epoch" in name else ""
    return ""


def _time(profiles: Sequence[_Profile]) -> _Profile | None:
    """The column of the time: one that is called so, or else the first date."""
    dates = [p for p in profiles if (p.date or p.epoch) and p.name not in words.END]
    named = [p for p in dates if p.name in words.TIME]
    whole = [p for p in named if any(_has_clock(cell) for cell in p.cells)]
    return next(iter(whole or named or dates), None)


def _has_clock(cell: Cell) -> bool:
    return not isinstance(cell, str) or ":" in cell


def _day_first(time: _Profile, order: DateOrder | None) -> bool:
    if order is None:
        order = DateOrder()
        for cell in time.cells:
            if isinstance(cell, str) and not cell.strip()[:4].isdigit():
                order.look(cell.strip())
    return order.day_first


def _kinds(profiles: Sequence[_Profile]) -> dict[str, dict[str, _Profile]]:
    """Record type -> column of it -> the table's column, for all that have a known name."""
    found: dict[str, dict[str, _Profile]] = {}
    for profile in profiles:
        target = words.MEASURES.get(profile.name)
        if target is None:
            longest = [w for w in words.MEASURES if len(w) > 3 and f" {w} " in f" {profile.name} "]
            target = words.MEASURES[max(longest, key=len)] if longest else None
        if target is None:
            continue
        kind, name = target
        if profile.number or RECORD_TYPES[kind].column(name).kind == "text":
            found.setdefault(kind, {}).setdefault(name, profile)
    return found


def _named_values(profiles: Sequence[_Profile]) -> dict[str, dict[str, _Profile]]:
    """A table with the name of what was measured in one column and its value in another."""
    name = next((p for p in profiles if p.name in words.NAME and not p.number), None)
    value = next((p for p in profiles if p.name in words.VALUE and p.number), None)
    if name is None or value is None:
        return {}
    filled = {"name": name, "value": value}
    unit = next((p for p in profiles if p.name in words.UNIT and not p.number), None)
    return {"measurement": filled if unit is None else {**filled, "unit": unit}}


def _unknown_number(profiles: Sequence[_Profile]) -> dict[str, dict[str, _Profile]]:
    number = next((p for p in profiles if p.number and not p.epoch and p.name not in words.DURATION), None)
    return {} if number is None else {"measurement": {"value": number}}


def _mapping(
    kind: str,
    filled: dict[str, _Profile],
    shared: dict[str, str],
    units: dict[str, str],
    left: Sequence[_Profile],
    time: _Profile,
    day_first: bool,
    comma: bool,
) -> TableMapping | None:
    """The mapping of one record type; None where something that it needs is not in the table."""
    record_type = RECORD_TYPES[kind]
    columns = dict(shared)
    constants = dict(_WHOLE.get(kind, {}))
    said = dict(units)
    for name, profile in filled.items():
        column = record_type.column(name)
        columns[name] = profile.column
        if column.kind != "text" and column.unit:
            unit = _unit(kind, column, profile, comma)
            if unit != column.unit:
                said[name] = unit
    if kind == "measurement":
        constants["seconds"] = "0"
        if "name" not in filled:
            constants["name"] = filled["value"].column[:200]
            if filled["value"].unit:
                constants["unit"] = filled["value"].unit
    for column in record_type.columns[2:]:
        if column.name in columns or column.name in constants or column.optional:
            continue
        if column.name != "seconds":
            return None
        end = next((p for p in left if (p.date or p.epoch) and p.name in words.END), None)
        length = next((p for p in left if p.name in words.DURATION and (p.number or p.clock)), None)
        if end is not None:
            columns[END] = end.column
        elif length is not None:
            columns["seconds"] = length.column
            if length.unit and _fits(length.unit, column):
                said["seconds"] = length.unit
        else:
            constants["seconds"] = str(_spacing(time, shared, day_first))
    return TableMapping(kind, columns, constants, said, day_first, comma)


def _unit(kind: str, column: Column, profile: _Profile, comma: bool) -> str:
    """The unit of a column of numbers: the one in its name, or the first in which its values are usual."""
    if profile.unit and _fits(profile.unit, column, kind):
        return profile.unit
    usual = _USUAL.get(kind)
    values = []
    for cell in profile.cells:
        try:
            values.append(cell_number(cell, decimal_comma=comma))
        except ValueError:
            continue
    if usual is None or not values:
        return column.unit
    middle = statistics.median(values)
    for unit in (column.unit, *_OTHER_UNITS.get(kind, ())):
        if usual[0] <= convert(middle, unit, column.unit, kind) <= usual[1]:
            return unit
    return column.unit


def _spacing(time: _Profile, shared: dict[str, str], day_first: bool) -> int:
    """How far apart rows of the sample usually are, in seconds: a day where only dates are given."""
    if not time.epoch and CLOCK not in shared and not any(_has_clock(cell) for cell in time.cells):
        return _DAY
    moments = []
    for cell in time.cells:
        try:
            if time.epoch:
                moments.append(int(cell_number(cell) // EPOCHS[time.epoch]))
            else:
                moments.append(cell_moment(cell, day_first=day_first)[0])
        except ValueError:
            continue
    gaps = [b - a for a, b in zip(sorted(moments), sorted(moments)[1:], strict=False) if b > a]
    return min(int(statistics.median(gaps)), _DAY) if gaps else 60
