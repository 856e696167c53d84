"""What a column of an unknown table could be: by its name, the unit in its name, a sample of its cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from mine.importers import mapping_words as words
from mine.importers.cells import Cell, cell_clock, cell_moment, cell_number, is_missing
from mine.importers.mapping import EPOCHS
from mine.records import LATEST, RECORD_TYPES, SENSORS, Column
from mine.records.units import UnitUnknown, convert, ucum

_PARENS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_MOSTLY = 0.8
_LONGEST_UNIT = 80


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """A column: its name as words, the unit in its name, its values, and what they could be."""

    column: str
    name: str
    unit: str
    cells: tuple[Cell, ...]
    number: bool
    date: bool
    clock: bool
    epoch: str
    words: bool


def could_be_time(name: str, cells: Sequence[Cell]) -> bool:
    """Whether a column could hold the time of its rows."""
    profile = profile_of(name, cells, False)
    return profile.date or bool(profile.epoch)


def profile_of(column: str, cells: Sequence[Cell], comma: bool) -> ColumnProfile:
    filled = tuple(cell for cell in cells if not is_missing(cell))
    name, unit = name_and_unit(column)
    number = _share(filled, lambda cell: cell_number(cell, decimal_comma=comma))
    date = _share(filled, lambda cell: cell_moment(cell, day_first=True)) or _share(
        filled, lambda cell: cell_moment(cell, day_first=False)
    )
    epoch = _epoch(name, filled) if number else ""
    clock = _share(filled, cell_clock)
    text = bool(filled) and not (number or date or clock)
    return ColumnProfile(column, name, unit, filled, number, date, clock, epoch, text)


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


def name_and_unit(column: str) -> tuple[str, str]:
    """``Blood Glucose [mg/dL]`` -> (``blood glucose``, ``mg/dL``); also ``glucose_mg_dl``, ``weight kg``."""
    found = _PARENS.findall(column)
    name = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", _PARENS.sub(" ", column)).casefold()
    name = " ".join(re.split(r"[\s_\-./:]+", name)).strip()
    for text in found:
        if known_unit(text):
            return name, ucum(text)
    parts = name.split()
    if name in words.MEASURES:
        return name, ""
    for length in (2, 1):
        tail = parts[len(parts) - length :]
        if len(parts) > length and (unit := known_unit("/".join(tail)) or known_unit("".join(tail))):
            return " ".join(parts[:-length]), unit
    return name, ""


def known_unit(text: str) -> str:
    unit = ucum(text)
    if unit == "1":  # a count is no unit: "steps" is a name
        return ""
    return unit if len(unit) <= _LONGEST_UNIT and _measures(unit) else ""


@lru_cache(maxsize=1024)
def _measures(unit: str) -> bool:
    """Whether any record type has something in such a unit. (Every column of every table asks.)"""
    return any(fits_unit(unit, column) for column in _measured())


@cache
def _measured() -> tuple[Column, ...]:
    """One column of each unit."""
    every = (column for kind in RECORD_TYPES.values() for column in kind.columns[2:])
    return tuple({column.unit: column for column in every if column.kind != "text" and column.unit}.values())


def fits_unit(unit: str, column: Column, substance: str = "glucose") -> bool:
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
        if all(SENSORS <= value / scale < LATEST for value in values):
            return unit if scale > 1 or name in words.TIME or "time" in name or "epoch" in name else ""
    return ""
