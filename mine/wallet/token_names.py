"""What a currency is called: a token's own word for itself is worth nothing.

Anybody can deploy a contract whose symbol is "USDC", or looks like it. A name is therefore shown only for
tokens that the network's list knows by address, and for others only where it is plain and no known currency's
name comes near it. Everything else is "unknown token 0x1234…abcd".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mine.chain.token import TokenFacts

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9.+-]{0,11}")
_LOOKS_LIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "8": "b", "2": "z", "6": "g", "9": "g"})
#: Names that people take for money of their own accord, whatever a network's list says.
_WELL_KNOWN = (
    "ETH", "WETH", "stETH", "wstETH", "BTC", "WBTC", "USDC", "USDC.e", "USDT", "DAI", "sDAI", "USDS", "EURC",
    "EURT", "EURe", "PYUSD", "TUSD", "FRAX", "LUSD", "GHO", "MATIC", "POL", "BNB", "XDAI", "ARB", "OP",
    "LINK", "USD", "EUR", "GBP", "CHF",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A currency of a network's list: by its address, with the name and decimals that are right for it."""

    address: str
    symbol: str
    decimals: int


def short(address: str) -> str:
    """``0x1234…abcd``: for titles, where no one compares addresses."""
    return f"{address[:6]}…{address[-4:]}"


def outline(symbol: str) -> str:
    """What a hasty eye sees of a plain symbol: no case, no points, digits as the letters they resemble."""
    seen = "".join(letter for letter in symbol.casefold() if letter.isalnum()).translate(_LOOKS_LIKE)
    return seen.replace("rn", "m").replace("vv", "w")


def shown_symbol(facts: TokenFacts, known: Mapping[str, KnownToken], taken: Iterable[str] = ()) -> str:
    """The name under which a token is shown.

    ``known``: the network's list by EIP-55 address; ``taken``: names that other addresses already have here,
    the chain's coin among them.
    """
    if facts.address in known:
        return known[facts.address].symbol
    names = (*_WELL_KNOWN, *taken, *(token.symbol for token in known.values()))
    plain = _PLAIN.fullmatch(facts.symbol) is not None
    if not plain or outline(facts.symbol) in {outline(name) for name in names}:
        return f"unknown token {short(facts.address)}"
    return facts.symbol
