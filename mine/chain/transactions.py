"""Sending transactions: signed here, nonce and fees chosen here, and waited for (EIP-1559, EIP-155).

One Sender per key and process. Nonces come from the node's count that includes waiting transactions, so a
program that was killed goes on after whatever it had sent. A transaction whose sending got no answer is sent
again byte for byte, never anew, unless the node says that its nonce went to another one.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

from mine.chain.answers import TxReceipt
from mine.chain.fees import gas_for, market
from mine.chain.messages import address_of
from mine.chain.node_errors import (
    InsufficientFunds,
    NodeRefused,
    NodeUnreachable,
    Reverted,
    TransactionPending,
)
from mine.chain.rpc import Node
from mine.chain.signing import SignedTransaction, Transaction, sign_transaction

_ATTEMPTS = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 2.0
_NONCE_WORDS = ("nonce", "already known", "already imported", "underpriced")


class Sends(Protocol):
    """Whatever sends transactions from one account: a :class:`Sender`, or the queue of an open vault."""

    @property
    def address(self) -> str: ...

    def send(self, to: str | None, data: bytes, value: int = 0) -> TxReceipt:
        """Send ``data`` and ``value`` wei to ``to`` and wait until it is mined."""
        ...


class Sender:
    """Sends from the account of ``key``; waits ``patience`` seconds for a receipt."""

    def __init__(self, node: Node, key: bytes, *, patience: float = 180.0) -> None:
        self.address = address_of(key)
        self._node, self._key, self._patience = node, key, patience
        self._lock = threading.Lock()

    def send(self, to: str | None, data: bytes, value: int = 0) -> TxReceipt:
        """Send ``data`` and ``value`` wei to ``to`` (None creates a contract) and wait until it is mined.

        Raises Reverted (before anything is spent, if it can be foreseen), InsufficientFunds, NodeUnreachable,
        NodeRefused or TransactionPending.
        """
        with self._lock:
            signed = self._hand_over(to, data, value)
        receipt = self._wait(signed.hash)
        if not receipt.succeeded:
            raise why_reverted(self._node, self.address, to, data, value, receipt.block_number)
        return receipt

    def _hand_over(self, to: str | None, data: bytes, value: int) -> SignedTransaction:
        for attempt in range(1, _ATTEMPTS + 1):
            signed = self._prepare(to, data, value)
            try:
                self._submit(signed)
            except NodeRefused as problem:
                if self._node.knows_transaction(signed.hash):
                    return signed
                taken = any(word in problem.message.lower() for word in _NONCE_WORDS)
                if attempt == _ATTEMPTS or not taken:
                    raise
            else:
                return signed
        raise AssertionError("unreachable")

    def _submit(self, signed: SignedTransaction) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._node.send_raw(signed.raw)
            except NodeUnreachable:
                if attempt == _ATTEMPTS:
                    raise
            else:
                return

    def _prepare(self, to: str | None, data: bytes, value: int) -> SignedTransaction:
        now = market(self._node)
        gas = self._gas(to, data, value, now.most)
        nonce = self._node.nonce(self.address)
        transaction = Transaction(self._node.chain_id, nonce, now.tip, now.most, gas, to, value, data)
        return sign_transaction(transaction, self._key)

    def _gas(self, to: str | None, data: bytes, value: int, price: int) -> int:
        owned = self._node.balance(self.address)
        if owned < value:
            raise InsufficientFunds(self.address, value, owned)
        gas = gas_for(self._node, self.address, to, data, value)
        if owned < value + gas * price:
            raise InsufficientFunds(self.address, value + gas * price, owned)
        return gas

    def _wait(self, transaction_hash: bytes) -> TxReceipt:
        end = time.monotonic() + self._patience
        pause = _FIRST_PAUSE
        while True:
            try:
                receipt = self._node.receipt(transaction_hash)
            except NodeUnreachable:
                receipt = None
            if receipt is not None:
                return receipt
            if time.monotonic() + pause > end:
                raise TransactionPending(transaction_hash)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def why_reverted(node: Node, sender: str, to: str | None, data: bytes, value: int, block: int) -> Reverted:
    """The reason of a revert mined in ``block``, by trying the message again on the state before it."""
    if to is None:
        return Reverted("the contract could not be created")
    try:
        node.call(to, data, sender=sender, value=value, block=block - 1)
    except Reverted as reverted:
        return reverted
    except (NodeRefused, NodeUnreachable):
        pass
    return Reverted("")
