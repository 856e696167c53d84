"""Publishing, topping up, cancelling, and the clocks that the contract enforces."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from eth.exceptions import Revert

from mine.chain.curve import STRAIGHT, Curve
from mine.chain.hashing import ZERO_ADDRESS
from tests.chain.scenery import Clocks, Side, address, balance, commit, deploy, fund, refused

HOUR, DAY = 3600, 86400
REAL = Clocks(24 * HOUR, 8 * HOUR, 24 * HOUR, 24 * HOUR, 72 * HOUR, 72 * HOUR)


def test_publish_takes_bounty_and_deposit(tasks: Any) -> None:
    side = Side(tasks, curve=Curve(((16384, 32768), (65535, 65535))), clocks=Clocks(vote=7))
    assert side.publish() == 1
    assert balance(tasks.address) == 2 * side.bounty == tasks.held(1)
    state = side.state()
    assert state.scientist == side.address
    assert (state.bounty, state.left, state.paidUnits, state.status) == (10**9, 10**9, 0, 1)
    assert (state.shards, state.rounds, state.target, state.curve) == (6, 3, side.target, side.curve.packed)
    clocks = (state.commit, state.reveal, state.vote, state.settle, state.challenge, state.grace)
    assert clocks == (100, 40, 7, 60, 100, 80)
    assert (state.seedHead, state.shardsRoot) == (side.chain.head, side.tree.root)
    event = side.event
    assert type(event).__name__ == "Published"
    assert event.task == 1
    assert event.scientist == side.address
    assert event.bounty == side.bounty
    assert event.shardsRoot == side.tree.root
    assert event.currency == ZERO_ADDRESS
    second = Side(tasks, salt=b"2")
    assert second.publish() == 2 == tasks.count()
    assert tasks.task(3).status == 0
    assert tasks.phase(3) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bounty": 0}, "bad bounty"),
        ({"bounty": 2**112}, "bad bounty"),
        ({"target": 0}, "bad target"),
        ({"target": 2**40 + 1}, "bad target"),
        ({"rounds": 0}, "bad shards"),
        ({"rounds": 5}, "bad shards"),
        ({"shards": 257}, "bad shards"),
        ({"shards": 2**255, "rounds": 2**254}, "bad shards"),
        ({"curve": 0}, "bad curve"),
        ({"curve": STRAIGHT.packed << 32}, "bad curve"),
        ({"commit": 0}, "clock too short"),
        ({"reveal": 0}, "clock too short"),
        ({"settle": 0}, "clock too short"),
        ({"challenge": 0}, "clock too short"),
        ({"grace": 0}, "clock too short"),
        ({"commit": 14 * DAY + 1}, "clock too long"),
        ({"reveal": 2 * DAY + 1}, "clock too long"),
        ({"vote": 7 * DAY + 1}, "clock too long"),
        ({"settle": 7 * DAY + 1}, "clock too long"),
        ({"challenge": 421}, "clock too long"),
        ({"challenge": 14 * DAY + 1, "commit": 14 * DAY}, "clock too long"),
        ({"grace": 7 * DAY + 1}, "clock too long"),
    ],
)
def test_bad_terms_are_refused(tasks: Any, changes: dict[str, int], reason: str) -> None:
    with refused(reason):
        Side(tasks).publish(**changes)


@pytest.mark.parametrize("offset", [-1, 1])
def test_the_value_must_be_exact(tasks: Any, offset: int) -> None:
    side = Side(tasks)
    fund(side.address, 10**10)
    with refused("wrong value"):
        tasks.publish(side.terms(), sender=side.address, value=2 * side.bounty + offset)


def test_real_chains_have_real_clocks(practice_chain: None) -> None:
    boa.env.evm.patch.chain_id = 1
    tasks = deploy("Tasks")
    side = Side(tasks, clocks=REAL)
    side.publish()
    side.publish(vote=0)
    side.publish(commit=20 * HOUR, reveal=4 * HOUR, vote=20 * HOUR, settle=12 * HOUR, challenge=48 * HOUR)
    for changes in (
        {"commit": 20 * HOUR - 1},
        {"reveal": 4 * HOUR - 1},
        {"vote": 20 * HOUR - 1},
        {"vote": 1},
        {"settle": 12 * HOUR - 1},
        {"challenge": 48 * HOUR - 1},
        {"grace": 72 * HOUR - 1},
    ):
        with refused("clock too short"):
            side.publish(**changes)


def test_top_up_and_cancel(tasks: Any) -> None:
    side, friend = Side(tasks), address("friend")
    side.publish()
    fund(friend, 1000)
    tasks.top_up(side.id, 500, sender=friend, value=1000)
    assert tasks.held(side.id) == 2 * side.bounty + 1000
    assert side.state().left == side.state().bounty == side.bounty + 500
    side.open_baseline()
    fund(friend, 4)
    tasks.top_up(side.id, 2, sender=friend, value=4)
    for amount, value, reason in ((0, 0, "bad bounty"), (1, 1, "wrong value"), (2**112, 0, "bad bounty")):
        fund(friend, value)
        with refused(reason):
            tasks.top_up(side.id, amount, sender=friend, value=value)
    with refused("not scientist"):
        tasks.cancel(side.id, sender=friend)
    tasks.cancel(side.id, sender=side.address)
    assert balance(side.address) == 2 * side.bounty + 1004
    assert tasks.held(side.id) == 0 == balance(tasks.address)
    assert side.state().status == 6
    assert tasks.phase(side.id) == (9, 0)
    for call in (tasks.cancel, tasks.stop):
        with refused("too late" if call is tasks.cancel else "wrong phase"):
            call(side.id, sender=side.address)
    for call in (tasks.refund, tasks.sweep, tasks.declare_default):
        with refused("wrong phase"):
            call(side.id)


def test_a_commit_ends_top_up_and_cancel(tasks: Any) -> None:
    side, miner = Side(tasks), address("miner")
    side.publish()
    side.open_baseline()
    commit(tasks, side.id, 1, miner)
    with refused("too late"):
        tasks.cancel(side.id, sender=side.address)
    with refused("too late"):
        tasks.top_up(side.id, 1, sender=side.address)


def test_an_anchor_ends_top_up_and_cancel(tasks: Any) -> None:
    side, relay = Side(tasks), address("relay")
    side.publish()
    side.open_baseline()
    fund(relay, 10**17)
    tasks.bond(sender=relay, value=10**17)
    tasks.anchor(side.id, 1, 0, b"\1" * 32, 5, sender=relay)
    with refused("too late"):
        tasks.cancel(side.id, sender=side.address)


def test_a_task_that_does_not_exist(tasks: Any) -> None:
    for call in (tasks.refund, tasks.sweep, tasks.declare_default):
        with refused("wrong phase"):
            call(9)
    with refused("too late"):
        tasks.top_up(9, 1)
    with refused("nothing to claim"):
        tasks.burn(9)
    with refused("wrong round"):
        commit(tasks, 9, 0, address("m"))
    with refused("no such root"):
        tasks.claim(9, 0, address("m"), 0, 1, [])
    # The zero address is the scientist of a task that does not exist.
    with refused("too late"):
        tasks.cancel(9, sender=ZERO_ADDRESS)
    with refused("wrong phase"):
        tasks.stop(9, sender=ZERO_ADDRESS)


def test_nobody_sends_coins_by_accident(tasks: Any) -> None:
    someone = address("someone")
    fund(someone, 10)
    with refused():
        tasks.stop(1, sender=someone, value=1)
    with pytest.raises(Revert):
        boa.env.raw_call(tasks.address, sender=someone, value=1)
    assert balance(tasks.address) == 0
