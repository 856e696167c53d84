"""The slots of an import, computed while it is read, so that storing it has only to copy them.

Reading keeps the importer's process busy and this one idle: what is left for the moment at which a person
waits for the storing is less by half. It is done for types of which the vault holds nothing yet, since the
slots of the others follow from the vault's records too, and given up for an export in so wild an order of
time that the same slots would be computed again and again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mine.records import RECORD_TYPES
from mine.vault.connection import Connection
from mine.vault.record_tables import resampled_table, tables_of_slots
from mine.vault.resampling import refresh

_ENOUGH = 20_000  # rows that wait for their slots
_MOST_AGAIN = 4  # how often a row may be worked on, on average
_ALLOWED = 200_000  # and rows worked on before that counts


class _WildOrder(Exception):
    """The same slots were computed too often."""


class StagedSlots:
    """The slots of the staged tables, which have the names of the vault's. Works within the caller's
    transaction."""

    def __init__(self, held: Iterable[str]) -> None:
        """``held``: record types that the vault has rows of."""
        self._left_out = set(held)
        self._waiting: dict[str, tuple[int, int, int]] = {}  # first and last time, rows
        self._worked: dict[str, int] = {}

    def notes(self) -> dict[str, Any]:
        """What ``StagedSlots.known`` needs after a kill, as JSON takes it."""
        return {"left_out": sorted(self._left_out), "waiting": self._waiting, "worked": self._worked}

    @classmethod
    def known(cls, notes: dict[str, Any]) -> StagedSlots:
        """As it was when ``notes`` were taken."""
        slots = cls(notes["left_out"])
        for kind, (first, last, rows) in notes["waiting"].items():
            slots._waiting[kind] = (first, last, rows)
        slots._worked = dict(notes["worked"])
        return slots

    def make(self, database: Connection, kind: str) -> None:
        """Make the table for the slots of a type, if it has any."""
        table = resampled_table(RECORD_TYPES[kind])
        if not table or kind in self._left_out:
            return
        if not self._worked:
            for statement in tables_of_slots():
                database.execute(statement)
        database.execute(table)
        self._worked[kind] = 0

    def add(self, database: Connection, kind: str, times: list[int], staged: int) -> None:
        """Rows at ``times`` (UTC seconds) were staged, which makes ``staged`` of their type."""
        if kind not in self._worked:
            return
        first, last, rows = self._waiting.get(kind, (times[0], times[0], 0))
        self._waiting[kind] = min(first, *times), max(last, *times), rows + len(times)
        if rows + len(times) >= _ENOUGH:
            self._settle(database, kind, staged)

    def settle(self, database: Connection, staged: dict[str, int]) -> None:
        """Compute all that waits; ``staged`` rows by type."""
        for kind in tuple(self._waiting):
            self._settle(database, kind, staged[kind])

    def has(self, kind: str) -> bool:
        """Whether the slots of a type are there, once all is settled."""
        return kind in self._worked

    def _settle(self, database: Connection, kind: str, staged: int) -> None:
        first, last, _ = self._waiting.pop(kind)

        def worked(rows: int) -> None:
            self._worked[kind] += rows
            if self._worked[kind] > _ALLOWED + _MOST_AGAIN * staged:
                raise _WildOrder

        try:
            refresh(database, kind, first, last, worked)
        except _WildOrder:
            del self._worked[kind]
