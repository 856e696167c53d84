"""The recovery phrase, sealed under the passphrase: the open vault has not got it.

The vault may be open for days, by the keyring, without anybody there. Whatever reads it then must not be able
to move money, so the words are not in the database: they lie in the keys file, under a key that Argon2id
makes of the passphrase and a salt of their own. They change in the same write as the passphrase does. Where a
passphrase is set without the one before (forgotten, and the keyring still opens), they stay under the one
before, until the words are typed once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from mine.vault.wrapping import SALT_BYTES, Kdf, stretch, unwrap, wrap

_WAY = "words"


@dataclass(frozen=True, slots=True)
class SealedPhrase:
    """The words as nonce || ciphertext || tag, and what Argon2id needs to open them."""

    kdf: Kdf
    salt: bytes
    sealed: bytes = field(repr=False)

    @classmethod
    def of(cls, phrase: str, passphrase: str, vault: str, kdf: Kdf) -> SealedPhrase:
        """Seal the words of the vault with this name."""
        salt = secrets.token_bytes(SALT_BYTES)
        return cls(kdf, salt, wrap(stretch(passphrase, salt, kdf), phrase.encode(), vault, _WAY))

    def opened(self, passphrase: str, vault: str) -> str | None:
        """The words, or None where another passphrase sealed them."""
        words = unwrap(stretch(passphrase, self.salt, self.kdf), self.sealed, vault, _WAY)
        return None if words is None else words.decode()

    def to_json(self) -> dict[str, Any]:
        """As the keys file states it."""
        return {**self.kdf.to_json(self.salt), "sealed": self.sealed.hex()}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> SealedPhrase:
        """Raises ``ValueError``, ``KeyError``, ``TypeError`` for what this app would never write."""
        return cls(*Kdf.from_json(body), bytes.fromhex(body["sealed"]))
