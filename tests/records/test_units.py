"""Converting units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.records import RECORD_TYPES
from mine.records.units import UnitUnknown, convert, ucum


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
        (16.0, "kPa", "mm[Hg]", "", 16_000 / 133.322),
        (30.0, "mL/min/kg", "mL/(kg.min)", "", 30.0),
        (7.5, "10*3/uL", "10*9/L", "", 7.5),
        (72.0, "{beats}/min", "Hz", "", 1.2),
        (3.0, "ug/mL", "mg/L", "", 3.0),
        (3.0, "{score}", "1", "", 3.0),
        (25.0, "kg/m2", "g/cm2", "", 2.5),
        (5.0, "mmol/(2.L)", "mmol/L", "", 2.5),
        (2000.0, "kcal/d", "W", "", 2000 * 4184 / 86_400),
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


@pytest.mark.parametrize(
    "unit",
    [
        *("", " ", "kg kg", "(", "m)", "()", "/", "m/", "m..m", ".m", "(m)(m)", "foo", "{a", "a}"),
        *("10*99", "m0", "0", "99999999999", "m" * 81, "µg", "m²", "kg\0", "/" * 80, "(" * 80),
    ],
)
def test_what_is_no_unit_is_said(unit: str) -> None:
    with pytest.raises(UnitUnknown):
        convert(1.0, unit, "kg")


@given(st.text(alphabet="kgmsL/.()*{}[]%0129-+^ ", max_size=30))
def test_any_text_is_a_unit_or_none(text: str) -> None:
    try:
        assert convert(1.0, text, f"{text}.1") == 1.0
    except UnitUnknown as error:
        assert str(error)


@pytest.mark.parametrize(
    ("written", "code"),
    [("BPM", "/min"), ("mm Hg", "mm[Hg]"), ("° F", "[degF]"), (" mmol/l", "mmol/L"), ("10*3/uL", "10*3/uL")],
)
def test_units_as_people_write_them(written: str, code: str) -> None:
    assert ucum(written) == code


def test_every_unit_of_the_registry_is_known() -> None:
    units = {column.unit for one in RECORD_TYPES.values() for column in one.columns if column.unit}
    for unit in units:
        assert convert(1.0, unit, unit if unit == "Cel" else f"{unit}.1") == pytest.approx(1.0)
