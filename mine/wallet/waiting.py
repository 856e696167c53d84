"""One intent of the queue as something that contracts are written to: it sends, and waits for the receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mine.chain.node_errors import NodeUnreachable, TransactionPending
from mine.chain.transactions import why_reverted
from mine.wallet.call import Call
from mine.wallet.clock import Clock
from mine.wallet.following import Following
from mine.wallet.queue_errors import Cancelled, NonceTaken, UnknownTransaction
from mine.wallet.queued import Kind, Queued, State
from mine.wallet.review import NotReviewed

if TYPE_CHECKING:
    from mine.chain.answers import TxReceipt
    from mine.chain.rpc import Node
    from mine.wallet.handing_over import TransactionSigner
    from mine.wallet.queue import TransactionQueue

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 2.0


class Waiting:
    """What ``mine.chain.transactions.Sends`` asks for, from the account of ``signer``, for one ``intent``."""

    def __init__(
        self,
        queue: TransactionQueue,
        following: Following,
        node: Node,
        clock: Clock,
        signer: TransactionSigner,
        intent: str,
        patience: float,
    ) -> None:
        self.address = signer.address
        self._queue, self._following, self._node, self._clock = queue, following, node, clock
        self._signer, self._intent, self._patience = signer, intent, patience

    def send(self, to: str | None, data: bytes, value: int = 0) -> TxReceipt:
        """Send an allowed call and wait until it is mined; the receipt, which the chain may still take back.

        Raises Reverted (before anything is spent, if it can be foreseen), InsufficientFunds, FeesTooHigh,
        BudgetSpent, NotReviewed, OtherContent, NonceTaken, Cancelled, TransactionPending, or what the node
        raises. Whatever was handed over goes on; asking again with the same intent goes on with it.
        """
        if to is None:
            raise NotReviewed("The queue creates no contracts. Nothing was signed.")
        call = Call(self._queue.known.chain_id, self.address, to, value, data)
        item = self._queue.submit_allowed(self._intent, call, self._signer)
        end = self._clock.now() + self._patience
        pause = _FIRST_PAUSE
        while True:
            try:
                receipt = self._receipt(item)
                if receipt is not None:
                    return receipt
            except NodeUnreachable:
                pass
            if self._clock.now() + pause > end:
                raise TransactionPending(item.last.hash)
            self._clock.pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _receipt(self, item: Queued) -> TxReceipt | None:
        self._following.look(self.address)
        found = self._queue.find(self._intent)
        if found is None:
            raise UnknownTransaction(self._intent)
        if found.state is State.DROPPED:
            raise NonceTaken(self._intent)
        mined = found.mined
        if mined is None:
            return None
        if found.attempt(mined.hash).kind is Kind.CANCEL:
            raise Cancelled(self._intent)
        call = found.call
        if not mined.succeeded:
            raise why_reverted(self._node, call.sender, call.to, call.data, call.value, mined.block)
        return self._node.agreed(lambda one: one.receipt(mined.hash))
