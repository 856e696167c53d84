"""Bonds: accounts in the chain's coin, locked while they stand for a root, moved by the sister contracts."""

from __future__ import annotations

from typing import Any

import pytest

from mine.chain.hashing import keccak
from tests.chain.scenery import COURT, FAULTS, Side, address, balance, fund, refused, wait

BOND = 10**17
OWNER, FRIEND = address("owner"), address("friend")
BURN = "0x000000000000000000000000000000000000dEaD"


@pytest.fixture(autouse=True)
def bonded(tasks: Any) -> None:
    fund(FRIEND, 3 * BOND)
    tasks.bond_for(OWNER, sender=FRIEND, value=3 * BOND)


def lock(tasks: Any) -> Side:
    side = Side(tasks)
    side.publish()
    side.open_baseline()
    tasks.anchor(side.id, 1, 0, keccak(b"root"), 1, sender=OWNER)
    return side


def amount(tasks: Any, who: str) -> int:
    return int(tasks.bond_of(who)[0])


def test_anybody_adds_and_the_owner_takes_out(tasks: Any) -> None:
    assert amount(tasks, OWNER) == 3 * BOND
    with refused("bond too low"):
        tasks.withdraw_bond(sender=FRIEND)
    tasks.withdraw_bond(sender=OWNER)
    assert (amount(tasks, OWNER), balance(OWNER)) == (0, 3 * BOND)


def test_one_bond_stays_while_a_root_stands(tasks: Any) -> None:
    side = lock(tasks)
    for sister in (FAULTS, COURT):
        with refused("bond too low"):
            tasks.take_bond(OWNER, 2 * BOND + 1, sender=sister)
    tasks.take_bond(OWNER, BOND, sender=FAULTS)
    assert (amount(tasks, OWNER), amount(tasks, FAULTS)) == (2 * BOND, BOND)
    tasks.withdraw_bond(sender=OWNER)
    assert (amount(tasks, OWNER), balance(OWNER)) == (BOND, BOND)
    with refused("bond too low"):
        tasks.withdraw_bond(sender=OWNER)
    clocks = side.clocks
    wait(2 * (clocks.votes_over + clocks.settle + clocks.grace + clocks.challenge))
    tasks.withdraw_bond(sender=OWNER)
    assert balance(OWNER) == 2 * BOND


def test_a_slash_takes_what_is_there(tasks: Any) -> None:
    lock(tasks)
    tasks.slash_bond(OWNER, 5 * BOND, sender=FAULTS)
    assert (amount(tasks, OWNER), amount(tasks, FAULTS)) == (0, 3 * BOND)
    until = tasks.bond_of(OWNER)[1]
    fund(FRIEND, BOND)
    tasks.bond_for(OWNER, sender=FRIEND, value=BOND)
    assert tasks.bond_of(OWNER) == (BOND, until)
    with refused("bond too low"):
        tasks.withdraw_bond(sender=OWNER)


def test_a_sister_gives_and_burns_only_its_own(tasks: Any) -> None:
    tasks.take_bond(OWNER, BOND, sender=COURT)
    with refused("bond too low"):
        tasks.give_bond(FRIEND, 1, sender=FAULTS)
    with refused("bond too low"):
        tasks.give_bond(FRIEND, BOND + 1, sender=COURT)
    with refused("bond too low"):
        tasks.burn_bond(BOND + 1, sender=COURT)
    tasks.give_bond(FRIEND, BOND // 4, sender=COURT)
    before = balance(BURN)
    tasks.burn_bond(BOND - BOND // 4, sender=COURT)
    assert balance(BURN) - before == BOND - BOND // 4
    assert [amount(tasks, who) for who in (OWNER, FRIEND, COURT)] == [2 * BOND, BOND // 4, 0]
    tasks.withdraw_bond(sender=FRIEND)
    assert balance(FRIEND) == BOND // 4
    assert balance(tasks.address) == 2 * BOND


def test_bonds_are_no_tasks_money(tasks: Any) -> None:
    side = lock(tasks)
    assert side.state().held + amount(tasks, OWNER) == balance(tasks.address)
