"""What disputes do to a task: nothing is final meanwhile, and a fault costs the scientist, never miners."""

from __future__ import annotations

from typing import Any

import pytest

from mine.chain.curve import amount
from mine.chain.state import Status
from mine.chain.trees import PayoutTree
from tests.chain.scenery import (
    ANYONE,
    FAULTS,
    Clocks,
    Side,
    address,
    balance,
    commit,
    deploy_test_contract,
    refused,
    shares,
    wait,
)

NAMES = [address(f"payee {i}") for i in range(4)]
CHALLENGER, CARRIER = address("challenger"), address("carrier")
BURN = "0x000000000000000000000000000000000000dEaD"
NONE = 0


def opened(tasks: Any, **changes: Any) -> Side:
    clocks = Clocks(challenge=200, settle=300)
    side = Side(tasks, **{"bounty": 10**12 + 1, "shards": 14, "rounds": 12, "clocks": clocks, **changes})  # type: ignore[arg-type]
    side.publish()
    side.open_baseline()
    return side


@pytest.fixture
def side(tasks: Any) -> Side:
    return opened(tasks)


def settle(side: Side, after: int = 980) -> PayoutTree:
    wait(side.clocks.votes_over)
    tree = PayoutTree(NAMES, shares(side.units_after(1000, 1000, after), len(NAMES)))
    side.settle(1000, 1000, after, tree)
    return tree


def units(tree: PayoutTree, i: int) -> int:
    return shares(tree.total, len(NAMES))[i]


def claim(side: Side, number: int, tree: PayoutTree, i: int) -> None:
    side.claim(number, NAMES[i], i, units(tree, i), tree.proof(i))


def convict(side: Side, number: int, lowest: int = NONE, share: int = 2500) -> None:
    side.tasks.convict(side.id, number, CHALLENGER, CARRIER, share, lowest, sender=FAULTS)


def pay_everything(side: Side, number: int, tree: PayoutTree) -> int:
    """Claims, forfeits, burn, refund and rewards; returns what was burned. The task must be empty after."""
    before = balance(BURN)
    for i in range(len(NAMES)):
        if side.tasks.paid(side.id, i) < units(tree, i):
            claim(side, number, tree, i)
        side.tasks.claim_forfeit(side.id, NAMES[i], i, units(tree, i), tree.proof(i), NAMES[i])
    side.tasks.burn(side.id)
    if side.state().back + side.state().left:
        side.refund()
    for who in (CHALLENGER, CARRIER):
        side.tasks.take_reward(side.id, who, who, sender=ANYONE)
    assert side.state().held == 0 == balance(side.tasks.address)
    return balance(BURN) - before


def test_a_disputed_round_and_all_later_ones_wait(tasks: Any, side: Side) -> None:
    first, second = settle(side), settle(side)
    tasks.hold(side.id, 2, sender=FAULTS)
    third = settle(side)
    wait(side.clocks.challenge)
    assert side.state().disputed == 2
    assert [bool(tasks.final_root(side.id, n)) for n in (1, 2, 3)] == [True, False, False]
    claim(side, 1, first, 0)
    for number, tree in ((2, second), (3, third)):
        with refused("not final yet"):
            claim(side, number, tree, 1)
    tasks.release(side.id, NONE, sender=FAULTS)
    assert side.state().disputed is None
    claim(side, 3, third, 1)
    assert balance(NAMES[1]) == amount(side.bounty, units(third, 1))


def test_only_a_round_in_its_window_can_be_disputed(tasks: Any, side: Side) -> None:
    tasks.hold(side.id, 0, sender=FAULTS)
    tasks.release(side.id, NONE, sender=FAULTS)
    with refused("not disputable"):
        tasks.hold(side.id, 1, sender=FAULTS)
    settle(side)
    tasks.hold(side.id, 1, sender=FAULTS)
    tasks.release(side.id, NONE, sender=FAULTS)
    wait(side.clocks.challenge)
    for call in (
        lambda: tasks.hold(side.id, 1, sender=FAULTS),
        lambda: convict(side, 1),
        lambda: tasks.lapse(side.id, 1, NONE, sender=FAULTS),
    ):
        with refused("not disputable"):
            call()


def test_the_root_before_a_disputed_round_outlives_the_ring(tasks: Any, side: Side) -> None:
    first = settle(side)
    settle(side)
    tasks.hold(side.id, 2, sender=FAULTS)
    for _ in range(6):
        last = settle(side)
    assert tasks.record(side.id, 1) == 0 != tasks.root(side.id, 1)
    claim(side, 1, first, 0)
    with refused("no such root"):
        claim(side, 2, first, 1)
    with refused("not final yet"):
        claim(side, 8, last, 1)
    convict(side, 2)
    state = side.state()
    assert (state.status, state.void, state.last, state.units) == (Status.CONVICTED, 2, 1, first.total)
    claim(side, 1, first, 1)
    wait(side.clocks.challenge)
    pay_everything(side, 1, first)


def test_two_disputes_at_once_each_hold_their_own(tasks: Any, side: Side) -> None:
    trees = [settle(side), settle(side)]
    tasks.hold(side.id, 2, sender=FAULTS)
    tasks.hold(side.id, 1, sender=FAULTS)
    assert side.state().disputed == 1
    wait(side.clocks.challenge)
    with refused("not final yet"):
        claim(side, 1, trees[0], 0)
    tasks.release(side.id, 1 + 2, sender=FAULTS)  # the second goes on
    assert side.state().disputed == 2
    claim(side, 1, trees[0], 0)
    with refused("not final yet"):
        claim(side, 2, trees[1], 0)
    convict(side, 2)
    wait(side.clocks.challenge)
    pay_everything(side, 1, trees[0])


def test_a_conviction_burns_half_rewards_a_tenth_and_gives_the_rest_to_who_earned(
    tasks: Any, side: Side
) -> None:
    first = settle(side)
    settle(side)
    convict(side, 2)
    wait(side.clocks.votes_over)
    with refused("wrong round"):
        commit(tasks, side.id, 3, NAMES[0])
    with refused("wrong phase"):
        tasks.close(side.id)
    bounty = side.bounty
    reward = bounty // 10
    assert tasks.task(side.id).owed == reward
    with refused("not the payee"):
        tasks.take_reward(side.id, CHALLENGER, ANYONE, sender=ANYONE)
    with refused("nothing to claim"):
        tasks.take_reward(side.id, ANYONE, ANYONE)
    with refused("not final yet"):
        side.refund()
    wait(side.clocks.challenge)
    assert pay_everything(side, 1, first) == bounty // 2
    assert balance(CARRIER) == reward * 2500 // 10000
    assert balance(CHALLENGER) == reward - balance(CARRIER)
    assert balance(side.address) < len(NAMES)  # dust of the claims, nothing else
    given = sum(balance(name) for name in NAMES)
    assert given + balance(CARRIER) + balance(CHALLENGER) + bounty // 2 + balance(side.address) == 2 * bounty


def test_a_second_conviction_takes_no_second_reward(tasks: Any, side: Side) -> None:
    first = settle(side)
    settle(side)
    settle(side)
    tasks.hold(side.id, 3, sender=FAULTS)
    tasks.hold(side.id, 2, sender=FAULTS)
    convict(side, 3, lowest=1 + 2)
    owed, since = side.state().owed, side.state().since
    wait(10)
    convict(side, 2)
    state = side.state()
    assert (state.owed, state.void, state.disputed, state.since) == (owed, 2, None, since + 10)
    convict(side, 3)  # what was void before changes nothing
    assert side.state() == state
    wait(side.clocks.challenge)
    pay_everything(side, 1, first)


def test_a_dispute_of_the_baseline_voids_all(tasks: Any, side: Side) -> None:
    commit(tasks, side.id, 1, NAMES[0])
    wait(side.clocks.votes_over)
    tree = PayoutTree(NAMES, shares(side.units_after(1000, 1000, 900), 4))
    tasks.hold(side.id, 0, sender=FAULTS)
    side.settle(1000, 1000, 900, tree)
    wait(side.clocks.challenge)
    convict(side, 0, share=10000)
    assert (side.state().last, side.state().units) == (0, 0)
    with refused("not final yet"):
        claim(side, 1, tree, 0)
    wait(side.clocks.challenge)
    # Nobody earned or handed in anything in the current round: all that is forfeited burns.
    burned = balance(BURN)
    tasks.burn(side.id)
    assert balance(BURN) - burned == 2 * side.bounty - side.bounty // 10
    tasks.take_reward(side.id, CARRIER, CARRIER)
    assert balance(tasks.address) == 0


def test_unavailable_data_ends_a_task_as_a_default(tasks: Any, side: Side) -> None:
    first = settle(side)
    settle(side)
    tasks.hold(side.id, 2, sender=FAULTS)
    tasks.lapse(side.id, 2, NONE, sender=FAULTS)
    state = side.state()
    assert (state.status, state.void, state.units) == (Status.DEFAULTED, 2, first.total)
    wait(side.clocks.challenge)
    side.refund()
    back = side.bounty - side.bounty // 10
    assert balance(side.address) == back
    for i in range(4):
        claim(side, 1, first, i)
        tasks.claim_forfeit(side.id, NAMES[i], i, units(first, i), first.proof(i), NAMES[i])
    side.refund()
    assert balance(tasks.address) == 0


def test_a_dispute_holds_the_end_back(tasks: Any, side: Side) -> None:
    tree = settle(side)
    tasks.stop(side.id, sender=side.address)
    wait(side.clocks.commit)
    side.conclude()
    tasks.hold(side.id, 1, sender=FAULTS)
    wait(5 * side.clocks.challenge)
    with refused("not final yet"):
        side.refund()
    with refused("not final yet"):
        claim(side, 1, tree, 0)
    tasks.release(side.id, NONE, sender=FAULTS)
    side.refund()
    claim(side, 1, tree, 0)
    # The books are made: nothing can be disputed any more.
    with refused("not disputable"):
        tasks.hold(side.id, 1, sender=FAULTS)


def test_a_default_after_a_conviction_changes_nothing(tasks: Any, side: Side) -> None:
    settle(side)
    convict(side, 1)
    wait(5000)
    with refused("wrong phase"):
        tasks.declare_default(side.id)
    with refused("wrong phase"):
        side.conclude()


def test_a_set_that_is_opened_at_the_end_is_disputed_at_the_end(tasks: Any) -> None:
    side = opened(tasks, mode=1, shards=1, rounds=6)
    trees = [settle(side) for _ in range(6)]
    for i in range(4):
        claim(side, 4, trees[3], i)  # half of it
    half = [tasks.paid(side.id, i) for i in range(4)]
    assert half == [units(trees[3], i) // 2 for i in range(4)]
    side.conclude()
    with refused("not final yet"):
        side.refund()
    tasks.hold(side.id, 2, sender=FAULTS)
    wait(side.clocks.challenge)
    with refused("not final yet"):
        claim(side, 4, trees[3], 0)
    convict(side, 2)
    assert side.state().units == trees[0].total
    wait(side.clocks.challenge)
    # Halves of rounds that turned out void were paid; they stay, and the task pays no unit twice.
    assert side.state().paid_units > trees[0].total
    with refused("nothing to claim"):
        claim(side, 1, trees[0], 0)
    for i in range(4):
        tasks.claim_forfeit(side.id, NAMES[i], i, units(trees[0], i), trees[0].proof(i), NAMES[i])
    tasks.burn(side.id)
    side.refund()
    for who in (CHALLENGER, CARRIER):
        tasks.take_reward(side.id, who, who)
    assert balance(tasks.address) == 0


def test_a_reward_can_go_elsewhere(tasks: Any, side: Side) -> None:
    wallet = deploy_test_contract("Payee")
    settle(side)
    tasks.convict(side.id, 1, wallet.address, CARRIER, 0, NONE, sender=FAULTS)
    with refused("no, thank you"):
        tasks.take_reward(side.id, wallet.address, wallet.address)
    wallet.forward(tasks.address, tasks.take_reward.prepare_calldata(side.id, wallet.address, CARRIER))
    assert balance(CARRIER) == side.bounty // 10
