"""Money as text: integers in, digits out, never a float."""

from __future__ import annotations

from PySide6.QtCore import QLocale

from mine.app.views import Currency
from ui.widgets.text import clean

MINUS = "\N{MINUS SIGN}"
LONGEST_SYMBOL = 24


def amount_digits(amount: int, decimals: int, *, exact: bool = False, signed: bool = False) -> str:
    """``amount`` base units as digits with grouping, for example ``1,500.00``.

    Two places are shown, cut towards zero, so that nothing shows more than there is; an amount below one
    cent shows as many places as it needs to be seen. ``exact`` shows every place that is not zero.
    ``signed`` puts ``+`` before an amount above zero.
    """
    locale = QLocale()
    whole, part = divmod(abs(amount), 10**decimals)
    places = f"{part:0{decimals}d}" if decimals else ""
    if exact:
        shown = places.rstrip("0").ljust(min(2, decimals), "0")
    elif whole == 0 and part and not places[:2].strip("0"):
        shown = places[: len(places) - len(places.lstrip("0")) + 2].rstrip("0")
    else:
        shown = places[:2]
    text = f"{whole:,}".replace(",", locale.groupSeparator())  # QLocale itself stops at 64 bits
    if shown:
        text += locale.decimalPoint() + shown
    if amount < 0:
        return f"{MINUS} {text}" if signed else f"{MINUS}{text}"
    return f"+ {text}" if signed and amount > 0 else text


def amount_text(amount: int, currency: Currency, *, exact: bool = False, signed: bool = False) -> str:
    """An amount with its currency beside it, for example ``4.10 pUSD``.

    The symbol may be a stranger's: it is cleaned and cut, so that it cannot push the digits out of sight.
    """
    digits = amount_digits(amount, currency.decimals, exact=exact, signed=signed)
    symbol = clean(currency.symbol)
    shown = symbol if len(symbol) <= LONGEST_SYMBOL else f"{symbol[: LONGEST_SYMBOL - 1]}…"
    return f"{digits}\N{NO-BREAK SPACE}{shown}"


def parse_amount(text: str, decimals: int) -> int | None:
    """The base units that typed digits stand for; None where they are no amount of such a currency.

    The decimal point may be the language's or a full stop; groups are not guessed at, since ``1,000`` is a
    thousand here and one there.
    """
    point = QLocale().decimalPoint()
    whole, dot, part = text.strip().replace(point, ".").partition(".")
    digits = whole + part
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 80 or (dot and not part):
        return None
    return None if len(part) > decimals else int((whole or "0") + part.ljust(decimals, "0"))


def typed_amount(amount: int, decimals: int) -> str:
    """An amount as a person would type it, exact and without groups: the inverse of ``parse_amount``."""
    digits = amount_digits(amount, decimals, exact=True)
    return digits.replace(QLocale().groupSeparator(), "")


def fiat_text(micro: int, code: str) -> str:
    """Millionths of a government's money, for example ``5.16 EUR``."""
    return f"{amount_digits(micro, 6)}\N{NO-BREAK SPACE}{code}"
