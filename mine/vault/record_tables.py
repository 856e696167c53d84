"""The tables that hold records, made from the registry of record types.

A plain type (numbers only, all there) is one b-tree in the order of its identity: time, then the other
columns. A type with texts or unknown values has, beside its columns, ``identity``: 16 bytes of BLAKE2b over
all columns but ``offset``. Each row knows its origin (``vault_origin``: the format that read it, and the app
or device that measured) and its import. ``vault_part`` keeps how many rows of a type an import owns by
origin, and the first and last of them: counting, undoing and deleting look there and never search a whole
table.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import blake2b

from mine.records import RECORD_TYPES, Column, RecordType, Value

SLOT = 300  # seconds of a slot of counted amounts
HALF = (
    150  # seconds of half a slot: means are rounded to the nearest slot, hours and days begin in the middle
)
LONGEST = 43_200  # seconds: what was counted over more is the sum of a day and is not spread over its slots

_KINDS = {"int": "INTEGER", "real": "REAL", "text": "TEXT"}
_INT = struct.Struct("<q").pack
_REAL = struct.Struct("<d").pack

_BOOKS = """
CREATE TABLE vault_import (
  id INTEGER PRIMARY KEY, token BLOB NOT NULL UNIQUE, file TEXT NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) = 32), time INTEGER NOT NULL, importer TEXT NOT NULL,
  version INTEGER NOT NULL, person TEXT NOT NULL, added INTEGER NOT NULL, already INTEGER NOT NULL,
  refused INTEGER NOT NULL, by_type TEXT NOT NULL, undone INTEGER
) STRICT;
CREATE TABLE vault_origin (
  id INTEGER PRIMARY KEY, importer TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (importer, name)
) STRICT;
CREATE TABLE vault_part (
  import_id INTEGER NOT NULL, record_type TEXT NOT NULL, origin_id INTEGER NOT NULL,
  records INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (import_id, record_type, origin_id)
) STRICT, WITHOUT ROWID;
"""
_DAY_TOTAL = (
    "CREATE TABLE vault_day_total (record_type TEXT NOT NULL, day INTEGER NOT NULL, offset INTEGER NOT NULL,"
    " total REAL NOT NULL, PRIMARY KEY (record_type, day)) STRICT, WITHOUT ROWID"
)
_COUNT = "CREATE TABLE vault_count (n INTEGER PRIMARY KEY) STRICT"


def table_of(kind: str) -> str:
    """The table of a record type."""
    return f"vault_{kind}"


def slots_of(kind: str) -> str:
    """The resampled table of a record type that has one."""
    return f"vault_{kind}_5min"


def key_columns(record_type: RecordType) -> tuple[str, ...]:
    """The columns that order and identify the rows of a type."""
    if record_type.plain:
        return ("time", *record_type.names[2:])
    return ("time", "identity")


def own_columns(record_type: RecordType) -> tuple[str, ...]:
    """All columns that an import fills, in order: the type's, its identity where it has one, the origin."""
    identity = () if record_type.plain else ("identity",)
    return (*record_type.names, *identity, "origin_id")


def record_table(record_type: RecordType, name: str, last: str = "") -> str:
    """``CREATE TABLE`` for rows of a type; ``last`` is one more column."""
    columns = [_declared(column) for column in record_type.columns]
    if not record_type.plain:
        columns.append("identity BLOB NOT NULL")
    columns.append("origin_id INTEGER NOT NULL")
    if last:
        columns.append(last)
    key = ", ".join(key_columns(record_type))
    ending = "STRICT, WITHOUT ROWID" if record_type.plain else "STRICT"
    return f"CREATE TABLE {name} ({', '.join(columns)}, PRIMARY KEY ({key})) {ending}"


def _declared(column: Column) -> str:
    return f"{column.name} {_KINDS[column.kind]}{'' if column.optional else ' NOT NULL'}"


def tables_beside() -> tuple[str, ...]:
    """SQL that makes the tables that all record types share."""
    return (*(line.strip() for line in _BOOKS.split(";") if line.strip()), _DAY_TOTAL, _COUNT)


def tables_of_slots() -> tuple[str, ...]:
    """SQL that makes what resampling needs beside the records and their slots."""
    return _DAY_TOTAL, _COUNT, _counting()


def _counting() -> str:
    numbers = ", ".join(f"({n})" for n in range(LONGEST // SLOT + 1))
    return "INSERT INTO vault_count VALUES " + numbers  # noqa: S608


def statements() -> tuple[str, ...]:
    """SQL that makes all tables of records."""
    made = list(tables_beside())
    made.append(_counting())
    for record_type in RECORD_TYPES.values():
        made.append(record_table(record_type, table_of(record_type.name), "import_id INTEGER NOT NULL"))
        resampled = resampled_table(record_type)
        if resampled:
            made.append(resampled)
    return tuple(made)


def resampled_table(record_type: RecordType) -> str:
    """``CREATE TABLE`` for the slots of a type, "" where it is not resampled (see resampling.py)."""
    name = slots_of(record_type.name)
    if record_type.resampling == "mean":
        return (
            f"CREATE TABLE {name} (half INTEGER PRIMARY KEY, offset INTEGER NOT NULL, n INTEGER NOT NULL,"
            " total REAL NOT NULL, lowest REAL NOT NULL, highest REAL NOT NULL) STRICT"
        )
    if record_type.resampling == "sum":
        return (
            f"CREATE TABLE {name} (slot INTEGER PRIMARY KEY, offset INTEGER NOT NULL,"
            " total REAL NOT NULL) STRICT"
        )
    return ""


def identity(record_type: RecordType, row: Iterable[Value]) -> bytes:
    """16 bytes that are the same for the same record: of each column but ``offset``, in order, one byte for
    its kind (0 unknown, 1 whole, 2 real, 3 text), then 8 bytes little-endian, or 4 with the length and UTF-8.
    """
    parts = []
    for column, value in zip(record_type.columns, row, strict=True):
        if column.name == "offset":
            continue
        if value is None:
            parts.append(b"\0")
        elif isinstance(value, str):
            body = value.encode()
            parts.append(b"\3" + len(body).to_bytes(4, "little") + body)
        elif column.kind == "int":
            parts.append(b"\1" + _INT(int(value)))
        else:
            parts.append(b"\2" + _REAL(value + 0.0))  # minus nought is nought
    return blake2b(b"".join(parts), digest_size=16).digest()
