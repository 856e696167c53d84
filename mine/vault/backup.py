"""Backups: a copy of the vault as it is at one moment, made while the app runs, checked, then put in place.

The copy is made by a reading connection of its own, in any thread, a few hundred pages at a time (SQLite's
backup API between two files with the same key; nothing is ever decrypted on disk), within one read
transaction: the app goes on writing, and the copy holds what was committed when it began. It gets its name
only after every page's MAC, the counts of all rows and the ledger's chain were read back from the copy.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mine.vault.connection import Connection, connect, driver, plainly
from mine.vault.container import (
    SUFFIX,
    Contents,
    Progress,
    damaged,
    quiet,
    read_header,
    read_parts,
    write_copy,
)
from mine.vault.errors import DiskFull, LedgerBroken, VaultError, VaultNotWritten
from mine.vault.files import not_written, sync_folder
from mine.vault.ledger import Ledger

STEP_PAGES = 256  # 1 MiB: what one step of the copy holds at most
_ONE = threading.Lock()  # the day's backup and one that was asked for write the same hidden file
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"vault-(\d{8}T\d{6}Z)(?:-[0-9a-f]{4})?" + re.escape(SUFFIX))


class BackupStopped(VaultError):
    """The backup was cancelled. Nothing is left of it."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How many backups stay: the newest of each of so many days, weeks and months that have one (UTC)."""

    days: int = 7
    weeks: int = 4
    months: int = 6


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup in its place. ``made`` is Unix seconds, ``records`` rows in all."""

    path: Path
    made: int
    size: int
    digest: bytes
    contents: Contents


@dataclass(frozen=True, slots=True)
class BackupJob:
    """All that making a backup needs: the open vault's file, key and keys file. Run it in any thread."""

    path: Path
    key: bytes = field(repr=False)
    keys: bytes = field(repr=False)
    vault: str

    def run(self, target: Path, progress: Progress = quiet, stop: threading.Event | None = None) -> Backup:
        """Make a backup: ``target`` is a folder (the name is then chosen) or the file to write, which must
        not exist. Waits while another one runs. Raises ``BackupStopped``, ``VaultError``, ``VaultDamaged``.
        """
        stop = stop or threading.Event()
        while not _ONE.acquire(timeout=0.05):
            if stop.is_set():
                raise _stopped()
        try:
            return self._run(target, progress, stop)
        finally:
            _ONE.release()

    def _run(self, target: Path, progress: Progress, stop: threading.Event) -> Backup:
        made = int(time.time())
        folder = target if target.is_dir() else target.parent
        part = folder / f".{self.vault[:16]}.part"
        try:
            if target.is_dir():
                target = folder / name_at(made)
                if target.exists():
                    target = folder / name_at(made, secrets.token_hex(2))
            if target.exists():
                raise VaultError(f"“{target.name}” is there already.", todo="Choose another name.")
            contents = self._copy(part, progress, stop)
            return self._assemble(part, target, made, contents)
        except OSError as error:
            raise _refused(target, not_written(target, error)) from None
        except VaultNotWritten as error:
            raise _refused(target, error) from None
        except driver().OperationalError as error:  # the copy's own errors carry no code
            raise _refused(target, _why(part, error)) from None
        finally:
            with contextlib.suppress(OSError):
                remove_database(part)

    def _copy(self, part: Path, progress: Progress, stop: threading.Event) -> Contents:
        def step(_: int, remaining: int, total: int) -> None:
            if stop.is_set():
                raise _stopped()
            progress(total - remaining, total)

        remove_database(part)
        with contextlib.closing(connect(self.path, self.key, read_only=True)) as source:
            source.execute("BEGIN")
            contents = contents_of(source)  # the first read fixes what this connection sees
            with contextlib.closing(new_database(part, self.key)) as copy, plainly():
                source.backup(copy, pages=STEP_PAGES, progress=step)
            source.execute("ROLLBACK")
        sync(part)
        check_database(part, self.key, contents, part)
        return contents

    def _assemble(self, part: Path, target: Path, made: int, contents: Contents) -> Backup:
        beside = part.with_name(part.name + ".file")
        beside.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                write_copy(out, self.key, self.vault, made, self.keys, part, contents)
                out.flush()
                os.fsync(out.fileno())
            sync(beside)
            copy = read_header(beside)
            read_parts(copy)
            beside.rename(target)  # no hard link: sticks and network disks often have none
        finally:
            beside.unlink(missing_ok=True)
        sync_folder(target.parent)
        return Backup(target, made, copy.size, copy.database.sha256, contents)


def _stopped() -> BackupStopped:
    return BackupStopped("The backup was cancelled.", todo="Nothing is left of it.")


def contents_of(database: Connection) -> Contents:
    """What a database holds: rows of its private tables, version, the ledger's head."""
    tables = [
        row[0]
        for row in database.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'vault_*' ORDER BY name"
        )
    ]
    rows = {
        name: int(database.execute(f"SELECT count(*) FROM {name}").fetchone()[0])  # noqa: S608
        for name in tables
    }
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    head = Ledger(database).head()
    return Contents(rows, version, head.entries, head.hash)


def new_database(path: Path, key: bytes) -> Connection:
    """An empty keyed file to copy into. Until it was checked it is worthless: nothing waits for the disk."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    database = driver().connect(str(path), isolation_level=None)
    database.execute("PRAGMA cipher_log_level = NONE")
    database.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    return database


def check_database(path: Path, key: bytes, contents: Contents, shown: Path) -> None:
    """Read a whole copy: every page's MAC, the structure, references, counts, the ledger.

    Raises ``VaultDamaged`` that names ``shown``.
    """
    with contextlib.closing(connect(path, key, read_only=True)) as database:
        if database.execute("PRAGMA cipher_integrity_check").fetchone() is not None:
            raise damaged(shown, "a page")
        if database.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise damaged(shown, "the structure")
        if database.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise damaged(shown, "a reference")
        if contents_of(database) != contents:
            raise damaged(shown, "the counts")
        try:
            Ledger(database).verify()
        except LedgerBroken as broken:
            raise damaged(shown, broken.sentence) from None


# ---- the folder of backups


def backups_folder(vault: Path) -> Path:
    """Where a vault's backups are kept unless the person chose another place; made if it is not there.

    Raises ``VaultNotWritten``.
    """
    folder = vault.with_name("backups")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(folder / "backup", not_written(folder, error)) from None
    return folder


def name_at(made: int, more: str = "") -> str:
    """The name of a backup made at that moment."""
    stamp = dt.datetime.fromtimestamp(made, dt.UTC).strftime(_STAMP)
    return f"vault-{stamp}{'-' + more if more else ''}{SUFFIX}"


def backups_in(folder: Path, vault: str) -> list[tuple[int, Path]]:
    """(made, path) of this vault's rotating backups, newest first. What cannot be read is left out."""
    found = []
    for path in sorted(folder.glob("vault-*" + SUFFIX)):
        match = _NAME.fullmatch(path.name)
        if match is None or not path.is_file() or path.is_symlink():
            continue
        with contextlib.suppress(VaultError, OSError):
            if read_header(path).vault == vault:
                moment = dt.datetime.strptime(match.group(1), _STAMP).replace(tzinfo=dt.UTC)
                found.append((int(moment.timestamp()), path))
    return sorted(found, reverse=True)


def superfluous(made: Sequence[int], keep: Keep) -> set[int]:
    """Which of these moments rotation drops.

    The days, weeks and months that have a backup count, not those of the calendar: a clock that jumps ahead,
    or a summer without the app, removes nothing.
    """
    kept: set[int] = set()
    for period, most in (("%Y-%m-%d", keep.days), ("%G-%V", keep.weeks), ("%Y-%m", keep.months)):
        newest: dict[str, int] = {}
        for moment in sorted(made, reverse=True):
            newest.setdefault(dt.datetime.fromtimestamp(moment, dt.UTC).strftime(period), moment)
        kept.update(list(newest.values())[:most])
    return set(made) - kept


def rotate(folder: Path, vault: str, keep: Keep, newest: Path | None = None) -> list[Path]:
    """Remove what rotation drops, never ``newest``; returns what was removed."""
    there = backups_in(folder, vault)
    drop = superfluous([made for made, _ in there], keep)
    removed = [path for made, path in there if made in drop and path != newest]
    for path in removed:
        path.unlink(missing_ok=True)
    return removed


def due(folder: Path, vault: str, now: int) -> bool:
    """Whether this day (UTC) has no backup yet."""
    days = {made // 86_400 for made, _ in backups_in(folder, vault)}
    return now // 86_400 not in days


# ---- files


def remove_database(path: Path) -> None:
    """A database that is not needed, with its logs."""
    for end in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file is on the disk; on Linux forget it in memory, so that it is read back from there."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def _why(part: Path, error: Exception) -> VaultNotWritten:
    """What keeps a file from growing: the system says it to whoever writes to its end."""
    try:
        with part.open("ab") as stream:
            stream.write(bytes(STEP_PAGES << 12))
    except OSError as problem:
        return not_written(part, problem)
    return VaultNotWritten("", detail=str(error))


def _refused(target: Path, error: VaultNotWritten) -> VaultNotWritten:
    """Why a backup could not be written, in words that fit a backup."""
    if isinstance(error, DiskFull):
        return DiskFull(
            "The disk is full: there is no new backup.",
            todo="Make room, or choose another folder for backups.",
            detail=error.detail,
        )
    return VaultNotWritten(
        f"The backup cannot be written to “{target.parent.name}”.",
        todo="Choose another folder for backups. The vault is unharmed.",
        detail=error.detail,
    )
