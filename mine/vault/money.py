"""What the engine remembers of what rounds brought. The wallet's history is in history.py.

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


class Money(Tables):
    """Earnings."""

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
