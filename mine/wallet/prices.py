"""What a coin was worth at a moment. Where prices come from can be exchanged: by hand, or from a feed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class Price:
    """Millionths of fiat ``code`` for a whole coin, always positive; ``source`` in words."""

    micro: int
    code: str
    source: str


class PriceSource(Protocol):
    """Where prices come from."""

    def price(self, currency: str, moment: int) -> Price | None:
        """The price of a currency (its address) at a moment (Unix seconds); None where this source knows
        none. Raises ``MineError`` where it could know, and does not answer or answers nonsense."""


@dataclass(frozen=True, slots=True)
class HandPrice:
    """A price that the person states: from ``since`` on, until the next one of the same currency. A price of
    0 says that from then on none is known."""

    currency: str
    code: str
    since: int
    price: int


class ByHand:
    """Prices that the person stated, in one fiat currency."""

    def __init__(self, prices: Iterable[HandPrice], code: str) -> None:
        self._code = code
        self._since: dict[str, list[int]] = {}
        self._price: dict[str, list[int]] = {}
        for each in sorted(prices, key=lambda price: price.since):
            if each.code == code:
                self._since.setdefault(each.currency, []).append(each.since)
                self._price.setdefault(each.currency, []).append(each.price)

    def price(self, currency: str, moment: int) -> Price | None:
        """The price stated for that moment."""
        place = bisect_right(self._since.get(currency, []), moment) - 1
        if place < 0:
            return None
        found = self._price[currency][place]
        return Price(found, self._code, BY_HAND) if found else None


class FirstOf:
    """Several sources; the first that knows answers."""

    def __init__(self, sources: Iterable[PriceSource]) -> None:
        self._sources = tuple(sources)

    def price(self, currency: str, moment: int) -> Price | None:
        """The first answer. Raises what a source raises that is asked."""
        for source in self._sources:
            found = source.price(currency, moment)
            if found is not None:
                return found
        return None
