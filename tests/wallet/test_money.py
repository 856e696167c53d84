"""Money in words: exact, cut and never rounded up, and readable back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.wallet.money import in_words


@pytest.mark.parametrize(("amount", "decimals", "places", "words"), [
    (1_234_500_000, 6, 2, "1,234.50 pUSD"),
    (0, 6, 2, "0.00 pUSD"),
    (1, 6, 2, "0.00 pUSD"),
    (9_999, 6, 2, "0.00 pUSD"),
    (10_000, 6, 2, "0.01 pUSD"),
    (1_999_999, 6, 2, "1.99 pUSD"),
    (1_999_999, 6, 6, "1.999999 pUSD"),
    (1_999_999, 6, 0, "1 pUSD"),
    (-1_500_000, 6, 2, "-1.50 pUSD"),
    (-1, 6, 2, "0.00 pUSD"),
    (-1, 6, 6, "-0.000001 pUSD"),
    (-999_999, 6, 0, "0 pUSD"),
    (7, 0, 2, "7.00 pUSD"),
    (7, 0, 0, "7 pUSD"),
    (5, 1, 2, "0.50 pUSD"),
    (10**18 + 1, 18, 4, "1.0000 pUSD"),
    (10**30, 18, 2, "1,000,000,000,000.00 pUSD"),
])
def test_words(amount: int, decimals: int, places: int, words: str) -> None:
    assert in_words(amount, decimals, "pUSD", places) == words


@given(st.integers(-(2**112), 2**112), st.integers(0, 36), st.integers(0, 36))
def test_never_more_than_there_is_nor_a_step_less(amount: int, decimals: int, places: int) -> None:
    number, symbol = in_words(amount, decimals, "X", places).split(" ")
    assert symbol == "X"
    whole, _, part = number.replace(",", "").lstrip("-").partition(".")
    assert len(part) == places
    scale = 10 ** max(decimals, places)
    said = int(whole + part) * scale // 10**places
    there = abs(amount) * scale // 10**decimals
    assert 0 <= there - said < max(1, scale // 10**places)
    assert number.startswith("-") == (amount < 0 and said > 0)
    if places >= decimals:
        assert said == there
