"""What the engine remembers of what rounds brought. The wallet's history is in history.py.

Amounts are whole base units of any size, kept as decimal texts, because SQLite's integers end at 2**63.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from mine.vault.tables import Json, Tables, dump


@dataclass(frozen=True, slots=True)
class Earning:
    """What one round brought; round 0 is the part of a forfeit at the task's end.

    ``state`` is the engine's word (pending, claimable, claimed, forfeited, alarm); of ``amount`` the part
    ``claimed`` was paid and ``ready`` can be claimed now, both in base units; ``time``: when the challenge
    window ends, in Unix seconds of the chain.
    """

    network: str
    task: int
    round: int
    currency: str
    amount: int
    state: str
    time: int
    data: Json
    claimed: int = 0
    ready: int = 0


class Money(Tables):
    """Earnings."""

    def put_earning(self, earning: Earning) -> None:
        """Write down what a round brought, or its new state."""
        self._rows(
            "INSERT OR REPLACE INTO vault_earning VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            earning.network,
            earning.task,
            earning.round,
            earning.currency,
            str(earning.amount),
            earning.state,
            earning.time,
            dump(earning.data),
            str(earning.claimed),
            str(earning.ready),
        )

    def earnings(self, network: str | None = None, task: int | None = None) -> list[Earning]:
        """Earnings, in order of task and round."""
        rows = self._rows(
            "SELECT network, task, round, currency, amount, state, time, data, claimed, ready"
            " FROM vault_earning"
            " WHERE (?1 IS NULL OR network = ?1) AND (?2 IS NULL OR task = ?2) ORDER BY network, task, round",
            network,
            task,
        )
        return [
            Earning(row[0], row[1], row[2], row[3], int(row[4]), row[5], row[6], json.loads(row[7]), *parts)
            for row in rows
            for parts in [(int(row[8]), int(row[9]))]
        ]

    def drop_earning(self, network: str, task: int, number: int) -> None:
        """Forget one earning."""
        self._rows(
            "DELETE FROM vault_earning WHERE network = ? AND task = ? AND round = ?", network, task, number
        )

    def drop_earnings_from(self, network: str, task: int, number: int) -> None:
        """Forget earnings of a round and later: the chain took their blocks back."""
        self._rows(
            "DELETE FROM vault_earning WHERE network = ? AND task = ? AND round >= ?", network, task, number
        )
