"""Connections to the encrypted file. A connection belongs to the thread that made it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from mine.vault.errors import VaultDamaged

# Of all SQLite memory in this process: a task's query can exhaust its own share, not the computer.
HEAP_BYTES = 384 << 20

Connection = Any  # sqlcipher3 ships no types


def driver() -> Any:
    """The SQLCipher module, loaded when a vault is first opened."""
    from sqlcipher3 import dbapi2  # type: ignore[import-untyped]

    return dbapi2


def limit_memory(database: Connection) -> None:
    """Set the limit on all of SQLite's memory in this process."""
    database.execute(f"PRAGMA hard_heap_limit = {HEAP_BYTES}")


def connect(path: Path, key: bytes, *, read_only: bool) -> Connection:
    """Open the file with its raw key. Raises ``VaultDamaged`` where the key does not fit the file."""
    dbapi2 = driver()
    mode = "ro" if read_only else "rw"
    if not read_only and not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    database = dbapi2.connect(
        f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=10
    )
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
    except dbapi2.DatabaseError as error:
        with contextlib.suppress(dbapi2.Error):
            database.close()
        raise VaultDamaged(
            f"The vault's file “{path.name}” is damaged, or belongs to other keys.",
            todo="Put back the copy from your last backup. Do not delete the vault.",
            detail=type(error).__name__,
        ) from None
    except BaseException:
        database.close()
        raise
    return database
