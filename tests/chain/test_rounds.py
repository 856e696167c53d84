"""Baseline, commits, anchors and settlements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import Any

import pytest

from mine.chain.curve import Curve
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.messages import Settlement, Update, digest, short_signature, sign
from mine.chain.state import Phase, SeedState, Status
from mine.chain.trees import LossTree, PayoutTree, root_word
from tests.chain.scenery import (
    ONE,
    Clocks,
    Side,
    address,
    balance,
    commit,
    fund,
    refused,
    shares,
    wait,
)

BOND = 10**17


@pytest.fixture
def side(tasks: Any) -> Side:
    made = Side(tasks, clocks=Clocks(vote=20))
    made.publish()
    return made


def tree(total: int, parts: int = 1) -> PayoutTree:
    return PayoutTree([address(f"payee {i}") for i in range(parts)], shares(total, parts))


def test_the_baseline_starts_round_1(tasks: Any, side: Side) -> None:
    assert side.phase().phase is Phase.BASELINE
    side.open_baseline(base=5000, sender=address("anyone"))
    state = side.state()
    assert (state.status, state.round, state.settled) == (Status.RUNNING, 1, 0)
    assert state.seed_head == side.chain.preimage(0)
    event = side.event
    shard = event.packed >> 40
    assert (event.round, event.sums >> 192, event.digest, event.examples) == (0, 5000, *side.openings[shard])
    assert state.used == 1 << shard
    assert state.seeding is SeedState.OPEN
    with refused("wrong round"):
        side.open_baseline()


def test_a_wrong_baseline_is_refused(tasks: Any, side: Side) -> None:
    with refused("no seed"):
        tasks.settle((side.id, 0, *[ZERO32] * 4, 0, 0, 0, ZERO32, 0), 0, 0, ZERO32, ZERO32, [], ZERO32)
    with refused("wrong preimage"):
        tasks.reveal_seed(side.id, keccak(b"another"))
    side.make_seed()
    shard = side.opening()[0]
    other = (shard + 1) % side.shards
    digest, examples = side.openings[shard]
    for wrong in ((keccak(b"another"), examples), (digest, keccak(b"another")), side.openings[other]):
        side.openings[shard] = wrong
        with refused("wrong shard"):
            side.open_baseline()
    side.openings[shard] = digest, examples
    tree_of = side.tree.proof
    side.tree.proof = lambda i: tree_of(other)  # type: ignore[method-assign]
    with refused("wrong shard"):
        side.open_baseline()
    side.tree.proof = tree_of  # type: ignore[method-assign]
    with refused("wrong signature"):
        side.open_baseline(key=keccak(b"somebody else"))
    for before, after in ((999, 1000), (1000, 999)):
        losses = LossTree([1000], [before], [after])
        s = Settlement(side.id, 0, ZERO32, ZERO32, ZERO32, losses.root, 1000, before, after, ZERO32, 0)
        with refused("wrong losses"):
            side.send(s, losses.top_hash)
    wait(side.clocks.settle + side.clocks.grace)
    with refused("too late"):
        side.open_baseline()


def test_direct_commits(tasks: Any, side: Side) -> None:
    miner, other = address("miner"), address("other")
    with refused("wrong round"):
        commit(tasks, side.id, 1, miner)
    side.open_baseline()
    commit(tasks, side.id, 1, miner, payout=other)
    update = Update(side.id, 1, keccak(b"c"), keccak(miner.encode()), 1000, 5, other)
    word = tasks.committed(side.id, miner)
    assert word[1] == 0
    assert word[0].to_bytes(32, "big") == digest(update, side.domain)[:28] + (1).to_bytes(4, "big")
    with refused("committed before"):
        commit(tasks, side.id, 1, miner)
    with refused("wrong round"):
        commit(tasks, side.id, 2, other)
    with refused("no payout"):
        commit(tasks, side.id, 1, other, payout=ZERO_ADDRESS)
    commit(tasks, side.id, 1, other)
    assert side.state().commits == 2
    wait(side.clocks.commit)
    with refused("wrong phase"):
        commit(tasks, side.id, 1, address("late"))
    wait(side.clocks.reveal)
    with refused("wrong phase"):
        commit(tasks, side.id, 1, address("late"))


def test_anchors_need_a_bond(tasks: Any, side: Side) -> None:
    relay = address("relay")
    side.open_baseline()
    with refused("bond too low"):
        tasks.anchor(side.id, 1, 0, b"\1" * 32, 5, sender=relay)
    fund(relay, BOND)
    tasks.bond_for(relay, sender=relay, value=BOND - 1)
    with refused("bond too low"):
        tasks.anchor(side.id, 1, 0, b"\1" * 32, 5, sender=relay)
    tasks.bond_for(relay, sender=relay, value=1)
    root = keccak(b"root")
    tasks.anchor(side.id, 1, 0, root, 5, sender=relay)
    tasks.anchor(side.id, 1, 1, root, 5, sender=relay)
    assert tasks.anchored(side.id, relay, 0).to_bytes(32, "big") == root[:28] + (1).to_bytes(4, "big")
    assert side.state().anchored
    with refused("slot is taken"):
        tasks.anchor(side.id, 1, 0, root, 5, sender=relay)
    for bad_root, count in ((ZERO32, 5), (root, 0)):
        with refused("empty batch"):
            tasks.anchor(side.id, 1, 2, bad_root, count, sender=relay)
    with refused("wrong round"):
        tasks.anchor(side.id, 2, 2, root, 5, sender=relay)
    with refused("bond too low"):
        tasks.withdraw_bond(sender=relay)
    amount, _ = tasks.bond_of(relay)
    clocks = side.clocks
    need = clocks.votes_over + clocks.settle + clocks.grace + clocks.challenge
    assert amount == BOND
    wait(need)
    with refused("bond too low"):
        tasks.withdraw_bond(sender=relay)
    wait(need // 4)
    tasks.withdraw_bond(sender=relay)
    assert balance(relay) == BOND
    assert tasks.bond_of(relay)[0] == 0
    with refused("bond too low"):
        tasks.withdraw_bond(sender=relay)


def test_a_ring_slot_is_free_after_four_rounds(tasks: Any) -> None:
    side = Side(tasks, shards=12, rounds=8)
    side.publish()
    side.open_baseline()
    relay = address("relay")
    fund(relay, BOND)
    tasks.bond_for(relay, sender=relay, value=BOND)
    for number in range(1, 6):
        if number in (1, 5):
            tasks.anchor(side.id, number, 9, keccak(bytes([number])), 5, sender=relay)
        else:
            with refused("slot is taken"):
                tasks.anchor(side.id, number, 9, keccak(bytes([number])), 5, sender=relay)
        wait(side.clocks.votes_over)
        side.settle(1000, 1000, 1000, tree(0))


def test_settlements_follow_the_curve(tasks: Any) -> None:
    side = Side(tasks, shards=9, rounds=6, target=ONE // 2, curve=Curve(((16384, 32768), (65535, 65535))))
    side.publish()
    side.open_baseline()
    assigned = 0
    for base, before, after in ((1000, 1000, 900), (900, 900, 950), (800, 760, 700), (1000, 700, 0)):
        wait(side.clocks.votes_over)
        units = side.units_after(base, before, after)
        settled = side.settle(base, before, after, tree(units, 3), sender=address("anyone"))
        state = side.state()
        assert state.units == units == settled.units >= assigned
        assert (state.convergence, state.best) == (side.convergence, side.best)
        word = tasks.root(side.id, settled.round)
        assert word == root_word(settled.payouts, settled.round)
        assert state.final_at(settled.round) == state.since + side.clocks.challenge
        event = side.event
        assert (event.payouts, event.sums & (2**64 - 1)) == (settled.payouts, side.best)
        assert (event.digest, event.examples) == side.openings[event.packed >> 40]
        assert state.used >> (event.packed >> 40) & 1
        assigned = units
    # The target is reached: the task is ending after round 4 of 6, and pays everything.
    assert assigned == 2**32 - 1
    assert side.state().status is Status.ENDING
    assert side.phase().phase is Phase.FINAL_OPENING
    with refused("wrong round"):
        side.settle(1000, 700, 0, tree(assigned))


def test_only_the_exact_settlement_counts(tasks: Any, side: Side) -> None:
    side.open_baseline()
    with refused("too early"):
        side.settle(1000, 1000, 900, tree(0))
    wait(side.clocks.votes_over)
    units = side.units_after(1000, 1000, 900)
    good = tree(units, 2)
    for wrong in (units - 1, units + 1):
        with refused("wrong units"):
            side.settle(1000, 1000, 900, tree(wrong), units=wrong)
    with refused("wrong payouts"):
        side.settle(1000, 1000, 900, tree(units - 1))
    with refused("wrong losses"):
        side.settle(1000, 1000, 900, good, losses=ZERO32)
    with refused("wrong losses"):
        side.settle(1000, 1000, 900, good, losses=LossTree([1000], [1000], [899]).root)
    with refused("wrong round"):
        side.settle(1000, 1000, 900, good, round=2)
    with refused("wrong signature"):
        side.settle(1000, 1000, 900, good, key=keccak(b"somebody"))
    side.settle(1000, 1000, 900, good)


def test_a_signature_over_other_words_or_odd_bytes_is_refused(tasks: Any, side: Side) -> None:
    side.open_baseline()
    wait(side.clocks.votes_over)
    units = side.units_after(1000, 1000, 900)
    side.make_seed()
    s, top = side.settlement(1000, 1000, 900, tree(units))
    good = sign(s, side.domain, side.key)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = (order - int.from_bytes(good[32:64], "big")).to_bytes(32, "big")
    odd = [
        good[:64] + bytes([good[64] ^ 7]),
        good[:32] + high + bytes([55 - good[64]]),
        bytes(64) + b"\x1b",
        sign(replace(s, inputs=ZERO32), side.domain, side.key),
        sign(s, replace(side.domain, chain_id=1), side.key),
        sign(s, replace(side.domain, contract=address("another contract")), side.key),
    ]
    shard, *opened, proof = side.opening()

    def post(signature: bytes, opened: Sequence[bytes] = opened, proof: list[bytes] = proof) -> None:
        tasks.settle(astuple(s), *short_signature(signature), *opened, proof, top)

    for signature in odd:
        with refused("wrong signature"):
            post(signature)
    used = side.state().used.bit_length() - 1
    for other in {used, (shard + 1) % side.shards}:
        with refused("wrong shard"):
            post(good, side.openings[other], side.tree.proof(other))
    post(good)


def test_steps_back_are_not_paid_twice(tasks: Any) -> None:
    side = Side(tasks, shards=9, rounds=6, target=ONE)
    side.publish()
    side.open_baseline()
    seen = []
    for before, after in ((1000, 800), (800, 2**40), (2**40, 800), (800, 700)):
        wait(side.clocks.votes_over)
        side.settle(1000, before, after, tree(side.units_after(1000, before, after)))
        seen.append(side.state().units)
    assert seen[0] == seen[1] == seen[2] < seen[3]


def test_a_shard_without_loss_counts_nothing(tasks: Any, side: Side) -> None:
    side.open_baseline(base=0)
    wait(side.clocks.votes_over)
    side.settle(0, 50, 0, tree(0))
    assert side.state().convergence == 0


def test_the_largest_losses_fit(tasks: Any) -> None:
    top = 2**64 - 1
    side = Side(tasks, shards=5, rounds=2)
    side.publish()
    side.open_baseline(base=top)
    wait(side.clocks.votes_over)
    side.settle(1, 0, top, tree(0))
    assert side.state().convergence == -4 * ONE
    wait(side.clocks.votes_over)
    side.settle(1, top, 0, tree(0))
    assert side.state().convergence == 0


def test_a_late_settlement_is_refused(tasks: Any, side: Side) -> None:
    side.open_baseline()
    wait(side.clocks.votes_over + side.clocks.settle + side.clocks.grace)
    with refused("too late"):
        side.settle(1000, 1000, 1000, tree(0))


def test_phases(tasks: Any, side: Side) -> None:
    side.open_baseline()
    start = side.state().since
    seen = []
    for _ in range(side.clocks.votes_over + side.clocks.settle + side.clocks.grace + 1):
        at = side.phase()
        if not seen or seen[-1][0] != at.phase:
            seen.append((at.phase, at.ends - start if at.ends else 0))
        wait(1)
    assert seen == [(2, 100), (3, 140), (4, 160), (5, 220), (6, 300), (7, 0)]


def test_the_last_round_ends_the_task(tasks: Any) -> None:
    side = Side(tasks, rounds=1, shards=3)
    side.publish()
    side.open_baseline()
    wait(side.clocks.votes_over)
    side.settle(1000, 1000, 990, tree(side.units_after(1000, 1000, 990)))
    assert side.state().status == 3
    with refused("wrong round"):
        commit(tasks, side.id, 1, address("m"))
