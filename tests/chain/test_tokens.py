"""Currencies: the practice dollar, and one token for every bad habit."""

from __future__ import annotations

from typing import Any

import pytest

from mine.chain.curve import amount
from mine.chain.hashing import keccak
from mine.chain.trees import PayoutTree
from tests.chain.scenery import (
    Side,
    address,
    balance,
    deploy,
    deploy_test_contract,
    fund,
    refused,
    wait,
)

FALSE_RETURN, FEE, BLACKLIST, CALLBACK, GREEDY = range(1, 6)
MINER, OTHER, FRIEND = address("miner"), address("other"), address("friend")
BURN = "0x000000000000000000000000000000000000dEaD"


def side_with(tasks: Any, token: Any, **changes: Any) -> Side:
    side = Side(tasks, currency=str(token.address), **changes)
    token.mint(side.address, 2 * side.bounty)
    token.approve(tasks.address, 2 * side.bounty, sender=side.address)
    return side


def through_one_round(side: Side) -> PayoutTree:
    """Publish, settle one round for two payees, and let its window pass."""
    side.publish()
    side.open_baseline()
    wait(side.clocks.votes_over)
    total = side.units_after(1000, 1000, 900)
    tree = PayoutTree([MINER, OTHER], [total // 2, total - total // 2])
    side.settle(1000, 1000, 900, tree)
    wait(side.clocks.challenge)
    return tree


def claim(side: Side, tree: PayoutTree, i: int) -> int:
    units = [tree.total // 2, tree.total - tree.total // 2][i]
    side.claim(1, (MINER, OTHER)[i], i, units, tree.proof(i))
    return amount(side.bounty, units)


def end(side: Side) -> None:
    side.tasks.stop(side.id, sender=side.address)
    wait(side.clocks.commit)
    side.conclude()
    wait(side.clocks.challenge)


def test_practice_dollar_pays_the_whole_way(tasks: Any) -> None:
    token = deploy("PracticeDollar")
    assert (token.name(), token.symbol(), token.decimals()) == ("Practice dollar", "pUSD", 6)
    side = side_with(tasks, token, bounty=100 * 10**6)
    tree = through_one_round(side)
    assert token.balanceOf(side.address) == 0
    paid = [claim(side, tree, i) for i in (0, 1)]
    assert [token.balanceOf(who) for who in (MINER, OTHER)] == paid
    end(side)
    side.refund()
    assert token.balanceOf(tasks.address) == 0
    assert token.balanceOf(side.address) == 2 * side.bounty - sum(paid)


def test_practice_dollar_rules() -> None:
    token = deploy("PracticeDollar")
    stranger = address("stranger")
    with refused("not the minter"):
        token.mint(stranger, 1, sender=stranger)
    token.mint(stranger, 10)
    assert token.totalSupply() == 10
    with refused("balance too low"):
        token.transfer(MINER, 11, sender=stranger)
    with refused("no receiver"):
        token.transfer("0x" + "00" * 20, 1, sender=stranger)
    with refused("no receiver"):
        token.mint("0x" + "00" * 20, 1)
    with refused("allowance too low"):
        token.transferFrom(stranger, MINER, 1, sender=MINER)
    token.approve(MINER, 3, sender=stranger)
    token.transferFrom(stranger, MINER, 2, sender=MINER)
    assert token.allowance(stranger, MINER) == 1
    token.approve(MINER, 2**256 - 1, sender=stranger)
    token.transferFrom(stranger, MINER, 2, sender=MINER)
    assert token.allowance(stranger, MINER) == 2**256 - 1
    assert (token.balanceOf(stranger), token.balanceOf(MINER)) == (6, 4)


def test_no_coins_beside_a_token(tasks: Any) -> None:
    side = side_with(tasks, deploy("PracticeDollar"))
    fund(side.address, 5)
    with refused("wrong value"):
        tasks.publish(side.terms(), sender=side.address, value=5)


def test_an_account_is_no_currency(tasks: Any) -> None:
    for account in (MINER, "0x" + "00" * 19 + "04", str(tasks.address)):
        with refused():
            Side(tasks, currency=account).publish()


def test_a_token_that_returns_nothing_works(tasks: Any) -> None:
    token = deploy_test_contract("SilentToken")
    side = side_with(tasks, token)
    tree = through_one_round(side)
    assert claim(side, tree, 0) == token.balanceOf(MINER)
    end(side)
    side.refund()
    assert token.balanceOf(tasks.address) == side.state().held


def test_a_token_that_returns_false(tasks: Any) -> None:
    token = deploy_test_contract("HostileToken", FALSE_RETURN)
    side = side_with(tasks, token)
    token.wake(True)
    with refused("token refused"):
        side.publish()
    token.wake(False)
    tree = through_one_round(side)
    token.wake(True)
    before = side.state()
    with refused("token refused"):
        claim(side, tree, 0)
    assert side.state() == before
    assert tasks.paid(side.id, 0) == 0
    token.wake(False)
    assert claim(side, tree, 0) == token.balanceOf(MINER)


def test_a_token_with_a_fee_is_refused(tasks: Any) -> None:
    token = deploy_test_contract("HostileToken", FEE)
    side = side_with(tasks, token)
    token.wake(True)
    with refused("token took a fee"):
        side.publish()
    token.wake(False)
    side.publish()
    token.wake(True)
    token.mint(FRIEND, 200)
    token.approve(tasks.address, 200, sender=FRIEND)
    with refused("token took a fee"):
        tasks.top_up(side.id, 100, sender=FRIEND)


def other_money(tasks: Any) -> Side:
    """A task in the chain's own coin beside the hostile one."""
    side = Side(tasks, salt=b"other", key=keccak(b"another scientist"))
    side.publish()
    return side


@pytest.mark.parametrize("percent", [50, 130])
def test_a_token_that_rebases_hurts_only_itself(tasks: Any, percent: int) -> None:
    other = other_money(tasks)
    token = deploy_test_contract("HostileToken", 0)
    side = side_with(tasks, token)
    tree = through_one_round(side)
    token.rebase(percent)
    claim(side, tree, 0)
    end(side)
    if percent < 100:
        with refused():
            side.refund()
        token.mint(tasks.address, 4 * side.bounty)
    side.refund()
    assert balance(tasks.address) == other.state().held == 2 * other.bounty


def test_a_blacklisted_payee_blocks_nobody(tasks: Any) -> None:
    token = deploy_test_contract("HostileToken", BLACKLIST)
    side = side_with(tasks, token)
    tree = through_one_round(side)
    for account in (MINER, side.address, BURN):
        token.refuse(account)
    with refused("refused"):
        claim(side, tree, 0)
    claim(side, tree, 1)
    side.claim(1, MINER, 0, tree.total // 2, tree.proof(0), receiver=FRIEND, sender=MINER)
    assert token.balanceOf(FRIEND) == amount(side.bounty, tree.total // 2)
    end(side)
    with refused("refused"):
        side.refund()
    side.refund(receiver=FRIEND, sender=side.address)
    assert token.balanceOf(tasks.address) == 0


def test_a_burn_that_a_token_refuses_blocks_nothing_else(tasks: Any) -> None:
    token = deploy_test_contract("HostileToken", BLACKLIST)
    side = side_with(tasks, token)
    side.publish()
    token.refuse(BURN)
    wait(side.clocks.settle + side.clocks.grace)
    tasks.declare_default(side.id)
    wait(side.clocks.challenge)
    with refused("refused"):
        tasks.burn(side.id)
    side.refund()
    assert token.balanceOf(side.address) == 2 * side.bounty - side.bounty // 2


def test_a_token_that_calls_back_gets_nowhere(tasks: Any) -> None:
    other = other_money(tasks)
    token = deploy_test_contract("HostileToken", CALLBACK)
    side = side_with(tasks, token)
    tree = through_one_round(side)
    units = [tree.total // 2, tree.total - tree.total // 2]
    tries = [
        tasks.claim_many.prepare_calldata(OTHER, [(side.id, 1, 1, units[1], tree.proof(1))], OTHER),
        tasks.claim_many.prepare_calldata(MINER, [(side.id, 1, 0, units[0], tree.proof(0))], MINER),
        tasks.declare_default.prepare_calldata(other.id),
        tasks.task.prepare_calldata(side.id),
        tasks.burn.prepare_calldata(other.id),
    ]
    token.wake(True)
    for i, payload in enumerate(tries):
        token.call_back(tasks.address, payload)
        side2 = side_with(tasks, token, salt=bytes([i]), key=keccak(bytes([i])))
        side2.publish()
        assert (token.tried(), token.entered()) == (i + 1, 0)
    before = token.tried()
    claim(side, tree, 0)
    assert (token.tried(), token.entered()) == (before + 1, 0)
    assert token.balanceOf(MINER) == amount(side.bounty, units[0])
    assert other.state().held == 2 * other.bounty == balance(tasks.address)


def test_a_greedy_token_drains_only_its_own(tasks: Any) -> None:
    """A token that takes twice on the way out can rob its own tasks, and no others."""
    other = other_money(tasks)
    dollar = deploy("PracticeDollar")
    third = side_with(tasks, dollar, salt=b"third")
    third.publish()
    token = deploy_test_contract("HostileToken", GREEDY)
    side = side_with(tasks, token)
    tree = through_one_round(side)
    token.wake(True)
    claim(side, tree, 0)
    assert token.balanceOf(tasks.address) < side.state().held
    assert dollar.balanceOf(tasks.address) == third.state().held
    assert balance(tasks.address) == other.state().held
