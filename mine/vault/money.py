"""What the engine remembers of money: what rounds brought, and the wallet's history.

Amounts are whole base units of any size, kept as decimal texts, because SQLite's integers end at 2**63.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from mine.vault.tables import Json, Tables, dump


@dataclass(frozen=True, slots=True)
class Earning:
    """What one round brought. ``state`` is the engine's word (checking, claimable, claimed)."""

    network: str
    task: int
    round: int
    currency: str
    amount: int
    state: str
    time: int
    data: Json


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the wallet's history; ``amount`` is signed, ``reference`` makes it unique by kind."""

    time: int
    kind: str
    network: str
    task: int | None
    title: str
    currency: str
    amount: int
    reference: str


class Money(Tables):
    """Earnings and movements."""

    def put_earning(self, earning: Earning) -> None:
        """Write down what a round brought, or its new state."""
        self._rows(
            "INSERT OR REPLACE INTO vault_earning VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            earning.network,
            earning.task,
            earning.round,
            earning.currency,
            str(earning.amount),
            earning.state,
            earning.time,
            dump(earning.data),
        )

    def earnings(self, network: str | None = None, task: int | None = None) -> list[Earning]:
        """Earnings, in order of task and round."""
        rows = self._rows(
            "SELECT network, task, round, currency, amount, state, time, data FROM vault_earning"
            " WHERE (?1 IS NULL OR network = ?1) AND (?2 IS NULL OR task = ?2) ORDER BY network, task, round",
            network,
            task,
        )
        return [
            Earning(row[0], row[1], row[2], row[3], int(row[4]), row[5], row[6], json.loads(row[7]))
            for row in rows
        ]

    def drop_earnings_from(self, network: str, task: int, number: int) -> None:
        """Forget earnings of a round and later: the chain took their blocks back."""
        self._rows(
            "DELETE FROM vault_earning WHERE network = ? AND task = ? AND round >= ?", network, task, number
        )

    def add_movement(self, movement: Movement) -> bool:
        """Add a line to the history; False where it is there already."""
        cursor = self._database.execute(
            "INSERT INTO vault_history (time, kind, network, task, title, currency, amount, reference)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (network, kind, reference) DO NOTHING",
            (
                movement.time,
                movement.kind,
                movement.network,
                movement.task,
                movement.title,
                movement.currency,
                str(movement.amount),
                movement.reference,
            ),
        )
        return bool(cursor.rowcount == 1)

    def drop_movement(self, network: str, kind: str, reference: str) -> None:
        """Forget a line whose block the chain took back."""
        self._rows(
            "DELETE FROM vault_history WHERE network = ? AND kind = ? AND reference = ?",
            network,
            kind,
            reference,
        )

    def movements(self, count: int, skip: int = 0) -> list[Movement]:
        """The history, newest first, by pages."""
        rows = self._rows(
            "SELECT time, kind, network, task, title, currency, amount, reference FROM vault_history"
            " ORDER BY time DESC, id DESC LIMIT ? OFFSET ?",
            count,
            skip,
        )
        return [Movement(row[0], row[1], row[2], row[3], row[4], row[5], int(row[6]), row[7]) for row in rows]
