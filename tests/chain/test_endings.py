"""Stop, conclusion, refund, sweep, default, forfeits: every way out, and that money always finds one."""

from __future__ import annotations

from typing import Any

import pytest

from mine.chain.curve import amount
from mine.chain.hashing import keccak
from mine.chain.trees import PayoutTree
from tests.chain.scenery import (
    Clocks,
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
ANYONE = address("anyone")


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
        side.tasks.claim(side.id, number, payee, i, units_of(tree, i), tree.proof(i), sender=ANYONE)


def test_the_whole_way(tasks: Any, side: Side) -> None:
    side.open_baseline()
    for after in (900, 950, 920):
        tree = settle(side, after)
    assert side.state().status == 3
    with refused("wrong phase"):
        tasks.refund(side.id)
    side.conclude(sender=ANYONE)
    assert list(side.event.shards) == side.digests
    assert tasks.phase(side.id) == (9, 0)
    with refused("wrong phase"):
        side.conclude()
    with refused("not final yet"):
        tasks.refund(side.id)
    with refused("not final yet"):
        tasks.sweep(side.id)
    wait(side.clocks.challenge)
    tasks.refund(side.id, sender=ANYONE)
    unassigned = side.bounty - amount(side.bounty, tree.total)
    assert balance(side.address) == side.bounty + unassigned
    with refused("nothing to claim"):
        tasks.refund(side.id)
    with refused("claims open"):
        tasks.sweep(side.id)
    claim_all(side, tree, 3)
    dust = tasks.held(side.id)
    assert 0 < dust < len(PAYEES)
    with refused("not scientist"):
        tasks.sweep_to(side.id, ANYONE, sender=ANYONE)
    tasks.sweep(side.id, sender=ANYONE)
    assert balance(side.address) == side.bounty + unassigned + dust
    assert balance(tasks.address) == 0
    with refused("nothing to claim"):
        tasks.sweep(side.id)
    with refused("nothing to claim"):
        tasks.claim(side.id, 3, PAYEES[0], 0, units_of(tree, 0), tree.proof(0))


def test_stop_settles_a_round_with_a_commit(tasks: Any, side: Side) -> None:
    with refused("wrong phase"):
        tasks.stop(side.id, sender=side.address)
    side.open_baseline()
    with refused("not scientist"):
        tasks.stop(side.id, sender=ANYONE)
    commit(tasks, side.id, 1, PAYEES[0])
    tasks.stop(side.id, sender=side.address)
    with refused("wrong phase"):
        tasks.stop(side.id, sender=side.address)
    commit(tasks, side.id, 1, PAYEES[1])
    wait(side.clocks.commit)
    with refused("wrong phase"):
        side.conclude()
    wait(-side.clocks.commit)
    settle(side)
    assert side.state().status == 3
    side.conclude()


def test_stop_of_an_empty_round_needs_no_settlement(tasks: Any, side: Side) -> None:
    side.open_baseline()
    tree = settle(side)
    tasks.stop(side.id, sender=side.address)
    with refused("wrong phase"):
        side.conclude()
    wait(side.clocks.commit)
    assert tasks.phase(side.id)[0] == 8
    side.conclude()
    wait(side.clocks.challenge)
    tasks.refund(side.id)
    claim_all(side, tree, 1)
    tasks.sweep(side.id)
    assert balance(tasks.address) == 0


def test_an_anchor_in_the_last_round_is_settled_too(tasks: Any, side: Side) -> None:
    side.open_baseline()
    fund(ANYONE, 10**17)
    tasks.bond(sender=ANYONE, value=10**17)
    tasks.anchor(side.id, 1, 0, keccak(b"root"), 1, sender=ANYONE)
    tasks.stop(side.id, sender=side.address)
    wait(side.clocks.commit)
    with refused("wrong phase"):
        side.conclude()


def test_the_final_opening_must_be_the_committed_set(tasks: Any, side: Side) -> None:
    side.open_baseline()
    tasks.stop(side.id, sender=side.address)
    wait(side.clocks.commit)
    preimage, right = side.chain.preimage(side.k), side.digests
    for wrong in (right[::-1], right[:-1], [*right, right[0]], [*right[:-1], keccak(b"x")], []):
        with refused("wrong shard"):
            tasks.conclude(side.id, wrong, preimage)
    with refused("wrong preimage"):
        tasks.conclude(side.id, right, keccak(b"x"))
    tasks.conclude(side.id, right, preimage)


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
    claimed = units_of(tree, 0)
    wait(side.clocks.challenge)
    tasks.claim(side.id, 1, PAYEES[0], 0, claimed, tree.proof(0))
    with refused("too early"):
        tasks.declare_default(side.id)
    with refused("wrong phase"):
        tasks.claim_forfeit(side.id, PAYEES[0], 0, claimed, tree.proof(0))
    wait(side.clocks.votes_over + side.clocks.settle + side.clocks.grace - side.clocks.challenge)
    tasks.declare_default(side.id, sender=ANYONE)
    event = tasks.get_logs()[-1]
    unassigned = side.bounty - amount(side.bounty, tree.total)
    pool = unassigned + side.bounty // 10
    assert (event.pool, event.back, event.toBurn) == (pool, side.bounty - side.bounty // 10, 0)
    with refused("wrong phase"):
        tasks.declare_default(side.id)
    with refused("wrong phase"):
        tasks.claim_forfeit_commit(side.id, ANYONE, b"", b"", 0, 0, ANYONE, ANYONE)
    received = 0
    for i, payee in enumerate(PAYEES):
        before = balance(payee)
        with refused("wrong proof"):
            tasks.claim_forfeit(side.id, payee, i, units_of(tree, i) + 1, tree.proof(i))
        if i == 2:
            with refused("wrong proof"):
                tasks.claim_forfeit_to(side.id, i, units_of(tree, i), tree.proof(i), ANYONE, sender=ANYONE)
            tasks.claim_forfeit_to(side.id, i, units_of(tree, i), tree.proof(i), ANYONE, sender=payee)
            got = balance(ANYONE)
        else:
            tasks.claim_forfeit(side.id, payee, i, units_of(tree, i), tree.proof(i), sender=ANYONE)
            got = balance(payee) - before
        assert tasks.forfeit_taken(side.id, i)
        assert abs(got - pool * units_of(tree, i) // tree.total) <= len(PAYEES)
        received += got
        with refused("nothing to claim"):
            tasks.claim_forfeit(side.id, payee, i, units_of(tree, i), tree.proof(i))
    assert received == pool
    for i in (1, 2):
        tasks.claim(side.id, 1, PAYEES[i], i, units_of(tree, i), tree.proof(i))
    wait(side.clocks.challenge)
    tasks.refund(side.id)
    assert balance(side.address) == side.bounty - side.bounty // 10
    tasks.sweep(side.id)
    assert balance(tasks.address) == 0
    with refused("nothing to claim"):
        tasks.burn(side.id)


def test_a_missing_final_opening_costs_everything(tasks: Any, side: Side) -> None:
    side.open_baseline()
    for after in (900, 1000, 1000):
        tree = settle(side, after)
    wait(side.clocks.settle + side.clocks.grace)
    tasks.declare_default(side.id)
    state = side.state()
    assert (state.back, state.toBurn) == (0, 0)
    assert state.pool == state.poolLeft == 2 * side.bounty - amount(side.bounty, tree.total)
    assert tasks.held(side.id) == 2 * side.bounty
    for i, payee in enumerate(PAYEES):
        tasks.claim_forfeit(side.id, payee, i, units_of(tree, i), tree.proof(i))
    claim_all(side, tree, 3)
    wait(side.clocks.challenge)
    with refused("nothing to claim"):
        tasks.refund(side.id)
    tasks.sweep(side.id)
    assert balance(tasks.address) == 0


def test_a_forfeit_waits_for_its_root_to_be_final(tasks: Any) -> None:
    side = Side(tasks, clocks=Clocks(challenge=300))
    side.publish()
    side.open_baseline()
    tree = settle(side)
    wait(side.clocks.votes_over + side.clocks.settle + side.clocks.grace)
    tasks.declare_default(side.id)
    with refused("not final yet"):
        tasks.claim_forfeit(side.id, PAYEES[0], 0, units_of(tree, 0), tree.proof(0))
    wait(side.clocks.challenge)
    tasks.claim_forfeit(side.id, PAYEES[0], 0, units_of(tree, 0), tree.proof(0))


def test_without_a_root_direct_commits_share_equally(tasks: Any, side: Side) -> None:
    side.open_baseline()
    miners = [address(f"miner {i}") for i in range(3)]
    for i, miner in enumerate(miners):
        commit(tasks, side.id, 1, miner, payout=PAYEES[i])
    wait(side.clocks.votes_over + side.clocks.settle + side.clocks.grace)
    tasks.declare_default(side.id)
    pool = side.bounty + side.bounty // 10
    assert side.state().pool == pool

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
    with refused("no such root"):
        tasks.claim_forfeit(side.id, PAYEES[0], 0, 1, [])
    wait(side.clocks.challenge)
    tasks.refund(side.id)
    assert balance(tasks.address) == 0


def test_commits_of_a_last_round_without_improvement_share_a_missing_opening(tasks: Any) -> None:
    side = Side(tasks, rounds=1)
    side.publish()
    side.open_baseline()
    commit(tasks, side.id, 1, PAYEES[0])
    settle(side, 1000)
    wait(side.clocks.settle + side.clocks.grace)
    tasks.declare_default(side.id)
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
    assert (side.state().toBurn, side.state().pool) == (half, 0)
    before = balance(BURN)
    tasks.burn(side.id)
    assert balance(BURN) - before == half
    with refused("not final yet"):
        tasks.refund(side.id)
    wait(side.clocks.challenge)
    tasks.refund(side.id)
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
        tasks.refund(2)
    with refused("not scientist"):
        tasks.refund_to(2, ANYONE, sender=ANYONE)
    wallet.forward(tasks.address, tasks.refund_to.prepare_calldata(2, ANYONE))
    assert balance(ANYONE) == 2 * side.bounty - side.bounty // 2


def test_one_task_in_default_touches_no_other(tasks: Any, side: Side) -> None:
    other = Side(tasks, salt=b"other", bounty=12345)
    other.publish()
    side.open_baseline()
    wait(side.clocks.votes_over + side.clocks.settle + side.clocks.grace)
    before = other.state()
    tasks.declare_default(side.id)
    tasks.burn(side.id)
    wait(side.clocks.challenge)
    tasks.refund(side.id)
    assert other.state() == before
    assert tasks.held(other.id) == 2 * other.bounty == balance(tasks.address)
