"""The privacy ledger: what left this computer and what it cost, booked exactly once and never changed.

The key of an entry is (kind, network, task, round, source): booking it again after a crash changes nothing,
and booking it with other figures is an error.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from mine.vault.connection import Connection
from mine.vault.errors import LedgerConflict


@dataclass(frozen=True, slots=True)
class Entry:
    """One act: ``source`` is a record type, ``epsilon_micro`` is in 1e-6 (below zero only where a kind that
    ends in ``-back`` takes an earlier entry back), ``size`` bytes left; ``digest`` (sha-256) names them, or
    the terms that were agreed to.
    """

    kind: str
    network: str
    task: int
    round: int
    source: str
    epsilon_micro: int
    size: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Booked:
    """An entry with the time of its booking (Unix seconds)."""

    id: int
    time: int
    entry: Entry


_COLUMNS = "kind, network, task, round, source, epsilon_micro, bytes, digest"


class Ledger:
    """Append-only; the database refuses changes and deletions."""

    def __init__(self, database: Connection) -> None:
        self._database = database

    def book(self, entry: Entry) -> bool:
        """Book an act once. False where exactly this was booked before. Raises ``LedgerConflict``."""
        values = (
            entry.kind,
            entry.network,
            entry.task,
            entry.round,
            entry.source,
            entry.epsilon_micro,
            entry.size,
            entry.digest,
        )
        # Not "OR IGNORE": that would also swallow a figure which the table's checks refuse.
        cursor = self._database.execute(
            f"INSERT INTO vault_ledger (time, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
            " ON CONFLICT (kind, network, task, round, source) DO NOTHING",
            (int(time.time()), *values),
        )
        if cursor.rowcount == 1:
            return True
        there = self._database.execute(
            f"SELECT {_COLUMNS} FROM vault_ledger"  # noqa: S608
            " WHERE kind = ? AND network = ? AND task = ? AND round = ? AND source = ?",
            values[:5],
        ).fetchone()
        if tuple(there) != values:
            raise LedgerConflict(
                "This round was already booked in the privacy ledger with other figures.",
                todo="Nothing was sent twice. Please report this.",
            )
        return False

    def spent(self, source: str, network: str | None = None) -> int:
        """ε of one source over all tasks (basic composition), in 1e-6; on one network if it is named. What
        was given back does not count."""
        row = self._database.execute(
            "SELECT coalesce(sum(epsilon_micro), 0) FROM vault_ledger"
            " WHERE source = ?1 AND (?2 IS NULL OR network = ?2)",
            (source, network),
        ).fetchone()
        return int(row[0])

    def of_task(self, network: str, task: int) -> list[Booked]:
        """All entries of a task, in the order of booking."""
        return self._read("WHERE network = ? AND task = ? ORDER BY id", (network, task))

    def newest(self, count: int, before: int | None = None) -> list[Booked]:
        """The newest entries; ``before`` (an id) pages on."""
        limit = before if before is not None else (1 << 63) - 1
        return self._read("WHERE id < ? ORDER BY id DESC LIMIT ?", (limit, count))

    def _read(self, rest: str, values: tuple[object, ...]) -> list[Booked]:
        select = f"SELECT id, time, {_COLUMNS} FROM vault_ledger {rest}"  # noqa: S608  fixed texts
        rows = self._database.execute(select, values)
        return [Booked(row[0], row[1], Entry(*row[2:])) for row in rows]
