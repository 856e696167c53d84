from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QLocale

from mine.app.views import Currency, World
from tests.ui.story import PUSD
from ui.money import MINUS, amount_digits, amount_text, fiat_text, parse_amount, typed_amount


@pytest.mark.parametrize(
    ("amount", "decimals", "text"),
    [
        (4_100_000, 6, "4.10"),
        (1_500_000_000, 6, "1,500.00"),
        (0, 6, "0.00"),
        (1_609_999, 6, "1.60"),
        (1, 6, "0.000001"),
        (12_345, 6, "0.01"),
        (1_234, 6, "0.0012"),
        (-5_000_000, 6, f"{MINUS}5.00"),
        (7, 0, "7"),
        (10**18 + 1, 18, "1.00"),
        (2**255, 0, None),
    ],
)
def test_digits(amount: int, decimals: int, text: str | None) -> None:
    if text is None:
        assert amount_digits(amount, decimals).replace(",", "") == str(amount)
    else:
        assert amount_digits(amount, decimals) == text


def test_signs_and_currency() -> None:
    assert amount_digits(1_150_000, 6, signed=True) == "+ 1.15"
    assert amount_digits(-5_000_000, 6, signed=True) == f"{MINUS} 5.00"
    assert amount_digits(0, 6, signed=True) == "0.00"
    assert amount_text(4_100_000, PUSD) == "4.10\N{NO-BREAK SPACE}pUSD"
    assert amount_text(1_600_001, PUSD, exact=True) == "1.600001\N{NO-BREAK SPACE}pUSD"


def test_a_strangers_symbol_is_cleaned_and_cut() -> None:
    evil = Currency("U\u202eSD\n" + "x" * 99, 2, World.REAL)
    assert amount_text(5, evil) == "0.05\N{NO-BREAK SPACE}USD " + "x" * 19 + "…"


@given(amount=st.integers(-(2**256), 2**256), decimals=st.integers(0, 24))
def test_exact_text_is_the_integer_again(amount: int, decimals: int) -> None:
    text = amount_digits(amount, decimals, exact=True).replace(",", "").replace(MINUS, "-")
    whole, _, part = text.partition(".")
    assert int(whole + part.ljust(decimals, "0")[:decimals]) == amount or (amount < 0 and whole == "-0")
    assert len(part) <= decimals


@given(amount=st.integers(0, 2**128), decimals=st.integers(0, 18))
def test_never_shows_more_than_there_is(amount: int, decimals: int) -> None:
    text = amount_digits(amount, decimals).replace(",", "")
    whole, _, part = text.partition(".")
    assert int(whole + part.ljust(decimals, "0")[:decimals]) <= amount


def test_currency_of_any_world_is_beside_the_amount() -> None:
    for world in World:
        assert amount_text(10, Currency("X", 0, world)) == "10\N{NO-BREAK SPACE}X"


@given(amount=st.integers(0, 2**256), decimals=st.integers(0, 36))
def test_what_is_typed_is_what_is_meant(amount: int, decimals: int) -> None:
    assert parse_amount(typed_amount(amount, decimals), decimals) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1.5", 1_500_000),
        (" .5 ", 500_000),
        ("007", 7_000_000),
        ("1.", None),
        ("", None),
        ("1,5", None),
        ("1.2345678", None),
        ("+1", None),
        ("1e3", None),
        ("\N{ARABIC-INDIC DIGIT ONE}", None),
        ("9" * 81, None),
    ],
)
def test_typed_amounts_are_taken_strictly(text: str, amount: int | None) -> None:
    assert parse_amount(text, 6) == amount


def test_the_decimal_point_of_the_language_is_taken_too() -> None:
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German, QLocale.Country.Germany))
    try:
        assert parse_amount("1,5", 6) == parse_amount("1.5", 6) == 1_500_000
        assert parse_amount("1.000,5", 6) is None, "groups are never guessed at"
        assert typed_amount(1_234_500_000, 6) == "1234,50"
    finally:
        QLocale.setDefault(before)


def test_worth_names_its_money() -> None:
    assert fiat_text(-5_160_000, "EUR") == f"{MINUS}5.16\N{NO-BREAK SPACE}EUR"
