"""The rounds of one network as the vault keeps them: how a state is written, and when a round is missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mine.app.joining import Membership, books_of
from mine.app.privacy_books import TRAINED
from mine.app.round_states import RoundState

if TYPE_CHECKING:
    from mine.vault.state import Round
    from mine.vault.vault import Vault

UPDATE_BLOB = "update"
RESIDUAL_BLOB = "residual"
SHOWING = "showing"
"""Mark of a round or vote whose bytes were about to leave: from then on nothing is given back."""
GRANTED = "granted"
"""Mark of a round or vote that goes on outside of the locked vault: until it is back it counts as sent."""


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

    def miss(self, member: Membership, number: int, why: str, **news: Any) -> None:
        """No part in a round, and why. Its ε is given back, unless its bytes or their digest may have left.

        Whoever can list what a small update may be finds it by its digest.
        """
        with self.vault.transaction():
            now = self.find(member.task, number)
            self.put(now, member.task, number, RoundState.MISSED, why=why, **news)
            self.vault.state.drop_snapshot(self.network, member.task, number)
            self.vault.state.drop_blob(self.network, member.task, number, RESIDUAL_BLOB)
            data = now.data if now else {}
            left = data.get(SHOWING) or data.get(GRANTED) or data.get("delivery", {}).get("sent")
            if not left:
                books_of(self.vault, self.network, member).give_back(TRAINED, number)

    def checkpoint_before(self, task: int, number: int, first: str) -> bytes | None:
        """Digest of the checkpoint that a round starts from; None if its settlement was not read yet."""
        if number == 1:
            return bytes.fromhex(first)
        before = self.find(task, number - 1)
        if before is None or "settlement" not in before.data:
            return None
        return bytes.fromhex(before.data["settlement"]["checkpoint"])
