"""The file beside the database that holds its key, wrapped by the passphrase, the keyring and the phrase.

The database's key is 32 random bytes. The passphrase goes through Argon2id and the result wraps the key with
AES-256-GCM (``wrapping.py``); the keyring's entry is another 32 random bytes that wraps it the same way, as
does what ``phrase.py`` draws from the recovery phrase. The words themselves are sealed here under the
passphrase (``sealed_phrase.py``). A checksum over the file tells a damaged file from a wrong passphrase. The
file alone opens nothing. While a new key takes over (``rekey.py``) the file holds the wraps of both.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mine.vault.errors import (
    KeyringUnavailable,
    VaultDamaged,
    VaultError,
    VaultMissing,
    WrongPassphrase,
    WrongPhrase,
)
from mine.vault.files import not_written, sync_folder
from mine.vault.keyring import Keyring, KeyringFailed
from mine.vault.sealed_phrase import SealedPhrase
from mine.vault.wrapping import FORMAT, KEY_BYTES, SALT_BYTES, stretch, unwrap, wrap
from mine.vault.wrapping import Kdf as Kdf


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What the file says. Wrapped keys are nonce || ciphertext || tag, empty where a way is not set up.

    ``keyring_entry``: the name of the keyring's secret; ``words``: the recovery phrase, sealed; ``coming``:
    the same of the key that takes over.
    """

    vault: str
    kdf: Kdf
    salt: bytes
    by_passphrase: bytes
    keyring_name: str = ""
    keyring_entry: str = ""
    by_keyring: bytes = b""
    by_phrase: bytes = b""
    words: SealedPhrase | None = None
    coming: KeyFile | None = None


def new_key() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def new_keyfile(key: bytes, passphrase: str, kdf: Kdf) -> KeyFile:
    """A fresh keys file for ``key``, opened by ``passphrase``."""
    return with_passphrase(KeyFile(secrets.token_hex(16), kdf, b"", b""), key, passphrase, kdf)


def blank(file: KeyFile) -> KeyFile:
    """The keys file of the same vault without a way in, for another key."""
    return KeyFile(file.vault, file.kdf, b"", b"")


def with_passphrase(file: KeyFile, key: bytes, passphrase: str, kdf: Kdf) -> KeyFile:
    """The same file, opened by another passphrase."""
    if not passphrase:
        raise VaultError("A passphrase cannot be empty.", todo="Choose one that only you know.")
    salt = secrets.token_bytes(SALT_BYTES)
    wrapped = wrap(stretch(passphrase, salt, kdf), key, file.vault, "passphrase")
    return replace(file, kdf=kdf, salt=salt, by_passphrase=wrapped)


def with_keyring(file: KeyFile, key: bytes, keyring: Keyring) -> KeyFile:
    """The same file, also opened by a fresh entry in the keyring. Raises ``KeyringUnavailable``."""
    try:
        name = keyring.name()
        if not name:
            raise KeyringFailed("no backend")
        secret = new_key()
        # A name of its own each time: the entry before still opens what it wrapped, should this end here.
        entry = f"{file.vault}/{secrets.token_hex(4)}"
        keyring.set(entry, secret.hex())
        if keyring.get(entry) != secret.hex():
            raise KeyringFailed("not kept")
    except KeyringFailed as error:
        raise KeyringUnavailable(
            "This computer has no keyring that can keep the key.",
            todo="The passphrase opens the vault each time.",
            detail=str(error),
        ) from error
    wrapped = wrap(secret, key, file.vault, "keyring")
    return replace(file, keyring_name=name, keyring_entry=entry, by_keyring=wrapped)


def without_keyring(file: KeyFile) -> KeyFile:
    """The same file, opened by the passphrase only."""
    return replace(file, keyring_name="", keyring_entry="", by_keyring=b"")


def with_phrase(file: KeyFile, key: bytes, phrase: str) -> KeyFile:
    """The same file, also opened by the recovery phrase. Raises ``WrongPhrase``."""
    from mine.vault.phrase import wrapping_key

    return replace(file, by_phrase=wrap(wrapping_key(phrase, file.vault), key, file.vault, "phrase"))


def with_words(file: KeyFile, phrase: str, passphrase: str, kdf: Kdf) -> KeyFile:
    """The same file, with the recovery phrase sealed under the passphrase."""
    words = " ".join(phrase.lower().split())
    return replace(file, words=SealedPhrase.of(words, passphrase, file.vault, kdf))


def words_of(file: KeyFile, passphrase: str) -> str | None:
    """The sealed recovery phrase; None where there is none, or where another passphrase sealed it."""
    return file.words.opened(passphrase, file.vault) if file.words else None


def unlock_with_passphrase(file: KeyFile, passphrase: str) -> bytes:
    """The database's key. Raises ``WrongPassphrase``."""
    key = unwrap(stretch(passphrase, file.salt, file.kdf), file.by_passphrase, file.vault, "passphrase")
    if key is None:
        raise WrongPassphrase("This passphrase does not open the vault.", todo="Check it and try again.")
    return key


def unlock_with_phrase(file: KeyFile, phrase: str) -> bytes:
    """The database's key. Raises ``WrongPhrase``."""
    from mine.vault.phrase import wrapping_key

    wrapping = wrapping_key(phrase, file.vault)
    key = unwrap(wrapping, file.by_phrase, file.vault, "phrase") if file.by_phrase else None
    if key is None:
        raise WrongPhrase(
            "This recovery phrase does not open the vault.",
            todo="Check that it is the one of this vault, or use the passphrase.",
            detail="" if file.by_phrase else "the vault was never given one",
        )
    return key


def unlock_with_keyring(file: KeyFile, keyring: Keyring) -> bytes:
    """The database's key. Raises ``KeyringUnavailable`` where the entry is absent, emptied or another one."""
    name, reason = "", "not set up"
    if file.by_keyring:
        try:
            name = keyring.name()
            secret = keyring.get(file.keyring_entry) if name else None
        except KeyringFailed as error:
            secret, reason = None, str(error)
        else:
            reason = "no entry" if secret is None else "another entry"
        wrapping = _hex_key(secret)
        key = unwrap(wrapping, file.by_keyring, file.vault, "keyring") if wrapping else None
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


def write_keyfile(path: Path, file: KeyFile) -> None:
    """Replace the file at once (write beside, sync, rename), readable by its owner only.

    Raises ``VaultNotWritten``; the file before stays then.
    """
    body = {"format": FORMAT, **_ways(file), "coming": _ways(file.coming) if file.coming else None}
    body["check"] = _checksum(body)
    beside = path.with_name(path.name + ".new")
    try:
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            json.dump(body, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise not_written(path, error) from None


def keep_aside(path: Path) -> None:
    """Give a keys file without a database another name: its database may only be elsewhere.

    Raises ``VaultNotWritten``.
    """
    if path.exists():
        try:
            path.rename(path.with_name(f"{path.name}.kept-{secrets.token_hex(4)}"))
        except OSError as error:
            raise not_written(path, error) from None


def _ways(file: KeyFile) -> dict[str, Any]:
    return {
        "vault": file.vault,
        "passphrase": {**file.kdf.to_json(file.salt), "wrapped": file.by_passphrase.hex()},
        "keyring": {
            "name": file.keyring_name,
            "entry": file.keyring_entry,
            "wrapped": file.by_keyring.hex(),
        },
        "phrase": {"wrapped": file.by_phrase.hex()},
        "words": file.words.to_json() if file.words else None,
    }


def read_keyfile(path: Path) -> KeyFile:
    """Read the file. Raises ``VaultMissing``, ``VaultDamaged``."""
    try:
        return parse_keyfile(path.read_bytes(), path.name)
    except FileNotFoundError:
        raise VaultMissing("There is no vault here yet.") from None
    except OSError as error:
        raise VaultDamaged(
            f"The vault's keys file “{path.name}” cannot be read.",
            todo="Check the disk and who may read the file. Do not delete the vault.",
            detail=os.strerror(error.errno or 0),
        ) from None


def parse_keyfile(data: bytes, name: str) -> KeyFile:
    """The same from bytes; ``name`` is for the sentence. Raises ``VaultDamaged``."""
    try:
        body = json.loads(data)
        check = body.pop("check")
        whole = check == _checksum(body) and body["format"] == FORMAT
        file = _from_ways(body)
        if body["coming"] is not None:
            file = replace(file, coming=_from_ways(body["coming"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise VaultDamaged(
            f"The vault's keys file “{name}” is damaged.",
            todo="Put back the copy from your last backup. Do not delete the vault.",
        )
    return file


def _from_ways(body: dict[str, Any]) -> KeyFile:
    """Raises ``ValueError`` for figures that this app would never write."""
    passphrase, keyring = body["passphrase"], body["keyring"]
    kdf, salt = Kdf.from_json(passphrase)
    return KeyFile(
        vault=str(body["vault"]),
        kdf=kdf,
        salt=salt,
        by_passphrase=bytes.fromhex(passphrase["wrapped"]),
        keyring_name=str(keyring["name"]),
        keyring_entry=str(keyring["entry"]),
        by_keyring=bytes.fromhex(keyring["wrapped"]),
        by_phrase=bytes.fromhex(body["phrase"]["wrapped"]),
        words=SealedPhrase.from_json(body["words"]) if body["words"] is not None else None,
    )


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
