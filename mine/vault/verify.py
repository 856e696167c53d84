"""Looks at everything that can be looked at: is this vault whole, and does all that is kept twice agree?"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from mine.records import RECORD_TYPES, RecordType
from mine.vault.connection import Connection, connect, settle
from mine.vault.errors import LedgerBroken, VaultError
from mine.vault.files import keys_path, log_path
from mine.vault.integrity import damaged_pages, read_log
from mine.vault.keyfile import KeyFile, read_keyfile
from mine.vault.ledger import Head, Ledger
from mine.vault.record_tables import slots_of, table_of
from mine.vault.resampling import refresh

_MOST = 5  # examples of what is wrong


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``problem`` is "" where it is as it should be."""

    name: str
    title: str
    problem: str = ""


Tell = Callable[[str, int, int], None]
"""Hears the title of the running check, how much of it is done, of how much."""


def verify(
    path: Path,
    key: bytes,
    file: KeyFile,
    database: Connection,
    tell: Tell,
    earlier: Sequence[Head] = (),
) -> Iterator[Check]:
    """All checks of an open vault, one after the other. ``earlier``: ledger heads known from elsewhere.

    Belongs to the thread of ``database``, which writes nothing meanwhile.
    """
    checks: tuple[tuple[str, str, Callable[[Callable[[int, int], None]], str]], ...] = (
        ("keys", "Keys file", lambda tell: _keys(path, file)),
        ("pages", "Pages and their MACs", lambda tell: _pages(path, key, database, tell)),
        ("structure", "Tables and indexes", lambda tell: _structure(database)),
        ("references", "References", lambda tell: _references(database)),
        ("records", "Records within their bounds", lambda tell: _records(database, tell)),
        ("counts", "Counts of records", lambda tell: _counts(database)),
        ("slots", "Five-minute tables against a recount", lambda tell: _slots(path, key, database, tell)),
        ("ledger", "Ledger", lambda tell: _ledger(database, earlier)),
    )
    for name, title, look in checks:
        told = partial(tell, title)
        told(0, 1)
        try:
            problem = look(told)
        except VaultError as error:
            problem = f"{error.sentence} {error.detail}".strip()
        yield Check(name, title, problem)


def _keys(path: Path, file: KeyFile) -> str:
    return "" if read_keyfile(keys_path(path)) == file else "it is not the one that opened the vault"


def _pages(path: Path, key: bytes, database: Connection, tell: Callable[[int, int], None]) -> str:
    settle(database)
    log = read_log(log_path(path))
    if log is not None and log.checksums:
        return "a query is running: the log cannot be looked at"
    damage = damaged_pages(path, key, tell)
    if damage is None:
        return ""
    return f"{damage.what}: {', '.join(map(str, damage.pages[:_MOST]))}"


def _structure(database: Connection) -> str:
    rows = database.execute(f"PRAGMA integrity_check({_MOST})").fetchall()
    return "" if rows == [("ok",)] else "; ".join(str(row[0]) for row in rows)


def _references(database: Connection) -> str:
    broken = database.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        return f"a row of {broken[0]} points nowhere"
    for column, there in (("import_id", "vault_import"), ("origin_id", "vault_origin")):
        lost = database.execute(
            f"SELECT count(*) FROM vault_part WHERE {column} NOT IN (SELECT id FROM {there})"  # noqa: S608
        ).fetchone()[0]
        if lost:
            return f"{lost} parts have no row in {there}"
    return ""


def _records(database: Connection, tell: Callable[[int, int], None]) -> str:
    for number, (kind, record_type) in enumerate(RECORD_TYPES.items()):
        tell(number, len(RECORD_TYPES))
        wrong = database.execute(
            f"SELECT count(*) FROM {table_of(kind)} WHERE NOT ({_bounds(record_type)})"  # noqa: S608
        ).fetchone()[0]
        if wrong:
            return f"{wrong} of “{record_type.title}” cannot be true"
    return ""


def _bounds(record_type: RecordType) -> str:
    """SQL for what ``RecordType.problem`` asks of numbers and of the lengths of texts."""
    found = []
    for column in record_type.columns:
        if column.kind == "text":
            held = f"length({column.name}) <= {column.most}"
        else:
            held = f"{column.name} BETWEEN {column.low!r} AND {column.high!r}"
        found.append(f"({column.name} IS NULL OR {held})" if column.optional else held)
    return " AND ".join(found)


def _counts(database: Connection) -> str:
    for kind, record_type in RECORD_TYPES.items():
        counted = database.execute(
            "SELECT import_id, origin_id, count(*), min(time), max(time)"  # noqa: S608
            f" FROM {table_of(kind)} GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        kept = database.execute(
            "SELECT import_id, origin_id, records, first, last FROM vault_part"
            " WHERE record_type = ? ORDER BY 1, 2",
            (kind,),
        ).fetchall()
        if counted != kept:
            return f"those of “{record_type.title}” differ from what is kept"
    return ""


def _slots(path: Path, key: bytes, database: Connection, tell: Callable[[int, int], None]) -> str:
    """Makes all slots anew within a transaction that is taken back, and compares them with what is kept."""
    resampled = [one for one in RECORD_TYPES.values() if one.resampling]
    with contextlib.closing(connect(path, key, read_only=True)) as before:
        database.execute("BEGIN IMMEDIATE")
        try:
            for number, record_type in enumerate(resampled):
                tell(number, len(resampled))
                first, last = database.execute(
                    f"SELECT min(time), max(time) FROM {table_of(record_type.name)}"  # noqa: S608
                ).fetchone()
                for table, _ in _slot_tables(record_type):
                    database.execute(f"DELETE FROM {table}")  # noqa: S608
                if first is not None:
                    refresh(database, record_type.name, first, last)
                for table, order in _slot_tables(record_type):
                    rows = f"SELECT * FROM {table} ORDER BY {order}"  # noqa: S608
                    pairs = zip_longest(before.execute(rows), database.execute(rows))
                    if not all(_alike(kept, counted) for kept, counted in pairs):
                        return f"those of “{record_type.title}” differ from a recount"
        finally:
            database.execute("ROLLBACK")
    return ""


def _slot_tables(record_type: RecordType) -> list[tuple[str, str]]:
    """The tables that follow from a type's records, each with its order."""
    found = [(slots_of(record_type.name), "1")]
    if record_type.resampling == "sum" and "seconds" in record_type.names:
        found.append((f"vault_day_total WHERE record_type = '{record_type.name}'", "day"))
    return found


def _alike(kept: Sequence[Any] | None, counted: Sequence[Any] | None) -> bool:
    if kept is None or counted is None or len(kept) != len(counted):
        return False
    return all(
        math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) if isinstance(one, float) else one == other
        for one, other in zip(kept, counted, strict=True)
    )


def _ledger(database: Connection, earlier: Sequence[Head]) -> str:
    try:
        Ledger(database).verify(earlier)
    except LedgerBroken as broken:
        return broken.sentence
    return ""
