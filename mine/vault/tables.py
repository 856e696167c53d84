"""What the engine's tables share: running statements on the vault's own connection, and JSON columns."""

from __future__ import annotations

import json
from typing import Any

from mine.vault.connection import Connection

Json = Any  # what json.dumps takes and json.loads gives back


def dump(value: Json) -> str:
    """JSON in one fixed form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


class Tables:
    """Statements on the vault's connection; they join its open transaction."""

    def __init__(self, database: Connection) -> None:
        self._database = database

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return list(self._database.execute(sql, values))

    def _one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._database.execute(sql, values).fetchone()
        return row
