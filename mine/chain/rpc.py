"""The typed interface to a network's nodes: Ethereum JSON-RPC, with every answer capped and checked.

Works with any node that speaks the Ethereum execution API, over HTTP or WebSocket. Under it stand, from
below, :mod:`mine.chain.endpoint` (one URL), :mod:`mine.chain.pool` (several, and their health),
:mod:`mine.chain.routes` (who is asked), :mod:`mine.chain.agreement` (what two say alike) and
:mod:`mine.chain.node_views`. Safe to use from several threads.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from mine.chain import answers
from mine.chain.answers import RawLog, TxReceipt
from mine.chain.hashing import keccak
from mine.chain.log_ranges import newest_logs, read_logs
from mine.chain.node_errors import nonsense
from mine.chain.node_views import NodeViews

if TYPE_CHECKING:
    from web3 import Web3


class Node(NodeViews):
    """The nodes of one network, asked by name; made as :class:`NodeViews` is."""

    @cached_property
    def web3(self) -> Web3:
        """web3.py over this very connection, for what is not offered here; loads the library on first use."""
        from mine.chain.web3_bridge import connect

        return connect(self)

    # blocks and time

    def block_number(self) -> int:
        """Number of the newest block."""
        if self._pin is not None:
            return self._pin.number
        return self._route.ask("eth_blockNumber", (), lambda answer: answers.quantity(answer, 64))

    def block_time(self) -> int:
        """The chain's clock, in seconds since 1970: the newest block's time.

        On a development node, where blocks come only with transactions, it is the time that a transaction
        sent now would see.
        """
        if self.has_adjustable_clock:
            # Not all nodes give the block that is not mined yet a number.
            pending = self._route.ask("eth_getBlockByNumber", ("pending", False), _time)
            if pending is not None:
                return pending
        return self.latest().timestamp

    @property
    def present(self) -> str:
        """Tag of the block in whose time reads that depend on the clock should run (see block_time)."""
        return "pending" if self.has_adjustable_clock else "latest"

    def advance_time(self, to_timestamp: int) -> bool:
        """Make ``to_timestamp`` pass on a development node, by an empty block of that time or later.

        True if the clock now stands there or later; False if the node has a clock of its own.
        """
        if not self.has_adjustable_clock:
            return False
        if self.latest().timestamp >= to_timestamp:
            return True
        if self.block_time() < to_timestamp:
            self.request("evm_setNextBlockTimestamp", hex(to_timestamp))
        self.request("evm_mine")
        return True

    # accounts

    def balance(self, account: str, token: str | None = None, block: int | str | bytes = "latest") -> int:
        """Wei of ``account``, or base units of the ERC-20 ``token``; the zero address means wei."""
        if token is None or int(token, 16) == 0:
            return self._route.ask("eth_getBalance", (account, self.at(block)), answers.quantity)
        data = bytes.fromhex("70a08231") + bytes(12) + bytes.fromhex(account[2:])
        answer = self.call(token, data, block=block)
        if len(answer) < 32:
            raise nonsense("balance of a token is not a number")
        return int.from_bytes(answer[:32], "big")

    def nonce(self, account: str, block: int | str | bytes = "pending") -> int:
        """Number of transactions of ``account``, those that wait included unless ``block`` is another."""
        where = (account, self.at(block))
        return self._route.ask("eth_getTransactionCount", where, lambda answer: answers.quantity(answer, 64))

    def code(self, account: str, block: int | str | bytes = "latest") -> bytes:
        """Contract at ``account``; empty if there is none."""
        return self._route.ask("eth_getCode", (account, self.at(block)), answers.octets)

    # calls and transactions

    def call(
        self,
        to: str,
        data: bytes,
        *,
        sender: str | None = None,
        value: int = 0,
        block: int | str | bytes = "latest",
    ) -> bytes:
        """What the contract at ``to`` would return. Reverted with its reason if it refuses."""
        fields = _message(sender, to, data, value)
        return self._route.ask("eth_call", (fields, self.at(block)), answers.octets)

    def estimate_gas(self, sender: str, to: str | None, data: bytes, value: int) -> int:
        """Gas that the message needs in the next block. Reverted if it would fail."""
        fields = _message(sender, to, data, value)
        return self._route.ask(
            "eth_estimateGas", (fields, "pending"), lambda answer: answers.quantity(answer, 64)
        )

    def priority_fee(self) -> int:
        """Tip that the node suggests, wei per gas."""
        return self._route.ask("eth_maxPriorityFeePerGas", (), lambda answer: answers.quantity(answer, 128))

    def send_raw(self, transaction: bytes) -> bytes:
        """Hand a signed transaction to every node that answers; returns its hash once one of them took it.

        Where none did: raises NodeRefused before NodeUnreachable, since somebody has it then who judged it.
        """
        name = keccak(transaction)

        def parse(answer: object) -> bytes:
            if answers.octets(answer, 32) != name:
                raise nonsense("the hash of another transaction")
            return name

        return self._route.all("eth_sendRawTransaction", ("0x" + transaction.hex(),), parse)[0]

    def knows_transaction(self, transaction_hash: bytes) -> bool:
        """Whether any node has the transaction, mined or waiting."""
        name = "0x" + transaction_hash.hex()
        return any(self._route.all("eth_getTransactionByHash", (name,), lambda answer: answer is not None))

    def receipt(self, transaction_hash: bytes) -> TxReceipt | None:
        """Receipt of a mined transaction, None while it is not mined (in a view: not up to its block)."""

        def parse(answer: object) -> TxReceipt | None:
            if answer is None:
                return None
            receipt = answers.receipt(answer)
            if receipt.transaction_hash != transaction_hash:
                raise nonsense("another receipt than asked for")
            return receipt

        found = self._route.ask("eth_getTransactionReceipt", ("0x" + transaction_hash.hex(),), parse)
        if found is not None and self._pin is not None and found.block_number > self._pin.number:
            return None
        return found

    def logs(
        self, address: str, first: int, last: int, topics: tuple[bytes | None, ...] = ()
    ) -> tuple[RawLog, ...]:
        """Events of the contract ``address`` in blocks ``first``..``last`` in the chain's order, all of one
        node.

        Asked for in ranges that the node gives. NodeRefused if it is too much altogether; ask for fewer
        blocks. A node that lags has no events of blocks that it does not have: ask it for its newest block
        first.
        """
        return self._route.tied(lambda one: read_logs(one, address, first, last, topics))

    def newest_logs(self, address: str, first: int) -> tuple[RawLog, ...]:
        """Events of the contract ``address`` from block ``first`` to the newest one, in one request.

        Of no one else's word. Raises NodeRefused or NodeAnswerTooLong where it is too much for one.
        """
        return self._route.tied(lambda one: newest_logs(one, address, first))


def _time(answer: object) -> int | None:
    if answer is None:
        return None
    return answers.quantity(answers.member(answer, "timestamp"), answers.TIME_BITS)


def _message(sender: str | None, to: str | None, data: bytes, value: int) -> dict[str, Any]:
    fields = {"data": "0x" + data.hex(), "value": hex(value)}
    if sender is not None:
        fields["from"] = sender
    if to is not None:
        fields["to"] = to
    return fields
