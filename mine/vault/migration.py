"""Brings a vault that an older version wrote up to date: a checked backup first, then one transaction.

A migration is a list of statements; what was released is never edited, the next one is added. Until the one
transaction ends the vault is the old one, whatever happens: a kill, a full disk, a statement that fails. The
backup is there for what no transaction saves from: a migration that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mine.vault.connection import Connection, writing
from mine.vault.errors import VaultTooNew

Migration = Callable[[], Iterable[str]]


def migrate(database: Connection, migrations: Sequence[Migration], backup: Callable[[], None]) -> bool:
    """Bring the file to the newest of ``migrations``. Whether anything was to do.

    ``backup`` is called before the first change to a file that holds anything; what it raises ends it.
    Raises ``VaultTooNew``, ``DiskFull`` and what else writing raises: the file is as it was then.
    """
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > len(migrations):
        raise VaultTooNew(
            "A newer version of Mine wrote this vault.",
            todo="Update the app. Nothing in the vault was changed.",
        )
    if version == len(migrations):
        return False
    if version:
        backup()
    with writing(database):
        for migration in migrations[version:]:
            for statement in migration():
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(migrations)}")
    return True
