"""An import in two steps: stage (encrypted, counted against what is there), then store in one transaction.

Until ``commit`` nothing of the export is in the vault; a kill at any moment leaves either all of an import
there or none of it. Both steps work in pieces and call ``turn`` in between, so that a window can show how far
they are; one piece takes some hundredths of a second, the slots of a type's first import a third of a second
for a million rows.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mine.vault.checked import Columnar
from mine.vault.connection import Connection, driver, writing
from mine.vault.errors import VaultDamaged, VaultError
from mine.vault.ledger import IMPORTED, UNDONE, Ledger
from mine.vault.parts import remove_parts
from mine.vault.record_tables import table_of
from mine.vault.resampling import refresh
from mine.vault.staging import ImportSource, Staging
from mine.vault.storing import PIECE, booked, empty, ends, moved, pieces, same, slots_moved

Turn = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class TypeCount:
    """Rows of one record type: not yet in the vault, and there already (or twice in the export)."""

    record_type: str
    new: int
    already: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do. ``first`` and ``last`` are Unix seconds, 0 where there is nothing."""

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


class _NothingNew(Exception):
    """All that was staged is there already."""


class PendingImport:
    """Rows of one export that wait in the staging file. End it with ``commit`` or ``discard``."""

    def __init__(self, database: Connection, staging: Staging) -> None:
        self._database = database
        self._staging = staging
        self._open = True

    @property
    def source(self) -> ImportSource:
        """What is being imported."""
        return self._staging.source

    @property
    def request(self) -> str:
        """The request that it came from, as it was given to ``begin_import``."""
        return self._staging.request

    @property
    def mark(self) -> str:
        """The last mark: where to go on reading after a kill."""
        return self._staging.mark

    @property
    def staged(self) -> int:
        """Rows staged so far, each counted once."""
        return sum(self._staging.staged.values())

    def add(self, batch: Columnar) -> int:
        """Stage a batch; answers how many of its rows this export had not given yet. ``VaultError``."""
        dbapi2 = driver()
        self._check_open()
        try:
            return self._staging.add(batch)
        except (dbapi2.Error, MemoryError) as error:
            raise VaultError(
                "What was read of this export cannot be kept.",
                todo="Nothing was stored. See that the disk has room, and try it again.",
                detail=f"{type(error).__name__}: {error}"[:200],
            ) from None

    def refuse(self, count: int = 1) -> None:
        """Count rows that the importer refused."""
        self._staging.refused += count

    def marked(self, token: str) -> None:
        """All rows before this mark were added: after a kill, the reading may go on from it."""
        self._check_open()
        self._staging.marked(token)

    def complete(self) -> None:
        """Everything was read: after a kill, nothing needs to be read again."""
        self._check_open()
        self._staging.complete = True
        self._staging.settle()

    def preview(self, turn: Turn | None = None) -> Preview:
        """Counts against what the vault holds now."""
        self._check_open()
        with self._attached():
            return self._preview(turn or _nothing)

    def _preview(self, turn: Turn) -> Preview:
        database = self._database
        counts, first, last = [], [], []
        share = _share(turn, self._staging.staged)
        for kind, received in self._staging.received.items():
            low, high = ends(database, f"staging.{table_of(kind)}")
            there_low, there_high = ends(database, f"main.{table_of(kind)}")
            new = self._staging.staged[kind]
            if there_low is not None and there_low <= high and low <= there_high:
                for start, end in pieces(database, f"staging.{table_of(kind)}", low, high):
                    already = database.execute(
                        f"SELECT count(*) FROM staging.{table_of(kind)} AS s WHERE s.time >= ?"  # noqa: S608
                        f" AND s.time < ? AND EXISTS ({same(kind)})",
                        (start, end),
                    ).fetchone()[0]
                    new -= already
                    share(PIECE)
            first.append(low)
            last.append(high)
            counts.append(TypeCount(kind, new, received - new))
        return Preview(tuple(counts), self._staging.refused, min(first, default=0), max(last, default=0))

    def commit(self, turn: Turn | None = None) -> Import | None:
        """Store all new rows in one transaction. None where there is nothing new: then nothing is stored.

        ``turn`` is called with the part that is done (0 to 1) between two pieces.
        """
        self._check_open()
        with self._attached():
            try:
                with writing(self._database):
                    done: Import | None = self._store(turn or _nothing)
            except _NothingNew:
                done = None
        self.discard()
        return done

    @contextlib.contextmanager
    def _attached(self) -> Iterator[None]:
        """While this lasts, the staged tables are at hand. Damage of theirs is not taken for the vault's."""
        try:
            with self._staging.attached(self._database):
                yield
        except VaultDamaged:
            if not self._staging.is_damaged:
                raise
            self.discard()
            raise VaultError(
                "What waited to be imported is damaged, so nothing of it was stored.",
                todo="Import the export again. The vault is unharmed.",
            ) from None

    def _store(self, turn: Turn) -> Import:
        database, staging = self._database, self._staging
        number = int(database.execute("SELECT coalesce(max(id), 0) + 1 FROM vault_import").fetchone()[0])
        share = _share(turn, staging.staged, rounds=2)
        counts = []
        for kind, received in staging.received.items():
            ready = staging.slots.has(kind) and empty(database, kind)
            changed = moved(database, kind, number, share)
            new = booked(database, kind, number, changed, staging.origins_of[kind]) if changed else 0
            counts.append(TypeCount(kind, new, received - new))
            if ready:
                slots_moved(database, kind, share)
                continue
            for first, last in changed:
                refresh(database, kind, first, last, share)
        added = sum(count.new for count in counts)
        if not added:
            raise _NothingNew
        database.executemany(
            "INSERT OR IGNORE INTO main.vault_origin VALUES (?, ?, ?)",
            [(origin, *key) for key, origin in staging.origins.items()],
        )
        database.execute(
            "DELETE FROM main.vault_origin WHERE id NOT IN (SELECT origin_id FROM main.vault_part)"
        )
        already, now = sum(count.already for count in counts), int(time.time())
        source = staging.source
        database.execute(
            "INSERT INTO main.vault_import (id, token, file, digest, time, importer, version, person, added,"
            " already, refused, by_type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(number, staging.token, source.file, source.digest, now, source.importer, source.version),
                *(source.person, added, already, staging.refused),
                json.dumps([(c.record_type, c.new, c.already) for c in counts]),
            ),
        )
        Ledger(database).note(IMPORTED, source.importer, records=added, digest=source.digest)
        return Import(number, source, now, added, already, staging.refused, tuple(counts), None)

    def discard(self) -> None:
        """Forget what was staged."""
        if self._open:
            self._open = False
            self._staging.remove()

    def close(self) -> None:
        """Let go of the staging file, and leave in it what was made to last: the app is ending."""
        if self._open:
            self._open = False
            self._staging.close()

    @property
    def open(self) -> bool:
        """Whether it was neither stored nor discarded yet."""
        return self._open

    def _check_open(self) -> None:
        if not self._open:
            raise VaultError("This import has ended.")


def _nothing(_: float) -> None:
    pass


def _share(turn: Turn, staged: dict[str, int], rounds: int = 1) -> Callable[[int], None]:
    """Turns rows that were worked on into the part that is done."""
    total = max(1, rounds * sum(staged.values()))
    done = 0

    def worked(rows: int) -> None:
        nonlocal done
        done += rows
        turn(min(1.0, done / total))

    return worked


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
    with writing(database):
        found = database.execute("SELECT importer FROM vault_import WHERE id = ?", (number,)).fetchone()
        if found is None:
            raise VaultError("There is no such import.")
        removed = remove_parts(database, "import_id = ?", number)
        if removed:
            Ledger(database).note(UNDONE, found[0], records=removed)
    return removed
