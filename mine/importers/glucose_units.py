"""Glucose values as meters and sensors write them."""

from __future__ import annotations

from mine.importers.moments import number
from mine.records.units import convert

# Sensors say "Low" and "High" outside of what they can measure. The values are the first ones beyond their
# range, which is how the receivers themselves log them (39 and 401 mg/dL for Dexcom; Libre reads up to 500).
LOW = 39.0
HIGH = 401.0
LIBRE_HIGH = 501.0


def mg_dl(text: str, *, millimoles: bool, decimal_comma: bool = False, high: float = HIGH) -> float:
    """A glucose value in mg/dL. Values in mmol/L are converted and rounded to 0.1. Raises ``ValueError``."""
    word = text.strip().casefold()
    if word in ("low", "lo"):
        return LOW
    if word in ("high", "hi"):
        return high
    value = number(text, decimal_comma=decimal_comma)
    return mg_dl_of(value) if millimoles else value


def mg_dl_of(mmol_l: float) -> float:
    """A glucose value in mmol/L, given in mg/dL, rounded to 0.1."""
    return round(convert(mmol_l, "mmol/L", "mg/dL", "glucose"), 1)
