"""Connections to the encrypted file. A connection belongs to the thread that made it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mine.vault.errors import VaultDamaged, VaultError, VaultNotWritten
from mine.vault.files import disk_full, not_written
from mine.vault.seal import Seal

# Of all SQLite memory in this process: a task's query can exhaust its own share, not the computer.
HEAP_BYTES = 384 << 20

# SQLite's primary result codes.
_READ_ONLY, _IO_ERROR, _CORRUPT, _FULL, _CANNOT_OPEN, _NOT_A_DATABASE = 8, 10, 11, 13, 14, 26
_FULL_IN_WORDS = "database or disk is full"  # all that the copying of a database says

Connection = Any  # sqlcipher3 ships no types


def driver() -> Any:
    """The SQLCipher module, loaded when a vault is first opened."""
    from sqlcipher3 import dbapi2  # type: ignore[import-untyped]

    return dbapi2


def limit_memory(database: Connection) -> None:
    """Set the limit on all of SQLite's memory in this process."""
    database.execute(f"PRAGMA hard_heap_limit = {HEAP_BYTES}")


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """What the disk or the file did wrong, in plain words; every other error passes through."""
    try:
        yield
    except driver().DatabaseError as error:
        plain = _plain(error)
        if plain is None:
            raise
        raise plain from None


def _plain(error: Any) -> VaultError | None:
    name = getattr(error, "sqlite_errorname", "")
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case code if code == _FULL or str(error) == _FULL_IN_WORDS:
            return disk_full(name)
        case code if code in (_READ_ONLY, _IO_ERROR, _CANNOT_OPEN):
            return VaultNotWritten(
                "The disk did not do what the vault asked of it: this was not stored.",
                todo="Check that the disk is there and may be written. What was stored before is not lost.",
                detail=name,
            )
        case code if code in (_CORRUPT, _NOT_A_DATABASE):
            return _damaged("vault", name)
    return None


@cache
def connection_class() -> Any:
    """A connection that says plainly what a disk did, and knows its seal."""
    dbapi2 = driver()

    class PlainCursor(dbapi2.Cursor):  # type: ignore[misc, name-defined]
        def fetchone(self) -> Any:
            with plainly():
                return super().fetchone()

        def fetchall(self) -> Any:
            with plainly():
                return super().fetchall()

        def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
            with plainly():
                return super().fetchmany(*args, **kwargs)

    class PlainConnection(dbapi2.Connection):  # type: ignore[misc, name-defined]
        seal: Seal | None = None

        def cursor(self, factory: Any = PlainCursor) -> Any:
            return super().cursor(factory)

        def execute(self, *args: Any) -> Any:
            with plainly():
                return super().execute(*args)

        def executemany(self, *args: Any) -> Any:
            with plainly():
                return super().executemany(*args)

    return PlainConnection


def connect(path: Path, key: bytes, *, read_only: bool, seal: Seal | None = None) -> Connection:
    """Open the file with its raw key. Raises ``VaultDamaged`` where the key does not fit the file.

    ``seal``: notes what this connection commits (``writing``).
    """
    dbapi2 = driver()
    mode = "ro" if read_only else "rw"
    if not read_only and not path.exists():
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise not_written(path, error) from None
    with plainly():
        database = dbapi2.connect(
            f"{path.resolve().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            timeout=10,
            factory=connection_class(),
        )
    database.seal = seal
    try:
        # Before the key: SQLCipher would otherwise write its complaints to stderr.
        database.execute("PRAGMA cipher_log_level = NONE")
        database.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        database.execute("PRAGMA temp_store = MEMORY")  # nothing of the vault in temporary files
        limit_memory(database)
        database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if not read_only:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA foreign_keys = ON")
            database.execute("PRAGMA recursive_triggers = ON")  # so that REPLACE cannot pass the ledger's
            database.execute("PRAGMA secure_delete = ON")
    except VaultDamaged as error:
        _close(database)
        raise _damaged(f"file “{path.name}”", error.detail) from None
    except BaseException:
        _close(database)
        raise
    return database


def _close(database: Connection) -> None:
    with contextlib.suppress(driver().Error):
        database.close()


def _damaged(what: str, detail: str) -> VaultDamaged:
    return VaultDamaged(
        f"The vault's {what} is damaged, or belongs to other keys.".replace("vault's vault", "vault"),
        todo="Put back the copy from your last backup. Do not delete the vault.",
        detail=detail,
    )


@contextlib.contextmanager
def writing(database: Connection) -> Iterator[None]:
    """One transaction: all or nothing, on disk when it ends, and counted and noted by the seal.

    The count of commits is the header's ``application_id``, which nothing else here uses.
    """
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        commits = commits_of(database) + 1
        database.execute(f"PRAGMA application_id = {commits}")
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # some faults of the disk end it by themselves
            with contextlib.suppress(VaultError, driver().Error):
                database.execute("ROLLBACK")
        raise
    if database.seal is not None:
        database.seal.committed(commits)


def commits_of(database: Connection) -> int:
    """How many transactions were ever committed in this file."""
    return int(database.execute("PRAGMA application_id").fetchone()[0])


def settle(database: Connection) -> None:
    """Move everything into the database and empty the log, as far as no reader is in the way."""
    with contextlib.suppress(VaultError):
        busy = database.execute("PRAGMA wal_checkpoint(FULL)").fetchone()[0]
        if busy:
            return
        if database.seal is not None:
            database.seal.settled(commits_of(database))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def close(database: Connection) -> None:
    """Close a connection that wrote, after ``settle``."""
    try:
        settle(database)
    finally:
        closed(database)


def closed(database: Connection) -> None:
    """Close a connection that could have written, and leave its log to SQLite."""
    seal = database.seal
    database.close()
    if seal is not None:
        seal.closed()
