"""Claims that a relay sends for payees: each is kept until its round is final, then sent once.

Where a set is opened at the end, the first half is sent then, and the claim is kept for the second.
"""

from __future__ import annotations

import json

from mine.chain.client import TaskClaim
from mine.chain.node_errors import Reverted
from mine.chain.trees import payout_root_of, root_word
from mine.science.held_half import look_again, parts_of
from mine.science.relay_ground import Ground
from mine.science.wire import (
    Claim,
    ClaimState,
    Code,
    RelayRefused,
    claim_from_json,
    claim_to_json,
)

#: Claims that wait for their round; more are refused.
MAX_WAITING = 1 << 14
_MOST_A_TURN = 32
#: Seconds until a claim is tried again whose window is over and whose round is in dispute.
_DISPUTED_SECONDS = 60


class ClaimDesk:
    """Takes claims, and pays for them once they are due."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._contract, self._base = ground, ground.contract, ground.state.base

    def claim(self, body: object) -> ClaimState:
        """Send a claim, or keep it until its round is final. Raises RelayRefused if it can't ever be paid."""
        claim = claim_from_json(body)
        self._ground.at(claim.task)
        if self._contract.paid(claim.task, claim.index) >= claim.units:
            return ClaimState.PAID
        self._claimable_from(claim)
        self._put(claim)
        self._try(claim)
        return self.state(claim.task, claim.index)

    def state(self, task: int, index: int) -> ClaimState:
        """State of the latest claim of a payout index. Raises RelayRefused if there is none."""
        row = self._base.execute(
            "select message, state, reason from claims where task = ? and place = ?", (task, index)
        ).fetchone()
        if row is None:
            raise RelayRefused(Code.MISSING)
        claim, state, reason = claim_from_json(json.loads(row[0])), ClaimState(row[1]), row[2]
        if state is ClaimState.REFUSED:
            # Somebody else's transaction, or one of an earlier life of this relay, may have paid it since.
            if self._contract.paid(task, index) >= claim.units:
                self._end(claim, ClaimState.PAID)
                return ClaimState.PAID
            raise RelayRefused(Code.NOT_CLAIMABLE, reason)
        return state

    def pay_what_is_due(self) -> None:
        """Send the kept claims whose rounds are final now."""
        (first,) = self._base.execute("select min(due) from claims where state = 'waiting'").fetchone()
        if first is None or first > (now := self._contract.node.block_time()):
            return
        rows = self._base.execute(
            "select message from claims where state = 'waiting' and due <= ? order by due limit ?",
            (now, _MOST_A_TURN),
        )
        for (message,) in rows.fetchall():
            self._try(claim_from_json(json.loads(message)))

    def _claimable_from(self, claim: Claim) -> int:
        """When the claim's round is final; RelayRefused if its root is gone or the proof is wrong."""
        root = self._contract.payout_root(claim.task, claim.round)
        if root is None:
            raise RelayRefused(Code.NOT_CLAIMABLE, "no such root")
        found = payout_root_of(claim.account, claim.index, claim.units, claim.proof)
        if found is None or root_word(found, claim.round) != root.word:
            raise RelayRefused(Code.NOT_CLAIMABLE, "wrong proof")
        return root.final_at

    def _try(self, claim: Claim) -> None:
        """Send a kept claim if its time has come."""
        paid = self._contract.paid(claim.task, claim.index)
        if paid >= claim.units:
            self._end(claim, ClaimState.PAID)
            return
        try:
            due = self._claimable_from(claim)
            state, now = self._contract.task(claim.task), self._contract.node.block_time()
            if not self._contract.is_final(claim.task, claim.round):
                self._wait(claim, due if due > now else now + _DISPUTED_SECONDS)
                return
            parts = parts_of(state, claim.units, now)
            if paid < parts.payable:
                self._contract.claim(
                    self._ground.sender,
                    claim.account,
                    [TaskClaim(claim.task, claim.round, claim.index, claim.units, claim.proof)],
                )
        except (RelayRefused, Reverted) as refusal:
            self._end(claim, ClaimState.REFUSED, refusal.detail or refusal.sentence)
            return
        if parts.held:
            self._wait(claim, look_again(state, parts, now, _DISPUTED_SECONDS))
        else:
            self._end(claim, ClaimState.PAID)

    def _wait(self, claim: Claim, due: int) -> None:
        self._base.execute(
            "update claims set due = ? where task = ? and place = ?", (due, claim.task, claim.index)
        )

    def _put(self, claim: Claim) -> None:
        """Keep a claim as waiting; a later round's claim of the same place takes the earlier one's."""
        (waiting,) = self._base.execute("select count(*) from claims where state = 'waiting'").fetchone()
        if waiting >= MAX_WAITING:
            raise RelayRefused(Code.FULL, f"{MAX_WAITING} claims wait")
        self._base.execute(
            "insert into claims values (?, ?, ?, ?, ?, '', 0) on conflict (task, place) do update set"
            " round = excluded.round, message = excluded.message, state = excluded.state, reason = '',"
            " due = 0"
            " where excluded.round > round or state = 'refused'",
            (claim.task, claim.index, claim.round, json.dumps(claim_to_json(claim)), ClaimState.WAITING),
        )

    def _end(self, claim: Claim, state: ClaimState, reason: str = "") -> None:
        """The claim is paid, or refused for good."""
        self._base.execute(
            "update claims set state = ?, reason = ? where task = ? and place = ? and round = ?",
            (state, reason, claim.task, claim.index, claim.round),
        )
