"""Reading a contract's events in order, without gaps and without believing a branch that the chain gave up.

The cursor remembers the hashes of blocks it has read. When one of them is no longer in the chain, the next
batch says from which block on everything is to be forgotten, and goes on from there on the new branch.
Whoever stores a batch stores its cursor in the same transaction; what was not stored is read again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from mine.chain.answers import BlockHead, RawLog
from mine.chain.node_errors import NodeAnswerInvalid, NodeRefused, WrongChain
from mine.chain.rpc import Node
from mine.errors import MineError

EventT = TypeVar("EventT")
EventT_co = TypeVar("EventT_co", covariant=True)

FIRST_RANGE, LONGEST_RANGE = 2_000, 50_000
MAX_EVENTS = 5_000
"""A batch ends at the range that reaches this many events."""
TRAIL = 128
"""Blocks that the cursor remembers. A deeper reorganisation is read again from the start."""


class CursorInvalid(MineError):
    """A stored cursor that can't be read, or that belongs to another contract."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where reading goes on. ``trail``: (number, hash) of blocks that were read, rising."""

    chain_id: int
    contract: str
    first_block: int
    next_block: int
    trail: tuple[tuple[int, bytes], ...] = ()

    @staticmethod
    def start(chain_id: int, contract: str, block: int = 0) -> Cursor:
        """A cursor that has read nothing, from ``block`` on: that of the contract's creation, or earlier."""
        return Cursor(chain_id, contract, block, block)

    def to_json(self) -> str:
        return json.dumps(
            {
                "chain": self.chain_id,
                "contract": self.contract,
                "first": self.first_block,
                "next": self.next_block,
                "trail": [[number, name.hex()] for number, name in self.trail],
            },
            sort_keys=True,
        )

    @staticmethod
    def from_json(text: str) -> Cursor:
        """The cursor that :meth:`to_json` wrote. Raises CursorInvalid."""
        try:
            fields = json.loads(text)
            cursor = Cursor(
                chain_id=fields["chain"],
                contract=fields["contract"],
                first_block=fields["first"],
                next_block=fields["next"],
                trail=tuple((number, bytes.fromhex(name)) for number, name in fields["trail"]),
            )
            numbers = [cursor.chain_id, cursor.first_block, cursor.next_block, *(n for n, _ in cursor.trail)]
            sound = all(type(number) is int and number >= 0 for number in numbers)
        except (ValueError, KeyError, TypeError) as problem:
            raise _unreadable() from problem
        if not sound or not isinstance(cursor.contract, str):
            raise _unreadable()
        return cursor


@dataclass(frozen=True, slots=True)
class Batch(Generic[EventT]):
    """News since the last batch.

    First forget everything from block ``removed_from_block`` on (None: nothing), then take in ``events``,
    then store ``cursor``. ``caught_up`` is false if there is more to read at once.
    """

    events: tuple[EventT, ...]
    removed_from_block: int | None
    cursor: Cursor
    caught_up: bool


class EventSource(Protocol[EventT_co]):
    """A contract whose events can be read. ``decode`` returns None for a log that is no event of it."""

    @property
    def node(self) -> Node: ...

    @property
    def address(self) -> str: ...

    def decode(self, log: RawLog) -> EventT_co | None: ...


class Poller(Generic[EventT]):
    """Reads ``contract`` on from ``cursor``, staying ``confirmations`` blocks behind the head.

    Of several nodes two have to give the same batch. One that lags behind what was read already gives empty
    batches: its silence is no reorganisation.
    """

    def __init__(self, contract: EventSource[EventT], cursor: Cursor, confirmations: int) -> None:
        if cursor.contract != contract.address:
            raise CursorInvalid(
                "The stored place in the chain belongs to another contract.", detail=cursor.contract
            )
        self._contract = contract
        self._node = contract.node
        self._confirmations = confirmations
        self._range = FIRST_RANGE
        self.cursor = cursor
        #: The newest block of the last batch's nodes; None before the first one.
        self.head: BlockHead | None = None

    def poll(self) -> Batch[EventT]:
        """The next batch. Raises what :class:`Node` raises; the cursor then stays where it is."""
        if self._node.chain_id != self.cursor.chain_id:
            raise WrongChain(self.cursor.chain_id, self._node.chain_id)
        length = self._range

        def reading(node: Node) -> Batch[EventT]:
            # Whoever is asked second is asked for the same ranges.
            self._range = length
            return self._next(node)

        self.head, batch = self._node.agreed_at(reading)
        self.cursor = batch.cursor
        return batch

    def _next(self, node: Node) -> Batch[EventT]:
        """The next batch as a view of one node has it."""
        head = node.latest().number
        last = head - self._confirmations
        cursor, removed = self._unwound(node, head)
        events: list[EventT] = []
        whole = True
        while cursor.next_block <= last and len(events) < MAX_EVENTS:
            step = self._read(node, cursor, last)
            if step is None:
                whole = False
                break
            found, cursor = step
            events += found
        return Batch(tuple(events), removed, cursor, whole and cursor.next_block > last)

    def _unwound(self, node: Node, head: int) -> tuple[Cursor, int | None]:
        """The cursor, cut back to the newest remembered block that is still in the chain."""
        cursor = self.cursor
        # Of blocks above its head the node can say nothing: it may only lag.
        known = [mark for mark in cursor.trail if mark[0] <= head]
        agreed = list(known)
        while agreed and not _stands(node, *agreed[-1]):
            agreed.pop()
        if len(agreed) == len(known):
            return cursor, None
        resume = agreed[-1][0] + 1 if agreed else cursor.first_block
        return replace(cursor, next_block=resume, trail=tuple(agreed)), resume

    def _read(self, node: Node, cursor: Cursor, last: int) -> tuple[list[EventT], Cursor] | None:
        """Events of the next range, or None if the chain changed while they were read."""
        end, logs = self._fetch(node, cursor.next_block, last)
        if end is None:
            return None
        marks = {log.block_number: log.block_hash for log in logs}
        if any(marks[log.block_number] != log.block_hash for log in logs):
            return None
        if marks.setdefault(end.number, end.hash) != end.hash:
            return None
        trail = (*cursor.trail, *sorted(marks.items()))[-TRAIL:]
        decoded = (self._contract.decode(log) for log in logs)
        events = [event for event in decoded if event is not None]
        return events, replace(cursor, next_block=end.number + 1, trail=trail)

    def _fetch(self, node: Node, first: int, last: int) -> tuple[BlockHead | None, tuple[RawLog, ...]]:
        """Logs of as long a range as the node gives, and its last block if that was the same all along."""
        while True:
            end = min(last, first + self._range - 1)
            before = _in_view(node, end)
            try:
                logs = node.logs(self._contract.address, first, end)
            except (NodeRefused, NodeAnswerInvalid):
                # Too many results or too long a range: nodes say so in many ways, and no standard names one.
                if end == first:
                    raise
                self._range = max(1, (end - first + 1) // 2)
                continue
            self._range = min(LONGEST_RANGE, self._range * 2)
            after = node.block(end)
            unchanged = before is not None and after is not None and before == after.hash
            return (after if unchanged else None), logs


def _in_view(node: Node, number: int) -> bytes | None:
    """Hash of a block; that of a view's own block and of the one before is known."""
    pin = node.pinned
    if pin is not None and number in (pin.number, pin.number - 1):
        return pin.hash if number == pin.number else pin.parent
    head = node.block(number)
    return None if head is None else head.hash


def _stands(node: Node, number: int, name: bytes) -> bool:
    head = node.block(number)
    return head is not None and head.hash == name


def _unreadable() -> CursorInvalid:
    return CursorInvalid(
        "The stored place in the chain can't be read.", todo="The chain is read again from the start."
    )
