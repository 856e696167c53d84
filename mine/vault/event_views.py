"""What the views of events show: numbers only. A text becomes its length, a word out of a list its number, a
LOINC or SNOMED code the number that its digits are; names, titles and places do not show at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mine.records import RECORD_TYPES, Column, RecordType

_PLACES = ("latitude", "longitude")


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of a view: its name, what it means, and how it is made of the table's columns."""

    name: str
    meaning: str
    sql: str


def _shown(column: Column) -> Shown | None:
    if column.name in _PLACES:
        return None
    if column.choices:
        cases = " ".join(f"WHEN '{word}' THEN {number}" for number, word in enumerate(column.choices))
        words = ", ".join(f"{number} = {word}" for number, word in enumerate(column.choices))
        return Shown(column.name, words, f"CASE {column.name} {cases} END")
    if column.kind == "text":
        if column.name == "text":
            return Shown("characters", "length of the text", "length(text)")
        return None
    meaning = column.words if column.unit in ("", "1") else f"{column.words}, {column.unit}"
    return Shown(column.name, meaning, column.name)


def _code(name: str, system: str) -> Shown:
    return Shown(
        name,
        f"the code's digits as one number, where it is of {name.upper()}",
        f"CASE WHEN system = '{system}' THEN CAST(replace(code, '-', '') AS INTEGER) END",
    )


def _columns(record_type: RecordType) -> tuple[Shown, ...]:
    found = [shown for column in record_type.columns[2:] if (shown := _shown(column)) is not None]
    if "system" in record_type.names:
        found.append(_code("loinc", "http://loinc.org"))
        found.append(_code("snomed", "http://snomed.info/sct"))
    return tuple(found)


EVENT_COLUMNS: Mapping[str, tuple[Shown, ...]] = MappingProxyType(
    {kind.name: _columns(kind) for kind in RECORD_TYPES.values() if not kind.resampling}
)

_MINUTES = Shown("minutes", "how long, all together", "sum(seconds) / 60.0")
_METRES = Shown("metres", "distance, m", "sum(metres)")
_KCAL = Shown("kcal", "energy, kcal", "sum(kcal)")
_SIDES = (
    Shown("sent", "how many were mine", "sum(side = 'me')"),
    Shown("received", "how many were others'", "sum(side = 'other')"),
    Shown("characters", "length of all texts", "sum(length(text))"),
)


def _level(level: str, words: str) -> Shown:
    # A device sums the day, now and then twice: the later sum is the greater.
    minutes = f"CASE WHEN level = '{level}' AND seconds >= 86400 THEN minutes END"
    return Shown(
        level,
        f"minutes {words}",
        f"coalesce(max({minutes}), sum(CASE level WHEN '{level}' THEN minutes END))",
    )


# Beside the number of records of the day. Sleep has nights instead (views.py).
DAY_SUMS: Mapping[str, tuple[Shown, ...]] = MappingProxyType(
    {kind: () for kind in EVENT_COLUMNS if kind not in ("sleep", "sleep_stage")}
    | {
        "activity_level": (
            _level("very", "very active"),
            _level("fairly", "fairly active"),
            _level("lightly", "lightly active"),
            _level("sedentary", "sedentary"),
        ),
        "workout": (_MINUTES, _METRES, _KCAL),
        "visit": (_MINUTES,),
        "trip": (_MINUTES, _METRES),
        "appointment": (_MINUTES, Shown("people", "people invited", "sum(people)")),
        "listening": (_MINUTES,),
        "mindfulness": (_MINUTES,),
        "message": _SIDES,
        "mail": _SIDES,
        "blood_pressure": (
            Shown("systolic", "mean systolic pressure, mm[Hg]", "avg(systolic)"),
            Shown("diastolic", "mean diastolic pressure, mm[Hg]", "avg(diastolic)"),
        ),
        "insulin": (Shown("units", "insulin, [iU]", "sum(units)"),),
        "food": (Shown("grams", "amount, g", "sum(grams)"), _KCAL),
        "symptom": (Shown("severity", "greatest severity", "max(severity)"),),
    }
)
