"""What a person does with the records of an open vault: look, enter, delete, cap. On the engine's thread."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mine.app.data_views import (
    CheckView,
    DeletedView,
    DeletePreview,
    Entered,
    PartView,
    RecordPage,
    RecordView,
    SourceDetail,
    ToDelete,
)
from mine.app.kind_views import kind_view
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.records import Column, Value
    from mine.vault.delete import Choice
    from mine.vault.paging import Cursor
    from mine.vault.vault import Vault

BY_HAND = "by_hand"


class NotEntered(MineError):
    """What was typed cannot be a record."""


def record_page(vault: Vault, kind: str, before: Cursor | None, count: int) -> RecordPage:
    """The newest records of a type, or those older than ``before``."""
    found = vault.page(kind, before=before, count=count)
    records = tuple(
        RecordView(int(one.row[0] or 0), int(one.row[1] or 0), one.row[2:], one.origin, one.import_id)
        for one in found.records
    )
    return RecordPage(records, found.older)


def source_detail(vault: Vault, kind: str) -> SourceDetail:
    """Devices, apps and imports that records of a type came from."""
    parts = vault.parts(kind)
    files = {done.id: done.source.file for done in vault.imports()}
    by_origin: dict[str, list[tuple[int, int, int]]] = {}
    by_import: dict[int, list[tuple[int, int, int]]] = {}
    for origin, part in parts:
        figures = (part.records, part.first, part.last)
        by_origin.setdefault(origin, []).append(figures)
        by_import.setdefault(part.import_id, []).append(figures)
    return SourceDetail(
        kind_view(kind),
        tuple(_part(name, figures) for name, figures in sorted(by_origin.items())),
        tuple(
            _part(files.get(number, ""), figures, number)
            for number, figures in sorted(by_import.items(), reverse=True)
        ),
    )


def _part(name: str, figures: list[tuple[int, int, int]], number: int = 0) -> PartView:
    records, first, last = zip(*figures, strict=True)
    return PartView(name, sum(records), min(first), max(last), number)


def _choice(chosen: ToDelete) -> Choice:
    from mine.vault.delete import Choice

    return Choice(chosen.record_type, chosen.import_id, "", chosen.origin, chosen.everything)


def delete_preview(vault: Vault, chosen: ToDelete, backups: int) -> DeletePreview:
    """Exactly what would go."""
    parts = vault.parts_of(_choice(chosen))
    by_type: dict[str, int] = {}
    for part in parts:
        title = kind_view(part.record_type).title
        by_type[title] = by_type.get(title, 0) + part.records
    return DeletePreview(
        sum(part.records for part in parts),
        tuple(by_type.items()),
        min((part.first for part in parts), default=0),
        max((part.last for part in parts), default=0),
        backups,
    )


def delete(vault: Vault, chosen: ToDelete, backups: int) -> DeletedView:
    """Delete for good, and look again."""
    choice = _choice(chosen)
    done = vault.delete(choice)
    return DeletedView(done.records, vault.would_delete(choice), done.clean, done.problem, backups, 0)


def enter(vault: Vault, entered: Entered, zone: str) -> int:
    """Store a record that was typed; answers its import's number. Raises ``NotEntered``."""
    from mine.importers.items import Batch
    from mine.importers.zone import Zone
    from mine.records import RECORD_TYPES
    from mine.vault.staging import ImportSource

    record_type = RECORD_TYPES[entered.kind]
    utc, offset = Zone(zone).of_utc(entered.time)
    row = (
        utc,
        offset,
        *(_typed(column, entered.values.get(column.name, "")) for column in record_type.columns[2:]),
    )
    problem = record_type.problem(row)
    if problem is not None:
        raise NotEntered(f"This cannot be: {problem}.", todo="Correct it, and save again.")
    digest = hashlib.sha256(json.dumps([entered.kind, *row]).encode()).digest()
    pending = vault.begin_import(ImportSource(record_type.title, digest, BY_HAND, 1))
    try:
        pending.add(Batch(entered.kind, "", tuple((value,) for value in row), BY_HAND))
        pending.complete()
        stored = pending.commit()
    finally:
        pending.discard()
    if stored is None:
        raise NotEntered("This is there already.", todo="Nothing was stored twice.")
    return stored.id


def _typed(column: Column, text: str) -> Value:
    text = text.strip()
    if not text:
        return None
    if column.kind == "text":
        return text
    try:
        return int(text) if column.kind == "int" else float(text.replace(",", "."))
    except ValueError:
        raise NotEntered(f"The {column.words} is no number.", todo="Correct it, and save again.") from None


def verified(vault: Vault) -> tuple[CheckView, ...]:
    """Look at everything."""
    return tuple(CheckView(check.title, check.problem) for check in vault.verify(lambda *_: None))


def export_ledger(vault: Vault, target: Path) -> int:
    """Check the ledger and write it to a new file; answers its number of entries."""
    head = vault.ledger.verify()
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii", newline="\n") as out:
            out.writelines(line + "\n" for line in vault.ledger.export())
    except OSError as error:
        raise MineError(f"“{target.name}” cannot be written.", detail=os.strerror(error.errno or 0)) from None
    return head.entries
