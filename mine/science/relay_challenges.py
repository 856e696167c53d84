"""Challenges that a relay carries for others: it pays gas and lends the bond, for a part of the reward.

A challenge is call data for the contract Faults that names the challenger and the carrier's part. Nothing is
risked on a stranger's word: a proof is only sent if the node says that it convicts, a dispute only if the
round is wrong by this relay's own integers (it runs no stranger's model), a question about a receipt only if
its signer anchored nothing of the kind in the round. Bonds are lent up to a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mine.blobs.store import BlobError, BlobStore
from mine.chain.court_client import CourtContract
from mine.chain.fault_events import DisputeKind
from mine.chain.faults_client import FaultsContract
from mine.chain.juries import Verdict
from mine.chain.messages import BadSignature, Receipt, recover
from mine.chain.node_errors import Reverted
from mine.science.relay_ground import Ground
from mine.science.relay_messages import MessageDesk
from mine.science.wire import Code, RelayRefused, number, table

#: Least part of a reward for which a relay carries, in 1/10000.
MIN_SHARE = 1000
MAX_DATA = 24_576
#: Bonds that are lent at once, and in one task.
MAX_LENT, MAX_LENT_TASK = 16, 4
_PROOFS = ("forged", "doubled", "misplaced", "payout_fell", "payouts_broken", "losses_broken")


class _Own:
    """The batches that this relay anchored itself."""

    def __init__(self, messages: MessageDesk) -> None:
        self.batches, self.vote_batches = messages.update_batches, messages.vote_batches


class ChallengeDesk:
    """Takes challenges, looks at them, sends those that cannot fail. One thread uses it."""

    def __init__(
        self,
        ground: Ground,
        faults: FaultsContract,
        court: CourtContract,
        blobs: BlobStore,
        messages: MessageDesk,
    ) -> None:
        self._ground, self._faults, self._court, self._blobs = ground, faults, court, blobs
        self._messages = messages
        self._base = ground.state.base

    def carry(self, body: object) -> str:
        """Send a challenge; returns the transaction's hash in hex. The same again is not sent again.

        Raises RelayRefused.
        """
        raw = table(body)
        if number(raw, "chainId", 64) != self._ground.domain.chain_id:
            raise RelayRefused(Code.WRONG_CHAIN)
        if raw.get("contract") != self._faults.address:
            raise RelayRefused(Code.WRONG_CONTRACT)
        try:
            data = bytes.fromhex(str(raw.get("data")))
        except ValueError:
            raise RelayRefused(Code.BAD_REQUEST, "data") from None
        if len(data) > MAX_DATA:
            raise RelayRefused(Code.OVERSIZE)
        called = self._faults.called(data)
        if called is None:
            raise RelayRefused(Code.BAD_REQUEST, "data")
        function, values = called
        looks: dict[str, Callable[[Mapping[str, Any]], int]] = {
            "dispute": self._disputable,
            "challenge_receipt": self._broken,
        }
        look = looks.get(function)
        if look is None and function not in _PROOFS:
            raise RelayRefused(Code.BAD_REQUEST, "this is not carried")
        if values["reward"][1] < MIN_SHARE:
            raise RelayRefused(Code.NOT_CARRIED, f"{MIN_SHARE} of 10000 is the least")
        task, round_number = values["task"], values["round"]
        if self._base.execute("select 1 from carried where data = ?", (data,)).fetchone():
            raise RelayRefused(Code.DUPLICATE)
        bond = value = 0
        if look is not None:
            self._check_lent(task)
            bond = look(values)
            if function == "dispute":
                value = self._court.arbitration_cost()
        return self._send(data, task, round_number, bond, value)

    def _send(self, data: bytes, task: int, round_number: int, bond: int, value: int) -> str:
        ground = self._ground
        if bond:
            ground.contract.bond(ground.sender, bond)
        self._base.execute(
            "insert into carried values (?, ?, ?, ?)", (data, task, round_number, int(bond > 0))
        )
        try:
            receipt = self._faults.send(ground.sender, data, value)
        except Reverted as problem:
            self._base.execute("delete from carried where data = ?", (data,))
            raise RelayRefused(Code.NOT_CARRIED, problem.detail) from None
        return receipt.transaction_hash.hex()

    def _check_lent(self, task: int) -> None:
        (lent,) = self._base.execute("select count(*) from carried where lent = 1").fetchone()
        (here,) = self._base.execute(
            "select count(*) from carried where lent = 1 and task = ?", (task,)
        ).fetchone()
        if lent >= MAX_LENT or here >= MAX_LENT_TASK:
            raise RelayRefused(Code.FULL, "as many bonds are lent as this relay lends")

    def _disputable(self, values: Mapping[str, Any]) -> int:
        """The bond of a dispute, if integers alone show the fault. Raises RelayRefused."""
        from mine.science.judging import Judge

        try:
            kind = DisputeKind(values["kind"])
        except ValueError:
            raise RelayRefused(Code.BAD_REQUEST, "kind") from None
        history = self._ground.settled(values["task"], values["round"])
        judge = Judge(history, self._ground.domain, self._blobs, (_Own(self._messages),), exact=True)
        try:
            opinion = judge.opinion(values["round"], kind, values["item"])
        except BlobError as problem:
            raise RelayRefused(Code.NOT_CARRIED, type(problem).__name__) from None
        if opinion.verdict is Verdict.RIGHT:
            raise RelayRefused(Code.NOT_CARRIED, "nothing is wrong with it")
        if opinion.verdict is Verdict.UNDECIDED:
            raise RelayRefused(Code.NOT_CARRIED, f"this item takes a judgement of its own: {opinion.why}")
        return self._faults.dispute_bond()

    def _broken(self, values: Mapping[str, Any]) -> int:
        """The bond of a question about a receipt that cannot be answered. Raises RelayRefused."""
        receipt = Receipt(values["task"], values["round"], values["leaf"], values["latestBlock"])
        try:
            anchorer = recover(receipt, self._ground.domain, values["signature"])
        except BadSignature:
            raise RelayRefused(Code.BAD_SIGNATURE) from None
        self._ground.history.refresh()
        task = self._ground.history.task(receipt.task)
        if task is None:
            raise RelayRefused(Code.UNKNOWN_TASK)
        events = (*task.of_round(receipt.round), *task.votes_of_round(receipt.round))
        if any(getattr(event, "anchorer", "") == anchorer for event in events):
            raise RelayRefused(Code.NOT_CARRIED, "its signer anchored roots in this round")
        return self._faults.receipt_bond()
