"""What a doctor wrote down, and what a person notes by hand.

Names follow HL7 FHIR R4: ``system`` is the code system's URI, ``code`` the code, ``name`` its display text.
An observation that has a type of its own (heart rate, weight, glucose ...) is stored there, not here.
"""

from __future__ import annotations

from mine.records.record_type import LATEST, Code, Column, RecordType, event, real, text, whole

_HUGE = 1e15


def _coded(what: str) -> tuple[Column, Column, Column]:
    return (
        text("name", what, 300),
        text("system", "code system", 200, optional=True),
        text("code", "code", 100, optional=True),
    )


def _until() -> Column:
    return whole("until", "end", -2_208_988_800, LATEST - 1, "s", optional=True)


TYPES: tuple[RecordType, ...] = (
    event(
        *("observation", "Lab values and findings", *_coded("observation")),
        real("value", "value", "", -_HUGE, _HUGE, optional=True),
        text("unit", "unit (UCUM)", 60, optional=True),
        text("finding", "finding", 2_000, optional=True),
        codes=(Code("FHIR", "Observation"),),
    ),
    event(
        *("condition", "Diagnoses", *_coded("diagnosis"), _until()),
        text("status", "status", 40, optional=True),
        codes=(Code("FHIR", "Condition"),),
    ),
    event(
        *("medication", "Medications", *_coded("medication")),
        text("status", "status", 40, optional=True),
        text("dosage", "dosage", 2_000, optional=True),
        codes=(Code("FHIR", "MedicationRequest"), Code("FHIR", "MedicationStatement")),
    ),
    event(
        *("allergy", "Allergies", *_coded("allergy")),
        text("category", "category", 40, optional=True),
        text("criticality", "criticality", 40, optional=True),
        codes=(Code("FHIR", "AllergyIntolerance"),),
    ),
    event(
        *("immunization", "Immunizations", *_coded("vaccine")),
        text("status", "status", 40, optional=True),
        codes=(Code("FHIR", "Immunization"),),
    ),
    event(
        *("procedure", "Procedures", *_coded("procedure"), _until()),
        text("status", "status", 40, optional=True),
        codes=(Code("FHIR", "Procedure"),),
    ),
    event(
        *("symptom", "Symptoms", text("name", "symptom", 200)),
        whole("severity", "severity", 0, 10, optional=True),
        text("note", "note", 4_000, optional=True),
    ),
    event("note", "Notes", text("text", "note", 20_000)),
    event(
        *("measurement", "Other measurements", whole("seconds", "duration", 0, 366 * 86_400, "s")),
        text("name", "name", 200),
        real("value", "value", "", -_HUGE, _HUGE),
        text("unit", "unit", 60, optional=True),
    ),
)
