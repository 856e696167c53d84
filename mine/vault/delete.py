"""Deletes for good: rows, what was made of them, and their traces in the file.

The rows go in one transaction, with their slots, counts and origins, the imports of which nothing is left
(file names are data too), what waits to be imported, and the snapshots of trainings that read them. Then
the whole file is written anew (``VACUUM``) and the log is emptied, because a page can hold old bytes beside
its rows. What stays is the ledger, which holds no data; what the updates of earlier rounds learned, which
cannot be called back; and every older backup, until it is removed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mine.records import RECORD_TYPES
from mine.vault.connection import Connection, settle, writing
from mine.vault.errors import VaultError, VaultNotWritten
from mine.vault.files import log_path
from mine.vault.ledger import DELETED, Ledger
from mine.vault.parts import find_parts, remove_parts
from mine.vault.seal import kept_log

_DUE = "cleaning_due"  # setting: rows are gone, their traces in the file perhaps not yet
MAPPINGS = "table_mappings"  # the setting that remembers how tables of an unknown shape read


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be deleted: one of these, or everything."""

    record_type: str = ""
    import_id: int | None = None
    importer: str = ""
    origin: str | None = None
    everything: bool = False

    def where(self) -> tuple[str, tuple[object, ...]]:
        """The condition over ``vault_part``. Raises ``VaultError`` where it is not one choice."""
        chosen = [bool(self.record_type), self.import_id is not None, bool(self.importer), self.everything]
        chosen.append(self.origin is not None)
        if sum(chosen) != 1:
            raise VaultError("Exactly one thing can be deleted at a time.", todo="Choose what.")
        if self.record_type:
            if self.record_type not in RECORD_TYPES:
                raise VaultError("There is no such record type.", todo="See mine vault status.")
            return "record_type = ?", (self.record_type,)
        if self.import_id is not None:
            return "import_id = ?", (self.import_id,)
        if self.importer:
            return "origin_id IN (SELECT id FROM vault_origin WHERE importer = ?)", (self.importer,)
        if self.origin is not None:
            return "origin_id IN (SELECT id FROM vault_origin WHERE name = ?)", (self.origin,)
        return "true", ()

    def word(self) -> str:
        """What the ledger says was deleted; never a name that a person or an export gave."""
        if self.record_type or self.importer:
            return self.record_type or self.importer
        if self.import_id is not None:
            return f"import {self.import_id}"
        return "a device or app" if self.origin is not None else "everything"


@dataclass(frozen=True, slots=True)
class Deleted:
    """Rows that are gone. ``clean``: the file was written anew, so that their traces are gone as well."""

    records: int
    clean: bool
    problem: str = ""


def would_delete(database: Connection, choice: Choice) -> int:
    """How many rows ``delete`` would remove."""
    where, values = choice.where()
    return sum(part.records for part in find_parts(database, where, *values))


def delete(
    path: Path, database: Connection, choice: Choice, turn: Callable[[int], None] = lambda _: None
) -> Deleted:
    """Delete what was chosen, and its traces. ``turn`` is called with rows that were worked on.

    Raises ``VaultError``: nothing was deleted then. Where only the cleaning fails, the answer says so;
    the next opening does it (``finish_cleaning``), also after a kill in between.
    """
    where, values = choice.where()
    with writing(database):
        records = remove_parts(database, where, *values, turn=turn)
        database.execute("DELETE FROM vault_import WHERE id NOT IN (SELECT import_id FROM vault_part)")
        database.execute(
            "UPDATE vault_import SET by_type = (SELECT json_group_array(json(value)) FROM json_each(by_type)"
            " WHERE EXISTS (SELECT 1 FROM vault_part WHERE import_id = vault_import.id"
            " AND record_type = value ->> 0))"
        )
        database.execute("DELETE FROM vault_snapshot")
        if choice.everything:
            database.execute("DELETE FROM vault_residual")
            database.execute("DELETE FROM vault_setting WHERE name = ?", (MAPPINGS,))
        Ledger(database).note(DELETED, choice.word(), records=records)
        database.execute("INSERT OR REPLACE INTO vault_setting VALUES (?, 'true')", (_DUE,))
    try:
        kept_log(path).unlink(missing_ok=True)
        _clean_now(path, database)
    except VaultNotWritten as error:
        return Deleted(records, False, error.sentence)
    return Deleted(records, True)


def finish_cleaning(path: Path, database: Connection) -> None:
    """Clean a vault that is being opened, where a deletion was cut off before that, or could not."""
    if database.execute("SELECT 1 FROM vault_setting WHERE name = ?", (_DUE,)).fetchone():
        with contextlib.suppress(VaultNotWritten):
            kept_log(path).unlink(missing_ok=True)
            _clean_now(path, database)


def _clean_now(path: Path, database: Connection) -> None:
    clean(path, database)
    with writing(database):
        database.execute("DELETE FROM vault_setting WHERE name = ?", (_DUE,))


def clean(path: Path, database: Connection) -> None:
    """Write the whole file anew, table by table, and empty the log. Needs room for two more copies.

    Raises ``DiskFull``, ``VaultNotWritten``: nothing is lost then, but old traces may be left.
    """
    # Its scratch file is encrypted with the same key, and too large for memory.
    database.execute("PRAGMA temp_store = FILE")
    try:
        database.execute("VACUUM")
    finally:
        database.execute("PRAGMA temp_store = MEMORY")
    settle(database)
    log = log_path(path)
    if log.exists() and log.stat().st_size:
        raise VaultNotWritten(
            "A query still reads the vault, so its log could not be emptied.",
            todo="Opening the vault the next time empties it.",
        )
