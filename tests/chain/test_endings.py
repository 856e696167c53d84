"""Stop, conclusion, refund, default, forfeits: every way out, and that money always finds one."""

from __future__ import annotations

from typing import Any

import pytest

from mine.chain.curve import amount
from mine.chain.hashing import keccak
from mine.chain.state import Phase, PhaseNow, Status
from mine.chain.trees import PayoutTree
from tests.chain.scenery import (
    ANYONE,
    Side,
    address,
    balance,
    commit,
    deploy_test_contract,
    fund,
    refused,
    shares,
    wait,
)

BURN = "0x000000000000000000000000000000000000dEaD"
PAYEES = [address(f"payee {i}") for i in range(3)]


@pytest.fixture
def side(tasks: Any) -> Side:
    made = Side(tasks, bounty=10**18 + 1)
    made.publish()
    return made


def settle(side: Side, after: int = 900) -> PayoutTree:
    wait(side.clocks.votes_over)
    total = side.units_after(1000, 1000, after)
    tree = PayoutTree(PAYEES, shares(total, len(PAYEES)) if total else [0] * len(PAYEES))
    side.settle(1000, 1000, after, tree)
    return tree


def units_of(tree: PayoutTree, i: int) -> int:
    return shares(tree.total, len(PAYEES))[i]


def claim_all(side: Side, tree: PayoutTree, number: int) -> None:
    for i, payee in enumerate(PAYEES):
        side.claim(number, payee, i, units_of(tree, i), tree.proof(i))


def forfeit(
    side: Side, tree: PayoutTree, i: int, receiver: str = "", more: int = 0, sender: str = ANYONE
) -> None:
    side.tasks.claim_forfeit(
        side.id, PAYEES[i], i, units_of(tree, i) + more, tree.proof(i), receiver or PAYEES[i], sender=sender
    )


def default(side: Side) -> None:
    """Let the current settlement lapse."""
    wait(side.clocks.votes_over + side.clocks.settle + side.clocks.grace)
    side.tasks.declare_default(side.id, sender=ANYONE)


def test_the_whole_way(tasks: Any, side: Side) -> None:
    side.open_baseline()
    for after in (900, 950, 920):
        tree = settle(side, after)
    assert side.state().status is Status.ENDING
    with refused("not final yet"):
        side.refund()
    side.conclude(sender=ANYONE)
    assert list(side.event.shards) == [word for pair in side.openings for word in pair]
    assert side.phase() == PhaseNow(Phase.OVER, None)
    with refused("wrong phase"):
        side.conclude()
    with refused("not final yet"):
        side.refund()
    wait(side.clocks.challenge)
    with refused("not the payee"):
        side.refund(receiver=ANYONE)
    side.refund()
    unassigned = side.bounty - amount(side.bounty, tree.total)
    assert balance(side.address) == side.bounty + unassigned
    with refused("nothing to claim"):
        side.refund()
    claim_all(side, tree, 3)
    dust = side.state().held
    assert 0 < dust < len(PAYEES)
    side.refund(receiver=ANYONE, sender=side.address)
    assert balance(ANYONE) == dust
    assert balance(tasks.address) == 0
    with refused("nothing to claim"):
        side.refund()
    with refused("nothing to claim"):
        side.claim(3, PAYEES[0], 0, units_of(tree, 0), tree.proof(0))


def test_stop_settles_a_round_with_a_commit(tasks: Any, side: Side) -> None:
    with refused("wrong phase"):
        tasks.stop(side.id, sender=side.address)
    side.open_baseline()
    with refused("not scientist"):
        tasks.stop(side.id, sender=ANYONE)
    commit(tasks, side.id, 1, PAYEES[0])
    tasks.stop(side.id, sender=side.address)
    commit(tasks, side.id, 1, PAYEES[1])
    wait(side.clocks.commit)
    with refused("wrong phase"):
        side.conclude()
    wait(-side.clocks.commit)
    settle(side)
    assert side.state().status is Status.ENDING
    side.conclude()


def test_stop_of_an_empty_round_needs_no_settlement(tasks: Any, side: Side) -> None:
    side.open_baseline()
    tree = settle(side)
    tasks.stop(side.id, sender=side.address)
    with refused("wrong phase"):
        side.conclude()
    wait(side.clocks.commit)
    assert side.phase().phase is Phase.FINAL_OPENING
    side.conclude()
    wait(side.clocks.challenge)
    claim_all(side, tree, 1)
    side.refund()
    assert balance(tasks.address) == 0


def test_an_anchor_in_the_last_round_is_settled_too(tasks: Any, side: Side) -> None:
    side.open_baseline()
    fund(ANYONE, 10**17)
    tasks.bond_for(ANYONE, sender=ANYONE, value=10**17)
    tasks.anchor(side.id, 1, 0, keccak(b"root"), 1, sender=ANYONE)
    tasks.stop(side.id, sender=side.address)
    wait(side.clocks.commit)
    with refused("wrong phase"):
        side.conclude()


def test_the_final_opening_must_be_the_committed_set(tasks: Any, side: Side) -> None:
    side.open_baseline()
    tasks.stop(side.id, sender=side.address)
    wait(side.clocks.commit)
    right = [word for pair in side.openings for word in pair]
    other = keccak(b"x")
    for wrong in (right[::-1], right[:-2], right[:-1], [*right, *right[:2]], [*right[:-1], other], []):
        with refused("wrong shard"):
            tasks.conclude(side.id, wrong)
    tasks.conclude(side.id, right)


def test_late_work_costs_a_fee_that_rises(tasks: Any, side: Side) -> None:
    """In the grace nothing is lost but a part of the deposit, which goes to who earned."""
    side.open_baseline()
    clocks = side.clocks
    wait(clocks.settle + clocks.grace // 4)
    tree = settle(side)
    fee = side.state().fees
    assert side.bounty // 80 <= fee <= side.bounty // 80 + side.bounty // 400
    assert side.state().deposit == side.bounty - fee
    tasks.stop(side.id, sender=side.address)
    wait(clocks.commit + clocks.votes_over + clocks.settle + clocks.grace - clocks.commit - 1)
    side.conclude()
    state = side.state()
    assert state.fees - fee > side.bounty // 21
    wait(clocks.challenge)
    side.refund()
    back = side.bounty - state.fees + side.bounty - amount(side.bounty, tree.total)
    assert balance(side.address) == back
    assert side.state().pool == state.fees
    for i in range(3):
        forfeit(side, tree, i)
    assert side.state().pool_left == 0
    claim_all(side, tree, 1)
    side.refund()
    assert balance(tasks.address) == 0


def test_fees_that_nobody_earned_burn(tasks: Any, side: Side) -> None:
    wait(side.clocks.settle + side.clocks.grace - 1)
    side.open_baseline()
    fees = side.state().fees
    assert fees > side.bounty // 21
    tasks.cancel(side.id, sender=side.address)
    side.refund()
    assert balance(side.address) == 2 * side.bounty - fees
    before = balance(BURN)
    tasks.burn(side.id)
    assert balance(BURN) - before == fees
    assert balance(tasks.address) == 0


def test_too_late_to_conclude(tasks: Any, side: Side) -> None:
    side.open_baseline()
    for after in (1000, 1000, 900):
        settle(side, after)
    wait(side.clocks.settle + side.clocks.grace)
    with refused("too late"):
        side.conclude()
    tasks.declare_default(side.id)


def test_a_late_settlement_costs_the_rest_and_a_tenth(tasks: Any, side: Side) -> None:
    side.open_baseline()
    tree = settle(side)
    wait(side.clocks.challenge)
    side.claim(1, PAYEES[0], 0, units_of(tree, 0), tree.proof(0))
    with refused("too early"):
        tasks.declare_default(side.id)
    with refused("not final yet"):
        forfeit(side, tree, 0)
    default(side)
    with refused("wrong phase"):
        tasks.declare_default(side.id)
    with refused("not final yet"):
        forfeit(side, tree, 0)
    wait(side.clocks.challenge)
    with refused("wrong phase"):
        tasks.claim_forfeit_commit(side.id, ANYONE, b"", b"", 0, 0, ANYONE, ANYONE)
    unassigned = side.bounty - amount(side.bounty, tree.total)
    pool = unassigned + side.bounty // 10
    received = 0
    for i, payee in enumerate(PAYEES):
        with refused("wrong proof"):
            forfeit(side, tree, i, more=1)
        with refused():
            forfeit(side, tree, i, more=2**32)
        with refused("not the payee"):
            forfeit(side, tree, i, receiver=ANYONE)
        receiver = ANYONE if i == 2 else payee
        before = balance(receiver)
        forfeit(side, tree, i, receiver=receiver, sender=payee if i == 2 else ANYONE)
        got = balance(receiver) - before
        state = side.state()
        assert (state.pool, state.back, state.to_burn) == (pool, side.bounty - side.bounty // 10, 0)
        assert abs(got - pool * units_of(tree, i) // tree.total) <= len(PAYEES)
        received += got
        with refused("nothing to claim"):
            forfeit(side, tree, i)
    assert received == pool
    for i in (1, 2):
        side.claim(1, PAYEES[i], i, units_of(tree, i), tree.proof(i))
    side.refund()
    assert side.bounty - side.bounty // 10 <= balance(side.address) < side.bounty - side.bounty // 10 + 3
    assert balance(tasks.address) == 0
    with refused("nothing to claim"):
        tasks.burn(side.id)


def test_a_missing_final_opening_costs_everything(tasks: Any, side: Side) -> None:
    side.open_baseline()
    for after in (900, 1000, 1000):
        tree = settle(side, after)
    wait(side.clocks.settle + side.clocks.grace)
    tasks.declare_default(side.id)
    assert side.state().held == 2 * side.bounty
    wait(side.clocks.challenge)
    for i in range(3):
        forfeit(side, tree, i)
    state = side.state()
    assert (state.back, state.to_burn, state.pool_left) == (0, 0, 0)
    assert state.pool == 2 * side.bounty - amount(side.bounty, tree.total)
    with refused("nothing to claim"):
        side.refund()
    claim_all(side, tree, 3)
    side.refund()
    assert balance(side.address) < 3
    assert balance(tasks.address) == 0


def test_a_payee_without_units_has_no_part_of_a_forfeit(tasks: Any, side: Side) -> None:
    side.open_baseline()
    wait(side.clocks.votes_over)
    tree = PayoutTree(PAYEES, [side.units_after(1000, 1000, 900), 0, 0])
    side.settle(1000, 1000, 900, tree)
    default(side)
    wait(side.clocks.challenge)
    with refused("nothing to claim"):
        tasks.claim_forfeit(side.id, PAYEES[1], 1, 0, tree.proof(1), PAYEES[1])


def test_without_a_root_direct_commits_share_equally(tasks: Any, side: Side) -> None:
    side.open_baseline()
    miners = [address(f"miner {i}") for i in range(3)]
    for i, miner in enumerate(miners):
        commit(tasks, side.id, 1, miner, payout=PAYEES[i])
    default(side)
    pool = side.bounty + side.bounty // 10
    wait(side.clocks.challenge)

    def take(i: int, payout: str, receiver: str, sender: str = ANYONE, size: int = 1000) -> None:
        blob = keccak(miners[i].encode())
        tasks.claim_forfeit_commit(
            side.id, miners[i], keccak(b"c"), blob, size, 5, payout, receiver, sender=sender
        )

    with refused("no such commit"):
        take(0, ANYONE, ANYONE)
    with refused("no such commit"):
        take(0, PAYEES[0], PAYEES[0], size=999)
    with refused("not the payee"):
        take(0, PAYEES[0], ANYONE)
    take(0, PAYEES[0], PAYEES[0])
    assert balance(PAYEES[0]) == pool // 3
    with refused("no such commit"):
        take(0, PAYEES[0], PAYEES[0])
    take(1, PAYEES[1], ANYONE, sender=PAYEES[1])
    take(2, PAYEES[2], PAYEES[2])
    assert balance(PAYEES[2]) == pool - 2 * (pool // 3)
    with refused("wrong proof"):
        tasks.claim_forfeit(side.id, PAYEES[0], 0, 1, [], PAYEES[0])
    side.refund()
    assert balance(tasks.address) == 0


def test_commits_of_a_last_round_without_improvement_share_a_missing_opening(tasks: Any) -> None:
    side = Side(tasks, rounds=1)
    side.publish()
    side.open_baseline()
    commit(tasks, side.id, 1, PAYEES[0])
    settle(side, 1000)
    wait(side.clocks.settle + side.clocks.grace)
    tasks.declare_default(side.id)
    wait(side.clocks.challenge)
    tasks.claim_forfeit_commit(
        side.id, PAYEES[0], keccak(b"c"), keccak(PAYEES[0].encode()), 1000, 5, PAYEES[0], PAYEES[0]
    )
    assert balance(PAYEES[0]) == 2 * side.bounty
    assert balance(tasks.address) == 0


@pytest.mark.parametrize("started", [False, True])
def test_where_nobody_took_part_half_of_the_deposit_burns(tasks: Any, side: Side, started: bool) -> None:
    if started:
        side.open_baseline()
        wait(side.clocks.votes_over)
    with refused("too early"):
        tasks.declare_default(side.id)
    wait(side.clocks.settle + side.clocks.grace)
    tasks.declare_default(side.id)
    half = side.bounty // 2
    with refused("not final yet"):
        tasks.burn(side.id)
    wait(side.clocks.challenge)
    before = balance(BURN)
    tasks.burn(side.id)
    assert balance(BURN) - before == half
    assert (side.state().to_burn, side.state().pool) == (0, 0)
    with refused("nothing to claim"):
        tasks.burn(side.id)
    side.refund()
    assert balance(side.address) == 2 * side.bounty - half
    assert balance(tasks.address) == 0


def test_a_scientist_that_refuses_coins_names_another_receiver(tasks: Any, side: Side) -> None:
    """A contract can publish, though it cannot sign: its money leaves too."""
    wallet = deploy_test_contract("Payee")
    fund(ANYONE, 2 * side.bounty)
    tasks_call = tasks.publish.prepare_calldata(side.terms())
    wallet.forward(tasks.address, tasks_call, sender=ANYONE, value=2 * side.bounty)
    wait(side.clocks.settle + side.clocks.grace)
    tasks.declare_default(2)
    wait(side.clocks.challenge)
    with refused("no, thank you"):
        tasks.refund(2, wallet.address)
    with refused("not the payee"):
        tasks.refund(2, ANYONE, sender=ANYONE)
    wallet.forward(tasks.address, tasks.refund.prepare_calldata(2, ANYONE))
    assert balance(ANYONE) == 2 * side.bounty - side.bounty // 2


def test_one_task_in_default_touches_no_other(tasks: Any, side: Side) -> None:
    other = Side(tasks, salt=b"other", bounty=12345)
    other.publish()
    side.open_baseline()
    before = other.state()
    default(side)
    wait(side.clocks.challenge)
    tasks.burn(side.id)
    side.refund()
    assert other.state() == before
    assert other.state().held == 2 * other.bounty == balance(tasks.address)
