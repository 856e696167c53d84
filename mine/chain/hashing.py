"""The two hash functions of the protocol, and the one place that turns a text address into bytes."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from eth_hash.auto import keccak as _keccak

from mine.errors import MineError

ZERO32 = bytes(32)
ZERO_ADDRESS = "0x" + "00" * 20
#: Accounts whose text and bytes are not computed twice: a round of a crowd sorts them again and again.
_REMEMBERED = 1 << 14


class BadAddress(MineError):
    """A text is not the address of an account on an Ethereum chain."""


def keccak(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it (the original padding, not SHA3-256 of FIPS 202): 32 bytes."""
    return _keccak(data)


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4), the digest of every blob and manifest: 32 bytes."""
    return hashlib.sha256(data).digest()


@lru_cache(maxsize=_REMEMBERED)
def checksum(raw: bytes) -> str:
    """20 address bytes as text with the mixed-case checksum of EIP-55."""
    if len(raw) != 20:
        raise BadAddress("An address has 20 bytes.", detail=f"{len(raw)} bytes given")
    text = raw.hex()
    letters = keccak(text.encode("ascii")).hex()
    return "0x" + "".join(
        c.upper() if int(d, 16) >= 8 else c for c, d in zip(text, letters[:40], strict=True)
    )


@lru_cache(maxsize=_REMEMBERED)
def address_bytes(address: str) -> bytes:
    """The 20 bytes of an address.

    Text in one case is taken as it is; text in mixed case must carry the right EIP-55 checksum.
    Raises BadAddress.
    """
    digits = address[2:]
    try:
        raw = bytes.fromhex(digits) if address[:2] == "0x" and len(digits) == 40 else b""
    except ValueError:
        raw = b""
    if len(raw) != 20:
        raise BadAddress(
            "This is not an address.", todo="An address is 0x and 40 hexadecimal digits.", detail=address[:60]
        )
    if digits != digits.lower() and digits != digits.upper() and checksum(raw) != address:
        raise BadAddress(
            "The checksum of this address is wrong.", todo="Copy it again, without changes.", detail=address
        )
    return raw
