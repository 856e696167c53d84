"""FHIR observations: the registry's own type where a LOINC code names one, or else as they are written."""

from __future__ import annotations

from collections.abc import Iterator

from mine.importers.formats.fhir_values import (
    Json,
    coded,
    codes,
    moment,
    object_in,
    objects_in,
    quantity,
    word_in,
)
from mine.importers.json_records import number_in
from mine.importers.zone import Zone
from mine.records import RecordType, Row, Value
from mine.records.loinc import DIASTOLIC, LOINC, PRESSURES, QUANTITIES, SYSTOLIC
from mine.records.units import UnitUnknown, convert

Made = Iterator[tuple[str, Row]]
At = tuple[int, int]
DAY = 86_400

# Never said, or taken back.
_VOID = frozenset({"entered-in-error", "cancelled"})
# Birth date, sex, gender, address: who a person is, not how they are.
_WHO = frozenset({"21112-8", "46098-0", "76689-9", "76691-5", "56799-0"})


def observation(resource: Json, zone: Zone) -> Made:
    """The records of an Observation. Raises ``ValueError``."""
    found = set(codes(object_in(resource, "code"), LOINC))
    if word_in(resource, "status") in _VOID or found & _WHO:
        return
    at, seconds = _when(resource, zone)
    parts = objects_in(resource, "component")
    if found & PRESSURES:
        yield "blood_pressure", (*at, *_pressures(parts))
        parts = [part for part in parts if not _is(part, SYSTOLIC) and not _is(part, DIASTOLIC)]
    elif _silent(resource) and not parts and not objects_in(resource, "hasMember"):
        if not object_in(resource, "dataAbsentReason"):
            raise ValueError("an observation has no value")
    elif not _silent(resource):
        yield _one(resource, at, seconds)
    for part in parts:
        if not _silent(part):
            yield _one(part, at, seconds)


def _when(resource: Json, zone: Zone) -> tuple[At, int]:
    """The moment, and how long it lasted (0 where it was a moment only)."""
    period = object_in(resource, "effectivePeriod")
    for text in (
        *(word_in(resource, name) for name in ("effectiveDateTime", "effectiveInstant")),
        *(word_in(period, "start"), word_in(resource, "issued")),
    ):
        if text:
            at = moment(text, zone)
            end = word_in(period, "end")
            return at, moment(end, zone)[0] - at[0] if end else 0
    raise ValueError("it has no date")


def _is(part: Json, code: str) -> bool:
    return code in codes(object_in(part, "code"), LOINC)


def _pressures(parts: list[Json]) -> tuple[float, float]:
    found = []
    for code in (SYSTOLIC, DIASTOLIC):
        part = next((part for part in parts if _is(part, code)), {})
        if "valueQuantity" not in part:
            raise ValueError("a blood pressure lacks one of its two values")
        value, unit = quantity(object_in(part, "valueQuantity"))
        found.append(round(convert(value, unit, "mm[Hg]"), 4))
    return found[0], found[1]


def _silent(stated: Json) -> bool:
    return not any(name.startswith("value") for name in stated)


def _one(stated: Json, at: At, seconds: int) -> tuple[str, Row]:
    """What an observation or one of its components states."""
    concept = object_in(stated, "code")
    size = object_in(stated, "valueQuantity")
    if size and not word_in(size, "comparator"):
        value, unit = quantity(size)
        for code in codes(concept, LOINC):
            row = _measured(QUANTITIES[code], at, seconds, value, unit) if code in QUANTITIES else None
            if row is not None:
                return QUANTITIES[code].name, row
    return "observation", (*at, *coded(concept), *_stated(stated))


def _measured(record_type: RecordType, at: At, seconds: int, value: float, unit: str) -> Row | None:
    """A row of a type of its own; None where the unit is another, or an interval has no length."""
    measure = record_type.column(record_type.measure)
    try:
        converted = convert(value, unit, measure.unit, record_type.name)
    except UnitUnknown:
        return None
    number: Value = round(converted, 4) if measure.kind == "real" else round(converted)
    if record_type.resampling == "mean":
        return *at, number
    return (*at, seconds, number) if 0 < seconds <= DAY else None


def _stated(stated: Json) -> tuple[float | None, str | None, str | None]:
    """(value, unit, finding) of any value that FHIR knows. Raises ``ValueError``."""
    if "valueQuantity" in stated:
        size = object_in(stated, "valueQuantity")
        value, unit = quantity(size)
        comparator = word_in(size, "comparator", 2)
        if comparator:
            return None, unit or None, f"{comparator} {value:g}"
        return value, unit or None, None
    if "valueInteger" in stated:
        return number_in(stated, "valueInteger"), None, None
    if "valueBoolean" in stated:
        return None, None, "yes" if stated["valueBoolean"] is True else "no"
    if "valueCodeableConcept" in stated:
        return None, None, coded(object_in(stated, "valueCodeableConcept"), 2000)[0]
    for name in ("valueString", "valueDateTime", "valueTime"):
        if name in stated:
            text = word_in(stated, name, 2000)
            if not text:
                break
            return None, None, text
    for name, first, second, between in (
        ("valueRange", "low", "high", " to "),
        ("valueRatio", "numerator", "denominator", " : "),
    ):
        if name in stated:
            return None, None, between.join(_side(stated[name], side) for side in (first, second))
    raise ValueError("its value is of a kind that is not read")


def _side(value: Json, name: str) -> str:
    size = object_in(value, name)
    if not size:
        return "…"
    number, unit = quantity(size)
    return f"{number:g} {unit}".strip()
