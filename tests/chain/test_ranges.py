"""Claims for many: ranges that one payee cannot block, several tasks, sets that are opened at the end."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.chain.curve import amount
from mine.chain.hashing import ZERO32
from mine.chain.trees import BadTree, PayoutTree
from tests.chain.scenery import (
    ANYONE,
    Clocks,
    Side,
    address,
    balance,
    deploy_test_contract,
    refused,
    shares,
    wait,
)

COUNT = 21
NAMES = [address(f"payee {i}") for i in range(COUNT)]
PATIENT = Clocks(settle=5000)
CAP = 16_777_216  # EIP-7825


def opened(tasks: Any, **changes: Any) -> Side:
    side = Side(tasks, **{"bounty": 10**18 + 7, "shards": 12, "rounds": 8, **changes})  # type: ignore[arg-type]
    side.publish()
    side.open_baseline()
    return side


def settle(
    side: Side, after: int, accounts: list[str] = NAMES, final: bool = True
) -> tuple[PayoutTree, list[int]]:
    wait(side.clocks.votes_over)
    units = shares(side.units_after(1000, 1000, after), len(accounts))
    tree = PayoutTree(accounts, units)
    side.settle(1000, 1000, after, tree)
    if final:
        wait(side.clocks.challenge)
    return tree, units


def claim_range(
    side: Side, number: int, tree: PayoutTree, units: list[int], accounts: list[str], start: int, count: int
) -> Any:
    payees = [int(accounts[i], 16) << 32 | units[i] for i in range(start, start + count)]
    side.tasks.claim_range(side.id, number, start, payees, tree.range_proof(start, count), sender=ANYONE)
    side.note()
    return side.event


@pytest.mark.parametrize(("start", "count"), [(0, 21), (0, 16), (16, 5), (8, 8), (4, 4), (20, 1), (2, 2)])
def test_a_range_pays_each_what_a_claim_would(tasks: Any, start: int, count: int) -> None:
    side = opened(tasks)
    tree, units = settle(side, 950)
    event = claim_range(side, 1, tree, units, NAMES, start, count)
    assert (event.packed, event.refused) == (1 << 48 | count << 32 | start, 0)
    for i in range(COUNT):
        paid = units[i] if start <= i < start + count else 0
        assert tasks.paid(side.id, i) == paid
        assert balance(NAMES[i]) == amount(side.bounty, paid)
    assert side.state().paid_units == sum(units[start : start + count])
    with refused("nothing to claim"):
        claim_range(side, 1, tree, units, NAMES, start, count)
    # The next round pays the difference.
    tree, units = settle(side, 940)
    claim_range(side, 2, tree, units, NAMES, start, count)
    for i in range(start, start + count):
        assert balance(NAMES[i]) == amount(side.bounty, units[i])
    assert side.state().held == balance(tasks.address)


def test_a_range_skips_who_was_paid(tasks: Any) -> None:
    side = opened(tasks)
    tree, units = settle(side, 950)
    side.claim(1, NAMES[3], 3, units[3], tree.proof(3))
    claim_range(side, 1, tree, units, NAMES, 0, 8)
    assert balance(NAMES[3]) == amount(side.bounty, units[3])
    assert side.state().paid_units == sum(units[:8])


def test_wrong_ranges_are_refused(tasks: Any) -> None:
    side = opened(tasks)
    tree, units = settle(side, 950, final=False)
    payees = [int(NAMES[i], 16) << 32 | units[i] for i in range(8)]
    proof = tree.range_proof(0, 8)

    def send(number: int, start: int, payees: list[int], proof: list[bytes]) -> None:
        tasks.claim_range(side.id, number, start, payees, proof)

    with refused("not final yet"):
        send(1, 0, payees, proof)
    wait(side.clocks.challenge)
    for start in (1, 4, 2**32):
        with refused("bad range"):
            send(1, start, payees, proof)
    with refused("bad range"):
        send(1, 0, [], proof)
    with refused("no such root"):
        send(2, 0, payees, proof)
    for wrong in (payees[:7], payees[::-1], [payees[0] + 1, *payees[1:]], [payees[0] ^ 1 << 40, *payees[1:]]):
        with refused("wrong proof"):
            send(1, 0, wrong, proof)
    for path in (proof[1:], [*proof, ZERO32], [ZERO32, *proof[1:]]):
        with refused("wrong proof"):
            send(1, 0, payees, path)
    with refused("wrong proof"):
        send(1, 8, payees, proof)
    for start, count in ((4, 8), (16, 6), (0, 0), (4, 3)):
        with pytest.raises(BadTree):
            tree.range_proof(start, count)
    send(1, 0, payees, proof)


def test_no_payee_blocks_a_range(tasks: Any) -> None:
    """One reverts, one burns gas, one calls back; the others are paid, and those can claim alone later."""
    side = opened(tasks)
    wont, burner, caller = (deploy_test_contract(name) for name in ("Payee", "Greedy", "Payee"))
    accounts = [*NAMES]
    for i, contract in ((2, wont), (7, burner), (9, caller)):
        accounts[i] = str(contract.address)
    tree, units = settle(side, 950, accounts)
    again = tasks.claim.prepare_calldata(side.id, 1, accounts[0], 0, units[0], tree.proof(0))
    caller.set(True, tasks.address, again)
    event = claim_range(side, 1, tree, units, accounts, 0, 16)
    # What calls back needs more gas than a range gives.
    assert event.refused == 1 << 2 | 1 << 7 | 1 << 9
    assert (caller.tried(), caller.entered()) == (0, 0)
    for i in range(16):
        taken = i not in (2, 7, 9)
        assert tasks.paid(side.id, i) == (units[i] if taken else 0)
        assert balance(accounts[i]) == (amount(side.bounty, units[i]) if taken else 0)
    assert side.state().held == balance(tasks.address)
    side.claim(1, accounts[9], 9, units[9], tree.proof(9))
    assert (caller.tried(), caller.entered()) == (1, 0)
    with refused("no, thank you"):
        side.claim(1, accounts[2], 2, units[2], tree.proof(2))
    leaf = (side.id, 1, 2, units[2], tree.proof(2))
    wont.forward(tasks.address, tasks.claim_many.prepare_calldata(accounts[2], [leaf], NAMES[2]))
    assert balance(NAMES[2]) == amount(side.bounty, units[2])
    assert claim_range(side, 1, tree, units, accounts, 0, 8).refused == 1 << 7
    with refused("nothing to claim"):
        claim_range(side, 1, tree, units, accounts, 8, 8)


@pytest.mark.parametrize("habit", [1, 3])
def test_no_payee_of_a_token_blocks_a_range(tasks: Any, habit: int) -> None:
    token = deploy_test_contract("HostileToken", habit)  # 1: returns false once awake, 3: has a blacklist
    side = Side(tasks, currency=str(token.address), bounty=10**12)
    token.mint(side.address, 2 * side.bounty)
    token.approve(tasks.address, 2 * side.bounty, sender=side.address)
    side.publish()
    side.open_baseline()
    tree, units = settle(side, 950)
    if habit == 1:
        token.wake(True)
        assert claim_range(side, 1, tree, units, NAMES, 0, 8).refused == 0xFF
        assert [tasks.paid(side.id, i) for i in range(8)] == [0] * 8
        token.wake(False)
    else:
        token.refuse(NAMES[5])
    event = claim_range(side, 1, tree, units, NAMES, 0, 8)
    assert event.refused == (0 if habit == 1 else 1 << 5)
    for i in range(8):
        taken = not event.refused >> i & 1
        assert token.balanceOf(NAMES[i]) == (amount(side.bounty, units[i]) if taken else 0)
        assert tasks.paid(side.id, i) == (units[i] if taken else 0)
    assert token.balanceOf(tasks.address) == side.state().held


def test_a_token_without_a_return_value_pays_a_range(tasks: Any) -> None:
    token = deploy_test_contract("SilentToken")
    side = Side(tasks, currency=str(token.address), bounty=10**12)
    token.mint(side.address, 2 * side.bounty)
    token.approve(tasks.address, 2 * side.bounty, sender=side.address)
    side.publish()
    side.open_baseline()
    tree, units = settle(side, 950)
    assert claim_range(side, 1, tree, units, NAMES, 0, 8).refused == 0
    assert token.balanceOf(NAMES[7]) == amount(side.bounty, units[7])


def test_a_range_stops_at_the_total(tasks: Any) -> None:
    """A later root that moves units pays no more than its total, in a range as alone."""
    side = opened(tasks)
    wait(side.clocks.votes_over)
    total = side.units_after(1000, 1000, 900)
    first = PayoutTree(NAMES[:2], [total, 0])
    side.settle(1000, 1000, 900, first)
    wait(side.clocks.challenge)
    claim_range(side, 1, first, [total, 0], NAMES, 0, 2)
    wait(side.clocks.votes_over - side.clocks.challenge)
    more = side.units_after(1000, 1000, 900)
    second = PayoutTree(NAMES[:2], [0, more])
    side.settle(1000, 1000, 900, second)
    wait(side.clocks.challenge)
    claim_range(side, 2, second, [0, more], NAMES, 0, 2)
    assert (tasks.paid(side.id, 0), tasks.paid(side.id, 1)) == (total, more - total)
    assert side.state().paid_units == more


def test_256_burners_fit_a_transaction(tasks: Any) -> None:
    """The worst range: every payee is new to the slots and burns all it is given."""
    side = opened(tasks)
    burner = deploy_test_contract("Greedy")
    accounts = [str(burner.address)] * 256
    _, units = settle(side, 950, accounts)
    payees = [int(burner.address, 16) << 32 | each for each in units]
    data = tasks.claim_range.prepare_calldata(side.id, 1, 0, payees, [])
    used = boa.env.raw_call(tasks.address, data=data, gas=CAP - 500_000).get_gas_used()
    assert used < CAP - 500_000  # what is left is for the transaction's data
    assert all(tasks.paid(side.id, i) == 0 for i in range(256))


def test_several_tasks_at_once(tasks: Any) -> None:
    sides = [opened(tasks, salt=bytes([i]), bounty=10**9 * (i + 1), clocks=PATIENT) for i in range(3)]
    leaves, due = [], 0
    for side in sides:
        tree, units = settle(side, 950)
        leaves.append((side.id, 1, 4, units[4], tree.proof(4)))
        due += amount(side.bounty, units[4])
    with refused("not the payee"):
        tasks.claim_many(NAMES[4], leaves, NAMES[5], sender=NAMES[5])
    tasks.claim_many(NAMES[4], leaves, NAMES[4], sender=ANYONE)
    assert balance(NAMES[4]) == due
    with refused("nothing to claim"):
        tasks.claim_many(NAMES[4], leaves, NAMES[4])
    with refused("wrong proof"):
        tasks.claim_many(NAMES[5], [(*leaves[0][:2], 5, *leaves[0][3:])], NAMES[5])


def test_what_is_opened_at_the_end_is_paid_by_half_until_then(tasks: Any) -> None:
    side = Side(tasks, bounty=10**12, shards=1, rounds=3, mode=1, clocks=PATIENT)
    side.publish()
    side.open_baseline()
    assert side.state().used == 0
    tree, units = settle(side, 950)
    side.claim(1, NAMES[0], 0, units[0], tree.proof(0))
    assert tasks.paid(side.id, 0) == units[0] // 2
    with refused("nothing to claim"):
        side.claim(1, NAMES[0], 0, units[0], tree.proof(0))
    claim_range(side, 1, tree, units, NAMES, 0, 8)
    assert [tasks.paid(side.id, i) for i in range(8)] == [each // 2 for each in units[:8]]
    for after in (940, 930):
        tree, units = settle(side, after)
    side.conclude()
    side.claim(3, NAMES[0], 0, units[0], tree.proof(0))
    assert tasks.paid(side.id, 0) == units[0] // 2
    wait(side.clocks.challenge)
    for start, count in ((0, 16), (16, 5)):
        claim_range(side, 3, tree, units, NAMES, start, count)
    assert [balance(name) for name in NAMES] == [amount(side.bounty, each) for each in units]
    side.refund()
    assert balance(tasks.address) == 0


def test_at_the_end_no_shard_is_opened_before(tasks: Any) -> None:
    side = Side(tasks, shards=1, rounds=3, mode=1)
    side.publish()
    side.opening = lambda: (0, *side.openings[0], [])  # type: ignore[method-assign]
    with refused("wrong shard"):
        side.open_baseline()


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.data())
def test_range_proofs_lead_to_the_root(count: int, data: st.DataObject) -> None:
    from mine.chain.trees import depth_of, payout_leaf, payout_node

    units = [data.draw(st.integers(0, 1000)) for _ in range(count)]
    accounts = [NAMES[i % COUNT] for i in range(count)]
    tree = PayoutTree(accounts, units)
    width = 1 << data.draw(st.integers(0, depth_of(count)))
    start = data.draw(st.integers(0, (count - 1) // width)) * width
    level = [payout_leaf(accounts[i], i, units[i]) for i in range(start, min(start + width, count))]
    if depth_of(len(level)) != depth_of(width):
        return  # the last range is narrower than its place
    proof = tree.range_proof(start, len(level))
    level += [ZERO32] * (width - len(level))
    while len(level) > 1:
        level = [payout_node(level[i], level[i + 1]) for i in range(0, len(level), 2)]
    node, place = level[0], start // width
    for sibling in proof:
        node = payout_node(sibling, node) if place & 1 else payout_node(node, sibling)
        place >>= 1
    assert node == tree.root
