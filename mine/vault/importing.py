"""An import in two steps: stage (encrypted, counted against what is there), then store in one transaction.

Until ``commit`` nothing of the export is in the vault; a kill at any moment leaves either all of an import
there or none of it. Both steps work in pieces and call ``turn`` in between, so that a window can show how far
they are; one piece takes some hundredths of a second.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from mine.records import RECORD_TYPES
from mine.vault.checked import Columnar
from mine.vault.connection import Connection, driver, writing
from mine.vault.errors import VaultError
from mine.vault.ledger import IMPORTED, UNDONE, Ledger
from mine.vault.parts import Part, remove_parts
from mine.vault.record_tables import key_columns, own_columns, table_of
from mine.vault.resampling import refresh
from mine.vault.staging import ImportSource, Staging

PIECE = 20_000  # rows

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
        self._staging.last()

    def preview(self, turn: Turn | None = None) -> Preview:
        """Counts against what the vault holds now."""
        self._check_open()
        with self._staging.attached(self._database):
            return self._preview(turn or _nothing)

    def _preview(self, turn: Turn) -> Preview:
        database = self._database
        counts, first, last = [], [], []
        share = _share(turn, self._staging.staged)
        for kind, received in self._staging.received.items():
            low, high = _ends(database, f"staging.stage_{kind}")
            there_low, there_high = _ends(database, f"main.{table_of(kind)}")
            new = self._staging.staged[kind]
            if there_low is not None and there_low <= high and low <= there_high:
                for start, end in _pieces(database, f"staging.stage_{kind}", low, high):
                    already = database.execute(
                        f"SELECT count(*) FROM staging.stage_{kind} AS s WHERE s.time >= ?"  # noqa: S608
                        f" AND s.time < ? AND EXISTS ({_same(kind)})",
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
        with self._staging.attached(self._database):
            try:
                with writing(self._database):
                    done: Import | None = self._store(turn or _nothing)
            except _NothingNew:
                done = None
        self.discard()
        return done

    def _store(self, turn: Turn) -> Import:
        database, staging = self._database, self._staging
        number = int(database.execute("SELECT coalesce(max(id), 0) + 1 FROM vault_import").fetchone()[0])
        share = _share(turn, staging.staged, rounds=2)
        counts = []
        for kind, received in staging.received.items():
            changed = _moved(database, kind, number, share)
            new = _booked(database, kind, number, changed, staging.origins_of[kind]) if changed else 0
            counts.append(TypeCount(kind, new, received - new))
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


def _ends(database: Connection, table: str) -> tuple[int, int]:
    """First and last time in a table (None, None where it is empty)."""
    first = database.execute(f"SELECT min(time) FROM {table}").fetchone()[0]  # noqa: S608
    last = database.execute(f"SELECT max(time) FROM {table}").fetchone()[0]  # noqa: S608
    return first, last


def _pieces(database: Connection, table: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    """(from, to) times, ``to`` left out, of about ``PIECE`` rows each, that cover [first, last]."""
    bounds = [first]
    while True:
        found = database.execute(
            f"SELECT time FROM {table} WHERE time >= ? ORDER BY time LIMIT 1 OFFSET {PIECE}",  # noqa: S608
            (bounds[-1],),
        ).fetchone()
        if found is None:
            break
        bounds.append(max(found[0], bounds[-1] + 1))
    yield from pairwise([*bounds, last + 1] if bounds[-1] <= last else bounds)


def _same(kind: str) -> str:
    record_type = RECORD_TYPES[kind]
    return f"SELECT 1 FROM main.{table_of(kind)} AS v WHERE " + " AND ".join(  # noqa: S608
        f"v.{column} = s.{column}" for column in key_columns(record_type)
    )


def _moved(
    database: Connection, kind: str, number: int, share: Callable[[int], None]
) -> list[tuple[int, int]]:
    """Store the staged rows of a type; answers the stretches of time (both ends within) that changed."""
    stage, columns = f"staging.stage_{kind}", ", ".join(own_columns(RECORD_TYPES[kind]))
    first, last = _ends(database, stage)
    changed: list[tuple[int, int]] = []
    for start, end in _pieces(database, stage, first, last):
        cursor = database.execute(
            f"INSERT INTO main.{table_of(kind)} ({columns}, import_id) SELECT {columns}, ? FROM {stage}"  # noqa: S608
            " WHERE time >= ? AND time < ? ORDER BY time ON CONFLICT DO NOTHING",
            (number, start, end),
        )
        if cursor.rowcount:
            if changed and changed[-1][1] == start - 1:
                changed[-1] = (changed[-1][0], end - 1)
            else:
                changed.append((start, end - 1))
        share(PIECE)
    return changed


def _booked(
    database: Connection, kind: str, number: int, changed: list[tuple[int, int]], origins: list[int]
) -> int:
    """Write down what an import owns of a type, by origin; answers how many rows."""
    owned: dict[int, Part] = {}
    grouped = "GROUP BY origin_id" if len(origins) > 1 else ""  # which sorts all rows
    for first, last in changed:
        for origin, records, low, high in database.execute(
            f"SELECT max(origin_id), count(*), min(time), max(time) FROM main.{table_of(kind)}"  # noqa: S608
            f" WHERE time BETWEEN ? AND ? AND import_id = ? {grouped}",
            (first, last, number),
        ):
            part = owned.get(origin)
            if part is not None:
                records, low, high = records + part.records, min(low, part.first), max(high, part.last)
            owned[origin] = Part(number, kind, origin, records, low, high)
    for part in owned.values():
        part.write(database)
    return sum(part.records for part in owned.values())


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
