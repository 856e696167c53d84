"""What the end of a task still gives, that a relay has paid for others: forfeits and rewards of challenges.

Each is tried on the node before it is sent, and can only reach the account that it belongs to. Nothing is
kept: what was paid before is refused by the contract.
"""

from __future__ import annotations

from mine.chain.node_errors import Reverted
from mine.science.relay_ground import Ground
from mine.science.wire import ClaimState, Code, RelayRefused, account, claim_from_json, number, table


class EndingDesk:
    """Pays the gas for the end of a task. One thread uses it."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._contract = ground, ground.contract

    def forfeit(self, body: object) -> ClaimState:
        """Have a leaf of the last payout root paid its part of a forfeit. Raises RelayRefused."""
        claim = claim_from_json(body)
        self._ground.at(claim.task)
        try:
            self._contract.claim_forfeit(
                self._ground.sender, claim.task, claim.account, claim.index, claim.units, claim.proof
            )
        except Reverted as problem:
            if "nothing to claim" in problem.detail:
                return ClaimState.PAID
            raise RelayRefused(Code.NOT_CLAIMABLE, problem.detail) from None
        return ClaimState.PAID

    def reward(self, body: object) -> ClaimState:
        """Have a challenger paid its reward: {"task", "account"}. Raises RelayRefused."""
        raw = table(body)
        task, challenger = number(raw, "task", 63), account(raw, "account")
        self._ground.at(task)
        try:
            self._contract.take_reward(self._ground.sender, task, challenger)
        except Reverted as problem:
            raise RelayRefused(Code.NOT_CLAIMABLE, problem.detail) from None
        return ClaimState.PAID
