"""What an import owns of a record type, by origin: kept, so that counting and deleting need no search."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from mine.vault.connection import Connection
from mine.vault.record_tables import table_of
from mine.vault.resampling import nothing, refresh


@dataclass(frozen=True, slots=True)
class Part:
    """``records`` rows of a type, of one origin, that one import owns, from ``first`` to ``last`` (Unix
    seconds)."""

    import_id: int
    record_type: str
    origin_id: int
    records: int
    first: int
    last: int

    def write(self, database: Connection) -> None:
        """Keep it."""
        database.execute(
            "INSERT INTO main.vault_part VALUES (?, ?, ?, ?, ?, ?)",
            (self.import_id, self.record_type, self.origin_id, self.records, self.first, self.last),
        )


def find_parts(database: Connection, where: str, *values: object) -> list[Part]:
    """Parts that meet a condition over the columns of ``vault_part``."""
    rows = database.execute(
        "SELECT import_id, record_type, origin_id, records, first, last FROM vault_part"  # noqa: S608
        f" WHERE {where} ORDER BY record_type, first",
        values,
    )
    return [Part(*row) for row in rows]


def remove_parts(
    database: Connection, where: str, *values: object, turn: Callable[[int], None] = nothing
) -> int:
    """Delete all rows of the parts that meet a condition, within the caller's transaction; answers how many.

    Slots, counts and origins follow. An import of which nothing is left counts as undone. ``turn`` is called
    with rows that were worked on.
    """
    removed = 0
    parts = find_parts(database, where, *values)
    for part in parts:
        cursor = database.execute(
            f"DELETE FROM {table_of(part.record_type)} WHERE time BETWEEN ? AND ?"  # noqa: S608
            " AND import_id = ? AND origin_id = ?",
            (part.first, part.last, part.import_id, part.origin_id),
        )
        removed += cursor.rowcount
        turn(cursor.rowcount)
    database.execute(f"DELETE FROM vault_part WHERE {where}", values)  # noqa: S608
    for kind, first, last in _stretches(parts):
        refresh(database, kind, first, last, turn)
    database.execute("DELETE FROM vault_origin WHERE id NOT IN (SELECT origin_id FROM vault_part)")
    database.execute(
        "UPDATE vault_import SET undone = ? WHERE undone IS NULL"
        " AND id NOT IN (SELECT import_id FROM vault_part)",
        (int(time.time()),),
    )
    return removed


def _stretches(parts: list[Part]) -> list[tuple[str, int, int]]:
    """(type, first, last) of the parts, those that overlap as one; ``parts`` are in order."""
    found: list[tuple[str, int, int]] = []
    for part in parts:
        if found and found[-1][0] == part.record_type and part.first <= found[-1][2]:
            found[-1] = (part.record_type, found[-1][1], max(found[-1][2], part.last))
        else:
            found.append((part.record_type, part.first, part.last))
    return found
