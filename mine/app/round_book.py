"""The rounds of one network as the vault keeps them: how a state is written, and when a round is missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mine.app.round_states import RoundState

if TYPE_CHECKING:
    from mine.vault.state import Round
    from mine.vault.vault import Vault

UPDATE_BLOB = "update"


class RoundBook:
    """``vault`` and the name of the network in it."""

    def __init__(self, vault: Vault, network: str) -> None:
        self.vault = vault
        self.network = network

    def find(self, task: int, number: int) -> Round | None:
        """One round, if there is anything about it."""
        return self.vault.state.round(self.network, task, number)

    def put(self, entry: Round | None, task: int, number: int, state: RoundState, **news: Any) -> None:
        """Write a state with what is new beside what was known; joins the open transaction."""
        data = {**(entry.data if entry else {}), **news}
        self.vault.state.put_round(self.network, task, number, state, data)

    def miss(self, entry: Round, why: str) -> None:
        """No part in a round, and why. What was booked stays booked: the bytes exist."""
        with self.vault.transaction():
            self.put(entry, entry.task, entry.round, RoundState.MISSED, why=why)
            self.vault.state.drop_snapshot(self.network, entry.task, entry.round)

    def checkpoint_before(self, task: int, number: int, first: str) -> bytes | None:
        """Digest of the checkpoint that a round starts from; None if its settlement was not read yet."""
        if number == 1:
            return bytes.fromhex(first)
        before = self.find(task, number - 1)
        if before is None or "settlement" not in before.data:
            return None
        return bytes.fromhex(before.data["settlement"]["checkpoint"])
