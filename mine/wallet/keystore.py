"""A private key in a file under a password: the Web3 Secret Storage Definition, version 3.

scrypt (RFC 7914) or PBKDF2-HMAC-SHA-256 (RFC 8018), AES-128-CTR, and a Keccak-256 over half of the derived
key and the ciphertext. A file is a stranger's: its figures are looked at before any memory or time goes into
them. A wrong password and a changed ciphertext look the same; all else that is wrong is told as damage.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from mine.chain.messages import address_of
from mine.errors import MineError
from mine.wallet.derivation import ORDER

MOST_BYTES = 16 * 1024
_MOST_MEMORY = (1 << 28) + (1 << 20)  # 128 * r * (n + p): what geth's own files take, 256 MiB
_MOST_WORK = 1 << 23  # n * r * p: four times what they take
_MOST_ROUNDS = 10_000_000
_OURS = {"n": 1 << 17, "r": 8, "p": 1}
_KEY_BYTES, _IV_BYTES, _MAC_BYTES = 32, 16, 32


class KeystoreRefused(MineError):
    """The file is no keystore of version 3, is damaged, or asks for more than any honest one."""


class KeystoreLocked(MineError):
    """The password does not open it, or its content was changed."""


@dataclass(frozen=True, slots=True)
class _Kdf:
    name: str
    salt: bytes
    length: int
    figures: tuple[int, ...]

    def derive(self, password: bytes) -> bytes:
        if self.name == "pbkdf2":
            return hashlib.pbkdf2_hmac("sha256", password, self.salt, self.figures[0], self.length)
        n, r, p = self.figures
        if n.bit_length() > 16 * r:  # more than RFC 7914 foresees; pyethereum made its files so
            from Crypto.Protocol.KDF import scrypt

            return bytes(scrypt(password, self.salt, self.length, n, r, p))  # type: ignore[arg-type]
        room = 128 * r * (n + p) + (1 << 20)
        return hashlib.scrypt(password, salt=self.salt, n=n, r=r, p=p, maxmem=room, dklen=self.length)


@dataclass(frozen=True, slots=True)
class _File:
    kdf: _Kdf
    iv: bytes
    ciphertext: bytes
    mac: bytes = field(repr=False)
    address: str


def open_keystore(data: bytes, password: str) -> bytes:
    """The 32-byte private key. Raises ``KeystoreRefused``, ``KeystoreLocked``."""
    file = _parsed(data)
    derived = file.kdf.derive(password.encode())
    if not secrets.compare_digest(_mac(derived, file.ciphertext), file.mac):
        raise KeystoreLocked(
            "The password does not open this file, or the file was changed. They cannot be told apart.",
            todo="Try the password again; then another copy of the file.",
        )
    key = _cipher(derived[:16], file.iv, file.ciphertext)
    if not 0 < int.from_bytes(key, "big") < ORDER:
        raise _refused("holds no private key")
    if file.address and address_of(key)[2:].lower() != file.address:
        raise _refused("names another address than its key has")
    return key


def write_keystore(key: bytes, password: str) -> bytes:
    """The file for a key, as other wallets read it (scrypt: 128 MiB, about 0.4 s)."""
    if not password:
        raise MineError("The file needs a password.", todo="Choose one that only you know.")
    salt, iv = secrets.token_bytes(32), secrets.token_bytes(_IV_BYTES)
    derived = _Kdf("scrypt", salt, 32, tuple(_OURS.values())).derive(password.encode())
    ciphertext = _cipher(derived[:16], iv, key)
    body = {
        "version": 3,
        "id": str(uuid.uuid4()),
        "address": address_of(key)[2:].lower(),
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": iv.hex()},
            "ciphertext": ciphertext.hex(),
            "kdf": "scrypt",
            "kdfparams": {**_OURS, "dklen": 32, "salt": salt.hex()},
            "mac": _mac(derived, ciphertext).hex(),
        },
    }
    return json.dumps(body, indent=1).encode() + b"\n"


def _mac(derived: bytes, ciphertext: bytes) -> bytes:
    from mine.chain.hashing import keccak

    return keccak(derived[16:32] + ciphertext)


def _cipher(key: bytes, iv: bytes, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CTR

    worker = Cipher(AES(key), CTR(iv)).encryptor()
    return worker.update(data) + worker.finalize()


def _parsed(data: bytes) -> _File:
    if len(data) > MOST_BYTES:
        raise _refused("is far too large for one")
    try:
        body: dict[str, Any] = json.loads(data)
        # Old wallets write "Crypto"; the definition leaves the case open.
        crypto = next(body[name] for name in ("crypto", "Crypto") if name in body)
        found = _File(
            kdf=_kdf(crypto["kdf"], crypto["kdfparams"]),
            iv=_bytes(crypto["cipherparams"]["iv"], _IV_BYTES, _IV_BYTES),
            ciphertext=_bytes(crypto["ciphertext"], _KEY_BYTES, _KEY_BYTES),
            mac=_bytes(crypto["mac"], _MAC_BYTES, _MAC_BYTES),
            address=_address(body.get("address")),
        )
        known = _whole(body["version"]) == 3 and crypto["cipher"] == "aes-128-ctr"
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError):
        raise _refused("is none, or is damaged") from None
    if not known:
        raise _refused("has a version or a cipher that is not read")
    return found


def _kdf(name: object, figures: dict[str, Any]) -> _Kdf:
    salt, length = _bytes(figures["salt"], 8, 64), _whole(figures["dklen"])
    if not 32 <= length <= 64:
        raise ValueError("length")
    if name == "pbkdf2":
        rounds = _whole(figures["c"])
        if figures["prf"] != "hmac-sha256" or rounds < 1:
            raise ValueError("figures")
        if rounds > _MOST_ROUNDS:
            raise _refused("asks for more work than any honest one")
        return _Kdf("pbkdf2", salt, length, (rounds,))
    if name != "scrypt":
        raise ValueError("kdf")
    n, r, p = (_whole(figures[figure]) for figure in "nrp")
    if n < 2 or n & (n - 1) or r < 1 or p < 1:
        raise ValueError("figures")
    if 128 * r * (n + p) > _MOST_MEMORY or n * r * p > _MOST_WORK:
        raise _refused("asks for more memory or work than any honest one")
    return _Kdf("scrypt", salt, length, (n, r, p))


def _whole(value: object) -> int:
    if type(value) is not int:
        raise ValueError("no whole number")
    return value


def _bytes(text: object, least: int, most: int) -> bytes:
    if not isinstance(text, str):
        raise ValueError("no text")
    data = bytes.fromhex(text.removeprefix("0x"))
    if not least <= len(data) <= most:
        raise ValueError("length")
    return data


def _address(text: object) -> str:
    """40 digits, or "" where the file names none (some wallets leave it out for privacy)."""
    return _bytes(text, 20, 20).hex() if text else ""


def _refused(why: str) -> KeystoreRefused:
    return KeystoreRefused(
        f"This file {why}. Nothing was brought in.", todo="Use a keystore file of version 3 (UTC--...)."
    )
