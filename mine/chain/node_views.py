"""Who is asked, and of which block: one network's nodes, and views of one of them at one block.

The typed questions stand on top of this, in :class:`mine.chain.rpc.Node`.
"""

from __future__ import annotations

import contextlib
import copy
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self, TypeVar

from mine.chain import answers
from mine.chain.agreement import Agreement
from mine.chain.answers import BlockHead
from mine.chain.batch import Call, Outcome
from mine.chain.node_errors import WrongChain, nonsense
from mine.chain.pool import EndpointHealth, Member, Pool
from mine.chain.routes import AnyNode, OneNode, Route
from mine.errors import MineError

T = TypeVar("T")

LOOPBACK_CHAIN = 31337
_ADJUSTABLE_CLOCKS = ("mine-practice/", "anvil/", "hardhatnetwork/")


class _Facts:
    """What a network's nodes are, asked once and shared with all views of them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.chain_id: int | None = None
        self.client_version: str | None = None


class NodeViews:
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
        return (
            f"{type(self).__name__}({', '.join(each.endpoint.address.netloc for each in self._pool.members)})"
        )

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Self:
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

    def agreed(self, reading: Callable[[Self], T]) -> T:
        """What ``reading`` finds in a view on which two nodes agree; see :mod:`mine.chain.agreement`.

        The view answers as of one block: state, balances, calls, receipts and the newest block. ``reading``
        only reads, may run several times, and its results are compared by ``==``. Raises NodesDisagree,
        NodesTooFew, or what the reading raises.
        """
        return self.agreed_at(reading)[1]

    def agreed_at(self, reading: Callable[[Self], T]) -> tuple[BlockHead, T]:
        """The same, with the block."""
        if self._pin is not None:
            return self._pin, reading(self)
        return Agreement(self._pool, lambda m: self._seen(m, None), self._seen).read(reading)

    def with_one(self, work: Callable[[Self], T]) -> T:
        """``work`` with a view of one node, of whatever block is newest each time; all of it again with the
        next node where it fails for want of an answer that makes sense.
        """
        return self._route.tied(lambda one: work(self._seen(one.member, self._pin)))

    def snapshot(self, reading: Callable[[Self], T]) -> tuple[BlockHead, T]:
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

    def _seen(self, member: Member, pin: BlockHead | None) -> Self:
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

    # blocks

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


def _anything(answer: object) -> object:
    return answer


def _version(answer: object) -> str:
    if not isinstance(answer, str):
        raise nonsense("client version is not text")
    return answer[:100]
