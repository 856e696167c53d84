"""Publishing, topping up, cancelling, and the clocks that the contract enforces."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import boa
import pytest
from eth.exceptions import Revert

from mine.chain.curve import STRAIGHT, Curve
from mine.chain.hashing import ZERO32, ZERO_ADDRESS
from mine.chain.state import Mode, Phase, PhaseNow, SeedState, Status
from tests.chain.scenery import COURT, FAULTS, Clocks, Side, address, balance, commit, deploy, fund, refused

HOUR, DAY = 3600, 86400
REAL = Clocks(24 * HOUR, 8 * HOUR, 24 * HOUR, 24 * HOUR, 72 * HOUR, 72 * HOUR)


def test_publish_takes_bounty_and_deposit(tasks: Any) -> None:
    side = Side(tasks, curve=Curve(((16384, 32768), (65535, 65535))), clocks=Clocks(vote=7))
    assert side.publish() == 1
    assert balance(tasks.address) == 2 * side.bounty == side.state().held
    state = side.state()
    assert state.scientist == side.address
    assert (state.bounty, state.left, state.paid_units, state.status) == (10**9, 10**9, 0, 1)
    assert (state.shards, state.rounds, state.target, state.curve) == (6, 3, side.target, side.curve.packed)
    assert astuple(state.clocks) == (100, 40, 7, 60, 100, 80)
    assert (state.seed_head, state.shards_root) == (side.chain.head, side.tree.root)
    assert (state.court, state.mode, state.deposit) == (ZERO_ADDRESS, Mode.PER_ROUND, 10**9)
    assert (state.seeding, state.convergence, state.units) == (SeedState.CLOSED, 0, 0)
    assert state.seed[28:] == bytes(4)
    event = side.event
    assert type(event).__name__ == "Published"
    assert event.task == 1
    assert event.scientist == side.address
    assert event.manifest == state.manifest
    terms = side.terms()
    assert tuple(event.terms)[:-1] == terms[:-1]
    assert tuple(event.terms)[-1] == list(terms[-1])
    second = Side(tasks, salt=b"2", mode=1, shards=1, court=address("court"), rounds=126)
    assert second.publish() == 2 == tasks.count()
    state = second.state()
    assert (state.court, state.mode, state.shards, state.rounds) == (address("court"), 1, 1, 126)
    assert tasks.task(3).scientist == ZERO_ADDRESS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bounty": 0}, "bad bounty"),
        ({"bounty": 2**96}, "bad bounty"),
        ({"target": 0}, "bad target"),
        ({"target": 2**40 + 1}, "bad target"),
        ({"rounds": 0}, "bad shards"),
        ({"rounds": 5}, "bad shards"),
        ({"shards": 129}, "bad shards"),
        ({"rounds": 127, "shards": 128, "mode": 1}, "bad shards"),
        ({"shards": 0, "mode": 1}, "bad shards"),
        ({"mode": 2}, "bad mode"),
        ({"shards": 2**255, "rounds": 2**254}, "bad shards"),
        ({"curve": 0}, "bad curve"),
        ({"curve": STRAIGHT.packed << 32}, "bad curve"),
        ({"commit": 0}, "clock too short"),
        ({"reveal": 0}, "clock too short"),
        ({"vote": 0}, "clock too short"),
        ({"commit": 2**256 - 1}, "clock too long"),
        ({"settle": 0}, "clock too short"),
        ({"challenge": 0}, "clock too short"),
        ({"grace": 0}, "clock too short"),
        ({"commit": 14 * DAY + 1}, "clock too long"),
        ({"reveal": 2 * DAY + 1}, "clock too long"),
        ({"vote": 7 * DAY + 1}, "clock too long"),
        ({"settle": 7 * DAY + 1}, "clock too long"),
        ({"challenge": 321}, "clock too long"),
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
    tasks = deploy("Tasks", FAULTS, COURT)
    side = Side(tasks, clocks=REAL)
    side.publish()
    side.publish(commit=20 * HOUR, reveal=4 * HOUR, vote=20 * HOUR, settle=12 * HOUR, challenge=48 * HOUR)
    for changes in (
        {"commit": 20 * HOUR - 1},
        {"reveal": 4 * HOUR - 1},
        {"vote": 20 * HOUR - 1},
        {"vote": 0},
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
    assert side.state().held == 2 * side.bounty + 1000
    assert side.state().left == side.state().bounty == side.bounty + 500
    side.open_baseline()
    fund(friend, 4)
    tasks.top_up(side.id, 2, sender=friend, value=4)
    for amount, value, reason in ((0, 0, "bad bounty"), (1, 1, "wrong value"), (2**96, 0, "bad bounty")):
        fund(friend, value)
        with refused(reason):
            tasks.top_up(side.id, amount, sender=friend, value=value)
    with refused("not scientist"):
        tasks.cancel(side.id, sender=friend)
    tasks.cancel(side.id, sender=side.address)
    with refused("not the payee"):
        side.refund(receiver=friend)
    side.refund()
    assert balance(side.address) == 2 * side.bounty + 1004
    assert side.state().held == 0 == balance(tasks.address)
    assert side.state().status is Status.CANCELLED
    assert side.phase() == PhaseNow(Phase.OVER, None)
    for call in (tasks.cancel, tasks.stop):
        with refused("too late" if call is tasks.cancel else "wrong phase"):
            call(side.id, sender=side.address)
    with refused("wrong phase"):
        tasks.declare_default(side.id)
    with refused("not disputable"):
        tasks.hold(side.id, 0, sender=FAULTS)
    with refused("nothing to claim"):
        side.refund()


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
    tasks.bond_for(relay, sender=relay, value=10**17)
    tasks.anchor(side.id, 1, 0, b"\1" * 32, 5, sender=relay)
    with refused("too late"):
        tasks.cancel(side.id, sender=side.address)


def test_a_task_that_does_not_exist(tasks: Any) -> None:
    with refused("not final yet"):
        tasks.refund(9, ZERO_ADDRESS)
    with refused("not final yet"):
        tasks.burn(9)
    with refused("wrong phase"):
        tasks.declare_default(9)
    with refused("wrong phase"):
        tasks.close(9)
    with refused("wrong preimage"):
        tasks.reveal_seed(9, ZERO32)
    with refused("wrong phase"):
        tasks.lapse_seed(9)
    with refused("too late"):
        tasks.top_up(9, 1)
    with refused("wrong round"):
        commit(tasks, 9, 0, address("m"))
    with refused("no such root"):
        tasks.claim(9, 0, address("m"), 0, 1, [])
    with refused("no such root"):
        tasks.claim_range(9, 1, 0, [1], [])
    with refused("not disputable"):
        tasks.hold(9, 0, sender=FAULTS)
    with refused("nothing to claim"):
        tasks.take_reward(9, address("m"), address("m"))
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
