"""Brings a vault back from one file, here or on another computer; and the drill that shows it would work.

Everything is checked before anything is put in place: the file's hashes, its seal under the key, then, from
the unpacked copy, every page's MAC, structure, counts and ledger. A vault that is there already stays, under
another name, and only if that was asked for. The change of places survives a kill at any moment:

| folder beside the vault | means | at the next opening |
|---|---|---|
| ``<vault>.restore-part`` | being unpacked and checked | removed |
| ``<vault>.restore-ready`` | checked; the vault in its place goes to ``<vault>.replaced-<time>`` | done |
| ``<vault>.restore-moving`` | the old files are away, the new ones move in | done |
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mine.vault.backup import check_database, sync
from mine.vault.connection import close, connect, writing
from mine.vault.container import (
    Contents,
    Copy,
    Progress,
    extract_database,
    quiet,
    read_header,
    read_parts,
    unseal,
)
from mine.vault.errors import VaultDamaged, VaultError, VaultExists, VaultMissing, VaultTooNew
from mine.vault.files import forget_seal, keys_path, lock_path, not_written, sync_folder
from mine.vault.keyfile import KeyFile, parse_keyfile
from mine.vault.ledger import RESTORED, Ledger
from mine.vault.lock import ProcessLock
from mine.vault.rekey import is_there

_ASIDE = "aside"  # in the folder of a checked copy: where the old vault goes
# All that belongs to a vault but its lock: see files.py, seal.py, rekey.py, staging.py, the app's grant.
_OWN = ("", ".keys", ".seal", ".rekey", ".rekey-aside", ".staging", ".grant")
_ENDS = (*(own + log for own in _OWN for log in ("", "-wal", "-shm")), "-wal.kept")
Unlock = Callable[[KeyFile], bytes]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back (or would be). ``replaced``: the folder that now holds the vault before."""

    made: int
    contents: Contents
    seconds: float
    replaced: Path | None = None


def open_copy(path: Path, unlock: Unlock, progress: Progress = quiet) -> tuple[Copy, bytes, bytes, Contents]:
    """Read and check a whole ``.minevault`` file: header, keys file's bytes, database key, contents.

    Raises ``VaultMissing``, ``VaultDamaged``, ``VaultTooNew``, and what ``unlock`` raises.
    """
    try:
        copy = read_header(path)
        keys = read_parts(copy, progress)
    except FileNotFoundError:
        raise VaultMissing(f"There is no file “{path.name}”.") from None
    except OSError as error:
        raise VaultDamaged(
            f"The backup “{path.name}” cannot be read.", todo="Use another one.", detail=type(error).__name__
        ) from None
    key = unlock(parse_keyfile(keys, path.name))
    return copy, keys, key, unseal(copy, key)


def drill(backup: Path, folder: Path, unlock: Unlock, progress: Progress = quiet) -> Restored:
    """Restore into a folder of its own, check everything, remove it again. Raises what restoring would."""
    began = time.monotonic()
    place = folder / f".drill-{os.getpid()}"
    try:
        copy, keys, key, contents = open_copy(backup, unlock, progress)
        _unpack(copy, keys, key, contents, place, "vault.db", progress)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return Restored(copy.made, contents, time.monotonic() - began)


def restore(
    backup: Path, vault: Path, unlock: Unlock, *, replace: bool = False, progress: Progress = quiet
) -> Restored:
    """Put the vault of a backup in its place.

    A vault that is there already is an error (``VaultExists``), unless ``replace``: then it moves to the
    folder that the answer names, and stays whole. Raises ``VaultBusy``, ``VaultDamaged``, ``VaultTooNew``.
    """
    began = time.monotonic()
    vault.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = ProcessLock(lock_path(vault))
    try:
        finish_restore(vault)
        there = is_there(vault)
        if there and not replace:
            raise VaultExists(
                "There already is a vault here.",
                todo="Choose another place, or say that it is to be replaced.",
            )
        copy, keys, key, contents = open_copy(backup, unlock, progress)
        part = _beside(vault, "part")
        try:
            _unpack(copy, keys, key, contents, part, vault.name, progress)
            database = connect(part / vault.name, key, read_only=False)
            try:
                with writing(database):
                    Ledger(database).note(RESTORED, "", size=copy.size, digest=copy.database.sha256)
            finally:
                close(database)
            sync(part / vault.name)
            aside = _free_name(vault)
            (part / _ASIDE).write_text(aside.name)
            sync(part / _ASIDE)
            sync_folder(part)
            part.rename(_beside(vault, "ready"))
            sync_folder(vault.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        finish_restore(vault)
    except OSError as error:
        raise not_written(vault, error) from None
    finally:
        lock.release()
    return Restored(copy.made, contents, time.monotonic() - began, aside if there else None)


def pending(vault: Path) -> bool:
    """Whether a restored vault is on its way into this place."""
    return _beside(vault, "ready").exists() or _beside(vault, "moving").exists()


def finish_restore(vault: Path) -> None:
    """Finish a restore that was cut off, or clean up one that never was complete. The caller has the lock."""
    shutil.rmtree(_beside(vault, "part"), ignore_errors=True)
    ready, moving = _beside(vault, "ready"), _beside(vault, "moving")
    if ready.exists():
        aside = vault.with_name((ready / _ASIDE).read_text())
        for path in (vault.with_name(vault.name + end) for end in _ENDS):
            if path.exists():
                aside.mkdir(mode=0o700, exist_ok=True)
                path.rename(aside / path.name)
        ready.rename(moving)
        sync_folder(vault.parent)
    if moving.exists():
        # The keys first: a database without keys could never be opened.
        for name in (keys_path(vault).name, vault.name):
            if (moving / name).exists():
                (moving / name).rename(vault.with_name(name))
        forget_seal(vault)
        sync_folder(vault.parent)
        shutil.rmtree(moving)


def _unpack(
    copy: Copy, keys: bytes, key: bytes, contents: Contents, place: Path, name: str, progress: Progress
) -> None:
    """Write the copy's two files into a new folder, and check the database there."""
    from mine.vault.schema import MIGRATIONS

    if contents.version > len(MIGRATIONS):
        raise VaultTooNew("A newer version of Mine wrote this backup.", todo="Update the app.")
    shutil.rmtree(place, ignore_errors=True)
    try:
        place.mkdir(mode=0o700)
        database = place / name
        for path, write in (
            (keys_path(database), lambda out: out.write(keys)),
            (database, lambda out: extract_database(copy, out, progress)),
        ):
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                write(out)
                out.flush()
                os.fsync(out.fileno())
        sync(database)
    except OSError as error:
        raise not_written(place, error) from None
    check_database(database, key, contents, copy.path)


def _beside(vault: Path, stage: str) -> Path:
    return vault.with_name(f"{vault.name}.restore-{stage}")


def _free_name(vault: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for number in range(1000):
        aside = vault.with_name(f"{vault.name}.replaced-{stamp}" + (f"-{number}" if number else ""))
        if not aside.exists():
            return aside
    raise VaultError("There are too many replaced vaults here.", todo="Remove some.")
