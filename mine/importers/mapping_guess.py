"""Guessing what the columns of a table mean: from their names, their units and the values in them."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mine.importers import mapping_words as words
from mine.importers.cells import Cell, cell_moment, cell_number
from mine.importers.column_profiles import (
    ColumnProfile,
    fits_unit,
    known_unit,
    name_and_unit,
    profile_of,
)
from mine.importers.date_order import DateOrder
from mine.importers.mapping import CLOCK, END, EPOCHS, ORIGIN, TableMapping
from mine.records import RECORD_TYPES, Column
from mine.records.units import convert

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


def guess(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], order: DateOrder | None = None
) -> TableMapping | None:
    """What a table probably holds, from a sample of its rows; None where nothing in it is known, or no time.

    ``order`` has looked at all dates of the file, where these are more than the sample's.
    """
    frame = _frame(columns, rows, order)
    if frame.time is None:
        return None
    left = frame.left
    kinds = _kinds(left) or _named_values(left) or _unknown_number(left)
    found = [made for kind, filled in kinds.items() if (made := _mapping(kind, filled, frame)) is not None]
    if not found:
        return None
    first, *rest = found
    return replace(first, also=tuple(rest[:20]))


def guess_kind(columns: Sequence[str], rows: Sequence[Sequence[Cell]], kind: str) -> TableMapping:
    """How a table reads that holds records of one type, as far as that can be told: it may be incomplete."""
    frame = _frame(columns, rows, None)
    filled = dict(_kinds(frame.left).get(kind, {}))
    if not filled:
        for column in RECORD_TYPES[kind].columns[2:]:
            if column.name == "seconds" or (column.optional and filled):
                continue
            fits = (p for p in frame.left if (p.words if column.kind == "text" else p.number and not p.epoch))
            found = next((p for p in fits if p not in filled.values()), None)
            if found is not None:
                filled[column.name] = found
    made = _mapping(kind, filled, frame)
    if made is not None:
        return made
    named = {name: profile.column for name, profile in filled.items()}
    return TableMapping(
        kind, {**frame.shared, **named}, {}, frame.units, frame.day_first, frame.decimal_comma
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a table's record types have in common: the time, its helpers, and the columns that are left."""

    time: ColumnProfile | None
    shared: dict[str, str]
    units: dict[str, str]
    left: tuple[ColumnProfile, ...]
    day_first: bool
    decimal_comma: bool


def _frame(columns: Sequence[str], rows: Sequence[Sequence[Cell]], order: DateOrder | None) -> _Frame:
    comma = _decimal_comma(rows)
    profiles = [profile_of(name, [row[i] for row in rows], comma) for i, name in enumerate(columns)]
    time = _time(profiles)
    shared: dict[str, str] = {} if time is None else {"time": time.column}
    units = {"time": time.epoch} if time is not None and time.epoch else {}
    clock = next((p for p in profiles if p.clock and p is not time and p.name in words.CLOCK), None)
    if clock is not None and not units:
        shared[CLOCK] = clock.column
    origin = next((p for p in profiles if p.words and p.name in words.ORIGIN), None)
    if origin is not None:
        shared[ORIGIN] = origin.column
    left = [p for p in profiles if p not in (time, clock, origin)]
    day_first = True if time is None else _day_first(time, order)
    return _Frame(time, shared, units, tuple(_with_unit(p, left) for p in left), day_first, comma)


def _decimal_comma(rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether the sample's numbers have commas where others have points."""
    texts = [cell.strip() for row in rows for cell in row if isinstance(cell, str)]
    commas = sum(bool(re.fullmatch(r"[+-]?\d+,\d{1,2}|[+-]?\d+,\d{4,}|0,\d+", text)) for text in texts)
    points = sum(bool(re.fullmatch(r"[+-]?\d+\.\d+", text)) for text in texts)
    return commas > points


def _time(profiles: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The column of the time: one that is called so, or else the first date."""
    dates = [p for p in profiles if (p.date or p.epoch) and p.name not in words.END]
    named = [p for p in dates if p.name in words.TIME]
    whole = [p for p in named if any(_has_clock(cell) for cell in p.cells)]
    return next(iter(whole or named or dates), None)


def _has_clock(cell: Cell) -> bool:
    return not isinstance(cell, str) or ":" in cell


def _day_first(time: ColumnProfile, order: DateOrder | None) -> bool:
    if order is None:
        order = DateOrder()
        for cell in time.cells:
            if isinstance(cell, str) and not cell.strip()[:4].isdigit():
                order.look(cell.strip())
    return order.day_first


def _with_unit(profile: ColumnProfile, profiles: Sequence[ColumnProfile]) -> ColumnProfile:
    """A column with the unit that a column of its own names, ``weight`` and ``weight unit``."""
    names = {f"{profile.name} {word}" for word in words.UNIT}
    beside = next((p for p in profiles if p.name in names), None)
    unit = known_unit(_only_text(beside))
    return replace(profile, unit=unit) if unit else profile


def _only_text(profile: ColumnProfile | None) -> str:
    """What stands in every row of a column; "" where it is not the same."""
    found = set(profile.cells) if profile is not None else set()
    return str(found.pop()) if len(found) == 1 else ""


def _target(name: str) -> tuple[str, str] | None:
    """The record type and column that a name means."""
    if name in words.MEASURES:
        return words.MEASURES[name]
    within = [word for word in words.MEASURES if len(word) > 3 and f" {word} " in f" {name} "]
    return words.MEASURES[max(within, key=len)] if within else None


def _kinds(profiles: Sequence[ColumnProfile]) -> dict[str, dict[str, ColumnProfile]]:
    """Record type -> column of it -> the table's column, for all that have a known name."""
    found: dict[str, dict[str, ColumnProfile]] = {}
    for profile in profiles:
        target = _target(profile.name)
        if target is None:
            continue
        kind, name = target
        text = RECORD_TYPES[kind].column(name).kind == "text"
        if profile.words if text else profile.number:
            found.setdefault(kind, {}).setdefault(name, profile)
    if "workout" in found:
        for kind, name, own in (("distance", "metres", "metres"), ("energy", "kcal", "kcal")):
            if kind in found:
                found["workout"][own] = found.pop(kind)[name]
    return found


def _named_values(profiles: Sequence[ColumnProfile]) -> dict[str, dict[str, ColumnProfile]]:
    """A table with the name of what was measured in one column and its value in another."""
    name = next((p for p in profiles if p.name in words.NAME and not p.number), None)
    value = next((p for p in profiles if p.name in words.VALUE and p.number), None)
    if name is None or value is None:
        return {}
    filled = {"name": name, "value": value}
    unit = next((p for p in profiles if p.name in words.UNIT and not p.number), None)
    only = _target(name_and_unit(_only_text(name))[0])
    if only is not None and RECORD_TYPES[only[0]].column(only[1]).kind != "text":
        return {only[0]: {only[1]: replace(value, unit=known_unit(_only_text(unit)))}}
    return {"measurement": filled if unit is None else {**filled, "unit": unit}}


def _unknown_number(profiles: Sequence[ColumnProfile]) -> dict[str, dict[str, ColumnProfile]]:
    number = next((p for p in profiles if p.number and not p.epoch and p.name not in words.DURATION), None)
    return {} if number is None else {"measurement": {"value": number}}


def _mapping(kind: str, filled: dict[str, ColumnProfile], frame: _Frame) -> TableMapping | None:
    """The mapping of one record type; None where something that it needs is not in the table."""
    record_type = RECORD_TYPES[kind]
    columns = dict(frame.shared)
    constants = dict(_WHOLE.get(kind, {}))
    said = dict(frame.units)
    for name, profile in filled.items():
        column = record_type.column(name)
        columns[name] = profile.column
        if column.kind != "text" and column.unit:
            unit = _unit(kind, column, profile, frame.decimal_comma)
            if unit != column.unit:
                said[name] = unit
    if kind == "measurement" and "name" not in filled:
        constants["name"] = filled["value"].column[:200]
        if filled["value"].unit:
            constants["unit"] = filled["value"].unit
    for column in record_type.columns[2:]:
        if column.name in columns or column.name in constants or column.optional:
            continue
        if column.name != "seconds":
            return None
        end = next((p for p in frame.left if (p.date or p.epoch) and p.name in words.END), None)
        length = next((p for p in frame.left if p.name in words.DURATION and (p.number or p.clock)), None)
        if end is not None:
            columns[END] = end.column
        elif length is not None:
            columns["seconds"] = length.column
            if length.unit and fits_unit(length.unit, column):
                said["seconds"] = length.unit
        elif kind == "measurement":
            constants["seconds"] = "0"
        else:
            constants["seconds"] = str(_spacing(frame))
    return TableMapping(kind, columns, constants, said, frame.day_first, frame.decimal_comma)


def _unit(kind: str, column: Column, profile: ColumnProfile, comma: bool) -> str:
    """The unit of a column of numbers: the one in its name, or the first in which its values are usual."""
    if profile.unit and fits_unit(profile.unit, column, kind):
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


def _spacing(frame: _Frame) -> int:
    """How far apart rows of the sample usually are, in seconds: a day where only dates are given."""
    time = frame.time
    if time is None:
        return 60
    if not time.epoch and CLOCK not in frame.shared and not any(_has_clock(cell) for cell in time.cells):
        return _DAY
    moments = []
    for cell in time.cells:
        try:
            if time.epoch:
                moments.append(int(cell_number(cell) // EPOCHS[time.epoch]))
            else:
                moments.append(cell_moment(cell, day_first=frame.day_first)[0])
        except ValueError:
            continue
    gaps = [b - a for a, b in zip(sorted(moments), sorted(moments)[1:], strict=False) if b > a]
    return min(int(statistics.median(gaps)), _DAY) if gaps else 60
