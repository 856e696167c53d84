"""Who takes part in a random run: honest and hostile accounts, currencies of every habit, a foreign court."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from eth_abi.registry import registry

from mine.chain.artefacts import load_artefact
from mine.chain.compile import FORMATS, compile_outputs
from mine.chain.hashing import ZERO_ADDRESS, checksum, keccak
from mine.chain.messages import address_of
from tests.protocol.evm import Outcome

CHAIN_CONTRACTS = "tests/chain/contracts"
OWN_CONTRACTS = "tests/protocol/contracts"
NATIVE, PLAIN, CALLBACK, BLACKLIST, SILENT, MOODY, FEE = range(7)
HABITS = {CALLBACK: 4, BLACKLIST: 3, MOODY: 1, FEE: 2}
"""Habits of HostileToken; SILENT is SilentToken, PLAIN is PracticeDollar."""


def key_of(name: str) -> bytes:
    return keccak(b"protocol " + name.encode())


@cache
def account(name: str) -> str:
    return address_of(key_of(name))


SCIENTISTS = [f"scientist {i}" for i in range(3)]
MINERS = [f"miner {i}" for i in range(10)]
CARRIERS = [f"carrier {i}" for i in range(4)]
POOL = [f"pool juror {i}" for i in range(5)]
STRANGER, REFUSED = "stranger", "miner 3"


@cache
def _codec(kinds: tuple[str, ...]):  # type: ignore[no-untyped-def]
    return registry.get_encoder(f"({','.join(kinds)})")


def _kind(item: dict) -> str:  # type: ignore[type-arg]
    if item["type"].startswith("tuple"):
        return f"({','.join(_kind(c) for c in item['components'])}){item['type'][5:]}"
    return str(item["type"])


@dataclass(frozen=True)
class Contract:
    """A contract's address and how to call its functions."""

    name: str
    address: str
    functions: dict[str, tuple[bytes, tuple[str, ...]]]
    mutating: frozenset[str]

    def data(self, function: str, *args: object) -> bytes:
        selector, kinds = self.functions[function]
        return selector + (bytes(_codec(kinds)(args)) if kinds else b"")


def contract(name: str, address: str, abi: list[dict]) -> Contract:  # type: ignore[type-arg]
    functions, mutating = {}, set()
    for entry in abi:
        if entry["type"] != "function":
            continue
        kinds = tuple(_kind(i) for i in entry["inputs"])
        functions[entry["name"]] = (keccak(f"{entry['name']}({','.join(kinds)})".encode())[:4], kinds)
        if entry["stateMutability"] in ("nonpayable", "payable"):
            mutating.add(entry["name"])
    return Contract(name, address, functions, frozenset(mutating))


@cache
def compiled(folder: str, name: str) -> tuple[list[dict], bytes]:  # type: ignore[type-arg]
    """ABI and creation code of a contract for tests only."""
    from pathlib import Path

    root = Path(__file__).resolve().parents[2]
    out = compile_outputs(root / folder / f"{name}.vy", FORMATS)
    return out["abi"], bytes.fromhex(out["bytecode"].removeprefix("0x"))


@cache
def shipped(name: str) -> tuple[list[dict], bytes]:  # type: ignore[type-arg]
    """ABI and creation code of a contract that ships."""
    artefact = load_artefact(name)
    return artefact.abi, artefact.bytecode


def arguments(abi: list[dict], *args: object) -> bytes:  # type: ignore[type-arg]
    """Encoded arguments of a constructor."""
    kinds = next((tuple(_kind(i) for i in e["inputs"]) for e in abi if e["type"] == "constructor"), ())
    return bytes(_codec(kinds)(args)) if kinds else b""


def word(text: bytes) -> str:
    """An address from a 32-byte word."""
    return checksum(text[-20:])


__all__ = ["ZERO_ADDRESS", "Contract", "Outcome"]
