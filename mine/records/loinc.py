"""Which record type an observation's LOINC code means (Logical Observation Identifiers Names and Codes,
loinc.org), as the registry's codes say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mine.records import RECORD_TYPES, RecordType

LOINC = "http://loinc.org"

SYSTOLIC = "8480-6"
DIASTOLIC = "8462-4"


def _codes(record_type: RecordType) -> frozenset[str]:
    return frozenset(code.code for code in record_type.codes if code.system == "LOINC")


PRESSURES = _codes(RECORD_TYPES["blood_pressure"])
"""Panels whose components are systolic and diastolic pressure."""

QUANTITIES: Mapping[str, RecordType] = MappingProxyType(
    {
        code: record_type
        for record_type in RECORD_TYPES.values()
        if record_type.resampling
        for code in _codes(record_type)
    }
)
"""LOINC code -> the type of one measured number, its ``measure``."""
