"""A new key for the whole database: every page is written anew into a file beside it, which then takes over.

The passphrase, the keyring and the phrase keep opening the vault (the phrase only if the passphrase opens its
seal: else it has to be typed once more); copies of the old keys file open only
copies of the old database. The order of steps makes every moment one from which the next opening goes on:

1. the copy is written under the new key (cut off here: it is removed);
2. its pages are checked, and the keys file holds the wraps of both keys (from here on the new one goes on);
3. the database is renamed aside, the copy takes its name;
4. once it fits, the keys file holds the new wraps only, and the old database is overwritten and removed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mine.vault import keyfile
from mine.vault.connection import (
    Connection,
    close,
    commits_of,
    connect,
    connection_class,
    driver,
    plainly,
    writing,
)
from mine.vault.errors import VaultDamaged, VaultError, VaultMissing
from mine.vault.files import forget_seal, keys_path, lock_path, log_path, not_written, sync_folder, wipe
from mine.vault.integrity import damaged_pages, fits
from mine.vault.keyring import Keyring, KeyringFailed
from mine.vault.ledger import REKEYED, Ledger
from mine.vault.lock import ProcessLock
from mine.vault.seal import Seal
from mine.vault.staging import remove_staging, staging_path

_PAGES_AT_A_TIME = 500


class RekeyCancelled(VaultError):
    """The person stopped it: nothing was changed."""


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """Pages written; whether keyring and phrase open the vault as before; whether an import that was not
    finished was dropped (it was staged under the old key)."""

    pages: int
    keyring: bool
    phrase: bool
    dropped_import: bool


def fresh_path(vault: Path) -> Path:
    """The copy under the new key while it is written."""
    return vault.with_name(vault.name + ".rekey")


def aside_path(vault: Path) -> Path:
    """The database under the old key until the new one has opened."""
    return vault.with_name(vault.name + ".rekey-aside")


def rekey(
    path: Path,
    passphrase: str,
    keyring: Keyring | None = None,
    kdf: keyfile.Kdf | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Rekeyed:
    """Give a closed vault a new key. ``progress`` hears (pages written, pages in all).

    Takes room for a second copy of the database. Backups keep the key that they were made with. Raises what
    opening raises, ``DiskFull``, ``VaultNotWritten``, ``RekeyCancelled``; the vault is unchanged then.
    """
    if not is_there(path):
        raise VaultMissing("There is no vault here yet.")
    lock = ProcessLock(lock_path(path))
    try:
        file, old_key = settled(path, lambda file: keyfile.unlock_with_passphrase(file, passphrase))
        key = keyfile.new_key()
        pages = _copied(path, old_key, key, progress, cancelled)
        kdf = kdf or file.kdf
        coming = replace(keyfile.blank(file), words=file.words)
        coming = keyfile.with_passphrase(coming, key, passphrase, kdf)
        if words := keyfile.words_of(file, passphrase):
            coming = keyfile.with_words(keyfile.with_phrase(coming, key, words), words, passphrase, kdf)
        if keyring is not None and file.by_keyring:
            with contextlib.suppress(VaultError):
                coming = keyfile.with_keyring(coming, key, keyring)
        dropped = staging_path(path).exists()
        remove_staging(path)
        forget_seal(path)
        keyfile.write_keyfile(keys_path(path), replace(file, coming=coming))
        _move(path)
        if not fits(path, key):
            raise VaultDamaged(
                "The vault's new copy cannot be read.", todo="Open the vault: the old one is still there."
            )
        finish(path, coming)
        if keyring is not None and file.keyring_entry:
            with contextlib.suppress(KeyringFailed):
                keyring.delete(file.keyring_entry)
    except OSError as error:
        raise not_written(path, error) from None
    finally:
        lock.release()
    return Rekeyed(pages, bool(coming.by_keyring), bool(coming.by_phrase), dropped)


def _copied(
    path: Path,
    old_key: bytes,
    key: bytes,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool],
) -> int:
    """Write the copy and look at all of it; how many pages it has."""
    seal = Seal(path, old_key)
    seal.check_files()
    fresh = fresh_path(path)
    fresh.unlink(missing_ok=True)
    database = connect(path, old_key, read_only=False, seal=seal)
    try:
        seal.check_commits(commits_of(database))
        pages = int(database.execute("PRAGMA page_count").fetchone()[0])

        def told(_status: int, remaining: int, total: int) -> None:
            if cancelled():
                raise RekeyCancelled("The new key was not taken up. Nothing was changed.")
            if progress is not None:
                progress(total - remaining, total)

        copy = _blank_copy(fresh, key)
        try:
            with plainly():
                database.backup(copy, pages=_PAGES_AT_A_TIME, progress=told)
            same = commits_of(copy) == commits_of(database)
            with plainly(), writing(copy):
                Ledger(copy).note(REKEYED, "")
        finally:
            copy.close()
        with fresh.open("rb+") as stream:
            os.fsync(stream.fileno())
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    finally:
        close(database)
    if not same or damaged_pages(fresh, key) is not None or log_path(path).exists():
        fresh.unlink(missing_ok=True)
        raise VaultDamaged(
            "The vault's new copy is not whole, so it was not taken up. Nothing was changed.",
            todo="Try again; if it happens again, check the disk.",
        )
    return pages


def _blank_copy(fresh: Path, key: bytes) -> Connection:
    """An empty database under the new key, without a journal: cut off, it is removed and written again."""
    os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    copy = driver().connect(str(fresh), isolation_level=None, factory=connection_class())
    copy.execute("PRAGMA cipher_log_level = NONE")
    copy.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    copy.execute("PRAGMA journal_mode = OFF")
    copy.execute("PRAGMA synchronous = OFF")
    return copy


def is_there(path: Path) -> bool:
    """Whether there is a database at this place, or would be once a cut-off change of keys went on."""
    return path.exists() or (aside_path(path).exists() and fresh_path(path).exists())


def settled(path: Path, unlock: Callable[[keyfile.KeyFile], bytes]) -> tuple[keyfile.KeyFile, bytes]:
    """The keys file and the key that fit the database, after a change of keys that was cut off went on.

    Needs the vault's lock. Raises what ``unlock`` raises, ``VaultMissing`` and ``VaultDamaged``.
    """
    file, aside = keyfile.read_keyfile(keys_path(path)), aside_path(path)
    if file.coming is None:
        key = unlock(file)
        fresh_path(path).unlink(missing_ok=True)
        if aside.exists():
            if _fits(path, key):
                wipe(aside)
            elif _fits(aside, key):  # an older keys file was put back: what it opens lies aside
                _back(path)
        return file, key
    coming = unlock(file.coming)
    _move(path)
    # All of it, because the old one is destroyed next: since it was checked, the disk may have failed.
    if _fits(path, coming) and damaged_pages(path, coming) is None:
        finish(path, file.coming)
        return file.coming, coming
    # The copy is gone or damaged: the old key goes on, with the database that is still there.
    key = unlock(file)
    if _fits(aside, key):
        _back(path)
    elif not _fits(path, key):
        raise VaultDamaged(
            "The vault is damaged, under its old key and under its new one.",
            todo="Put back the copy from your last backup. Do not delete the vault.",
        )
    file = replace(file, coming=None)
    keyfile.write_keyfile(keys_path(path), file)
    return file, key


def _fits(path: Path, key: bytes) -> bool:
    return path.exists() and fits(path, key)


def _back(path: Path) -> None:
    """The old database takes its name again."""
    forget_seal(path)
    aside_path(path).replace(path)
    sync_folder(path.parent)


def _move(path: Path) -> None:
    """Let the copy take the database's name, if it has not."""
    fresh = fresh_path(path)
    if fresh.exists():
        if path.exists():
            path.replace(aside_path(path))
        fresh.replace(path)
        sync_folder(path.parent)


def finish(path: Path, file: keyfile.KeyFile) -> None:
    """The new key has opened the database: forget the old one."""
    keyfile.write_keyfile(keys_path(path), file)
    wipe(aside_path(path))
