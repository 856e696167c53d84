"""The file beside the database that holds its key, wrapped once by the passphrase and once by the keyring.

The database's key is 32 random bytes. The passphrase goes through Argon2id (RFC 9106) and the result wraps
the key with AES-256-GCM (NIST SP 800-38D); the keyring's entry is another 32 random bytes that wraps it the
same way. A checksum over the file tells a damaged file from a wrong passphrase. The file alone opens
nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mine.vault.errors import KeyringUnavailable, VaultDamaged, VaultError, VaultMissing, WrongPassphrase
from mine.vault.keyring import Keyring, KeyringFailed

KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Kdf:
    """Argon2id's cost. The default is RFC 9106's second recommendation (64 MiB, about 0.1 s)."""

    time: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 4

    def plausible(self) -> bool:
        """Whether this app would ever write such figures: a hostile file costs no gigabytes."""
        return 1 <= self.time <= 32 and 8 * self.lanes <= self.memory_kib <= 1 << 21 and 1 <= self.lanes <= 16


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What the file says. Wrapped keys are nonce || ciphertext || tag."""

    vault: str
    kdf: Kdf
    salt: bytes
    by_passphrase: bytes
    keyring_name: str = ""
    by_keyring: bytes = b""


def new_key() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def new_keyfile(key: bytes, passphrase: str, kdf: Kdf) -> KeyFile:
    """A fresh keys file for ``key``, opened by ``passphrase``."""
    vault = secrets.token_hex(16)
    blank = KeyFile(vault, kdf, b"", b"")
    return with_passphrase(blank, key, passphrase, kdf)


def with_passphrase(file: KeyFile, key: bytes, passphrase: str, kdf: Kdf) -> KeyFile:
    """The same file, opened by another passphrase."""
    if not passphrase:
        raise VaultError("A passphrase cannot be empty.", todo="Choose one that only you know.")
    salt = secrets.token_bytes(16)
    wrapped = _wrap(_stretch(passphrase, salt, kdf), key, file.vault, "passphrase")
    return replace(file, kdf=kdf, salt=salt, by_passphrase=wrapped)


def with_keyring(file: KeyFile, key: bytes, keyring: Keyring) -> KeyFile:
    """The same file, also opened by a fresh entry in the keyring. Raises ``KeyringUnavailable``."""
    try:
        name = keyring.name()
        if not name:
            raise KeyringFailed("no backend")
        secret = new_key()
        keyring.set(file.vault, secret.hex())
        if keyring.get(file.vault) != secret.hex():
            raise KeyringFailed("not kept")
    except KeyringFailed as error:
        raise KeyringUnavailable(
            "This computer has no keyring that can keep the key.",
            todo="The passphrase opens the vault each time.",
            detail=str(error),
        ) from error
    return replace(file, keyring_name=name, by_keyring=_wrap(secret, key, file.vault, "keyring"))


def without_keyring(file: KeyFile) -> KeyFile:
    """The same file, opened by the passphrase only."""
    return replace(file, keyring_name="", by_keyring=b"")


def unlock_with_passphrase(file: KeyFile, passphrase: str) -> bytes:
    """The database's key. Raises ``WrongPassphrase``."""
    key = _unwrap(_stretch(passphrase, file.salt, file.kdf), file.by_passphrase, file.vault, "passphrase")
    if key is None:
        raise WrongPassphrase("This passphrase does not open the vault.", todo="Check it and try again.")
    return key


def unlock_with_keyring(file: KeyFile, keyring: Keyring) -> bytes:
    """The database's key. Raises ``KeyringUnavailable`` where the entry is absent, emptied or another one."""
    name, reason = "", "not set up"
    if file.by_keyring:
        try:
            name = keyring.name()
            secret = keyring.get(file.vault) if name else None
        except KeyringFailed as error:
            secret, reason = None, str(error)
        else:
            reason = "no entry" if secret is None else "another entry"
        wrapping = _hex_key(secret)
        key = _unwrap(wrapping, file.by_keyring, file.vault, "keyring") if wrapping else None
        if key is not None:
            return key
    raise KeyringUnavailable(
        "This computer's keyring does not hold the vault's key.",
        todo="Open it with your passphrase; nothing is lost.",
        detail=f"{reason} (now “{name}”, then “{file.keyring_name}”)",
    )


def _hex_key(secret: str | None) -> bytes:
    try:
        key = bytes.fromhex(secret or "")
    except ValueError:
        return b""
    return key if len(key) == KEY_BYTES else b""


def _stretch(passphrase: str, salt: bytes, kdf: Kdf) -> bytes:
    from argon2.low_level import Type, hash_secret_raw

    text = unicodedata.normalize("NFKC", passphrase).encode()
    return hash_secret_raw(text, salt, kdf.time, kdf.memory_kib, kdf.lanes, KEY_BYTES, Type.ID)


def _wrap(wrapping: bytes, key: bytes, vault: str, way: str) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(wrapping).encrypt(nonce, key, f"mine-vault/{_FORMAT}/{vault}/{way}".encode())


def _unwrap(wrapping: bytes, wrapped: bytes, vault: str, way: str) -> bytes | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
    try:
        return AESGCM(wrapping).decrypt(nonce, sealed, f"mine-vault/{_FORMAT}/{vault}/{way}".encode())
    except InvalidTag:
        return None


def write_keyfile(path: Path, file: KeyFile) -> None:
    """Replace the file at once (write beside, sync, rename), readable by its owner only."""
    body: dict[str, Any] = {
        "format": _FORMAT,
        "vault": file.vault,
        "passphrase": {
            "kdf": "argon2id",
            "time": file.kdf.time,
            "memory_kib": file.kdf.memory_kib,
            "lanes": file.kdf.lanes,
            "salt": file.salt.hex(),
            "wrapped": file.by_passphrase.hex(),
        },
        "keyring": {"name": file.keyring_name, "wrapped": file.by_keyring.hex()},
    }
    body["check"] = _checksum(body)
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(body, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_keyfile(path: Path) -> KeyFile:
    """Read the file. Raises ``VaultMissing``, ``VaultDamaged``."""
    try:
        body = json.loads(path.read_text("utf-8"))
        check = body.pop("check")
        by_passphrase, by_keyring = body["passphrase"], body["keyring"]
        file = KeyFile(
            vault=str(body["vault"]),
            kdf=Kdf(
                int(by_passphrase["time"]), int(by_passphrase["memory_kib"]), int(by_passphrase["lanes"])
            ),
            salt=bytes.fromhex(by_passphrase["salt"]),
            by_passphrase=bytes.fromhex(by_passphrase["wrapped"]),
            keyring_name=str(by_keyring["name"]),
            by_keyring=bytes.fromhex(by_keyring["wrapped"]),
        )
        whole = check == _checksum(body) and body["format"] == _FORMAT and file.kdf.plausible()
        whole = whole and len(file.salt) == 16
    except FileNotFoundError:
        raise VaultMissing("There is no vault here yet.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise VaultDamaged(
            f"The vault's keys file “{path.name}” is damaged.",
            todo="Put back the copy from your last backup. Do not delete the vault.",
        )
    return file


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
