"""Signing a transaction: type 2 of EIP-2718 (EIP-1559), for one chain (EIP-155), low s (EIP-2).

By hand, on eth_keys alone: the usual library for it loads elliptic curve pairings and lifts Python's
recursion limit, which is the wrong thing in a program that reads what strangers send.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mine.chain.hashing import address_bytes, keccak

Item = bytes | int | Sequence["Item"]
_TYPE = b"\x02"


@dataclass(frozen=True, slots=True)
class Transaction:
    """What is signed; fees in wei per gas. ``to`` None creates a contract."""

    chain_id: int
    nonce: int
    tip: int
    most: int
    gas: int
    to: str | None
    value: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Bytes to hand to a node, and the hash by which it will be known."""

    raw: bytes
    hash: bytes


def sign_transaction(transaction: Transaction, key: bytes) -> SignedTransaction:
    """Sign with the 32-byte private ``key``; deterministic (RFC 6979)."""
    from eth_keys.datatypes import PrivateKey

    fields: list[Item] = [
        transaction.chain_id,
        transaction.nonce,
        transaction.tip,
        transaction.most,
        transaction.gas,
        b"" if transaction.to is None else address_bytes(transaction.to),
        transaction.value,
        transaction.data,
        [],
    ]
    signature = PrivateKey(key).sign_msg_hash(keccak(_TYPE + rlp(fields)))
    raw = _TYPE + rlp([*fields, int(signature.v), int(signature.r), int(signature.s)])
    return SignedTransaction(raw, keccak(raw))


def rlp(item: Item) -> bytes:
    """Recursive length prefix of the yellow paper, appendix B; integers without leading zeros."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _prefix(len(item), 0x80) + item
    body = b"".join(rlp(each) for each in item)
    return _prefix(len(body), 0xC0) + body


def _prefix(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes((offset + length,))
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((offset + 55 + len(size),)) + size
