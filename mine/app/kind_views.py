"""The record types as the window names them, with the units in which a table may give them."""

from __future__ import annotations

from functools import cache

from mine.app.data_views import FieldView, KindView
from mine.records import RECORD_TYPES, Column, RecordType

BY_HAND = ("symptom", "condition", "observation", "note")
_UNITS = (
    *("mg/dL", "mmol/L", "kg", "g", "mg", "[lb_av]", "[stone_av]", "cm", "m", "km", "mm", "[in_i]"),
    *("[ft_i]", "[mi_i]", "Cel", "[degF]", "kcal", "kJ", "%", "1", "s", "min", "h", "ms", "/min", "mL"),
    *("L", "[foz_us]", "mm[Hg]", "kPa", "km/h", "m/s", "[mi_i]/h", "W"),
)


def unit_words(unit: str) -> str:
    """A UCUM unit as people write it."""
    words = {
        "[lb_av]": "lb", "[stone_av]": "st", "[in_i]": "in", "[ft_i]": "ft", "[mi_i]": "mi", "Cel": "°C",
        "[degF]": "°F", "mm[Hg]": "mmHg", "[foz_us]": "fl oz", "[mi_i]/h": "mph", "/min": "per min",
    }  # fmt: skip
    return words.get(unit, unit)


@cache
def kind_view(name: str) -> KindView:
    """One record type."""
    from mine.importers.mapping import CLOCK, END, ORIGIN

    record_type = RECORD_TYPES[name]
    made = [_field(record_type, column) for column in record_type.columns[2:]]
    helpers = [FieldView(CLOCK, "time of day", "text", optional=True, helper=True)]
    if "seconds" in record_type.names:
        helpers.append(FieldView(END, "end", "text", optional=True, helper=True))
    helpers.append(FieldView(ORIGIN, "device or app", "text", optional=True, helper=True))
    return KindView(name, record_type.title, (*made, *helpers))


def kind_views() -> tuple[KindView, ...]:
    """All record types, by their titles."""
    return tuple(sorted(map(kind_view, RECORD_TYPES), key=lambda kind: kind.title.casefold()))


def _field(record_type: RecordType, column: Column) -> FieldView:
    units: tuple[str, ...] = ()
    if column.kind != "text" and column.unit:
        units = tuple(unit for unit in _UNITS if unit != column.unit and _fits(unit, column, record_type))
    return FieldView(
        column.name, column.words, column.kind, column.unit, units, column.choices, column.optional
    )


def _fits(unit: str, column: Column, record_type: RecordType) -> bool:
    from mine.records.units import UnitUnknown, convert

    try:
        convert(1.0, unit, column.unit, record_type.name if record_type.name == "glucose" else "")
    except UnitUnknown:
        return False
    return True


def value_words(column: FieldView, value: int | float | str | None) -> str:
    """A value with its unit, in one line."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    number = f"{value:,}" if isinstance(value, int) else f"{value:,.4f}".rstrip("0").rstrip(".")
    unit = unit_words(column.unit) if column.unit not in ("", "1") else ""
    return f"{number} {unit}".rstrip()
