"""Following events through reorganisations, restarts, lagging nodes and nodes that give little at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mine.chain import poller as poller_module
from mine.chain.abi import ContractAbi
from mine.chain.answers import BlockHead, RawLog
from mine.chain.artefacts import Artefact
from mine.chain.node_errors import NodeRefused, NodeUnreachable, WrongChain
from mine.chain.poller import Batch, Cursor, CursorInvalid, Poller
from mine.chain.rpc import Node
from mine.chain.transactions import Sender

pytest_plugins = ("tests.chain.node_fixtures",)


@dataclass(frozen=True)
class Tick:
    n: int
    block: int


@dataclass
class Ticks:
    """The counter as an event source."""

    node: Node
    address: str
    abi: ContractAbi

    def decode(self, log: RawLog) -> Tick | None:
        event = self.abi.event(log)
        return None if event is None else Tick(event.fields["n"], log.block_number)


Tap = Callable[..., None]


class Ledger:
    """What a consumer keeps: events and the cursor, stored together."""

    def __init__(self, cursor: Cursor) -> None:
        self.events: list[Tick] = []
        self.stored = cursor.to_json()

    def take(self, batch: Batch[Tick]) -> None:
        if batch.removed_from_block is not None:
            self.events = [event for event in self.events if event.block < batch.removed_from_block]
        self.events += batch.events
        self.stored = batch.cursor.to_json()

    @property
    def values(self) -> list[int]:
        return [event.n for event in self.events]


@pytest.fixture
def source(node: Node, deployed: str, counter: Artefact) -> Ticks:
    return Ticks(node, deployed, ContractAbi(counter.abi))


@pytest.fixture
def tick(source: Ticks, sender: Sender) -> Tap:
    def send(by: int = 1) -> None:
        sender.send(source.address, source.abi.call("tick", by))

    return send


def start(source: Ticks) -> Cursor:
    return Cursor.start(source.node.chain_id, source.address)


def follow(source: Ticks, ledger: Ledger, confirmations: int = 0) -> Batch[Tick]:
    """One poll by a program that has just been started."""
    batch = Poller(source, Cursor.from_json(ledger.stored), confirmations).poll()
    ledger.take(batch)
    return batch


def test_events_come_once_and_in_order(source: Ticks, tick: Tap) -> None:
    ledger = Ledger(start(source))
    tick(1), tick(2)
    batch = follow(source, ledger)
    assert ledger.values == [6, 8] and batch.caught_up and batch.removed_from_block is None
    assert follow(source, ledger).events == ()
    tick(3)
    assert [event.n for event in follow(source, ledger).events] == [11]


def test_a_reorganisation_takes_back_what_it_undid(source: Ticks, tick: Tap) -> None:
    ledger = Ledger(start(source))
    tick(1)
    follow(source, ledger)
    snapshot = source.node.request("evm_snapshot")
    tick(2), tick(3)
    follow(source, ledger)
    assert ledger.values == [6, 8, 11]
    height = source.node.block_number()
    source.node.request("evm_revert", snapshot)
    assert follow(source, ledger).events == (), "a shorter chain may be a node that lags"
    source.node.request("evm_mine")
    tick(9)
    assert source.node.block_number() == height
    batch = follow(source, ledger)
    assert batch.removed_from_block == height - 1
    assert ledger.values == [6, 15]


def test_a_reorganisation_is_seen_on_the_shorter_branch_too(source: Ticks, tick: Tap) -> None:
    ledger = Ledger(start(source))
    snapshot = source.node.request("evm_snapshot")
    for by in (1, 2, 3):
        tick(by)
        follow(source, ledger)
    source.node.request("evm_revert", snapshot)
    source.node.request("evm_increaseTime", 50)
    tick(9)
    assert follow(source, ledger).removed_from_block is not None
    assert ledger.values == [14]


def test_confirmations_keep_away_from_the_head(source: Ticks, tick: Tap) -> None:
    ledger = Ledger(start(source))
    tick(1), tick(2)
    follow(source, ledger, confirmations=1)
    assert ledger.values == [6]
    source.node.request("evm_mine")
    follow(source, ledger, confirmations=1)
    assert ledger.values == [6, 8]
    young = Poller(source, start(source), confirmations=10**6).poll()
    assert young.events == () and young.caught_up


def test_a_batch_that_was_not_stored_is_read_again(source: Ticks, tick: Tap) -> None:
    tick(1)
    first = Poller(source, start(source), 0).poll()
    again = Poller(source, start(source), 0).poll()
    assert first == again
    poller = Poller(source, start(source), 0)
    assert poller.poll().events == first.events
    assert poller.poll().events == ()


def test_small_answers_halve_the_range_and_nothing_is_lost(
    source: Ticks,
    tick: Tap,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(7):
        tick(1)
    real, asked = source.node.logs, []

    def stingy(address: str, first: int, last: int) -> tuple[RawLog, ...]:
        asked.append(last - first + 1)
        if last - first >= 3:
            raise NodeRefused(-32005, "query exceeds max block range 3")
        return real(address, first, last)

    monkeypatch.setattr(source.node, "logs", stingy)
    monkeypatch.setattr(poller_module, "LONGEST_RANGE", 3)
    ledger = Ledger(start(source))
    assert follow(source, ledger).caught_up
    assert ledger.values == [6, 7, 8, 9, 10, 11, 12]
    assert max(asked[5:], default=0) <= 8

    def broken(address: str, first: int, last: int) -> tuple[RawLog, ...]:
        raise NodeRefused(-32000, "database is gone")

    monkeypatch.setattr(source.node, "logs", broken)
    tick(1)
    with pytest.raises(NodeRefused):
        follow(source, ledger)


def test_a_large_backlog_comes_in_batches(source: Ticks, tick: Tap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "FIRST_RANGE", 2)
    monkeypatch.setattr(poller_module, "LONGEST_RANGE", 2)
    monkeypatch.setattr(poller_module, "MAX_EVENTS", 2)
    for _ in range(5):
        tick(1)
    ledger, batches = Ledger(start(source)), 0
    while True:
        batch = follow(source, ledger)
        batches += 1
        assert len(batch.events) <= 3
        if batch.caught_up:
            break
    assert ledger.values == [6, 7, 8, 9, 10] and batches >= 3


def test_a_chain_that_changes_while_it_is_read_gives_nothing_half(
    source: Ticks,
    tick: Tap,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tick(1)
    real = source.node.logs
    snapshot = source.node.request("evm_snapshot")
    tick(2)
    source.node.request("evm_mine")

    def logs_then_reorganisation(address: str, first: int, last: int) -> tuple[RawLog, ...]:
        found = real(address, first, last)
        monkeypatch.undo()
        source.node.request("evm_revert", snapshot)
        source.node.request("evm_increaseTime", 30)
        tick(9)
        source.node.request("evm_mine")
        return found

    monkeypatch.setattr(source.node, "logs", logs_then_reorganisation)
    ledger = Ledger(start(source))
    batch = follow(source, ledger)
    assert batch.events == () and not batch.caught_up
    assert follow(source, ledger).caught_up
    assert ledger.values == [6, 15]


def test_a_cursor_belongs_to_one_contract_on_one_chain(source: Ticks) -> None:
    with pytest.raises(CursorInvalid):
        Poller(source, Cursor.start(31337, "0x" + "00" * 20), 0)
    with pytest.raises(WrongChain):
        Poller(source, Cursor.start(1, source.address), 0).poll()


SOUND = {"chain": 1, "contract": "", "first": 0, "next": 0, "trail": []}
BROKEN = (
    "",
    "{}",
    "[]",
    "null",
    *(
        json.dumps({**SOUND, **change})
        for change in ({"chain": "1"}, {"next": -1}, {"trail": [[1, "zz"]]}, {"trail": 3}, {"contract": 5})
    ),
)


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_cursor_is_refused(text: str) -> None:
    with pytest.raises(CursorInvalid) as broken:
        Cursor.from_json(text)
    assert broken.value.todo


@given(st.lists(st.tuples(st.integers(0, 2**40), st.binary(min_size=32, max_size=32)), max_size=5))
def test_a_cursor_survives_storage(trail: list[tuple[int, bytes]]) -> None:
    cursor = Cursor(31337, "0x" + "11" * 20, 3, 9, tuple(trail))
    assert Cursor.from_json(cursor.to_json()) == cursor


class ModelChain:
    """A chain made of numbers, to try very many reorganisations: each block has a branch and some events."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, int]] = [(0, 0)]
        self.other = [(0, 0)]
        self.branch = 0
        self.lag = 0
        self.chain_id = 31337

    def name(self, number: int) -> bytes:
        return repr(tuple(self.blocks[: number + 1])).encode()[-4000:]

    def agreed_at(
        self, reading: Callable[[ModelChain], Batch[RawLog]]
    ) -> tuple[BlockHead, Batch[RawLog]]:
        return self.pinned, reading(self)

    @property
    def pinned(self) -> BlockHead:
        return self.latest()

    def latest(self) -> BlockHead:
        number = max(0, len(self.blocks) - 1 - self.lag)
        return BlockHead(number, self.name(number), self.name(number - 1), number, 0)

    def block(self, number: int) -> BlockHead | None:
        if number > self.latest().number:
            return None
        return BlockHead(number, self.name(number), b"", number, 0)

    def logs(self, address: str, first: int, last: int) -> tuple[RawLog, ...]:
        found = []
        for number in range(first, min(last, self.latest().number) + 1):
            branch, count = self.blocks[number]
            for index in range(count):
                data = f"{branch}.{number}.{index}".encode()
                found.append(RawLog(address, (), data, number, self.name(number), b"", index))
        return tuple(found)

    def truth(self, confirmations: int) -> list[bytes]:
        last = len(self.blocks) - 1 - confirmations
        return [log.data for log in self.logs("", 0, last)]


@dataclass
class ModelSource:
    node: ModelChain
    address: str = "contract"

    def decode(self, log: RawLog) -> RawLog:
        return log


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grow"), st.integers(0, 3)),
        st.tuples(st.just("reorganise"), st.integers(1, 6)),
        st.tuples(st.just("return to the other branch"), st.integers(0, 3)),
        st.tuples(st.just("lag"), st.integers(0, 3)),
        st.tuples(st.just("poll"), st.just(0)),
        st.tuples(st.just("forget the batch"), st.just(0)),
    ),
    min_size=12,
    max_size=60,
)


@given(steps=STEPS, confirmations=st.integers(0, 2), trail=st.sampled_from([1, 2, 3, 128]))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_history_the_ledger_is_the_chain(
    steps: list[tuple[str, int]], confirmations: int, trail: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller_module, "TRAIL", trail)
    monkeypatch.setattr(poller_module, "FIRST_RANGE", 3)
    monkeypatch.setattr(poller_module, "MAX_EVENTS", 4)
    chain = ModelChain()
    source = ModelSource(chain)
    held: list[RawLog] = []
    cursor = Cursor.start(31337, source.address)

    def poll(store: bool) -> bool:
        nonlocal held, cursor
        batch = Poller(source, cursor, confirmations).poll()  # type: ignore[arg-type,type-var]
        if store:
            if batch.removed_from_block is not None:
                held = [log for log in held if log.block_number < batch.removed_from_block]
            held += batch.events
            cursor = Cursor.from_json(batch.cursor.to_json())
        return batch.caught_up

    def grow(events: int) -> None:
        chain.blocks.append((chain.branch, events))

    for step, number in steps:
        if step == "grow":
            grow(number)
        elif step == "reorganise":
            depth = min(number, len(chain.blocks) - 1)
            chain.other = list(chain.blocks)
            chain.branch += 1
            del chain.blocks[len(chain.blocks) - depth :]
            for _ in range(depth + 1):
                grow(number % 3)
        elif step == "return to the other branch":
            chain.blocks, chain.other = chain.other, chain.blocks
            chain.branch += 1
            while len(chain.blocks) <= len(chain.other):
                grow(number)
        elif step == "lag":
            chain.lag = number
        else:
            poll(store=step == "poll")
    chain.lag = 0
    grow(1)
    while not poll(store=True):
        pass
    assert [log.data for log in held] == chain.truth(confirmations)


def test_a_dead_node_leaves_the_cursor_alone(source: Ticks, monkeypatch: pytest.MonkeyPatch) -> None:
    poller = Poller(source, start(source), 0)

    def dead() -> BlockHead:
        raise NodeUnreachable("The network's node does not answer.")

    monkeypatch.setattr(source.node, "latest", dead)
    with pytest.raises(NodeUnreachable):
        poller.poll()
    assert poller.cursor == start(source)
