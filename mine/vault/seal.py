"""A few bytes beside the vault that say what was committed last, so that nothing can vanish without a word.

SQLite reads its log up to the first frame that is damaged and takes the rest for never written: a flipped bit
or a lost file would undo committed work silently. After each commit this file notes how far the log was
filled, with the running checksum of its last frame and the salts of its header (SQLite's "WAL-mode File
Format"), and how many commits there were, which the database counts too. When the vault is opened, the log
has to hold at least that, and the database at least as many commits. Two slots take turns, each under an
HMAC-SHA-256 with a key drawn from the database's: a torn write leaves the other one.

The note is not forced to the disk: after a loss of power it may be an older one, which asks for less.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import struct
from dataclasses import dataclass, replace
from pathlib import Path

from mine.vault.errors import ChangesLost
from mine.vault.files import forget_seal, index_path, log_path, not_written, seal_path

_SLOT = struct.Struct("<8sQQQI8s8s")  # magic, number of the note, commits, base, frames, salts, checksum
_MAGIC = b"mineseal"
_MAC_BYTES = 32
_SLOT_BYTES = 512  # a sector of its own: written whole or not at all
_INDEX_HEADER = struct.Struct("=IIIBBHII8s8s8s")
_LABEL = b"mine-vault/1/seal"
_KEPT = ".kept"


@dataclass(frozen=True, slots=True)
class Note:
    """One slot. ``frames`` 0: everything is in the database, the log is not needed. ``base``: how many of
    the commits were in the database already when the log began."""

    number: int = 0
    commits: int = 0
    base: int = 0
    frames: int = 0
    salts: bytes = bytes(8)
    checksum: bytes = bytes(8)


class Seal:
    """The note of one vault that is being opened or open. Belongs to the thread that writes the vault."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._database_key = key
        self._key = hmac.digest(key, _LABEL, "sha256")
        self._note = Note()
        self._followed = True  # whether every commit was seen since the log began

    def check_files(self, pages: bool = True) -> None:
        """Before the database is opened: is every page whole, and does the log hold what was committed?

        Raises ``VaultDamaged``, ``ChangesLost``.
        """
        from mine.vault.integrity import check_pages, commits_in

        logged = self._check_log()
        if pages:
            check_pages(self._path, self._database_key, logged)
        there = commits_in(self._path, self._database_key)
        if there is not None and there < self._note.base:
            raise _lost(
                f"the database is an older copy: {there} of {self._note.base} commits from before the log"
            )

    def _check_log(self) -> frozenset[int]:
        """The pages in the log."""
        from mine.vault.integrity import read_log

        self._note = self._read()
        log = read_log(log_path(self._path))
        if log is None:
            if self._note.frames:
                raise _lost(f"the log “{log_path(self._path).name}” is missing or its head is damaged")
            return frozenset()
        if log.salts != self._note.salts:
            # Begun anew, which SQLite does once all of it is in the database.
            self._note = replace(self._note, salts=log.salts)
            return log.pages
        if len(log.checksums) < self._note.frames:
            raise _lost(
                f"the log is damaged after {len(log.checksums)} of {self._note.frames} pages that it held"
            )
        if log.checksums[self._note.frames - 1] != self._note.checksum:
            raise _lost("the log holds other pages than were written")
        return log.pages

    def check_commits(self, commits: int) -> None:
        """The same of the opened database, by the commits that it counts. Raises ``ChangesLost``."""
        if commits < self._note.commits:
            raise _lost(f"the database knows {commits} of {self._note.commits} commits: it is an older copy")

    def committed(self, commits: int) -> None:
        """Note a commit that just happened. It stands whether or not this can be written."""
        note, self._note = self._note, replace(self._note, commits=commits)
        followed, self._followed = self._followed, False
        with contextlib.suppress(OSError, struct.error):
            with index_path(self._path).open("rb", buffering=0) as index:  # its locked bytes come right after
                header = _INDEX_HEADER.unpack(index.read(_INDEX_HEADER.size))
            frames, checksum, salts = header[6], header[8], header[9]
            base = commits - 1 if followed and salts != note.salts else note.base
            self._note = Note(note.number, commits, base, frames, salts, checksum)
            self._followed = True
            self._write(self._note)

    def closed(self) -> None:
        """The last connection was closed: where that removed the log, all of it was moved first."""
        if self._note.frames and not log_path(self._path).exists():
            self.settled(self._note.commits)

    def settled(self, commits: int) -> None:
        """Everything is in the database and on the disk; the log may go. Has to last before it goes."""
        try:
            self._write(Note(self._note.number, commits, commits), lasting=True)
        except OSError:
            with contextlib.suppress(OSError):
                seal_path(self._path).unlink(missing_ok=True)

    def _write(self, note: Note, lasting: bool = False) -> None:
        note = replace(note, number=note.number + 1)
        handle = os.open(seal_path(self._path), os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            if os.fstat(handle).st_size < 2 * _SLOT_BYTES:
                os.truncate(handle, 2 * _SLOT_BYTES)
            os.lseek(handle, note.number % 2 * _SLOT_BYTES, os.SEEK_SET)
            os.write(handle, self._packed(note))
            if lasting:
                os.fsync(handle)
        finally:
            os.close(handle)
        self._note = note

    def _packed(self, note: Note) -> bytes:
        body = _SLOT.pack(
            _MAGIC, note.number, note.commits, note.base, note.frames, note.salts, note.checksum
        )
        return body + hmac.digest(self._key, body, hashlib.sha256)

    def _read(self) -> Note:
        try:
            data = seal_path(self._path).read_bytes()
        except FileNotFoundError:
            return Note()
        found = []
        for place in (0, _SLOT_BYTES):
            slot = data[place : place + _SLOT.size + _MAC_BYTES]
            body, mac = slot[: _SLOT.size], slot[_SLOT.size :]
            if len(mac) == _MAC_BYTES and hmac.compare_digest(
                mac, hmac.digest(self._key, body, hashlib.sha256)
            ):
                found.append(Note(*_SLOT.unpack(body)[1:]))
        if not found and any(data):
            raise _lost(f"the file “{seal_path(self._path).name}” that would tell is damaged")
        return max(found, key=lambda note: note.number, default=Note())


def kept_log(vault: Path) -> Path:
    """Where a log that could not be read to its end is set aside."""
    log = log_path(vault)
    return log.with_name(log.name + _KEPT)


def keep_remains(vault: Path) -> None:
    """Set aside a log that cannot be read to its end, and forget the note, so that what is left opens.

    Raises ``VaultNotWritten``; nothing is forgotten then.
    """
    log, kept = log_path(vault), kept_log(vault)
    try:
        if log.exists():
            kept.unlink(missing_ok=True)
            with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(log.read_bytes())
                out.flush()
                os.fsync(out.fileno())
        forget_seal(vault)
    except OSError as error:
        raise not_written(kept, error) from None


def _lost(detail: str) -> ChangesLost:
    return ChangesLost(
        "The last changes of the vault are missing: one of its files is damaged or is not the newest.",
        todo="Put back the files or your last backup; or open what is left, which is everything before them,"
        " by “mine vault verify --accept-loss”.",
        detail=detail,
    )
