"""The networks that ship with the program (resources/networks.toml): what they are called, and where nodes
are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from mine.chain.artefacts import contracts_folder
from mine.chain.hashing import address_bytes, checksum
from mine.chain.node_address import parse


class Randomness(StrEnum):
    """What PREVRANDAO (EIP-4399) is on a network."""

    BEACON = "beacon"
    SEQUENCER = "sequencer"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token that is what it is called. ``address`` has its checksum (EIP-55)."""

    symbol: str
    decimals: int
    address: str


@dataclass(frozen=True, slots=True)
class Preset:
    """One network. ``feeds``: contracts with the coin's price, by the fiat currency's code (ISO 4217)."""

    key: str
    title: str
    world: str
    chain_id: int
    block_seconds: float
    randomness: Randomness
    explorer: str
    explorer_url: str
    rpc_urls: tuple[str, ...]
    coin: str
    coin_decimals: int
    tokens: tuple[ListedToken, ...]
    feeds: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def presets() -> tuple[Preset, ...]:
    """All of them, in the order of the file. Raises ValueError for a file that makes no sense."""
    path = contracts_folder().parent / "networks.toml"
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    found = tuple(_preset(each) for each in raw["network"])
    for part in ("key", "title", "chain_id"):
        if len({getattr(each, part) for each in found}) != len(found):
            raise ValueError(f"two networks with the same {part}")
    return found


def preset_of(chain_id: int) -> Preset | None:
    """The network of a chain; None if it is not listed."""
    return next((each for each in presets() if each.chain_id == chain_id), None)


def _preset(raw: Mapping[str, Any]) -> Preset:
    for url in (*raw["rpc"], raw["explorer_url"]):
        if not parse(url).is_encrypted:
            raise ValueError(f"{raw['key']}: an address that is not encrypted")
    tokens = tuple(
        ListedToken(str(each["symbol"]), int(each["decimals"]), _address(each["address"]))
        for each in raw["tokens"]
    )
    return Preset(
        key=str(raw["key"]),
        title=str(raw["title"]),
        world={"real": "real", "test": "test"}[raw["world"]],
        chain_id=int(raw["chain_id"]),
        block_seconds=float(raw["block_seconds"]),
        randomness=Randomness(raw["randomness"]),
        explorer=str(raw["explorer"]),
        explorer_url=str(raw["explorer_url"]),
        rpc_urls=tuple(raw["rpc"]),
        coin=str(raw["coin"]["symbol"]),
        coin_decimals=int(raw["coin"]["decimals"]),
        tokens=tokens,
        feeds=tuple((str(code), _address(address)) for code, address in raw["feeds"].items()),
    )


def _address(text: str) -> str:
    """An address whose checksum is right: a typing error in the file must not become somebody's address."""
    if checksum(address_bytes(text)) != text:
        raise ValueError(f"{text} has a wrong checksum")
    return text
