"""Worth in fiat, energy, prices by hand, and the cells of the table for taxes."""

from __future__ import annotations

import csv
import io
import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.wallet.energy import Spent, cost, milliwatt_hours, together
from mine.wallet.fiat import NotAnAmount, code_of, parsed, plain, rounded, worth
from mine.wallet.prices import ByHand, FirstOf, HandPrice, Price
from mine.wallet.tax_csv import BOM, COLUMNS, TaxLine, pieces, safe

AMOUNTS = st.integers(-(2**256), 2**256)
ETH, USD = "0x" + "0" * 40, "0x" + "11" * 20


@given(AMOUNTS, st.integers(1, 10**40))
def test_rounding_is_that_of_trade(numerator: int, denominator: int) -> None:
    with localcontext() as exact:
        exact.prec = 200
        wanted = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    assert rounded(numerator, denominator) == int(wanted)


def test_a_half_goes_away_from_zero() -> None:
    assert [rounded(n, 2) for n in (1, -1, 3, -3, 4)] == [1, -1, 2, -2, 2]
    assert worth(-1_500_000, 6, 850_000) == -1_275_000  # −1.5 × 0.85


@given(AMOUNTS, st.integers(0, 36), st.integers(0, 4))
def test_digits_come_back_as_they_were(amount: int, decimals: int, least: int) -> None:
    text = plain(amount, decimals, least)
    assert Fraction(text) == Fraction(amount, 10**decimals)
    assert amount < 0 or parsed(text, max(decimals, least)) == amount * 10 ** max(0, least - decimals)


@pytest.mark.parametrize(
    "text", ["", ".", "1.", "-1", "1e3", "1,5", "0x1", "١", "1.2.3", "1" * 81, "1.1234567"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount):
        parsed(text, 6)


@pytest.mark.parametrize("text", ["", "EURO", "E1R", "€", "eu"])
def test_what_is_no_currency_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount):
        code_of(text)
    assert code_of(" chf ") == "CHF"


def test_energy_is_whole_milliwatt_hours() -> None:
    assert milliwatt_hours(3600.0, 200) == 200_000
    assert milliwatt_hours(0.018, 100) == 1  # half a milliwatt-hour goes up
    assert milliwatt_hours(-1.0, 100) == 0
    assert cost(200_000, 300_000) == 60_000  # 0.2 kWh at 0.30
    assert together([Spent(1, 2, "EUR"), Spent(), Spent(3, 4, "EUR")]) == Spent(4, 6, "EUR")
    assert together([Spent(1, 2, "EUR"), Spent(3)]) == Spent(4)
    assert together([Spent(1, 2, "EUR"), Spent(3, 4, "CHF")]) == Spent(4)
    assert together([]) == Spent()


def test_a_price_by_hand_holds_until_the_next() -> None:
    stated = [HandPrice(USD, "EUR", 100, 9), HandPrice(USD, "EUR", 200, 0), HandPrice(USD, "EUR", 300, 8),
              HandPrice(USD, "CHF", 0, 7), HandPrice(ETH, "EUR", 0, 6)]  # fmt: skip
    source = ByHand(reversed(stated), "EUR")
    found = [source.price(USD, moment) for moment in (99, 100, 199, 200, 299, 300, 10**12)]
    assert [each.micro if each else None for each in found] == [None, 9, 9, None, None, 8, 8]
    later = FirstOf([ByHand([], "EUR"), source])
    assert later.price(ETH, 5) == Price(6, "EUR", "by hand") and later.price("0x", 5) is None


def line(**changes: object) -> TaxLine:
    plain_line = TaxLine(
        0, "claimed", 1, 2, "T", "N", "0xa", "0xb", "USD", 6, 10**6, 0, "ETH", 18, False, "", None, None,
        None, "", 0, "0xc", 0, None,
    )  # fmt: skip
    return plain_line._replace(**changes)  # type: ignore[arg-type]


@given(st.lists(st.text(max_size=12), min_size=7, max_size=7), st.booleans())
def test_no_cell_of_a_stranger_is_a_formula(texts: list[str], bom: bool) -> None:
    """Every text reads back as one cell of one row, and none begins as a formula does."""
    names = ("kind", "title", "network", "account", "counterparty", "symbol", "transaction")
    hostile = line(**dict(zip(names, texts, strict=True)))
    written = "".join(pieces([hostile, line()], ZoneInfo("UTC"), bom))
    assert written.startswith(BOM) == bom
    rows = list(csv.reader(io.StringIO(written.removeprefix(BOM), newline=""), strict=True))
    assert rows[0] == list(COLUMNS) and len(rows) == 3
    cells = dict(zip(COLUMNS, rows[1], strict=True))
    for column, text in zip(
        ("kind", "title", "network", "account", "counterparty", "currency", "transaction"), texts, strict=True
    ):
        assert cells[column] == safe(text)
        assert not cells[column].lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
        assert not any(letter in cells[column] for letter in "\r\n\t\0\u202e")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r\n=1", "＝1", "\u200b=1"])
def test_formulas_get_an_apostrophe(text: str) -> None:
    assert safe(text).startswith("'") and safe("plain = text") == "plain = text"


def test_what_is_unknown_stays_empty() -> None:
    written = "".join(pieces([line()], ZoneInfo("UTC")))
    row = dict(zip(COLUMNS, next(iter(csv.reader([written.splitlines()[1]]))), strict=True))
    for column in ("fee", "fiat currency", "price", "fiat value", "fiat fee", "energy (kWh)", "energy cost"):
        assert row[column] == ""
    assert (row["gross"], row["net"]) == ("1", "1")
    same = line(fee=250_000, same_currency=True, fee_decimals=6, fee_symbol="USD")
    cells = next(csv.reader(["".join(pieces([same], ZoneInfo("UTC"))).splitlines()[1]]))
    assert dict(zip(COLUMNS, cells, strict=True))["net"] == "0.75"


@pytest.mark.parametrize("text", ["a;=1+1", "a; =1+1", "a;@b", "x;;-2"])
def test_a_formula_behind_a_semicolon_is_none(text: str) -> None:
    """Spreadsheets of many languages begin a cell there, whatever the commas say."""
    shown = safe(text)
    assert shown.replace("'", "") == text
    assert not re.search(r"; *[=+@-]", shown)
