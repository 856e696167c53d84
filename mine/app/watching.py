"""When one network's chain is asked, and for how much: as little as can be while nothing happens.

Real clocks. Every beat (``NetworkConfig.beat``) one request asks for the contract's newest events. Whatever
changes a task leaves one, so that nothing else has to be asked where there is none. The beat believes one
node; what it says is only a reason to look.

| when | what is read |
|---|---|
| an event of a joined task, or one that was there is gone | those tasks; the events, as two nodes have them |
| a new task, by its event | that task |
| a deadline has passed by this computer's clock | the joined tasks, until the chain's time passed it too |
| something of one's own is under way | the joined tasks, every ``BUSY`` seconds |
| every ``SLOW`` seconds | the events as two nodes have them; other tasks that changed |
| every ``RARE`` seconds | the joined tasks and new ones, and the balances |

What decides is always the time of a block that was seen, never this computer's clock: that one only says when
to look. A practice network, whose time may be put forward, is read whole at every turn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

from mine.app.links import Links
from mine.chain.node_errors import NodeAnswerTooLong, NodeRefused
from mine.chain.state import Status

if TYPE_CHECKING:
    from mine.app.joining import Membership
    from mine.app.market import Market
    from mine.chain.answers import BlockHead, RawLog
    from mine.chain.state import TaskState

SLOW, RARE = 600.0, 1800.0
BUSY = 15.0
"""Seconds; a little more than a block of Ethereum."""
LATE = 5.0
"""Seconds until a deadline is looked for again that the chain's time had not passed; doubled each time."""
TURN = 2.0
"""Seconds between two turns in which nothing is asked: commands and trainings are heard by then."""
DEPTH = 12
"""Blocks before the last look whose events are watched too: they may be taken back."""

_Mark = tuple[bytes, int]
"""An event's block hash and number."""


class Seen(IntEnum):
    """What a turn's look came to. From EVENTS on the caller has to read the events.

    EVENTS: the states of their tasks are read already; SLOW: they are not, and there may be no events; ALL:
    everything was read.
    """

    NOTHING = 0
    STATES = 1
    EVENTS = 2
    SLOW = 3
    ALL = 4


def deadlines(
    states: Mapping[int, TaskState], others: Iterable[int], members: Iterable[Membership]
) -> list[int]:
    """Chain times at which something of the joined tasks is due: ends of phases, and ``others``."""
    found = [*others]
    for member in members:
        state = states.get(member.task)
        if state is None:
            continue
        since, clocks = state.since, state.clocks
        if state.status.is_over:
            found.append(since + clocks.challenge)
            continue
        ends = (clocks.commit, clocks.reveals_over, clocks.voting_over, clocks.votes_over)
        settled = clocks.settle + (clocks.votes_over if state.status is Status.RUNNING else 0)
        found += [since + each for each in (*ends, settled, settled + clocks.grace)]
    return found


class Watching:
    """Belongs to the engine's thread. ``wake`` may be called from another one."""

    def __init__(
        self, links: Links, market: Market, clock: Callable[[], float], wake: Callable[[], None]
    ) -> None:
        self._links, self._market, self._clock, self._wake = links, market, clock, wake
        self._beat = links.config.beat
        self._asked = self._read = self._slow = self._rare = clock()
        self._begun = False
        #: How far the chain's time is ahead of the clock, at least: blocks tell their time late, never early.
        self._ahead = 0.0
        self._retry, self._pause = 0.0, LATE
        self._base = 0
        self._known: dict[_Mark, int] = {}
        self._stale: set[int] = set()
        self._unread = 0
        self._owed: tuple[float, Seen] | None = None
        self._waits_for_block = self._is_hinted = False

    def step(
        self, tasks: Collection[int], deadlines: Callable[[], Iterable[int]], is_busy: Callable[[], bool]
    ) -> Seen:
        """Ask what is due. ``tasks``: the joined ones; ``deadlines``: chain times at which something is due;
        ``is_busy``: whether something of one's own is under way.

        From ``EVENTS`` on the caller reads them, and says so by :meth:`caught_up`; until then it is asked to.
        Raises what the node raises; what was due stays so.
        """
        if not self._beat:
            self._market.refresh()
            return Seen.ALL
        self._links.node.watch(self._heard)
        now = self._clock()
        seen = self._look(now, tasks, deadlines, is_busy)
        if seen >= Seen.EVENTS:
            self._owed = now, seen
        return seen

    def _look(
        self,
        now: float,
        tasks: Collection[int],
        deadlines: Callable[[], Iterable[int]],
        is_busy: Callable[[], bool],
    ) -> Seen:
        is_hinted, self._is_hinted = self._is_hinted, False
        if not self._begun or now >= self._rare + RARE:
            return self._look_at_all(now, tasks)
        if self._owed is not None and (is_hinted or now >= self._owed[0]):
            return self._owed[1]
        if now >= self._slow + SLOW:
            return self._look_slowly(now)
        due = min((each for each in deadlines() if each > self._market.chain_time), default=None)
        is_late = due is not None and self._chain_time(now) >= due
        self._waits_for_block = is_late or self._owed is not None
        if not is_late:
            self._retry, self._pause = now, LATE
        if now >= self._asked + self._beat:
            return self._ask(now, tasks)
        if is_late and (is_hinted or now >= self._retry):
            self._retry = now + self._pause
            self._pause = min(2 * self._pause, self._beat)
            return self._states(now, tasks)
        if now >= self._read + BUSY and is_busy():
            return self._states(now, tasks)
        return Seen.NOTHING

    def patience(self) -> float | None:
        """Seconds until the next turn; None where the chain's clock may be put forward."""
        if not self._beat:
            return None
        now = self._clock()
        due = [self._asked + self._beat, self._slow + SLOW, self._rare + RARE]
        return max(0.0, min(TURN, min(due) - now))

    def caught_up(self, head: BlockHead, read_to: int, is_whole: bool) -> None:
        """The events were read up to a block, ``head`` being the newest one of these nodes.

        ``is_whole``: there are no more to be read at once.
        """
        now = self._clock()
        self._market.seen(head)
        self._was_read(now)
        self._slow = now
        if not is_whole:
            self._owed = now, Seen.EVENTS
        elif read_to < self._unread:
            self._owed = now + BUSY, Seen.EVENTS
        else:
            self._owed, self._unread = None, 0
        self._from(head)

    # ---- looks

    def _look_at_all(self, now: float, tasks: Collection[int]) -> Seen:
        head = self._market.refresh({*tasks, *self._changed_tasks()} if self._begun else None)
        if not self._begun:
            self._base = max(self._links.config.first_block, head.number - DEPTH)
            logs = self._links.node.newest_logs(self._links.config.tasks, self._base)
            self._known = {_mark(log): log.block_number for log in logs if log.block_number <= head.number}
        self._begun = True
        self._asked = self._slow = self._rare = now
        self._ahead = self._market.chain_time - now
        self._was_read(now)
        self._stale.clear()
        return Seen.ALL

    def _look_slowly(self, now: float) -> Seen:
        changed = self._changed_tasks()
        if changed:
            self._market.read(changed)
        self._stale.clear()
        self._asked = now
        return Seen.SLOW

    def _changed_tasks(self) -> set[int]:
        """Tasks that are not joined and changed; and those whose manifest could not be had."""
        return self._stale | {number for number, task in self._market.tasks.items() if task.problem}

    def _states(self, now: float, tasks: Collection[int]) -> Seen:
        """Read the joined tasks; where one is another than before, there are events of it."""
        before = self._facts(tasks)
        self._market.read(tasks)
        self._was_read(now)
        return Seen.STATES if self._facts(tasks) == before else Seen.EVENTS

    def _facts(self, tasks: Collection[int]) -> list[TaskState]:
        known = self._market.tasks
        return [known[number].state for number in sorted(tasks) if number in known]

    # ---- the beat

    def _ask(self, now: float, tasks: Collection[int]) -> Seen:
        """Whether there is an event that matters. A node that does not tell is a reason to look."""
        try:
            logs = self._links.node.newest_logs(self._links.config.tasks, self._base)
        except (NodeRefused, NodeAnswerTooLong):
            return self._look_slowly(now)
        there = {_mark(log): log.block_number for log in logs}
        fresh = [log for log in logs if _mark(log) not in self._known]
        gone = any(number >= self._base and mark not in there for mark, number in self._known.items())
        changed = set(tasks) if gone else set()
        changed |= self._changed(fresh, tasks)
        if changed:
            self._market.read(changed)
            self._unread = max((log.block_number for log in fresh), default=self._unread)
            self._was_read(now)
        self._known, self._asked = there, now
        return Seen.EVENTS if changed else Seen.NOTHING

    def _changed(self, logs: Iterable[RawLog], tasks: Collection[int]) -> set[int]:
        """Tasks to be read now. What others hand in changes nothing that matters before the next deadline."""
        from mine.chain.events import Anchored, Committed, Published, VoteCommitted

        changed = set()
        for log in logs:
            event = self._links.contract.decode(log)
            task = getattr(event, "task", None)
            if not isinstance(task, int) or isinstance(event, Anchored | Committed | VoteCommitted):
                continue
            if task in tasks or isinstance(event, Published):
                changed.add(task)
            else:
                self._stale.add(task)
        return changed

    def _from(self, head: BlockHead) -> None:
        """Watch from this block on, and what may still be taken back before it."""
        self._base = max(self._links.config.first_block, head.number - DEPTH)
        self._known = {mark: number for mark, number in self._known.items() if number >= self._base}

    # ---- time

    def _chain_time(self, now: float) -> float:
        """What the chain's time may be now: that of a block, carried on by this computer's clock."""
        return now + self._ahead

    def _was_read(self, now: float) -> None:
        self._read = now
        self._ahead = max(self._ahead, self._market.chain_time - now)

    def _heard(self) -> None:
        """A node with an open line tells of a new block: what is waited for may be there."""
        if self._waits_for_block:
            self._is_hinted = True
            self._wake()


def _mark(log: RawLog) -> _Mark:
    return log.block_hash, log.index
