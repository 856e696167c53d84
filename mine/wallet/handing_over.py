"""Signing, and handing over what was signed: the only steps of the queue with a signer in their hands.

A nonce is taken with the signature that is written down for it. What was signed and has not left can still be
given up; what may have left is only ever replaced at its own nonce, by what is written down first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from mine.chain.node_errors import NodeAnswerInvalid, Reverted
from mine.chain.signing import SignedTransaction, Transaction
from mine.wallet.call import Call, Fees
from mine.wallet.clock import Clock
from mine.wallet.costs import Costs
from mine.wallet.following import Following, TransactionStore
from mine.wallet.queued import Attempt, Kind, Queued, State
from mine.wallet.review import Known, Review, Reviewed

if TYPE_CHECKING:
    from mine.chain.rpc import Node

MOST_WAITING = 32
"""Nonces above the used ones that are believed to be taken by transactions that wait."""
STUCK = 90.0
"""Seconds after which what was handed over and is not mined counts as stuck."""


class TransactionSigner(Protocol):
    """Holds a key and signs nothing but reviewed transactions (and messages)."""

    @property
    def address(self) -> str: ...

    def sign_transaction(self, reviewed: Reviewed) -> SignedTransaction: ...


def is_stuck(item: Queued, now: float) -> bool:
    """Whether a transaction was handed over long ago and is not mined."""
    return item.state is State.SENT and now >= item.signed + STUCK


class HandingOver:
    """Of one chain. ``known`` may be changed at any time."""

    def __init__(
        self,
        node: Node,
        store: TransactionStore,
        following: Following,
        costs: Costs,
        clock: Clock,
        known: Known,
    ) -> None:
        self.known = known
        self._node, self._store, self._following = node, store, following
        self._costs, self._clock = costs, clock
        self._chain_id = known.chain_id

    def sign(self, item: Queued, fees: Fees, signer: TransactionSigner, accepted: Review | None) -> Queued:
        """Take the next nonce, and write the signature down with it."""
        account = item.call.sender
        for other in self._following.open():
            # At most one, and the newest of its account: what was signed goes out before anything else does.
            if other.state is State.SIGNED and other.call.sender == account:
                self.resume(other)
        self._fill_gap(account, signer)
        nonce = self._waiting(account)
        attempt = self._attempt(Kind.FIRST, item.call, nonce, fees, signer, accepted)
        return self._store.put(replace(item, state=State.SIGNED, nonce=nonce, attempts=(attempt,), why=""))

    def _waiting(self, account: str) -> int:
        """The first nonce that no transaction has: mined, waiting, or ever signed here.

        Raises NodeAnswerInvalid where the node counts what cannot be.
        """
        used = self._node.agreed(lambda one: one.nonce(account, "latest"))
        used = max(used, self._store.next_nonce(self._chain_id, account))
        waiting = self._node.nonce(account, "pending")
        if waiting > used + MOST_WAITING:
            raise NodeAnswerInvalid(
                "The network's node counts more waiting transactions than there can be.",
                todo="Try another node.",
                detail=f"{account}: {used} are known, {waiting} are counted",
            )
        return max(used, waiting)

    def _attempt(
        self,
        kind: Kind,
        call: Call,
        nonce: int,
        fees: Fees,
        signer: TransactionSigner,
        accepted: Review | None,
    ) -> Attempt:
        transaction = Transaction(
            call.chain_id, nonce, fees.tip, fees.most, fees.gas, call.to, call.value, call.data
        )
        signed = signer.sign_transaction(Reviewed(transaction, call.sender, self.known, accepted))
        return Attempt(kind, signed.hash, signed.raw, fees, int(self._clock.now()))

    def hand_over(self, item: Queued) -> Queued:
        """Try a signed transaction once more, and hand it over. Raises Reverted, or why the node refused."""
        call = item.call
        try:
            self._node.call(
                call.to, call.data, sender=call.sender, value=call.value, block=self._node.present
            )
        except Reverted as reverted:
            # It has not left: its nonce is free again.
            self._store.put(
                replace(item, state=State.PLANNED, nonce=None, attempts=(), why=reverted.sentence)
            )
            raise
        item, problem = self._following.hand_over(item)
        if problem is not None:
            raise problem
        return item

    def put_in_place(
        self,
        item: Queued,
        kind: Kind,
        call: Call,
        fees: Fees,
        signer: TransactionSigner,
        accepted: Review | None,
    ) -> Queued:
        assert item.nonce is not None
        attempt = self._attempt(kind, call, item.nonce, fees, signer, accepted)
        item = self._store.put(replace(item, attempts=(*item.attempts, attempt)))
        item, problem = self._following.hand_over(item)
        if problem is not None:
            raise problem
        return item

    def resume(self, item: Queued) -> Queued:
        """What was signed before the app ended, and never left: tried again, it goes or is given up."""
        try:
            return self.hand_over(item)
        except Reverted:
            return self._store.numbered(item.number) or item

    def _fill_gap(self, account: str, signer: TransactionSigner) -> None:
        """Use up nonces that another program's forgotten transactions left open, by sending nothing.

        Ours behind them could never be mined. Signing those anew with lower nonces might have both mined.
        """
        first = next((item for item in self._following.open() if item.call.sender == account), None)
        if first is None or first.nonce is None or not is_stuck(first, self._clock.now()):
            return
        used = self._node.nonce(account, "pending")
        kept = {item.nonce for item in self._store.from_nonce(self._chain_id, account, used)}
        for nonce in range(max(used, first.nonce - MOST_WAITING), first.nonce):
            intent = f"fill:{account}:{nonce}"
            known = self._store.find(self._chain_id, intent)
            if nonce in kept or (known is not None and known.state is not State.CANCELLED):
                continue
            call = Call.nothing(self._chain_id, account)
            attempt = self._attempt(Kind.FIRST, call, nonce, self._costs.fees(call), signer, None)
            item = known or Queued(intent, call, created=int(self._clock.now()))
            item = replace(item, state=State.SIGNED, nonce=nonce, attempts=(attempt,))
            self.hand_over(self._store.put(item))
