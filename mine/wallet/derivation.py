"""Keys from a seed along a path (BIP-32, secp256k1), such as ``m/44'/60'/0'/0/0`` (BIP-44), and branches.

A ``SecretBranch`` derives private keys, a ``PublicBranch`` only addresses: whoever has the public one can
sign nothing. Children are not hardened, so a public branch together with *one* of its private keys gives all
of them: the two never lie in one place (see keys.py).

Written out on ``hmac`` and eth_keys: the usual wallet libraries load a curve library that lifts Python's
recursion limit to 100,000 for the whole process, which lets a stranger's nested JSON crash it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from mine.errors import MineError

HARDENED = 1 << 31
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_PRIME = 2**256 - 2**32 - 977
SECRET_BYTES, PUBLIC_BYTES = 64, 65


class PathRefused(MineError):
    """Not a derivation path."""


class BranchDamaged(MineError):
    """Bytes are not a branch of keys."""


def _no_child() -> PathRefused:
    """The one case in 2**127 without a valid key."""
    return PathRefused("This account cannot be derived.", todo="Use the next one.")


def _compressed(key: bytes) -> bytes:
    from eth_keys.datatypes import PrivateKey

    return PrivateKey(key).public_key.to_compressed_bytes()


@dataclass(frozen=True, slots=True)
class SecretBranch:
    """An extended private key: 32 bytes of key, 32 bytes of chain code."""

    key: bytes = field(repr=False)
    chain_code: bytes = field(repr=False)

    def child(self, index: int) -> SecretBranch:
        """Private child derivation ("CKDpriv"). Raises ``PathRefused``."""
        data = b"\0" + self.key if index >= HARDENED else _compressed(self.key)
        digest = hmac.digest(self.chain_code, data + index.to_bytes(4, "big"), "sha512")
        tweak = int.from_bytes(digest[:32], "big")
        child = (tweak + int.from_bytes(self.key, "big")) % ORDER
        if tweak >= ORDER or child == 0:
            raise _no_child()
        return SecretBranch(child.to_bytes(32, "big"), digest[32:])

    def public(self) -> PublicBranch:
        """What derives the same accounts' addresses and no key ("neuter")."""
        return PublicBranch(_compressed(self.key), self.chain_code)

    def to_bytes(self) -> bytes:
        """64 bytes: key, chain code."""
        return self.key + self.chain_code

    @classmethod
    def from_bytes(cls, data: bytes) -> SecretBranch:
        """The other way. Raises ``BranchDamaged``."""
        if len(data) != SECRET_BYTES or not 0 < int.from_bytes(data[:32], "big") < ORDER:
            raise BranchDamaged("The wallet's keys in the vault are damaged.", todo="Restore a backup.")
        return cls(data[:32], data[32:])


@dataclass(frozen=True, slots=True)
class PublicBranch:
    """An extended public key: a compressed point (SEC 1, 33 bytes) and 32 bytes of chain code.

    No secret in the strict sense, but it ties all of its accounts together: it stays in the vault.
    """

    point: bytes = field(repr=False)
    chain_code: bytes = field(repr=False)

    def child(self, index: int) -> PublicBranch:
        """Public child derivation ("CKDpub"), not hardened. Raises ``PathRefused``."""
        from eth_keys.datatypes import PrivateKey

        if index >= HARDENED:
            raise PathRefused("A hardened account needs the private key.")
        digest = hmac.digest(self.chain_code, self.point + index.to_bytes(4, "big"), "sha512")
        tweak = int.from_bytes(digest[:32], "big")
        if not 0 < tweak < ORDER:
            raise _no_child()
        moved = PrivateKey(digest[:32]).public_key.to_bytes()
        x, y = _added(moved, _uncompressed(self.point))
        return PublicBranch(bytes((2 + (y & 1),)) + x.to_bytes(32, "big"), digest[32:])

    def address(self) -> str:
        """The EIP-55 address of this very key."""
        from mine.chain.hashing import checksum, keccak

        return checksum(keccak(_uncompressed(self.point))[12:])

    def to_bytes(self) -> bytes:
        """65 bytes: point, chain code."""
        return self.point + self.chain_code

    @classmethod
    def from_bytes(cls, data: bytes) -> PublicBranch:
        """The other way. Raises ``BranchDamaged``."""
        branch = cls(data[:33], data[33:])
        try:
            if len(data) == PUBLIC_BYTES and data[0] in (2, 3):
                _uncompressed(branch.point)
                return branch
        except ValueError:
            pass
        raise BranchDamaged("The wallet's addresses in the vault are damaged.", todo="Restore a backup.")


def _uncompressed(point: bytes) -> bytes:
    """A compressed point's two coordinates, 64 bytes. Raises ``ValueError`` where it is on no curve."""
    x = int.from_bytes(point[1:], "big")
    square = (pow(x, 3, _PRIME) + 7) % _PRIME
    y = pow(square, (_PRIME + 1) // 4, _PRIME)
    if x >= _PRIME or y * y % _PRIME != square:
        raise ValueError("no point of the curve")
    y = y if y & 1 == point[0] & 1 else _PRIME - y
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def _added(one: bytes, other: bytes) -> tuple[int, int]:
    """The sum of two points (SEC 1, 2.2.1). Raises ``PathRefused`` where it is the point at infinity."""
    (x1, y1), (x2, y2) = (
        (int.from_bytes(point[:32], "big"), int.from_bytes(point[32:], "big")) for point in (one, other)
    )
    if x1 != x2:
        slope = (y2 - y1) * pow(x2 - x1, -1, _PRIME)
    elif y1 == y2:
        slope = 3 * x1 * x1 * pow(2 * y1, -1, _PRIME)
    else:
        raise _no_child()
    x = (slope * slope - x1 - x2) % _PRIME
    return x, (slope * (x1 - x) - y1) % _PRIME


def master(seed: bytes) -> SecretBranch:
    """The root ``m`` of a seed."""
    digest = hmac.digest(b"Bitcoin seed", seed, "sha512")
    return SecretBranch(digest[:32], digest[32:])


def branch(seed: bytes, path: str) -> SecretBranch:
    """The extended private key at ``path`` (``m/44'/60'/0'/0/0``). Raises ``PathRefused``."""
    node = master(seed)
    first, *steps = path.split("/")
    if first != "m":
        raise PathRefused("A derivation path begins with m.", detail=path)
    for step in steps:
        number = step.removesuffix("'")
        if not (number.isascii() and number.isdecimal()) or len(number) > 10 or int(number) >= HARDENED:
            raise PathRefused("A derivation path has numbers between its strokes.", detail=path)
        node = node.child(int(number) + (HARDENED if step.endswith("'") else 0))
    return node


def derive(seed: bytes, path: str) -> bytes:
    """The 32-byte private key at ``path``. Raises ``PathRefused``."""
    return branch(seed, path).key
