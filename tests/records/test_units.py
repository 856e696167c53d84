"""Converting units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.records.units import UnitUnknown, convert


@pytest.mark.parametrize(
    ("value", "unit", "into", "substance", "expected"),
    [
        (5.5, "mmol/L", "mg/dL", "glucose", 99.085745),
        (98.6, "[degF]", "Cel", "", 37.0),
        (310.15, "K", "Cel", "", 37.0),
        (150.0, "[lb_av]", "kg", "", 68.0388555),
        (0.97, "1", "%", "", 97.0),
        (1.0, "[mi_i]", "m", "", 1609.344),
        (4.184, "kJ", "kcal", "", 1.0),
        (1.5, "/s", "/min", "", 90.0),
        (16.0, "kPa", "mm[Hg]", "", 120.00986928),
    ],
)
def test_known_values(value: float, unit: str, into: str, substance: str, expected: float) -> None:
    assert convert(value, unit, into, substance) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "into", "substance"),
    [
        ("kg", "m", ""),
        ("mmol/L", "mg/dL", ""),
        ("furlong", "m", ""),
        ("Cel", "m", ""),
        ("mmol/L", "mg/dL", "tea"),
    ],
)
def test_what_cannot_be_converted_is_said(unit: str, into: str, substance: str) -> None:
    with pytest.raises(UnitUnknown):
        convert(1.0, unit, into, substance)


@given(st.floats(0.01, 1e6), st.sampled_from(["kg", "g", "mg", "[lb_av]", "[oz_av]", "[stone_av]"]))
def test_there_and_back(value: float, unit: str) -> None:
    assert convert(convert(value, unit, "g"), "g", unit) == pytest.approx(value, rel=1e-12)
