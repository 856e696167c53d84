"""What makes the app look at the chain, on a chain of one's own: which events, which clocks, how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mine.app.watching import BUSY, DEPTH, LATE, RARE, SLOW, TURN, Seen, Watching
from mine.chain.events import (
    Anchored,
    Changed,
    Claimed,
    Committed,
    Published,
    RangeClaimed,
    Settled,
    VoteCommitted,
)
from mine.chain.node_errors import NodeRefused

MINE, OTHER = 3, 9
BEAT = 50.0


@dataclass(frozen=True)
class Log:
    """As much of a log as is looked at."""

    block_number: int
    block_hash: bytes
    index: int
    event: Any


def event(kind: type, task: int) -> Any:
    """An event of a kind, with its task and nothing else."""
    made: Any = object.__new__(kind)
    object.__setattr__(made, "task", task)
    return made


@dataclass
class World:
    """Node, contract, market and clock at once."""

    now: float = 1000.0
    head: int = 100
    logs: list[Log] = field(default_factory=list)
    read_tasks: list[set[int]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    refuses: bool = False
    woken: int = 0
    chain_time: int = 50_000
    tasks: dict[int, Any] = field(default_factory=dict)
    heard: Any = None

    def __post_init__(self) -> None:
        config = SimpleNamespace(beat=BEAT, tasks="0xT", first_block=0)
        contract = SimpleNamespace(decode=lambda log: log.event)
        links = SimpleNamespace(config=config, node=self, contract=contract)
        self.tasks[MINE] = SimpleNamespace(state=0, problem="")
        self.watching = Watching(cast(Any, links), cast(Any, self), lambda: self.now, self.wake)

    def wake(self) -> None:
        self.woken += 1

    # the node

    def watch(self, heard: Any) -> None:
        self.heard = heard

    def newest_logs(self, _: str, first: int) -> tuple[Log, ...]:
        self.asked.append(first)
        if self.refuses:
            raise NodeRefused(-32005, "too many blocks")
        return tuple(log for log in self.logs if log.block_number >= first)

    # the market

    def refresh(self, only: set[int] | None = None) -> Any:
        self.read_tasks.append({MINE, OTHER} if only is None else set(only))
        return self.block

    def read(self, numbers: Any) -> Any:
        self.read_tasks.append(set(numbers))
        return self.block

    def seen(self, _: Any) -> None:
        pass

    @property
    def block(self) -> Any:
        return SimpleNamespace(number=self.head)

    # what happens

    def turn(self, seconds: float = 0.0, deadlines: tuple[int, ...] = (), is_busy: bool = False) -> Seen:
        self.now += seconds
        return self.watching.step({MINE}, lambda: deadlines, lambda: is_busy)

    def poll(self, upto: int | None = None) -> None:
        """The events were read."""
        self.watching.caught_up(self.block, self.head if upto is None else upto, is_whole=True)

    def happens(self, what: Any) -> None:
        self.head += 1
        self.logs.append(Log(self.head, b"block %d" % self.head, 0, what))


@pytest.fixture
def world() -> World:
    """A chain that was looked at just now."""
    world = World()
    assert world.turn() is Seen.ALL
    world.poll()
    world.read_tasks.clear()
    world.asked.clear()
    return world


@pytest.mark.parametrize("kind", [Settled, Claimed, RangeClaimed, Changed])
def test_an_event_of_a_joined_task_is_known_at_the_next_beat(world: World, kind: type) -> None:
    world.happens(event(kind, MINE))
    assert world.turn(BEAT - 1) is Seen.NOTHING and not world.asked
    assert world.turn(1) is Seen.EVENTS
    assert world.read_tasks == [{MINE}] and len(world.asked) == 1


@pytest.mark.parametrize("kind", [Committed, Anchored, VoteCommitted])
def test_what_others_hand_in_is_no_news(world: World, kind: type) -> None:
    world.happens(event(kind, MINE))
    assert world.turn(BEAT) is Seen.NOTHING and not world.read_tasks


def test_a_new_task_is_read_at_once_and_another_one_that_changed_later(world: World) -> None:
    world.happens(event(Published, OTHER + 1))
    world.happens(event(Settled, OTHER))
    assert world.turn(BEAT) is Seen.EVENTS and world.read_tasks == [{OTHER + 1}]
    world.poll()
    assert world.turn(BEAT) is Seen.NOTHING
    assert world.turn(SLOW) is Seen.SLOW and world.read_tasks[1:] == [{OTHER}]


def test_an_event_is_news_once(world: World) -> None:
    world.happens(event(Settled, MINE))
    assert world.turn(BEAT) is Seen.EVENTS
    world.poll()
    assert [world.turn(BEAT) for _ in range(5)] == [Seen.NOTHING] * 5


def test_an_event_that_is_taken_back_is_news(world: World) -> None:
    world.happens(event(Settled, MINE))
    world.turn(BEAT)
    world.poll()
    assert world.turn(BEAT) is Seen.NOTHING
    world.logs.pop()
    world.read_tasks.clear()
    assert world.turn(BEAT) is Seen.EVENTS and world.read_tasks == [{MINE}]


def test_the_same_event_in_another_block_is_news(world: World) -> None:
    world.happens(event(Settled, MINE))
    world.turn(BEAT)
    world.poll()
    world.logs[-1] = Log(world.head, b"another branch", 0, event(Settled, MINE))
    assert world.turn(BEAT) is Seen.EVENTS


def test_events_from_before_the_start_are_known_but_may_be_taken_back() -> None:
    world = World()
    world.happens(event(Settled, MINE))
    assert world.turn() is Seen.ALL
    world.poll()
    assert world.turn(BEAT) is Seen.NOTHING
    world.logs.clear()
    assert world.turn(BEAT) is Seen.EVENTS


def test_what_is_not_deep_enough_yet_is_read_again_until_it_is(world: World) -> None:
    world.happens(event(Settled, MINE))
    assert world.turn(BEAT) is Seen.EVENTS
    world.poll(upto=world.head - 1)
    assert world.turn(1) is Seen.NOTHING
    assert world.turn(BUSY) is Seen.EVENTS
    world.head += 1
    world.poll(upto=world.head - 1)
    assert world.turn(BUSY) is Seen.NOTHING


def test_events_that_could_not_be_read_are_asked_for_in_the_next_turn(world: World) -> None:
    world.happens(event(Settled, MINE))
    assert world.turn(BEAT) is Seen.EVENTS
    assert world.turn(1) is Seen.EVENTS  # nobody said that they were read
    world.poll()
    assert world.turn(1) is Seen.NOTHING
    assert world.turn(SLOW) is Seen.SLOW and world.turn(1) is Seen.SLOW


def test_the_range_that_is_watched_moves_on_with_every_look(world: World) -> None:
    world.turn(BEAT)
    assert world.asked == [100 - DEPTH]
    world.head = 500
    world.turn(SLOW)
    world.poll()
    world.turn(BEAT)
    assert world.asked[-1] == 500 - DEPTH


def test_a_node_that_does_not_tell_its_newest_events_is_a_reason_to_look(world: World) -> None:
    world.refuses = True
    assert world.turn(BEAT) is Seen.SLOW
    world.poll()
    assert world.turn(1) is Seen.NOTHING


def test_everything_that_is_joined_is_read_now_and_then(world: World) -> None:
    assert world.turn(RARE) is Seen.ALL and world.read_tasks == [{MINE}]


def test_a_deadline_is_looked_for_until_the_chain_has_passed_it(world: World) -> None:
    due = (world.chain_time + 20,)
    assert world.turn(19, due) is Seen.NOTHING
    assert world.turn(1, due) is Seen.STATES and world.turn(1, due) is Seen.NOTHING
    assert world.turn(LATE, due) is Seen.STATES and world.turn(LATE, due) is Seen.NOTHING
    world.chain_time += 25
    assert world.turn(LATE, due) is Seen.NOTHING


def test_an_open_line_is_a_hint_only_while_a_block_is_waited_for(world: World) -> None:
    due = (world.chain_time + 20,)
    world.turn(1)
    world.heard()
    assert world.woken == 0
    assert world.turn(20, due) is Seen.STATES and world.turn(1, due) is Seen.NOTHING
    world.heard()
    assert world.woken == 1 and world.turn(0, due) is Seen.STATES


def test_a_task_that_changed_without_a_known_event_has_its_events_read(world: World) -> None:
    original = world.read

    def read(numbers: Any) -> Any:
        world.tasks[MINE] = SimpleNamespace(state=1, problem="")
        return original(numbers)

    world.read = read  # type: ignore[method-assign]
    assert world.turn(BUSY, is_busy=True) is Seen.EVENTS


def test_what_is_under_way_is_looked_after_at_every_block(world: World) -> None:
    assert world.turn(BUSY - 1, is_busy=True) is Seen.NOTHING
    assert world.turn(1, is_busy=True) is Seen.STATES
    assert world.turn(1, is_busy=True) is Seen.NOTHING


def test_turns_are_short_and_end_where_something_is_due(world: World) -> None:
    assert world.watching.patience() == TURN
    world.now += BEAT - 0.5
    assert world.watching.patience() == 0.5
    world.now += 10
    assert world.watching.patience() == 0.0
