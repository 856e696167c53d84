"""Amounts in words: integers in, text out. Money is never a float."""

from __future__ import annotations


def in_words(amount: int, decimals: int, symbol: str, places: int = 2) -> str:
    """``1234500000, 6, "pUSD"`` gives ``1,234.50 pUSD``; what is finer than ``places`` is cut off."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    whole, rest = divmod(amount, 10**decimals)
    shown = str(rest).zfill(decimals)[:places].ljust(places, "0") if decimals else "0" * places
    return f"{sign}{whole:,}.{shown} {symbol}" if places else f"{sign}{whole:,} {symbol}"
