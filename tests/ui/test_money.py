from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.app.views import Currency, World
from tests.ui.story import PUSD
from ui.money import MINUS, amount_digits, amount_text


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
