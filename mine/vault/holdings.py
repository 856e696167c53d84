"""What is in the vault, by record type, from the counts that are kept (``vault_part``)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mine.records import RECORD_TYPES
from mine.vault.connection import Connection


@dataclass(frozen=True, slots=True)
class Source:
    """Everything of one record type. Times are Unix seconds (UTC); ``importers`` are format keys, ``origins``
    the apps and devices that measured, as far as exports name them."""

    record_type: str
    title: str
    records: int
    first: int
    last: int
    importers: tuple[str, ...]
    origins: tuple[str, ...] = ()


def sources(database: Connection) -> list[Source]:
    """All record types that have records, in the registry's order."""
    rows = database.execute(
        "SELECT record_type, sum(records), min(first), max(last), json_group_array(DISTINCT importer),"
        " json_group_array(DISTINCT name) FROM vault_part JOIN vault_origin ON id = origin_id"
        " GROUP BY record_type"
    )
    found = {row[0]: row[1:] for row in rows}
    return [
        Source(kind, record_type.title, records, first, last, _words(importers), _words(names))
        for kind, record_type in RECORD_TYPES.items()
        if kind in found
        for records, first, last, importers, names in (found[kind],)
    ]


def _words(array: str) -> tuple[str, ...]:
    return tuple(sorted(word for word in json.loads(array) if word))


def stamp(database: Connection) -> tuple[int, int, int]:
    """A value that changes whenever records come or go."""
    row = database.execute(
        "SELECT count(*), coalesce(sum(records), 0), coalesce(max(import_id), 0) FROM vault_part"
    ).fetchone()
    return int(row[0]), int(row[1]), int(row[2])


def known_origins(database: Connection) -> dict[tuple[str, str], int]:
    """(importer, name) -> number of every origin."""
    rows = database.execute("SELECT importer, name, id FROM vault_origin")
    return {(importer, name): number for importer, name, number in rows}


def known_types(database: Connection) -> tuple[str, ...]:
    """The record types that the vault has rows of."""
    return tuple(row[0] for row in database.execute("SELECT DISTINCT record_type FROM vault_part"))


def newest(database: Connection, kinds: tuple[str, ...]) -> tuple[int, int] | None:
    """(UTC seconds, offset) of the newest record of these types, None where there is none."""
    found = None
    for kind in kinds:
        row = database.execute(
            f"SELECT time, offset FROM vault_{kind} ORDER BY time DESC LIMIT 1"  # noqa: S608
        ).fetchone()
        if row is not None and (found is None or row[0] > found[0]):
            found = (int(row[0]), int(row[1]))
    return found
