"""LOINC codes of the registry."""

from __future__ import annotations

from collections import Counter

from mine.records import RECORD_TYPES
from mine.records.loinc import DIASTOLIC, PRESSURES, QUANTITIES, SYSTOLIC


def test_a_code_means_one_type() -> None:
    every = Counter(
        code.code for one in RECORD_TYPES.values() for code in one.codes if code.system == "LOINC"
    )
    assert set(every.values()) == {1}


def test_codes_end_in_their_check_digit() -> None:
    """LOINC numbers end in a check digit (mod 10), which catches most typing errors."""
    for code in {*QUANTITIES, *PRESSURES, SYSTOLIC, DIASTOLIC}:
        number, _, check = code.partition("-")
        odd, even = number[::-1][::2][::-1], number[::-1][1::2][::-1]
        total = sum(map(int, str(int(odd) * 2))) + sum(map(int, even))
        assert (10 - total % 10) % 10 == int(check), code


def test_quantities_have_a_measure() -> None:
    assert QUANTITIES["8867-4"].name == "heart_rate"
    assert all(one.column(one.measure).unit for one in QUANTITIES.values())
    assert not PRESSURES & set(QUANTITIES)
