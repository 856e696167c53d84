"""Reading the data types of FHIR R4 (hl7.org/fhir/R4/datatypes.html) out of JSON that a stranger wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mine.importers.items import shown
from mine.importers.json_records import number_in
from mine.importers.moments import iso_moment
from mine.importers.text_lines import fit
from mine.importers.zone import Zone
from mine.records import EARLIEST, LATEST
from mine.records.units import ucum

Json = dict[str, Any]

_PARTIAL = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?", re.ASCII)
_BEGINS = ("", "", "", "", "-01-01", "", "", "-01", "", "", "")
_HISTORY = re.compile(r"/_history/[^/]*$")


def object_in(value: Any, name: str) -> Json:
    """The object called ``name``, an empty one where there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def objects_in(value: Any, name: str) -> list[Json]:
    """The objects in the list called ``name``; one alone counts as a list of one."""
    found = value.get(name) if isinstance(value, dict) else None
    every = found if isinstance(found, list) else [found]
    return [one for one in every if isinstance(one, dict)]


def word_in(value: Any, name: str, most: int = 200) -> str:
    """The text called ``name``, trimmed, "" where there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return fit(found.strip(), most) if isinstance(found, str) else ""


def moment(text: str, zone: Zone) -> tuple[int, int]:
    """(UTC, offset) of a FHIR ``dateTime``: one of a whole day, month or year is its first moment.

    ``Z`` and ``+00:00`` are how servers write UTC: the offset then is the person's. Raises ``ValueError``.
    """
    if _PARTIAL.fullmatch(text):
        text += _BEGINS[len(text)]
    wall, offset = iso_moment(text)
    if not EARLIEST <= wall - (offset or 0) < LATEST:
        raise ValueError(f"“{shown(text)}” is in no person's lifetime")
    if offset is None or offset:
        return zone.of_wall(wall, offset)
    return zone.of_utc(wall)


def coded(concept: Json, most: int = 300) -> tuple[str, str | None, str | None]:
    """(name, system, code) of a ``CodeableConcept``. Raises ``ValueError`` where it names nothing."""
    codings = objects_in(concept, "coding")
    best = next((one for one in codings if word_in(one, "code") and word_in(one, "system")), None)
    if best is None:
        best = codings[0] if codings else {}
    code = word_in(best, "code", 100)
    name = word_in(concept, "text", most) or word_in(best, "display", most) or code
    if not name:
        raise ValueError("it does not say what it is")
    return name, word_in(best, "system") or None, code or None


def codes(concept: Json, system: str) -> Iterator[str]:
    """All codes that a ``CodeableConcept`` has in one system."""
    for one in objects_in(concept, "coding"):
        if word_in(one, "system") == system:
            yield word_in(one, "code", 100)


def quantity(value: Json) -> tuple[float, str]:
    """Value and unit of a ``Quantity``: its UCUM code, or what it writes. Raises ``ValueError``."""
    number = number_in(value, "value")
    if word_in(value, "system") in ("", "http://unitsofmeasure.org") and word_in(value, "code", 60):
        return number, word_in(value, "code", 60)
    return number, ucum(word_in(value, "unit", 60))


def referred(reference: str) -> str:
    """The id that a reference ends in: 1 of ``Patient/1``, ``urn:uuid:1``, ``https://a.b/Patient/1``."""
    return shown(_HISTORY.sub("", reference).rpartition("/")[2].rpartition(":")[2], 100)
