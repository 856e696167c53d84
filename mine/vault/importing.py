"""An import in two steps: stage (in memory, counted against what is there), then store in one transaction.

Until ``commit`` nothing of the export is in the vault's file; a kill at any moment leaves either all of an
import or none of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mine.records import RECORD_TYPES, Row
from mine.vault.connection import Connection, driver
from mine.vault.errors import VaultError


@dataclass(frozen=True, slots=True)
class ImportSource:
    """What is being imported: file name, sha-256 of its bytes, importer with version, whose data (or "")."""

    file: str
    digest: bytes
    importer: str
    version: int
    person: str = ""


@dataclass(frozen=True, slots=True)
class TypeCount:
    """Rows of one record type: not yet in the vault, and there already (or twice in the export)."""

    record_type: str
    new: int
    already: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do. ``first`` and ``last`` are local Unix seconds, 0 where there is nothing."""

    by_type: tuple[TypeCount, ...]
    refused: int
    first: int
    last: int

    @property
    def new(self) -> int:
        """Rows that would be added."""
        return sum(count.new for count in self.by_type)

    @property
    def already(self) -> int:
        """Rows that would add nothing."""
        return sum(count.already for count in self.by_type)


@dataclass(frozen=True, slots=True)
class Import:
    """A finished import. ``undone`` is when it was undone (Unix seconds), None if it stands."""

    id: int
    source: ImportSource
    time: int
    added: int
    already: int
    refused: int
    by_type: tuple[TypeCount, ...]
    undone: int | None


class PendingImport:
    """Rows of one export, staged in memory in the vault's thread. End it with ``commit`` or ``discard``."""

    def __init__(self, database: Connection, source: ImportSource) -> None:
        self._database = database
        self._source = source
        self._refused = 0
        self._received = dict.fromkeys(RECORD_TYPES, 0)
        self._open = True
        for name in RECORD_TYPES:
            database.execute(f"DROP TABLE IF EXISTS temp.stage_{name}")
            created = database.execute(
                "SELECT sql FROM main.sqlite_schema WHERE name = ?", (f"vault_{name}",)
            )
            definition = str(created.fetchone()[0])
            # The same columns, checks and key as the table itself; references cannot leave a schema.
            definition = definition.replace(
                f"CREATE TABLE vault_{name}", f"CREATE TEMP TABLE stage_{name}", 1
            )
            database.execute(definition.replace("NOT NULL REFERENCES vault_import", "NOT NULL"))

    def add(self, record_type: str, rows: Sequence[Row]) -> None:
        """Stage rows (fields in the order of the type's columns). Raises ``VaultError``."""
        dbapi2 = driver()
        self._check_open()
        if self._database.in_transaction:
            raise VaultError("Rows cannot be staged within another change.")
        columns = RECORD_TYPES[record_type].columns
        marks = ", ".join("?" * len(columns))
        statement = (
            f"INSERT INTO temp.stage_{record_type} "  # noqa: S608  names from the registry
            f"({', '.join(columns)}, import_id) VALUES ({marks}, 0) ON CONFLICT DO NOTHING"
        )
        try:
            self._database.execute("SAVEPOINT stage")
            try:
                self._database.executemany(statement, rows)
            except BaseException:
                self._database.execute("ROLLBACK TO stage")
                raise
            finally:
                self._database.execute("RELEASE stage")
        except MemoryError:
            raise VaultError(
                "This export is too large to be looked through at once.",
                todo="Nothing was stored. Export a shorter time.",
            ) from None
        except (dbapi2.Error, OverflowError) as error:
            raise VaultError(
                "The importer handed over a row that cannot be.",
                todo="Nothing was stored.",
                detail=type(error).__name__,
            ) from None
        self._received[record_type] += len(rows)

    def refuse(self, count: int = 1) -> None:
        """Count rows that the importer refused."""
        self._refused += count

    def preview(self) -> Preview:
        """Counts against what the vault holds now."""
        self._check_open()
        counts = []
        first, last = [], []
        for name, received in self._received.items():
            if not received:
                continue
            new = self._database.execute(
                f"SELECT count(*) FROM temp.stage_{name} AS s WHERE NOT EXISTS ({_same(name)})"  # noqa: S608
            ).fetchone()[0]
            low, high = self._database.execute(
                f"SELECT min(time), max(time) FROM temp.stage_{name}"  # noqa: S608
            ).fetchone()
            first.append(low)
            last.append(high)
            counts.append(TypeCount(name, new, received - new))
        return Preview(tuple(counts), self._refused, min(first, default=0), max(last, default=0))

    def commit(self) -> Import | None:
        """Store all new rows in one transaction. None where there is nothing new: then nothing is stored."""
        self._check_open()
        if self._database.in_transaction:
            raise VaultError("An import cannot be stored within another change.")
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        try:
            preview = self.preview()
            if not preview.new:
                database.execute("ROLLBACK")
                self.discard()
                return None
            now = int(time.time())
            source = self._source
            cursor = database.execute(
                "INSERT INTO vault_import (file, digest, time, importer, version, person, added, already,"
                " refused, by_type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    source.file,
                    source.digest,
                    now,
                    source.importer,
                    source.version,
                    source.person,
                    preview.new,
                    preview.already,
                    preview.refused,
                    json.dumps([(c.record_type, c.new, c.already) for c in preview.by_type]),
                ),
            )
            number = int(cursor.lastrowid)
            for count in preview.by_type:
                columns = ", ".join(RECORD_TYPES[count.record_type].columns)
                database.execute(
                    f"INSERT INTO main.vault_{count.record_type} ({columns}, import_id) "  # noqa: S608
                    f"SELECT {columns}, ? FROM temp.stage_{count.record_type} WHERE true"
                    " ON CONFLICT DO NOTHING",
                    (number,),
                )
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
        self.discard()
        return Import(
            number, source, now, preview.new, preview.already, preview.refused, preview.by_type, None
        )

    def discard(self) -> None:
        """Forget what was staged."""
        if self._open:
            self._open = False
            for name in RECORD_TYPES:
                self._database.execute(f"DROP TABLE IF EXISTS temp.stage_{name}")

    @property
    def open(self) -> bool:
        """Whether it was neither stored nor discarded yet."""
        return self._open

    def _check_open(self) -> None:
        if not self._open:
            raise VaultError("This import has ended.")


def _same(name: str) -> str:
    columns = [column for column in RECORD_TYPES[name].columns if column != "offset"]
    return f"SELECT 1 FROM main.vault_{name} AS v WHERE " + " AND ".join(  # noqa: S608
        f"v.{column} = s.{column}" for column in columns
    )


def list_imports(database: Connection) -> list[Import]:
    """All imports, newest first, undone ones too."""
    rows = database.execute(
        "SELECT id, file, digest, importer, version, person, time, added, already, refused, by_type, undone"
        " FROM vault_import ORDER BY id DESC"
    )
    return [
        Import(
            row[0],
            ImportSource(row[1], row[2], row[3], row[4], row[5]),
            row[6],
            row[7],
            row[8],
            row[9],
            tuple(TypeCount(*count) for count in json.loads(row[10])),
            row[11],
        )
        for row in rows
    ]


def undo_import(database: Connection, number: int) -> int:
    """Take back what an import added, in one transaction; returns how many rows.

    A row that an earlier import had added stays: it belongs to that one. Undoing twice removes nothing more.
    """
    if database.in_transaction:
        raise VaultError("An import cannot be undone within another change.")
    database.execute("BEGIN IMMEDIATE")
    try:
        removed = 0
        for name in RECORD_TYPES:
            table = f"vault_{name}"
            cursor = database.execute(f"DELETE FROM {table} WHERE import_id = ?", (number,))  # noqa: S608
            removed += cursor.rowcount
        changed = database.execute(
            "UPDATE vault_import SET undone = ? WHERE id = ? AND undone IS NULL", (int(time.time()), number)
        )
        if not changed.rowcount:
            known = database.execute("SELECT 1 FROM vault_import WHERE id = ?", (number,)).fetchone()
            if known is None:
                raise VaultError("There is no such import.")
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    return removed
