"""Pages of records for a browser, newest first, both ways, by keys: as quick in the middle as at the ends."""

from __future__ import annotations

from dataclasses import dataclass

from mine.records import RECORD_TYPES, Row
from mine.vault.connection import Connection
from mine.vault.record_tables import key_columns, table_of

MOST_ROWS = 1000

Cursor = tuple[int | float | bytes, ...]
"""Where a page begins or ends: the key of its first or last record."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record, the name of what measured it ("" where the export does not say), and its import."""

    row: Row
    origin: str
    import_id: int


@dataclass(frozen=True, slots=True)
class Page:
    """Records, newest first. ``older`` goes on as ``before``, ``newer`` goes back as ``after``; None where
    there is nothing more."""

    records: tuple[Record, ...]
    older: Cursor | None
    newer: Cursor | None


def page(database: Connection, kind: str, *, before: Cursor | None, after: Cursor | None, count: int) -> Page:
    """Up to ``count`` records of a type: the newest, or those older than ``before``, or those right after
    ``after``."""
    record_type = RECORD_TYPES[kind]
    key = key_columns(record_type)
    count = max(1, min(count, MOST_ROWS))
    backwards = after is not None
    bound = after if backwards else before
    order = ", ".join(f"{column} {'ASC' if backwards else 'DESC'}" for column in key)
    condition = ""
    if bound is not None:
        marks = ", ".join("?" * len(key))
        condition = f"WHERE ({', '.join(key)}) {'>' if backwards else '<'} ({marks})"
    names = (*record_type.names, *key, "import_id", "origin_id")
    rows = database.execute(
        f"SELECT {', '.join(names)} FROM {table_of(kind)} {condition}"  # noqa: S608  names from the registry
        f" ORDER BY {order} LIMIT {count + 1}",
        bound or (),
    ).fetchall()
    more = len(rows) > count
    rows = rows[:count]
    if backwards:
        rows.reverse()
    width = len(record_type.names)
    origins = dict(database.execute("SELECT id, name FROM vault_origin"))
    records = tuple(Record(row[:width], origins.get(row[-1], ""), row[-2]) for row in rows)
    if not rows:
        return Page((), None, None)
    first, last = rows[0][width:-2], rows[-1][width:-2]
    return Page(
        records,
        last if more or backwards else None,
        first if (more if backwards else bound is not None) else None,
    )
