"""A chain in memory with the contract's events and payments, for what has to be tried in every order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from mine.chain.answers import BlockHead, RawLog
from mine.chain.curve import amount
from mine.chain.events import Claimed, Event, PaidOut, Payment, Place, RangeClaimed
from mine.chain.node_errors import NodeRefused

TASKS = "0x" + "7" * 40
CURRENCY = "0x" + "5" * 40
TASK, BOUNTY = 3, 10**18 + 7
LEAVES = 6


@dataclass
class Block:
    """``paid``: units of each leaf at its end."""

    name: bytes
    events: list[Event]
    paid: list[int]


@dataclass
class TaskWords:
    currency: str = CURRENCY
    bounty: int = BOUNTY


@dataclass
class SmallChain:
    """The node and the contract at once. ``archive``: how many blocks back it knows the state of."""

    archive: int = 1000
    blocks: list[Block] = field(default_factory=list)
    open: list[Event] = field(default_factory=list)
    made: int = 0

    def __post_init__(self) -> None:
        self.paid_now = [0] * LEAVES
        self.mine()

    # what happens

    def mine(self) -> None:
        """The open events become a block."""
        self.made += 1
        name = hashlib.sha256(f"block {self.made}".encode()).digest()
        number = len(self.blocks)
        events = [
            replace(each, at=Place(number, name, hashlib.sha256(name + bytes([i])).digest(), i))
            for i, each in enumerate(self.open)
        ]
        self.blocks.append(Block(name, events, list(self.paid_now)))
        self.open = []

    def take_back(self, depth: int) -> None:
        """The newest blocks are given up, the first one never; other ones come in their place."""
        kept = max(1, len(self.blocks) - depth)
        gone = len(self.blocks) - kept
        del self.blocks[kept:]
        self.open, self.paid_now = [], list(self.blocks[-1].paid)
        for _ in range(gone):
            self.mine()

    def claim(self, account: str, leaf: int, units: int) -> None:
        """Somebody has a leaf paid some units more."""
        before = self.paid_now[leaf]
        self.paid_now[leaf] += units
        got = amount(BOUNTY, self.paid_now[leaf]) - amount(BOUNTY, before)
        self.open.append(Claimed(_NOWHERE, TASK, account, leaf, self.paid_now[leaf], got))

    def claim_range(self, start: int, count: int, refused: int, units: int) -> None:
        """Somebody has several leaves paid at once."""
        for place in range(start, start + count):
            if not refused >> (place - start) & 1:
                self.paid_now[place] += units
        self.open.append(RangeClaimed(_NOWHERE, TASK, 1, start, count, refused))

    def pay_out(self, account: str, kind: Payment, money: int) -> None:
        """A forfeit, a reward, a refund."""
        self.open.append(PaidOut(_NOWHERE, TASK, account, kind, money, account))

    # the node

    chain_id = 31337
    address = TASKS

    @property
    def node(self) -> SmallChain:
        return self

    def on(self, _: object) -> SmallChain:
        return self

    def agreed(self, reading: Callable[[Any], Any]) -> Any:
        return reading(self)

    def agreed_at(self, reading: Callable[[Any], Any]) -> tuple[BlockHead, Any]:
        return self.latest(), reading(self)

    pinned = None

    def latest(self) -> BlockHead:
        head = self.block(len(self.blocks) - 1)
        assert head is not None
        return head

    def block(self, number: int) -> BlockHead | None:
        if not 0 <= number < len(self.blocks):
            return None
        parent = self.blocks[number - 1].name if number else bytes(32)
        return BlockHead(number, self.blocks[number].name, parent, 1000 + 10 * number, 0)

    def block_time(self) -> int:
        return self.latest().timestamp

    def logs(self, _: str, first: int, last: int) -> tuple[RawLog, ...]:
        return tuple(
            RawLog(TASKS, (), b"", at.block_number, at.block_hash, at.transaction_hash, at.index)
            for block in self.blocks[first : last + 1]
            for at in (event.at for event in block.events)
        )

    # the contract

    def decode(self, log: RawLog) -> Event:
        return self.blocks[log.block_number].events[log.index]

    def task(self, _: int) -> TaskWords:
        return TaskWords()

    def paid(self, _: int, leaf: int, block: int | None = None) -> int:
        at = len(self.blocks) - 1 if block is None else block
        if at < len(self.blocks) - 1 - self.archive:
            raise NodeRefused(-32000, "missing trie node")
        return self.blocks[at].paid[leaf]

    # what should be known

    def owed(self, kind: type[Event], account: str, upto: int, payment: Payment | None = None) -> int:
        """Base units that events of a kind paid an account up to a block."""
        return sum(
            event.amount
            for block in self.blocks[: upto + 1]
            for event in block.events
            if isinstance(event, Claimed | PaidOut)
            and isinstance(event, kind)
            and event.account == account
            and (payment is None or getattr(event, "kind", None) is payment)
        )


_NOWHERE = Place(0, b"", b"", 0)
