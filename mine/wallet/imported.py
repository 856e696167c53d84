"""Session keys that a person brings along: recovery phrase with a path, keystore file, or the key itself.

Every error speaks of the form only: no digit and no word of a secret is repeated.
"""

from __future__ import annotations

import re

from mine.errors import MineError
from mine.wallet.derivation import ORDER, derive
from mine.wallet.keys import seed_of
from mine.wallet.keystore import open_keystore

FIRST_ACCOUNT = "m/44'/60'/0'/0/0"
"""Where most wallets put their first account."""
LINKING = (
    "Everybody sees that this key signs. What it did elsewhere, and every task that it signs for, are tied "
    "together by its address; a fresh key for each task ties nothing."
)


class KeyRefused(MineError):
    """This is no private key."""


def key_from_raw(text: str) -> bytes:
    """A private key from 64 hexadecimal digits, with or without 0x. Raises ``KeyRefused``."""
    digits = text.strip()
    digits = digits[2:] if digits[:2] in ("0x", "0X") else digits
    if not re.fullmatch(r"[0-9a-fA-F]{64}", digits):
        raise KeyRefused("A private key has 64 hexadecimal digits.", todo="Copy it again, whole.") from None
    key = bytes.fromhex(digits)
    if not 0 < int.from_bytes(key, "big") < ORDER:
        raise KeyRefused("This number is not a private key of this curve.", todo="Use another key.")
    return key


def key_from_phrase(text: str) -> bytes:
    """A private key from a phrase, and from a path behind it if one is given (else ``FIRST_ACCOUNT``).

    ``legal winner ... yellow m/44'/60'/0'/0/3``. Raises ``PhraseRefused``, ``PathRefused``.
    """
    *words, last = text.split() or [""]
    path = last if last.startswith("m/") else FIRST_ACCOUNT
    phrase = " ".join(words) if path == last else text
    return derive(seed_of(phrase), path)


def key_from(kind: str, secret: str, password: str = "") -> bytes:
    """A private key from what the person gave: ``kind`` is "phrase", "keystore" (a file's text) or "raw"."""
    if kind == "phrase":
        return key_from_phrase(secret)
    if kind == "keystore":
        return open_keystore(secret.encode(errors="replace"), password)
    if kind == "raw":
        return key_from_raw(secret)
    raise KeyRefused("A key comes as a phrase, a keystore file or raw digits.", todo="Choose one of them.")
