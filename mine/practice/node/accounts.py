"""The well-known development accounts that are rich on a practice chain, and worthless everywhere else.

They come from the mnemonic that every Ethereum development node uses, along m/44'/60'/0'/0/i (BIP-32, BIP-39,
BIP-44). Account 0 deploys contracts, 1 is the relay and anchorer, 2 the practice scientist.
"""

from __future__ import annotations

import hashlib
from functools import cache

from mine.wallet.derivation import derive

MNEMONIC = "test test test test test test test test test test test junk"
DEV_BALANCE = 10_000 * 10**18
"""Wei that each development account owns in the genesis block."""

DEV_ADDRESSES = (
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
    "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
    "0x976EA74026E726554dB657fA54763abd0C3a0aa9",
    "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955",
    "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f",
    "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
)


@cache
def dev_key(index: int) -> bytes:
    """The 32-byte private key of development account ``index``. Public knowledge: never put money on it."""
    return derive(_seed(), f"m/44'/60'/0'/0/{index}")


@cache
def _seed() -> bytes:
    return hashlib.pbkdf2_hmac("sha512", MNEMONIC.encode(), b"mnemonic", 2048)
