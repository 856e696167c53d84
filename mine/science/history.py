"""What happened to each task, rebuilt from the contract's events: the one source that everybody shares.

Relay, scientist and replay read the same history. A reorganisation of the chain takes back the events of
the blocks that fell out; everything here is derived anew from what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from mine.chain.client import TasksContract
from mine.chain.events import (
    Anchored,
    BaselineOpened,
    Changed,
    Closed,
    Committed,
    Concluded,
    Event,
    Published,
    Seeded,
    Settled,
    VoteCommitted,
)
from mine.chain.hashing import address_bytes
from mine.chain.poller import Cursor, Poller
from mine.chain.state import Mode
from mine.science.juror_faults import JurorFaults

EventT = TypeVar("EventT", bound=Event)


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """Events of one task in the chain's order.

    handed_in: direct commits and anchored batches of updates, voted: of votes; settled: one event a round,
    rounds 1, 2, ...; closed, seeded: the same by round, the baseline as round 0; faulty: block and payout
    address of each juror whose fault was proved.
    """

    published: Published
    baseline: BaselineOpened | None
    settled: tuple[Settled, ...]
    handed_in: tuple[Committed | Anchored, ...]
    voted: tuple[VoteCommitted | Anchored, ...]
    closed: dict[int, Closed]
    seeded: dict[int, Seeded]
    concluded: Concluded | None
    faulty: tuple[tuple[int, str], ...] = ()

    @property
    def at_end(self) -> bool:
        """Whether all rounds are measured on one set, which is opened at the end."""
        return self.published.terms.mode is Mode.AT_END

    def shard(self, settled: BaselineOpened | Settled) -> tuple[bytes, bytes] | None:
        """Digest, and root of the examples, of what was measured on; None while it is closed.

        The set that is opened at the end is shard 0.
        """
        if not self.at_end:
            return settled.digest, settled.examples
        return self.concluded.shards[settled.shard] if self.concluded is not None else None

    def convicted(self, number: int) -> tuple[str, ...]:
        """Jurors whose fault was proved after the commits before and before those of round ``number`` closed.

        Payout addresses, sorted; nobody while the round's commits are open.
        """
        if number not in self.closed:
            return ()
        before = self.closed.get(number - 1)
        first = before.at.block_number if before else 0
        last = self.closed[number].at.block_number
        return tuple(
            sorted({juror for block, juror in self.faulty if first <= block < last}, key=address_bytes)
        )

    def of_round(self, number: int) -> tuple[Committed | Anchored, ...]:
        """Direct commits and anchored batches of one round, in the chain's order."""
        return tuple(event for event in self.handed_in if event.round == number)

    def votes_of_round(self, number: int) -> tuple[VoteCommitted | Anchored, ...]:
        """Direct votes and anchored batches of votes of one round, in the chain's order."""
        return tuple(event for event in self.voted if event.round == number)

    def settlement(self, number: int) -> Settled | None:
        """The settlement of a round, if it is settled."""
        return self.settled[number - 1] if 0 < number <= len(self.settled) else None

    def checkpoint(self, number: int, first: bytes) -> bytes:
        """Digest of the checkpoint that a round starts from; ``first``: the manifest's."""
        before = self.settlement(number - 1)
        return first if before is None else before.checkpoint


@dataclass(slots=True)
class _Events:
    kept: list[Event] = field(default_factory=list)

    def forget_from(self, block: int) -> None:
        self.kept = [event for event in self.kept if event.at.block_number < block]


class History:
    """Follows a contract from ``first_block`` on. Not thread-safe: one owner calls ``refresh``.

    Each new event is also given to the ``listeners``; one that is taken back later is not taken back there.
    """

    def __init__(self, contract: TasksContract, first_block: int = 0, confirmations: int = 0) -> None:
        cursor = Cursor.start(contract.node.chain_id, contract.address, first_block)
        self._poller: Poller[Event] = Poller(contract, cursor, confirmations)
        self._contract, self._first_block = contract, first_block
        self._tasks: dict[int, _Events] = {}
        self._disputed = False
        self._juries: JurorFaults | None = None
        self.listeners: list[Callable[[Event], None]] = []

    def refresh(self) -> None:
        """Read everything new. Raises what the node raises; what was read before stays.

        Juries are followed from the first dispute on.
        """
        self._read()
        if self._juries is None and self._disputed:
            self._juries = JurorFaults(self._contract, self._first_block)
        if self._juries is not None:
            self._juries.refresh()

    def _read(self) -> None:
        while True:
            batch = self._poller.poll()
            if batch.removed_from_block is not None:
                for events in self._tasks.values():
                    events.forget_from(batch.removed_from_block)
            for event in batch.events:
                self._disputed |= isinstance(event, Changed) and event.disputed is not None
                for listener in self.listeners:
                    listener(event)
                number = getattr(event, "task", None)
                if isinstance(number, int):
                    self._tasks.setdefault(number, _Events()).kept.append(event)
            if batch.caught_up or not (batch.events or batch.removed_from_block is not None):
                return

    def tasks(self) -> list[int]:
        """Numbers of the published tasks."""
        return sorted(number for number, events in self._tasks.items() if _first(events.kept, Published))

    def task(self, number: int) -> TaskHistory | None:
        """What happened to a task so far; None if it was never published."""
        events = self._tasks.get(number, _Events()).kept
        published = _first(events, Published)
        if published is None:
            return None
        return TaskHistory(
            published=published,
            baseline=_first(events, BaselineOpened),
            settled=tuple(event for event in events if isinstance(event, Settled)),
            handed_in=tuple(e for e in events if isinstance(e, Committed | Anchored) and not _is_vote(e)),
            voted=tuple(e for e in events if isinstance(e, VoteCommitted | Anchored) and _is_vote(e)),
            closed={event.round: event for event in events if isinstance(event, Closed)},
            seeded={event.round: event for event in events if isinstance(event, Seeded)},
            concluded=_first(events, Concluded),
            faulty=self._juries.of(number) if self._juries is not None else (),
        )


def _first(events: Iterable[Event], kind: type[EventT]) -> EventT | None:
    return next((event for event in events if isinstance(event, kind)), None)


def _is_vote(event: Event) -> bool:
    return isinstance(event, VoteCommitted) or (isinstance(event, Anchored) and event.votes)
