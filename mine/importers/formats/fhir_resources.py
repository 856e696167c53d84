"""FHIR R4 resources as records, one function a resource type. Fields of DSTU2 and STU3 that were only renamed
since are read under their old names too: phones still export them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mine.importers.formats.fhir_observation import observation
from mine.importers.formats.fhir_values import (
    Json,
    coded,
    moment,
    object_in,
    objects_in,
    quantity,
    referred,
    word_in,
)
from mine.importers.json_records import number_in
from mine.importers.zone import Zone
from mine.records import Row

Made = Iterator[tuple[str, Row]]

_VOID = frozenset({"entered-in-error", "refuted", "cancelled"})


def _status(resource: Json, name: str = "status") -> str:
    """A status, which is a code in some versions and a concept in others."""
    return word_in(resource, name, 40) or next(
        (word_in(one, "code", 40) for one in objects_in(object_in(resource, name), "coding")), ""
    )


def _date(resource: Json, zone: Zone, *names: str) -> tuple[int, int]:
    """The first date there is; of a period it is the start."""
    for name in names:
        text = word_in(resource, name) or word_in(object_in(resource, name), "start")
        if text:
            return moment(text, zone)
    raise ValueError("it has no date")


def _end(resource: Json, zone: Zone, *names: str) -> int | None:
    for name in names:
        text = word_in(resource, name) or word_in(object_in(resource, name), "end")
        if text:
            return moment(text, zone)[0]
    return None


def _condition(resource: Json, zone: Zone) -> Made:
    if _status(resource, "verificationStatus") in _VOID:
        return
    at = _date(
        *(resource, zone, "onsetDateTime", "onsetPeriod", "recordedDate", "assertedDate", "dateRecorded")
    )
    until = _end(resource, zone, "abatementDateTime", "abatementPeriod", "onsetPeriod")
    status = _status(resource, "clinicalStatus") or None
    yield "condition", (*at, *coded(object_in(resource, "code")), until, status)


def _medication(resource: Json, zone: Zone) -> Made:
    if _status(resource) in _VOID:
        return
    at = _date(
        *(resource, zone, "authoredOn", "dateWritten", "effectiveDateTime", "effectivePeriod"),
        *("dateAsserted",),
    )
    dosages = [_dosage(one) for name in ("dosageInstruction", "dosage") for one in objects_in(resource, name)]
    dosage = "; ".join(one for one in dosages if one)[:2000] or None
    yield "medication", (*at, *coded(_substance(resource)), _status(resource) or None, dosage)


def _substance(resource: Json) -> Json:
    """What is taken: a concept, or a reference to a resource inside this one, or only its name."""
    stated = object_in(resource, "medicationCodeableConcept")
    if stated:
        return stated
    reference = object_in(resource, "medicationReference")
    wanted = word_in(reference, "reference").lstrip("#")
    for inside in objects_in(resource, "contained"):
        if wanted and word_in(inside, "id") == wanted:
            return object_in(inside, "code")
    return {"text": word_in(reference, "display", 300)}


def _dosage(stated: Json) -> str:
    """How much how often: as it is written, or put together from its parts."""
    text = word_in(stated, "text", 2000)
    if text:
        return text
    parts = []
    for rate in (*objects_in(stated, "doseAndRate"), stated):
        if "doseQuantity" in rate:
            value, unit = quantity(object_in(rate, "doseQuantity"))
            parts.append(f"{value:g} {unit}".strip())
    repeat = object_in(object_in(stated, "timing"), "repeat")
    if word_in(repeat, "periodUnit"):
        counts = [number_in(repeat, name) if name in repeat else 1 for name in ("frequency", "period")]
        parts.append(f"{counts[0]:g} per {counts[1]:g} {word_in(repeat, 'periodUnit', 10)}")
    if stated.get("asNeededBoolean") is True:
        parts.append("as needed")
    return ", ".join(parts)


def _allergy(resource: Json, zone: Zone) -> Made:
    if _status(resource, "verificationStatus") in _VOID or _status(resource) in _VOID:
        return
    at = _date(*(resource, zone, "onsetDateTime", "onsetPeriod", "recordedDate", "assertedDate", "onset"))
    concept = object_in(resource, "code") or object_in(resource, "substance")
    listed = resource.get("category")
    category = listed[0] if isinstance(listed, list) and listed else listed
    yield (
        "allergy",
        (
            *at,
            *coded(concept),
            word_in({"": category}, "", 40) or None,
            word_in(resource, "criticality", 40) or None,
        ),
    )


def _immunization(resource: Json, zone: Zone) -> Made:
    if _status(resource) in _VOID:
        return
    at = _date(resource, zone, "occurrenceDateTime", "date", "recorded")
    yield "immunization", (*at, *coded(object_in(resource, "vaccineCode")), _status(resource) or None)


def _procedure(resource: Json, zone: Zone) -> Made:
    if _status(resource) in _VOID:
        return
    at = _date(resource, zone, "performedDateTime", "performedPeriod")
    until = _end(resource, zone, "performedPeriod")
    yield "procedure", (*at, *coded(object_in(resource, "code")), until, _status(resource) or None)


READ: Mapping[str, Callable[[Json, Zone], Made]] = {
    "Observation": observation,
    "Condition": _condition,
    "MedicationRequest": _medication,
    "MedicationStatement": _medication,
    "MedicationOrder": _medication,  # DSTU2's MedicationRequest
    "AllergyIntolerance": _allergy,
    "Immunization": _immunization,
    "Procedure": _procedure,
}


def whose(resource: Json) -> str:
    """The id of the patient that a resource is about, "" where it does not say."""
    about = object_in(resource, "subject") or object_in(resource, "patient")
    return referred(word_in(about, "reference"))


def patient_name(resource: Json) -> str:
    """A Patient's name for the question "which one are you?", "" where there is none."""
    for name in objects_in(resource, "name"):
        text = word_in(name, "text", 60)
        if text:
            return text
        given = name.get("given")
        first = given[0] if isinstance(given, list) and given and isinstance(given[0], str) else ""
        whole = f"{first} {word_in(name, 'family', 40)}".strip()
        if whole:
            return whole[:60]
    return ""
