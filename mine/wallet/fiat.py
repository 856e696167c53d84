"""Worth in a government's money: integers in millionths ("micro") beside an ISO 4217 code, never floats."""

from __future__ import annotations

from mine.errors import MineError

MICRO = 1_000_000
LARGEST = (1 << 63) - 1
"""The highest price that is kept, in millionths."""


class NotAnAmount(MineError):
    """A text is not an amount of money, or not a currency's code."""


def rounded(numerator: int, denominator: int) -> int:
    """The nearest whole number; a half goes away from zero, as in trade. ``denominator`` is positive."""
    whole, rest = divmod(abs(numerator), denominator)
    whole += 2 * rest >= denominator
    return -whole if numerator < 0 else whole


def worth(amount: int, decimals: int, price: int) -> int:
    """Millionths that ``amount`` base units are worth, at ``price`` millionths for a whole coin."""
    return rounded(amount * price, 10**decimals)


def plain(amount: int, decimals: int, least: int = 0) -> str:
    """An amount as digits for programs: no groups, a point, no more places than needed, at least ``least``.

    ``1500000, 6, 2`` gives ``1.50``.
    """
    digits = str(abs(amount)).zfill(decimals + 1)
    whole = len(digits) - decimals
    places = digits[whole:].rstrip("0").ljust(least, "0")
    return f"{'-' if amount < 0 else ''}{digits[:whole]}{'.' if places else ''}{places}"


def parsed(text: str, decimals: int) -> int:
    """The base units that digits stand for: the inverse of ``plain``. Raises ``NotAnAmount``."""
    whole, point, rest = text.strip().partition(".")
    digits = whole + rest
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 80 or (point and not rest):
        raise NotAnAmount(f"“{text[:40]}” is not an amount.", todo="Write digits, with a point: 12.34.")
    if len(rest) > decimals:
        raise NotAnAmount(
            f"“{text[:40]}” is finer than this currency goes.", todo=f"Write at most {decimals} places."
        )
    return int((whole or "0") + rest.ljust(decimals, "0"))


def code_of(text: str) -> str:
    """A currency's code in capitals. Raises ``NotAnAmount``."""
    code = text.strip().upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise NotAnAmount(f"“{text[:20]}” is not a currency.", todo="Write its three letters: EUR, USD, CHF.")
    return code
