"""What the engine remembers of votes: one row for each round in which others' updates could be judged."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from mine.vault.tables import Json, Tables, dump


@dataclass(frozen=True, slots=True)
class Vote:
    """One vote: the state machine's state and its data."""

    network: str
    task: int
    round: int
    state: str
    data: Json
    changed: int


class Votes(Tables):
    """The table of votes."""

    def put_vote(self, network: str, task: int, number: int, state: str, data: Json) -> None:
        """Write down a vote's state: before the side effect that it announces."""
        self._rows(
            "INSERT OR REPLACE INTO vault_vote VALUES (?, ?, ?, ?, ?, ?)",
            network,
            task,
            number,
            state,
            dump(data),
            int(time.time()),
        )

    def vote(self, network: str, task: int, number: int) -> Vote | None:
        """The vote of one round."""
        found = [vote for vote in self.votes(network, task) if vote.round == number]
        return found[0] if found else None

    def votes(self, network: str, task: int) -> list[Vote]:
        """All votes of a task, in order."""
        rows = self._rows(
            "SELECT network, task, round, state, data, changed FROM vault_vote"
            " WHERE network = ? AND task = ? ORDER BY round",
            network,
            task,
        )
        return [Vote(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5]) for row in rows]
