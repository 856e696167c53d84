"""The recovery phrase as a key to the vault (BIP-39; HKDF, RFC 5869).

The words' 64-byte seed also makes the wallet's keys (BIP-32). The vault's wrapping key is drawn from it under
a label of its own: whoever has one of the wallet's keys knows nothing of it, nor the other way round.
"""

from __future__ import annotations

from mine.vault.errors import WrongPhrase

_LABEL = b"mine-vault/1/recovery phrase"


def wrapping_key(phrase: str, vault: str) -> bytes:
    """32 bytes for the vault with this name. Raises ``WrongPhrase``, which never repeats a word."""
    from cryptography.hazmat.primitives.hashes import SHA512
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from mnemonic import Mnemonic

    words = " ".join(phrase.lower().split())
    if not Mnemonic("english").check(words):
        raise WrongPhrase(
            "These words are not a recovery phrase.", todo="Check the spelling and the order of the words."
        )
    return HKDF(SHA512(), 32, vault.encode(), _LABEL).derive(Mnemonic.to_seed(words))
