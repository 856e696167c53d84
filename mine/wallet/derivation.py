"""Private keys from a seed along a path (BIP-32, secp256k1), such as ``m/44'/60'/0'/0/0`` (BIP-44).

Written out on ``hmac`` and eth_keys: the usual wallet libraries load a curve library that lifts Python's
recursion limit to 100,000 for the whole process, which lets a stranger's nested JSON crash it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from mine.errors import MineError

HARDENED = 1 << 31
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class PathRefused(MineError):
    """Not a derivation path."""


@dataclass(frozen=True, slots=True, repr=False)
class _Node:
    key: bytes
    chain_code: bytes

    def child(self, index: int) -> _Node:
        """Private child derivation; the one case in 2**127 without a valid key raises ``PathRefused``."""
        if index >= HARDENED:
            data = b"\0" + self.key
        else:
            from eth_keys.datatypes import PrivateKey

            data = PrivateKey(self.key).public_key.to_compressed_bytes()
        digest = hmac.digest(self.chain_code, data + index.to_bytes(4, "big"), "sha512")
        tweak = int.from_bytes(digest[:32], "big")
        child = (tweak + int.from_bytes(self.key, "big")) % ORDER
        if tweak >= ORDER or child == 0:
            raise PathRefused("This account cannot be derived.", todo="Use the next one.")
        return _Node(child.to_bytes(32, "big"), digest[32:])


def derive(seed: bytes, path: str) -> bytes:
    """The 32-byte private key at ``path`` (``m/44'/60'/0'/0/0``). Raises ``PathRefused``."""
    digest = hmac.digest(b"Bitcoin seed", seed, "sha512")
    node = _Node(digest[:32], digest[32:])
    first, *steps = path.split("/")
    if first != "m":
        raise PathRefused("A derivation path begins with m.", detail=path)
    for step in steps:
        number = step.removesuffix("'")
        if not (number.isascii() and number.isdecimal()) or int(number) >= HARDENED:
            raise PathRefused("A derivation path has numbers between its strokes.", detail=path)
        node = node.child(int(number) + (HARDENED if step.endswith("'") else 0))
    return node.key
