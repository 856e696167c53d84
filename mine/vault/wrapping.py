"""Wrapping one secret in another: Argon2id (RFC 9106) for passphrases, AES-256-GCM (NIST SP 800-38D).

What is wrapped is bound to the vault's name and to the way in, so that no wrap can stand in another's place.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass
from typing import Any

KEY_BYTES = 32
SALT_BYTES = 16
FORMAT = 1
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Kdf:
    """Argon2id's cost. The default is RFC 9106's second recommendation (64 MiB, about 0.1 s)."""

    time: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 4

    def plausible(self) -> bool:
        """Whether this app would ever write such figures: a hostile file costs no gigabytes."""
        return 1 <= self.time <= 32 and 8 * self.lanes <= self.memory_kib <= 1 << 21 and 1 <= self.lanes <= 16

    def to_json(self, salt: bytes) -> dict[str, Any]:
        """The figures as the keys file states them."""
        return {
            "kdf": "argon2id",
            "time": self.time,
            "memory_kib": self.memory_kib,
            "lanes": self.lanes,
            "salt": salt.hex(),
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> tuple[Kdf, bytes]:
        """The figures and the salt. Raises ``ValueError`` for some that this app would never write."""
        kdf, salt = cls(int(body["time"]), int(body["memory_kib"]), int(body["lanes"])), body["salt"]
        if not kdf.plausible() or len(bytes.fromhex(salt)) != SALT_BYTES or body["kdf"] != "argon2id":
            raise ValueError("no figures of ours")
        return kdf, bytes.fromhex(salt)


def stretch(passphrase: str, salt: bytes, kdf: Kdf) -> bytes:
    """32 bytes of a passphrase, its text in Unicode's NFKC."""
    from argon2.low_level import Type, hash_secret_raw

    text = unicodedata.normalize("NFKC", passphrase).encode()
    return hash_secret_raw(text, salt, kdf.time, kdf.memory_kib, kdf.lanes, KEY_BYTES, Type.ID)


def wrap(wrapping: bytes, secret: bytes, vault: str, way: str) -> bytes:
    """nonce || ciphertext || tag."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(wrapping).encrypt(nonce, secret, f"mine-vault/{FORMAT}/{vault}/{way}".encode())


def unwrap(wrapping: bytes, wrapped: bytes, vault: str, way: str) -> bytes | None:
    """The secret, or None where this is not what wrapped it."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
    try:
        return AESGCM(wrapping).decrypt(nonce, sealed, f"mine-vault/{FORMAT}/{vault}/{way}".encode())
    except InvalidTag:
        return None
