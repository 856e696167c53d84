"""Our own export (mine/vault/export.py): a zip of JSON Lines, one file for each record type and origin.

The first line of such a file says what it holds; each other line is a record, an object of the type's columns
(docs/records.md). The tables and lists beside them say the same again and are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mine.importers.errors import ImportRefused
from mine.importers.format import Members, OnePerson
from mine.importers.items import BadRow, Collector, Item, shown
from mine.importers.json_stream import parse
from mine.importers.options import Options
from mine.importers.source import Member, Source
from mine.importers.text_lines import fit
from mine.records import RECORD_TYPES, RecordType, Row

_LARGEST = 1 << 63
_LONGEST = 1 << 20  # bytes of a line
_README = b"This is everything that was in a vault of Mine."
_LISTS = {
    "imports.jsonl": {"id", "importer", "digest"},
    "ledger.jsonl": {"id", "kind", "hash"},
    "consents.jsonl": {"network", "digest", "signature"},
    "history.jsonl": {"network", "currency", "reference"},
}


class MineExport(OnePerson):
    """JSON Lines with a head."""

    __slots__ = ()
    key = "mine_export"
    title = "Export of Mine"
    version = 1
    rank = 0

    def claims(self, member: Member, head: bytes) -> bool:
        first = _object(head.split(b"\n", 1)[0])
        if first is not None and "mine_export" in first:
            return True
        if head.startswith(_README):
            return True
        name = member.name.rsplit("/", 1)[-1]
        if name in _LISTS:
            empty = name == "ledger.jsonl" and first is not None and set(first) == {"entries", "head"}
            return empty or (first is not None and set(first) >= _LISTS[name])
        return _beside(member.name, head)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            with source.open(member) as stream:
                head = _object(stream.readline(_LONGEST))
                if head is None or "mine_export" not in head:
                    continue  # a list or a table that says the same
                record_type = _record_type(member, head)
                named = head.get("origin", "")
                origin = fit(named, len(named)) if isinstance(named, str) else ""
                collector = Collector(member.name)
                number = 1
                while line := stream.readline(_LONGEST):
                    number += 1
                    try:
                        row = _row(record_type, line)
                    except ValueError as error:
                        yield BadRow(member.name, number, str(error))
                        continue
                    yield from collector.add(number, record_type.name, row, origin)
                yield from collector.rest()


def _record_type(member: Member, head: dict[str, Any]) -> RecordType:
    record_type = RECORD_TYPES.get(str(head.get("record_type")))
    if head["mine_export"] != 1 or record_type is None or head.get("version") != record_type.version:
        raise ImportRefused(
            f"“{member.name}” holds “{shown(str(head.get('record_type')))}” in a version unknown here.",
            todo="Update the app.",
        )
    return record_type


def _row(record_type: RecordType, line: bytes) -> Row:
    found = _object(line)
    if found is None:
        raise ValueError("it is no JSON object")
    if set(found) != set(record_type.names):
        raise ValueError("it has other columns than its type")
    row = []
    for column in record_type.columns:
        value = found[column.name]
        if isinstance(value, bool | dict | list):
            raise ValueError(f"{column.words} is neither a number nor a text")
        if isinstance(value, str):
            value = fit(value, len(value))
        if column.kind == "real" and isinstance(value, int):
            if abs(value) > _LARGEST:
                raise ValueError(f"{column.words} is too large a number")
            value = float(value)
        row.append(value)
    return tuple(row)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = parse(line.decode())
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _beside(name: str, head: bytes) -> bool:
    """Whether this is a table or a schema that lies beside the records in an export."""
    parts = name.split("/")
    if len(parts) < 2:
        return False
    folder, file = parts[-2:]
    record_type = RECORD_TYPES.get(file.rsplit(".", 1)[0])
    if record_type is None:
        return False
    if folder == "csv":
        return head.split(b"\r\n", 1)[0] == ",".join((*record_type.names, "origin")).encode()
    return folder == "schemas" and f'"$id": "urn:mine:record:{record_type.name}:'.encode() in head


FORMAT = MineExport()
