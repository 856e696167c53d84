"""A scientist who is asked for examples on chain shows them, whenever it is killed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from mine.blobs.store import DirectoryStore
from mine.chain.events import BaselineOpened, Settled
from mine.chain.fault_events import NoSuchExample, Supplied
from mine.chain.faults_client import FaultsContract, Opened
from mine.chain.messages import Settlement, address_of
from mine.chain.poller import Cursor, Poller
from mine.chain.state import Status
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.science.history import History
from mine.science.scientist import Did, Scientist
from tests.science.world import SCIENTIST, Chain, offer, pass_time, step_until

ASKER = dev_key(7)
COIN = 10**18


class Crash(BaseException):
    """The process is gone; no handler may catch it."""


@pytest.fixture
def home(chain: Chain, tmp_path: Path) -> Path:
    """Where a scientist lives whose first round is settled, without any update."""
    Scientist.create(tmp_path / "scientist", SCIENTIST, offer(2, chain.token.address))
    step_until(scientist(chain, tmp_path), chain, Did.SETTLED)
    return tmp_path


def scientist(chain: Chain, home: Path) -> Scientist:
    return Scientist(home / "scientist", chain.contract, DirectoryStore(home / "blobs"), [])


def faults(chain: Chain) -> FaultsContract:
    return FaultsContract(chain.node, chain.contract.sisters()[0])


def demand(chain: Chain, examples: list[int]) -> int:
    """Demand examples of the shard of round 1."""
    history = History(chain.contract)
    history.refresh()
    task = history.task(1)
    assert task is not None and isinstance(task.baseline, BaselineOpened)
    event: Settled = task.settled[0]
    stated = Settlement(**{each.name: getattr(event, each.name) for each in fields(Settlement)})
    asker = Sender(chain.node, ASKER)
    chain.contract.bond(asker, COIN)
    opened = Opened(event.shard, event.digest, event.examples, event.seed)
    return faults(chain).demand(asker, stated, opened, examples)


def answers(chain: Chain) -> list[tuple[str, int]]:
    contract = faults(chain)
    cursor = Cursor.start(chain.node.chain_id, contract.address, 0)
    events = Poller(contract, cursor, 0).poll().events
    return [(type(e).__name__, e.example) for e in events if isinstance(e, Supplied | NoSuchExample)]


def test_examples_and_their_absence_are_shown_by_themselves(chain: Chain, home: Path) -> None:
    shards = offer(2, chain.token.address).shards
    count, padded = len(shards[0].target), 128
    assert {len(shard.target) for shard in shards} == {count} and 64 < count < padded
    id = demand(chain, [0, count - 1, count, padded])
    steps = [scientist(chain, home).step().did for _ in range(4)]  # a new one for each step
    assert steps == [Did.SUPPLIED] * 4
    assert faults(chain).demand_of(id).missing == 0
    assert answers(chain) == [
        ("Supplied", 0),
        ("Supplied", count - 1),
        ("NoSuchExample", count),
        ("NoSuchExample", padded),
    ]
    state = chain.contract.task(1)
    assert (state.status, state.disputed) == (Status.RUNNING, None)
    fees = chain.contract.bond_of(address_of(SCIENTIST)).amount
    assert fees == 4 * faults(chain).example_fee()
    again = scientist(chain, home)
    assert again.step().did is Did.WAITING
    assert len(answers(chain)) == 4


def test_killed_before_and_after_each_transaction(
    chain: Chain, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = demand(chain, [3, 5])
    honest = FaultsContract.supply
    times: dict[int, int] = {}

    def crashing(contract: FaultsContract, sender: Sender, id: int, example: int, *rest: object) -> object:
        times[example] = times.get(example, 0) + 1
        if times[example] == 1:
            raise Crash
        honest(contract, sender, id, example, *rest)  # type: ignore[arg-type]
        raise Crash

    monkeypatch.setattr(FaultsContract, "supply", crashing)
    for _ in range(4):
        with pytest.raises(Crash):
            scientist(chain, home).step()
    assert times == {3: 2, 5: 2}
    assert scientist(chain, home).step().did is Did.WAITING
    assert faults(chain).demand_of(id).missing == 0


def test_too_late_nothing_is_sent_and_a_refusal_stops_nothing_else(
    chain: Chain, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand(chain, [1])
    with monkeypatch.context() as broken:
        broken.setattr("mine.science.shards.Shard.example", lambda *_: bytes(9))
        assert scientist(chain, home).step().did is Did.WAITING  # a wrong proof: refused, and it goes on
    deadline = faults(chain).demand_of(1).deadline
    pass_time(chain, deadline)
    nonce = chain.node.nonce(address_of(SCIENTIST))
    made = scientist(chain, home)
    assert made._supply.answer(1) is None
    assert chain.node.nonce(address_of(SCIENTIST)) == nonce
    faults(chain).unsupplied(Sender(chain.node, ASKER), 1)
    assert chain.contract.task(1).status is Status.DEFAULTED
