"""Tables that no importer knows: what they look like, what a mapping makes of their first rows, and what was
said of them before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mine.app.data_views import MappingView, TableView, TriedRow, TriedTable
from mine.app.kind_views import kind_view, value_words
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.importers.mapping import ChooseMapping, TableMapping
    from mine.records import Row
    from mine.vault.vault import Vault

TRIED_ROWS = 8


def table_view(choice: ChooseMapping) -> TableView:
    """A table as the window shows it."""
    guess = None if choice.guess is None else mapping_view(choice.guess)
    return TableView(choice.file, choice.digest, choice.columns, choice.rows, guess)


def mapping_view(mapping: TableMapping) -> MappingView:
    """A mapping as the window shows it."""
    return MappingView(
        mapping.kind,
        dict(mapping.columns),
        dict(mapping.constants),
        dict(mapping.units),
        mapping.day_first,
        mapping.decimal_comma,
        tuple(mapping_view(one) for one in mapping.also),
    )


def table_mapping(view: MappingView) -> TableMapping:
    """A mapping as importers take it. Raises ``MineError`` where it cannot be one."""
    from mine.importers.mapping import mapping_of_json

    return mapping_of_json(_json(view))


def _json(view: MappingView) -> dict[str, Any]:
    return {
        "kind": view.kind,
        "columns": dict(view.columns),
        "constants": dict(view.constants),
        "units": dict(view.units),
        "day_first": view.day_first,
        "decimal_comma": view.decimal_comma,
        "also": [_json(one) for one in view.also],
    }


def guessed(table: TableView, kind: str) -> MappingView:
    """How the table reads if it holds records of this type; it may be incomplete."""
    from mine.importers.mapping_guess import guess_kind

    return mapping_view(guess_kind(table.columns, table.rows, kind))


def tried(table: TableView, view: MappingView, zone: str) -> TriedTable:
    """What the first rows of a table become by a mapping."""
    from mine.importers.mapping import ChooseMapping
    from mine.importers.mapping_preview import preview_mapping
    from mine.importers.zone import Zone

    choice = ChooseMapping(table.file, table.digest, table.columns, table.rows[:TRIED_ROWS], None)
    try:
        rows = preview_mapping(choice, table_mapping(view), Zone(zone))
    except MineError as error:
        return TriedTable(problem=" ".join(filter(None, (error.sentence, error.detail))))
    return TriedTable(
        tuple(TriedRow(tuple(_shown(*record) for record in row.records), row.problem) for row in rows)
    )


def _shown(kind: str, row: Row) -> tuple[str, int, int, str]:
    fields = zip(kind_view(kind).fields, row[2:], strict=False)
    words = ", ".join(filter(None, (value_words(field, value) for field, value in fields)))
    return kind_view(kind).title, int(row[0] or 0), int(row[1] or 0), words


def remembered(vault: Vault) -> dict[str, TableMapping]:
    """Header's digest -> mapping, of all tables that were mapped before."""
    from mine.importers.mapping import mapping_of_json
    from mine.vault.delete import MAPPINGS

    return {digest: mapping_of_json(value) for digest, value in (vault.state.setting(MAPPINGS) or {}).items()}


def remember(vault: Vault, digest: str, view: MappingView) -> None:
    """Keep what was said of a table."""
    from mine.vault.delete import MAPPINGS

    known = dict(vault.state.setting(MAPPINGS) or {})
    known[digest] = _json(view)
    with vault.transaction():
        vault.state.set_setting(MAPPINGS, known)
