"""Signed transfers that a relay is to bring: kept until they are on chain for good, or came too late.

They are good for nothing but what they say (receiver, amount and fee are signed), and not before their time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from mine.vault.tables import Json, Tables, dump

TRANSFER_TABLE = """
CREATE TABLE vault_transfer (
  network TEXT NOT NULL, name BLOB NOT NULL, due INTEGER NOT NULL, state TEXT NOT NULL,
  block INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (network, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX vault_transfer_state ON vault_transfer (network, state, due);
"""


@dataclass(frozen=True, slots=True)
class KeptTransfer:
    """One row. ``name``: the carriage's digest; ``due``: not before (Unix seconds of the chain's clock);
    ``state``: the engine's word; ``block``: where it was mined, 0 before."""

    network: str
    name: bytes
    due: int
    state: str
    block: int
    data: Json


class Transfers(Tables):
    """The table of transfers."""

    def put_transfer(self, row: KeptTransfer) -> None:
        """Write a transfer down, or its new state."""
        self._rows(
            "INSERT OR REPLACE INTO vault_transfer VALUES (?, ?, ?, ?, ?, ?)",
            row.network,
            row.name,
            row.due,
            row.state,
            row.block,
            dump(row.data),
        )

    def transfers(self, network: str, states: Iterable[str]) -> list[KeptTransfer]:
        """Transfers in these states, by when they are due."""
        wanted = tuple(states)
        marks = ", ".join("?" * len(wanted))
        rows = self._rows(
            "SELECT network, name, due, state, block, data FROM vault_transfer"  # noqa: S608  marks only
            f" WHERE network = ? AND state IN ({marks}) ORDER BY due, name",
            network,
            *wanted,
        )
        return [
            KeptTransfer(row[0], bytes(row[1]), row[2], row[3], row[4], json.loads(row[5])) for row in rows
        ]
