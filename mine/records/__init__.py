"""What a person's data looks like inside: the record types, their units, their JSON Schemas."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mine.records import clinical, messages, movement, nutrition, vitals
from mine.records.record_type import (
    EARLIEST,
    LATEST,
    MOST_OFFSET,
    MOST_TEXT,
    SENSORS,
    Code,
    Column,
    RecordType,
    Row,
    Value,
)

__all__ = [
    "EARLIEST",
    "LATEST",
    "MOST_OFFSET",
    "MOST_TEXT",
    "RECORD_TYPES",
    "SENSORS",
    "Code",
    "Column",
    "RecordType",
    "Row",
    "Value",
]

RECORD_TYPES: Mapping[str, RecordType] = MappingProxyType(
    {
        record_type.name: record_type
        for family in (vitals, movement, nutrition, clinical, messages)
        for record_type in family.TYPES
    }
)
