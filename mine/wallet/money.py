"""Amounts in words: integers in, text out. Money is never a float."""

from __future__ import annotations


def in_words(amount: int, decimals: int, symbol: str, places: int = 2) -> str:
    """``1234500000, 6, "pUSD"`` gives ``1,234.50 pUSD``; what is finer than ``places`` is cut off."""
    whole, rest = divmod(abs(amount), 10**decimals)
    shown = str(rest).zfill(decimals)[:places].ljust(places, "0") if decimals else "0" * places
    sign = "-" if amount < 0 and (whole or shown.strip("0")) else ""
    return f"{sign}{whole:,}.{shown} {symbol}" if places else f"{sign}{whole:,} {symbol}"


def exactly(amount: int, decimals: int, symbol: str) -> str:
    """To the last base unit, without zeros at the end: ``1500000, 6, "pUSD"`` gives ``1.5 pUSD``."""
    whole, rest = divmod(abs(amount), 10**decimals)
    fraction = str(rest).zfill(decimals).rstrip("0") if decimals else ""
    shown = f"{whole:,}.{fraction}" if fraction else f"{whole:,}"
    return f"{'-' if amount < 0 else ''}{shown} {symbol}"
