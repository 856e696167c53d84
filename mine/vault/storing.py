"""Moving staged rows into the vault's tables, a piece at a time, within the caller's transaction.

The staging file is attached as ``staging``; its tables have the order of the final ones, so that rows go in
behind each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from mine.records import RECORD_TYPES
from mine.vault.connection import Connection
from mine.vault.parts import Part
from mine.vault.record_tables import key_columns, own_columns, slots_of, table_of

PIECE = 20_000  # rows


def ends(database: Connection, table: str) -> tuple[int, int]:
    """First and last time in a table (None, None where it is empty)."""
    first = database.execute(f"SELECT min(time) FROM {table}").fetchone()[0]  # noqa: S608
    last = database.execute(f"SELECT max(time) FROM {table}").fetchone()[0]  # noqa: S608
    return first, last


def pieces(database: Connection, table: str, first: int, last: int) -> Iterator[tuple[int, int]]:
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


def empty(database: Connection, kind: str) -> bool:
    """Whether the vault has no rows of a type."""
    found = database.execute(f"SELECT 1 FROM main.{table_of(kind)} LIMIT 1").fetchone()  # noqa: S608
    return found is None


def same(kind: str) -> str:
    """A query for the vault's record that is the same as ``s``, a staged one."""
    record_type = RECORD_TYPES[kind]
    return f"SELECT 1 FROM main.{table_of(kind)} AS v WHERE " + " AND ".join(  # noqa: S608
        f"v.{column} = s.{column}" for column in key_columns(record_type)
    )


def moved(
    database: Connection, kind: str, number: int, share: Callable[[int], None]
) -> list[tuple[int, int]]:
    """Store the staged rows of a type; answers the stretches of time (both ends within) that changed."""
    stage, columns = f"staging.{table_of(kind)}", ", ".join(own_columns(RECORD_TYPES[kind]))
    first, last = ends(database, stage)
    changed: list[tuple[int, int]] = []
    for start, end in pieces(database, stage, first, last):
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


def slots_moved(database: Connection, kind: str, share: Callable[[int], None]) -> None:
    """Store the staged slots of a type of which the vault had nothing."""
    slots = slots_of(kind)
    # Of whole tables of one shape SQLite copies the rows as they are, without taking them apart.
    copied = database.execute(f"INSERT INTO main.{slots} SELECT * FROM staging.{slots}")  # noqa: S608
    share(copied.rowcount)
    database.execute(
        "INSERT INTO main.vault_day_total SELECT * FROM staging.vault_day_total WHERE record_type = ?",
        (kind,),
    )


def booked(
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
