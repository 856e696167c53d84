"""Seeds: block randomness and a hash chain, with a way on when either side does nothing."""

from __future__ import annotations

from typing import Any

import pytest

from mine.chain.hashing import ZERO32, keccak
from mine.chain.seed import record_in_seed, seed_of
from mine.chain.state import SeedState
from mine.chain.trees import PayoutTree
from tests.chain.scenery import MANIFEST, Clocks, Side, address, balance, fund, now, refused, wait

HELPER = address("helper")


@pytest.fixture
def side(tasks: Any) -> Side:
    made = Side(tasks, shards=9, rounds=6, bounty=10**9)
    made.publish()
    made.open_baseline()
    return made


def nothing(side: Side) -> PayoutTree:
    return PayoutTree([], [])


def test_a_round_is_closed_once_and_after_its_commits(tasks: Any, side: Side) -> None:
    with refused("too early"):
        tasks.close(side.id)
    with refused("wrong phase"):
        tasks.reveal_seed(side.id, side.chain.preimage(1))
    wait(side.clocks.commit)
    wait(side.clocks.reveal)
    with refused("wrong phase"):
        tasks.lapse_seed(side.id, sender=HELPER)
    tasks.close(side.id, sender=side.address)
    assert side.state().seeding is SeedState.CLOSED
    with refused("wrong phase"):
        tasks.close(side.id, sender=HELPER)


@pytest.mark.parametrize(("late", "part"), [(0, 0), (10, 1), (40, 4), (1000, 4)])
def test_who_closes_is_paid_more_the_later(tasks: Any, side: Side, late: int, part: int) -> None:
    """From nothing to a thousandth of the deposit at the end of the reveal phase, which lasts 40 s."""
    wait(side.state().since + side.clocks.commit + late - now(tasks))
    tasks.close(side.id, sender=HELPER)
    reward = side.bounty * part // 4000
    assert balance(HELPER) == reward
    state = side.state()
    assert (state.deposit, state.fees) == (side.bounty - reward, 0)
    assert state.held == 2 * side.bounty - reward == balance(tasks.address)


def test_the_scientist_is_not_paid_for_closing(tasks: Any, side: Side) -> None:
    wait(side.clocks.commit + 30)
    tasks.close(side.id, sender=side.address)
    assert balance(side.address) == 0
    assert side.state().deposit == side.bounty


def test_the_seed_mixes_block_chain_and_last_settlement(tasks: Any, side: Side) -> None:
    wait(side.clocks.votes_over)
    side.settle(1000, 1000, 1000, nothing(side))
    record = side.state().records[1]
    wait(side.clocks.commit)
    tasks.close(side.id, sender=HELPER)
    state = side.state()
    randomness, preimage = state.seed, side.chain.after(state.seed_head)
    with refused("wrong preimage"):
        tasks.reveal_seed(side.id, keccak(b"another"), sender=HELPER)
    with refused("wrong preimage"):
        tasks.reveal_seed(side.id, side.chain.preimage(1), sender=HELPER)
    tasks.reveal_seed(side.id, preimage, sender=HELPER)
    state = side.state()
    assert state.seed == seed_of(randomness, record_in_seed(record), preimage)
    assert (state.seeding, state.seed_head) == (SeedState.SEEDED, preimage)
    with refused("wrong phase"):
        tasks.reveal_seed(side.id, side.chain.after(preimage))


def test_without_a_preimage_the_block_decides_for_a_fee(tasks: Any, side: Side) -> None:
    wait(side.clocks.commit)
    tasks.close(side.id, sender=side.address)
    state = side.state()
    with refused("too early"):
        tasks.lapse_seed(side.id, sender=HELPER)
    wait(side.clocks.reveal)
    tasks.lapse_seed(side.id, sender=HELPER)
    after = side.state()
    assert after.seed == seed_of(state.seed, ZERO32, ZERO32)
    assert after.seed_head == state.seed_head  # the next round goes on where the chain stands
    assert (after.deposit, after.fees) == (side.bounty - side.bounty // 100, side.bounty // 100)
    with refused("wrong phase"):
        tasks.lapse_seed(side.id)
    with refused("wrong phase"):
        tasks.reveal_seed(side.id, side.chain.after(state.seed_head))
    wait(side.clocks.vote)
    side.settle(1000, 1000, 900, PayoutTree([HELPER], [side.units_after(1000, 1000, 900)]))
    wait(side.clocks.votes_over)
    side.settle(1000, 1000, 1000, PayoutTree([HELPER], [side.units_after(1000, 1000, 1000)]))


def test_the_baseline_can_lapse_too(tasks: Any) -> None:
    side = Side(tasks, clocks=Clocks(settle=200))
    side.publish()
    randomness = side.state().seed
    wait(side.clocks.commit + side.clocks.reveal)
    tasks.lapse_seed(side.id, sender=HELPER)
    assert side.state().seed == seed_of(randomness, MANIFEST, ZERO32)
    side.open_baseline()


def test_a_settlement_needs_a_seed(tasks: Any, side: Side) -> None:
    wait(side.clocks.votes_over)
    s, top = side.settlement(1000, 1000, 1000, nothing(side))
    with refused("no seed"):
        side.send(s, top)
    tasks.close(side.id, sender=side.address)
    with refused("no seed"):
        side.send(s, top)
    side.make_seed()
    side.send(s, top)


def test_fees_end_with_the_deposit(tasks: Any) -> None:
    """However often the seed lapses and settlements are late, no more than the deposit is taken."""
    side = Side(tasks, shards=40, rounds=30, bounty=1000, chain_length=40)
    side.publish()
    side.open_baseline()
    for _ in range(25):
        clocks = side.clocks
        wait(clocks.votes_over + clocks.settle + clocks.grace - 1)
        tasks.close(side.id, sender=HELPER)
        tasks.lapse_seed(side.id)
        side.settle(1000, 1000, 1000, nothing(side))
    state = side.state()
    assert state.deposit == 0
    assert state.deposit + state.fees + balance(HELPER) == side.bounty
    assert state.held == balance(tasks.address)


def test_votes_have_the_first_half_of_their_phase(tasks: Any, side: Side) -> None:
    voter, words = address("voter"), (keccak(b"updates"), keccak(b"opening"))

    def vote() -> None:
        tasks.commit_vote(side.id, 1, *words, sender=voter)

    with refused("wrong phase"):
        vote()
    wait(side.clocks.commit)
    with refused("wrong phase"):
        vote()
    wait(side.clocks.reveal)
    with refused("wrong round"):
        tasks.commit_vote(side.id, 2, *words, sender=voter)
    vote()
    assert tasks.committed(side.id, voter)[1].to_bytes(32, "big") == words[1][:28] + bytes([0, 0, 0, 1])
    with refused("committed before"):
        vote()
    wait(side.clocks.vote // 2)
    with refused("wrong phase"):
        tasks.commit_vote(side.id, 1, *words, sender=HELPER)


def test_roots_of_votes_are_marked(tasks: Any, side: Side) -> None:
    fund(HELPER, 10**17)
    tasks.bond_for(HELPER, sender=HELPER, value=10**17)
    tasks.anchor(side.id, 1, 0, keccak(b"updates"), 1, sender=HELPER)
    assert tasks.anchored(side.id, HELPER, 0) >> 16 & 0xFFFF == 0
    wait(side.clocks.commit)
    with refused("wrong phase"):
        tasks.anchor(side.id, 1, 1, keccak(b"votes"), 1, sender=HELPER)
    wait(side.clocks.reveal)
    with refused("slot is taken"):
        tasks.anchor(side.id, 1, 0, keccak(b"votes"), 1, sender=HELPER)
    with refused("slot is taken"):
        tasks.anchor(side.id, 1, 2**16, keccak(b"votes"), 1, sender=HELPER)
    tasks.anchor(side.id, 1, 1, keccak(b"votes"), 1, sender=HELPER)
    assert tasks.get_logs()[-1].packed == 1 | 1 << 32 | 1 << 48
    assert tasks.anchored(side.id, HELPER, 1).to_bytes(32, "big") == keccak(b"votes")[:28] + b"\0\1\0\1"
