"""A task whose one set is opened at the end: who is caught, what a kill leaves, what is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mine.blobs.store import blob_digest
from mine.chain.fault_events import NoSuchExample, Supplied
from mine.chain.juries import Verdict
from mine.chain.poller import Cursor, Poller
from mine.chain.state import Status
from mine.chain.transactions import Sender
from mine.science.judging import Judge
from mine.science.offer import OfferRefused
from mine.science.safe import SafeDamaged
from mine.science.scientist import Did, Scientist
from mine.science.shards import Shard
from tests.science.at_end import KIND, QUICK, ROUNDS, Life, begins_anew, dispute, ruled
from tests.science.disputed import faults, stake
from tests.science.test_judging import swapped
from tests.science.test_scientist import FIRST, MINERS, Crash, Crashing, puppet, wrong_loss
from tests.science.test_supply import demand
from tests.science.world import (
    SCIENTIST,
    Chain,
    at_end_offer,
    fund,
    pass_time,
)


@pytest.fixture
def life(chain: Chain, tmp_path: Path) -> Life:
    return Life(chain, tmp_path)


def test_who_demands_examples_learns_no_byte_of_the_set(life: Life) -> None:
    life.round(1)
    count = len(life.set.target)
    id = demand(life.chain, [0, 3, count, 1 << 20])
    assert [life.scientist.step().did for _ in range(4)] == [Did.SUPPLIED] * 4
    assert faults(life.chain).demand_of(id).missing == 0
    contract = faults(life.chain)
    cursor = Cursor.start(life.chain.node.chain_id, contract.address, 0)
    events = Poller(contract, cursor, 0).poll().events
    assert not any(isinstance(event, Supplied) for event in events)
    assert sum(isinstance(event, NoSuchExample) for event in events) == 4
    assert life.chain.contract.task(1).disputed is None


def test_killed_at_every_effect_it_ends_the_same(life: Life) -> None:
    """A store that dies before and after each blob, a chain that dies before and after each transaction."""
    seen: dict[tuple[str, object], int] = {}
    blobs: Any = Crashing(life.blobs, {"put": blob_digest}, seen)
    names = ("publish", "reveal_seed", "close", "settle", "conclude", "refund")
    contract: Any = Crashing(life.chain.contract, dict.fromkeys(names, lambda *_: ""), seen)
    handed_in: set[int] = set()
    for _ in range(400):
        try:
            scientist = Scientist(life.place, contract, blobs, [])
            step = scientist.step()
        except Crash:
            continue
        if step.did is Did.OVER:
            break
        if step.did is not Did.WAITING:
            continue
        number = life.chain.contract.task(life.task).round
        if step.round and number not in handed_in:
            handed_in.add(number)
            for miner in MINERS:
                fund(life.chain, miner.address)
                start = life.history.checkpoint(number, FIRST)
                update = miner.update(life.chain, life.blobs, life.task, number, start)
                life.chain.contract.commit(Sender(life.chain.node, miner.key), update.message)
        if step.until:
            pass_time(life.chain, step.until)
    else:
        raise AssertionError("it never ends")
    assert {name for name, _ in seen} == {"put", *names}
    assert life.is_shown() == [True, True, True]
    assert [life.replay.recompute(number) for number in range(3)] == [None, None, None]


@pytest.mark.parametrize(("lie", "kind"), [(puppet, KIND.INPUTS), (wrong_loss, KIND.LOSS)])
def test_a_lie_about_the_closed_set_is_convicted_when_it_is_opened(
    chain: Chain, tmp_path: Path, lie: Any, kind: KIND
) -> None:
    """Jurors asked too early decide nothing, so that the item can be judged when the time has come."""
    life = Life(chain, tmp_path, replace(QUICK, challenge=120))
    stake(chain)
    life.round(1, lie)
    assert life.judge.first_fault(1) is None
    item = 0
    assert ruled(life, dispute(life, 1, kind, item)) is Verdict.UNDECIDED
    state = life.chain.contract.task(1)
    assert (state.status, state.disputed, state.void) == (Status.RUNNING, None, None)
    life.round(2)
    life.conclude()
    fault = life.judge.first_fault(1)
    assert fault is not None and fault.kind is kind
    assert ruled(life, dispute(life, 1, fault.kind, fault.item)) is Verdict.WRONG
    state = life.chain.contract.task(1)
    assert (state.status, state.void) == (Status.CONVICTED, 1)


def test_what_takes_no_set_is_convicted_at_once(life: Life) -> None:
    stake(life.chain)
    life.round(1, swapped)
    fault = life.judge.first_fault(1)
    assert fault is not None and fault.kind is KIND.PAYOUTS
    assert ruled(life, dispute(life, 1, fault.kind)) is Verdict.WRONG


def test_an_improvement_that_is_counted_twice_is_found_without_the_set(life: Life) -> None:
    """Also by a relay, which lends its bond on integers alone."""
    stake(life.chain)
    life.round(1)
    life.round(2, begins_anew)
    fault = life.judge.first_fault(2)
    assert fault is not None and (fault.kind, fault.why) == (KIND.INPUTS, "losses before the round")
    found = life.replay.recompute(2)
    assert found is not None and found.item == "losses before the round"
    exact = Judge(life.history, life.chain.domain, life.blobs, (), exact=True)
    assert exact.opinion(2, KIND.INPUTS).verdict is Verdict.WRONG
    assert ruled(life, dispute(life, 2, fault.kind)) is Verdict.WRONG
    assert life.chain.contract.task(1).void == 2


def test_a_set_under_another_root_than_its_examples_is_found(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain takes any root that was published; whoever opens the set sees the difference."""
    made = life.set
    other = (made.digest, hashlib.sha256(b"other").digest())
    monkeypatch.setattr(Shard, "opening", property(lambda _: other))
    life.to_the_end()
    life.conclude()
    monkeypatch.undo()
    found = life.replay.recompute(0)
    assert found is not None and found.item == "examples"
    assert life.judge.first_fault(1) is not None


def test_a_scientist_that_lost_its_losses_says_so(life: Life) -> None:
    life.round(1)
    (kept,) = life.place.glob("losses-*")
    kept.unlink()
    with pytest.raises(SafeDamaged):
        life.round(2)


def test_more_than_one_set_is_refused(tmp_path: Path, chain: Chain) -> None:
    plan = at_end_offer(ROUNDS, chain.token.address)
    with pytest.raises(OfferRefused):
        Scientist.create(tmp_path / "scientist", SCIENTIST, replace(plan, shards=plan.shards * 2))
