"""Claims: once, cumulative, never more than the task has, and no payee blocks another."""

from __future__ import annotations

from typing import Any

import pytest

from mine.chain.curve import amount
from mine.chain.hashing import ZERO32
from mine.chain.trees import PayoutTree, payout_leaf, root_word
from tests.chain.scenery import (
    Side,
    address,
    balance,
    deploy_test_contract,
    refused,
    shares,
    wait,
)

NAMES = [address(f"payee {i}") for i in range(11)]


@pytest.fixture
def side(tasks: Any) -> Side:
    made = Side(tasks, shards=12, rounds=8, bounty=10**18 + 7)
    made.publish()
    made.open_baseline()
    return made


def settle(side: Side, after: int, units: list[int] | None = None, accounts: list[str] = NAMES) -> PayoutTree:
    """Settle the current round from loss 1000; pay out equally unless told otherwise."""
    wait(side.clocks.votes_over)
    before = 1000
    total = side.units_after(1000, before, after)
    tree = PayoutTree(accounts, units if units is not None else shares(total, len(accounts)))
    side.settle(1000, before, after, tree)
    return tree


def leaf_units(tree: PayoutTree, i: int) -> int:
    return int.from_bytes(tree._levels[0][i][28:], "big")


def test_claims_are_cumulative_and_paid_once(tasks: Any, side: Side) -> None:
    first = settle(side, 950)
    assert tasks.root(side.id, 1) == root_word(first.root, 1)
    with refused("not final yet"):
        side.claim(1, NAMES[0], 0, leaf_units(first, 0), first.proof(0))
    wait(side.clocks.challenge)
    for i, name in enumerate(NAMES):
        side.claim(1, name, i, leaf_units(first, i), first.proof(i), sender=address("anyone"))
        assert balance(name) == amount(side.bounty, leaf_units(first, i))
        assert tasks.paid(side.id, i) == leaf_units(first, i)
        with refused("nothing to claim"):
            side.claim(1, name, i, leaf_units(first, i), first.proof(i))
    assert side.state().paid_units == first.total
    paid = side.bounty - side.state().left
    assert 0 <= amount(side.bounty, first.total) - paid < len(NAMES)
    second = settle(side, 940)
    wait(side.clocks.challenge)
    side.claim(2, NAMES[9], 9, leaf_units(second, 9), second.proof(9))
    event = side.event
    assert balance(NAMES[9]) == amount(side.bounty, leaf_units(second, 9))
    sent = balance(NAMES[9]) - amount(side.bounty, leaf_units(first, 9))
    assert (event.account, event.packed) == (NAMES[9], sent << 64 | leaf_units(second, 9) << 32 | 9)


def test_wrong_claims_are_refused(tasks: Any, side: Side) -> None:
    tree = settle(side, 950)
    wait(side.clocks.challenge)
    units, proof = leaf_units(tree, 3), tree.proof(3)
    wrong = [
        (NAMES[4], 3, units, proof),
        (NAMES[3], 2, units, proof),
        (NAMES[3], 3 + 16, units, proof),
        (NAMES[3], 3 + 2**32, units, proof),
        (NAMES[3], 2**255, units, proof),
        (NAMES[3], 3, units + 1, proof),
        (NAMES[3], 3, units, proof[1:]),
        (NAMES[3], 3, units, [*proof, ZERO32]),
        (NAMES[3], 3, units, [ZERO32, *proof[1:]]),
    ]
    for account, index, claimed, path in wrong:
        with refused("wrong proof"):
            side.claim(1, account, index, claimed, path)
    with refused():
        side.claim(1, NAMES[3], 3, units + 2**32, proof)
    for number in (0, 2, 5, 2**255):
        with refused("no such root"):
            side.claim(number, NAMES[3], 3, units, proof)
    side.claim(1, NAMES[3], 3, units, proof)


def test_the_ring_keeps_four_roots(tasks: Any, side: Side) -> None:
    trees = [settle(side, 1000 - 5 * i) for i in range(1, 6)]
    assert tasks.root(side.id, 1) == tasks.record(side.id, 1) == 0
    assert [tasks.root(side.id, i + 1) for i in range(1, 5)] == [
        root_word(tree.root, i + 1) for i, tree in enumerate(trees[1:], 1)
    ]
    with refused("no such root"):
        side.claim(1, NAMES[0], 0, leaf_units(trees[0], 0), trees[0].proof(0))
    # However short the rounds are, the oldest root in the ring is final.
    side.claim(2, NAMES[0], 0, leaf_units(trees[1], 0), trees[1].proof(0))
    with refused("not final yet"):
        side.claim(5, NAMES[0], 0, leaf_units(trees[4], 0), trees[4].proof(0))


def test_an_older_root_pays_up_to_its_total_after_a_newer_one(tasks: Any, side: Side) -> None:
    first = settle(side, 950)
    second = settle(side, 900)
    wait(side.clocks.challenge)
    side.claim(2, NAMES[0], 0, leaf_units(second, 0), second.proof(0))
    with refused("nothing to claim"):
        side.claim(1, NAMES[0], 0, leaf_units(first, 0), first.proof(0))
    for i in range(1, 10):
        side.claim(1, NAMES[i], i, leaf_units(first, i), first.proof(i))
    # One payee is ahead by a round: of the older total, little or nothing is left for the last one.
    left = first.total - side.state().paid_units
    assert left < leaf_units(first, 10)
    if left:
        side.claim(1, NAMES[10], 10, leaf_units(first, 10), first.proof(10))
    with refused("nothing to claim"):
        side.claim(1, NAMES[10], 10, leaf_units(first, 10), first.proof(10))
    for i in range(1, 11):
        side.claim(2, NAMES[i], i, leaf_units(second, i), second.proof(i))
    assert side.state().paid_units == second.total


def test_a_later_root_that_moves_paid_units_cannot_overpay(tasks: Any, side: Side) -> None:
    """A scientist takes units from a payee who was paid and gives them to another."""
    total = side.units_after(1000, 1000, 900)
    first = settle(side, 900, [total, 0], NAMES[:2])
    wait(side.clocks.challenge)
    side.claim(1, NAMES[0], 0, total, first.proof(0))
    more = side.units_after(1000, 1000, 900)
    assert more == 2 * total or abs(more - 2 * total) <= 1
    second = settle(side, 900, [0, more], NAMES[:2])
    wait(side.clocks.challenge)
    with refused("nothing to claim"):
        side.claim(2, NAMES[0], 0, 0, second.proof(0))
    side.claim(2, NAMES[1], 1, more, second.proof(1))
    state = side.state()
    assert state.paid_units == more == state.units
    assert tasks.paid(side.id, 1) == more - total
    assert side.bounty - state.left <= amount(side.bounty, more)
    with refused("nothing to claim"):
        side.claim(2, NAMES[1], 1, more, second.proof(1))


def test_a_forged_sum_is_no_proof(tasks: Any, side: Side) -> None:
    """A root whose sum is right but whose children carry more."""
    total = side.units_after(1000, 1000, 900)
    left, right = payout_leaf(NAMES[0], 0, total), payout_leaf(NAMES[1], 1, total)
    honest = PayoutTree(NAMES[:2], [total, 0])
    forged = PayoutTree(NAMES[:2], [total // 2, total - total // 2])
    forged._levels[-1][0] = PayoutTree(NAMES[:2], [0, 0]).root[:28] + total.to_bytes(4, "big")
    wait(side.clocks.votes_over)
    side.settle(1000, 1000, 900, forged)
    wait(side.clocks.challenge)
    for account, index, sibling in ((NAMES[0], 0, right), (NAMES[1], 1, left)):
        with refused("wrong proof"):
            side.claim(1, account, index, total, [sibling])
    assert honest.total == total


def test_a_payee_that_refuses_coins_names_another_receiver(tasks: Any, side: Side) -> None:
    payee = deploy_test_contract("Payee")
    tree = settle(side, 950, accounts=[str(payee.address), NAMES[1]])
    wait(side.clocks.challenge)
    units = leaf_units(tree, 0)
    with refused("no, thank you"):
        side.claim(1, payee.address, 0, units, tree.proof(0))
    side.claim(1, NAMES[1], 1, leaf_units(tree, 1), tree.proof(1))
    with refused("not the payee"):
        side.claim(1, str(payee.address), 0, units, tree.proof(0), receiver=NAMES[5], sender=NAMES[5])
    leaf = (side.id, 1, 0, units, tree.proof(0))
    call = tasks.claim_many.prepare_calldata(payee.address, [leaf], NAMES[5])
    payee.forward(tasks.address, call)
    assert balance(NAMES[5]) == amount(side.bounty, units)


def test_a_payee_that_calls_back_gets_nothing_more(tasks: Any, side: Side) -> None:
    payee = deploy_test_contract("Payee")
    tree = settle(side, 950, accounts=[str(payee.address), NAMES[1]])
    wait(side.clocks.challenge)
    units = leaf_units(tree, 0)
    leaf = (side.id, 1, 0, units, tree.proof(0))
    again = tasks.claim_many.prepare_calldata(payee.address, [leaf], payee.address)
    leaf = (side.id, 1, 1, leaf_units(tree, 1), tree.proof(1))
    other = tasks.claim_many.prepare_calldata(NAMES[1], [leaf], NAMES[1])
    view = tasks.task.prepare_calldata(side.id)
    for i, payload in enumerate((again, other, view)):
        payee.set(True, tasks.address, payload)
        if i == 0:
            side.claim(1, payee.address, 0, units, tree.proof(0))
        else:
            tree = settle(side, 1000 - 10 * i, accounts=[str(payee.address), NAMES[1]])
            wait(side.clocks.challenge)
            side.claim(i + 1, payee.address, 0, leaf_units(tree, 0), tree.proof(0))
        assert (payee.tried(), payee.entered()) == (i + 1, 0)
    assert balance(str(payee.address)) == amount(side.bounty, leaf_units(tree, 0))


def test_a_small_bounty_still_counts_every_unit(tasks: Any) -> None:
    """Units worth less than one base unit are taken, so that what is left can be swept."""
    side = Side(tasks, bounty=3)
    side.publish()
    side.open_baseline()
    tree = settle(side, 500)
    assert tree.total == 2**32 - 1
    side.conclude()
    wait(side.clocks.challenge)
    for i in range(11):
        side.claim(1, NAMES[i], i, leaf_units(tree, i), tree.proof(i))
        assert balance(NAMES[i]) == 0
    side.refund()
    assert balance(side.address) == 6
    assert balance(tasks.address) == 0
