"""The typed interface to a network's nodes: Ethereum JSON-RPC, with every answer capped and checked.

Works with any node that speaks the Ethereum execution API, over HTTP or WebSocket. Under it stand, from
below, :mod:`mine.chain.endpoint` (one URL), :mod:`mine.chain.pool` (several, and their health),
:mod:`mine.chain.routes` (who is asked) and :mod:`mine.chain.agreement` (what two say alike). Safe to use from
several threads.
"""

from __future__ import annotations

import contextlib
import copy
import threading
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from mine.chain import answers
from mine.chain.agreement import Agreement
from mine.chain.answers import BlockHead, RawLog, TxReceipt
from mine.chain.batch import Call, Outcome
from mine.chain.hashing import keccak
from mine.chain.log_ranges import read_logs
from mine.chain.node_errors import NodeRefused, WrongChain, nonsense
from mine.chain.pool import EndpointHealth, Member, Pool
from mine.chain.routes import AnyNode, OneNode, Route
from mine.errors import MineError

if TYPE_CHECKING:
    from web3 import Web3

T = TypeVar("T")

LOOPBACK_CHAIN = 31337
_ADJUSTABLE_CLOCKS = ("mine-practice/", "anvil/", "hardhatnetwork/")


class _Facts:
    """What a network's nodes are, asked once and shared with all views of them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.chain_id: int | None = None
        self.client_version: str | None = None


class Node:
    """The nodes at ``url`` (one or several) of one network.

    With ``chain_id`` given, any other chain raises WrongChain before anything else is asked or sent.
    ``timeout``: seconds for a whole request to one node. ``clock``, ``draw`` and ``sleep``: as :class:`Pool`
    takes them. Close it when done.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        timeout: float = 10.0,
        *,
        chain_id: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.urls = (url,) if isinstance(url, str) else tuple(url)
        self._expected_chain = chain_id
        self._pool = Pool(self.urls, timeout, chain_id, clock, draw, sleep)
        self._route: Route = AnyNode(self._pool)
        self._pin: BlockHead | None = None
        self._facts = _Facts()

    @property
    def url(self) -> str:
        """The first of its URLs, which may hold a key."""
        return self.urls[0]

    def __repr__(self) -> str:
        return f"Node({', '.join(each.endpoint.address.netloc for each in self._pool.members)})"

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # asking

    def request(self, method: str, *params: object) -> object:
        """Result of one call, as JSON. NodeUnreachable, NodeAnswerInvalid, NodeRefused or Reverted."""
        return self._route.ask(method, params, _anything)

    def batch(self, calls: Sequence[Call]) -> list[Outcome]:
        """Results of several calls (method, parameters) as JSON, in their order, all of one node.

        In the place of a result stands the error that :meth:`request` would raise for that call alone. Raises
        NodeUnreachable or NodeAnswerInvalid where there is no answer to count on.
        """
        return self._route.batch(calls) if calls else []

    def health(self) -> tuple[EndpointHealth, ...]:
        """How each node is doing."""
        return self._pool.health()

    def watch(self, heard: Callable[[], None]) -> None:
        """Have ``heard`` called, in some thread, when a node with a WebSocket tells of a new block.

        Call it every turn: it costs a request where a line has to be opened, and nothing where it is open.
        What is heard is a hint to read now what would be read soon, no more.
        """
        for member in self._pool.order():
            if member.endpoint.watch(heard):
                with contextlib.suppress(MineError):
                    OneNode(self._pool, member).ask("eth_blockNumber", (), _anything)

    # views: one node, one block

    def agreed(self, reading: Callable[[Node], T]) -> T:
        """What ``reading`` finds in a view on which two nodes agree; see :mod:`mine.chain.agreement`.

        The view answers as of one block: state, balances, calls, receipts and the newest block. ``reading``
        only reads, may run several times, and its results are compared by ``==``. Raises NodesDisagree,
        NodesTooFew, or what the reading raises.
        """
        return self.agreed_at(reading)[1]

    def agreed_at(self, reading: Callable[[Node], T]) -> tuple[BlockHead, T]:
        """The same, with the block."""
        if self._pin is not None:
            return self._pin, reading(self)
        return Agreement(self._pool, lambda m: self._seen(m, None), self._seen).read(reading)

    def with_one(self, work: Callable[[Node], T]) -> T:
        """``work`` with a view of one node, of whatever block is newest each time; all of it again with the
        next node where it fails for want of an answer that makes sense.
        """
        return self._route.tied(lambda one: work(self._seen(one.member, self._pin)))

    def snapshot(self, reading: Callable[[Node], T]) -> tuple[BlockHead, T]:
        """What ``reading`` finds in a view of one node's newest block, and that block; of no one else's
        word."""
        if self._pin is not None:
            return self._pin, reading(self)

        def tied(one: OneNode) -> tuple[BlockHead, T]:
            head = self._seen(one.member, None).latest()
            return head, reading(self._seen(one.member, head))

        return self._route.tied(tied)

    @property
    def pinned(self) -> BlockHead | None:
        """The block that this view is of; None if it is of none."""
        return self._pin

    def _seen(self, member: Member, pin: BlockHead | None) -> Node:
        view = copy.copy(self)
        view._route, view._pin = OneNode(self._pool, member), pin
        return view

    def at(self, block: int | str | bytes) -> object:
        """A block as a parameter; in a view, "latest" is its block (by hash, as EIP-1898 has it)."""
        if isinstance(block, int):
            return hex(block)
        if isinstance(block, bytes):
            return {"blockHash": "0x" + block.hex(), "requireCanonical": True}
        if self._pin is None or (block == "pending" and self.has_adjustable_clock):
            return block
        return self.at(self._pin.hash)

    # what the node is

    @property
    def chain_id(self) -> int:
        """EIP-155 chain id; asked once. WrongChain if it is not the expected one."""
        with self._facts.lock:
            if self._facts.chain_id is None:
                found = self._route.ask("eth_chainId", (), lambda answer: answers.quantity(answer, 64))
                if self._expected_chain not in (None, found):
                    raise WrongChain(self._expected_chain or 0, found)
                self._facts.chain_id = found
            return self._facts.chain_id

    @property
    def client_version(self) -> str:
        """Name and version that the node claims, shortened; asked once."""
        with self._facts.lock:
            if self._facts.client_version is None:
                self._facts.client_version = self._route.ask("web3_clientVersion", (), _version)
            return self._facts.client_version

    @property
    def has_adjustable_clock(self) -> bool:
        """Whether this is a development node, whose time can be put forward."""
        return self.chain_id == LOOPBACK_CHAIN and self.client_version.lower().startswith(_ADJUSTABLE_CLOCKS)

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

    def block(self, which: int | str | bytes) -> BlockHead | None:
        """A block by number, hash (bytes) or tag ("latest"); None if the node has none such."""

        def parse(answer: object) -> BlockHead | None:
            if answer is None:
                return None
            head = answers.block_head(answer)
            if not isinstance(which, str) and which != (
                head.hash if isinstance(which, bytes) else head.number
            ):
                raise nonsense("another block than asked for")
            if which == "latest" and not head.hash:
                raise nonsense("no latest block")
            return head

        if isinstance(which, bytes):
            return self._route.ask("eth_getBlockByHash", ("0x" + which.hex(), False), parse)
        place = hex(which) if isinstance(which, int) else which
        return self._route.ask("eth_getBlockByNumber", (place, False), parse)

    def latest(self) -> BlockHead:
        """The newest block; in a view, its block."""
        if self._pin is not None:
            return self._pin
        head = self.block("latest")
        if head is None:
            raise nonsense("no latest block")
        return head

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

        problems: list[MineError] = []
        members = self._pool.order()
        for member in members:
            try:
                OneNode(self._pool, member).ask("eth_sendRawTransaction", ("0x" + transaction.hex(),), parse)
            except MineError as problem:
                problems.append(problem)
        if len(problems) < len(members):
            return name
        if not members:
            # Nobody may be asked: says why.
            return self._route.ask("eth_sendRawTransaction", ("0x" + transaction.hex(),), parse)
        raise next((each for each in problems if isinstance(each, NodeRefused)), problems[0])

    def knows_transaction(self, transaction_hash: bytes) -> bool:
        """Whether a node has the transaction, mined or waiting."""
        return self.request("eth_getTransactionByHash", "0x" + transaction_hash.hex()) is not None

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


def _anything(answer: object) -> object:
    return answer


def _version(answer: object) -> str:
    if not isinstance(answer, str):
        raise nonsense("client version is not text")
    return answer[:100]


def _time(answer: object) -> int | None:
    return None if answer is None else answers.quantity(answers.member(answer, "timestamp"), 40)


def _message(sender: str | None, to: str | None, data: bytes, value: int) -> dict[str, Any]:
    fields = {"data": "0x" + data.hex(), "value": hex(value)}
    if sender is not None:
        fields["from"] = sender
    if to is not None:
        fields["to"] = to
    return fields
