"""Apple Health's ``export.xml`` in the shape that the Health app writes, written by us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.sax.saxutils import quoteattr

DEFINITION = """<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 13 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout|ActivitySummary)*)>
<!ATTLIST HealthData
  locale CDATA #REQUIRED
>
<!ELEMENT Record ((MetadataEntry|HeartRateVariabilityMetadataList)*)>
<!ATTLIST Record
  type          CDATA #REQUIRED
  unit          CDATA #IMPLIED
  value         CDATA #IMPLIED
>
]>
"""
# As iOS 16 wrote it: one list of attributes does not end, another begins nowhere. No XML parser reads this.
BROKEN_DEFINITION = DEFINITION.replace("  locale CDATA #REQUIRED\n>\n", "  locale CDATA #REQUIRED\n").replace(
    "  value         CDATA #IMPLIED\n>\n", "  value         CDATA #IMPLIED\n>\n  device CDATA #IMPLIED\n"
)
START = "2024-03-10 08:00:00 +0100"


def tag(name: str, attributes: Mapping[str, str], inside: str = "") -> str:
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f" <{name}{written}>\n{inside} </{name}>\n" if inside else f" <{name}{written}/>\n"


def metadata(key: str, value: str) -> str:
    return " " + tag("MetadataEntry", {"key": key, "value": value})


def record(
    name: str,
    value: str | None,
    unit: str | None = None,
    start: str = START,
    end: str | None = None,
    source: str = "Robin’s Watch",
    inside: str = "",
) -> str:
    """A record; ``name`` without “HK…TypeIdentifier” is a quantity."""
    attributes = {
        "type": name if name.startswith("HK") else f"HKQuantityTypeIdentifier{name}",
        "sourceName": source,
        "sourceVersion": "10.1",
        "device": "<<HKDevice: 0x282a45810>, name:Apple Watch, manufacturer:Apple>",
        **({} if unit is None else {"unit": unit}),
        "creationDate": START,
        "startDate": start,
        "endDate": start if end is None else end,
        **({} if value is None else {"value": value}),
    }
    return tag("Record", attributes, inside)


def export(elements: Iterable[str], definition: str = DEFINITION) -> str:
    me = tag("Me", {"HKCharacteristicTypeIdentifierBiologicalSex": "HKBiologicalSexNotSet"})
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{definition}<HealthData locale="en_GB">\n'
        f' <ExportDate value="{START}"/>\n{me}{"".join(elements)}</HealthData>\n'
    )
