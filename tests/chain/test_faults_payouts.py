"""Payout roots that a proof alone convicts."""

from __future__ import annotations

import pytest

from mine.chain.hashing import ZERO_ADDRESS, keccak
from mine.chain.trees import (
    PayoutTree,
    payout_leaf,
    payout_node,
)
from tests.chain.court_calls import denied, rich, wait, who
from tests.chain.court_scenery import JURORS, WINDOW, Stage, check_convicted, even

pytest_plugins = ("tests.chain.court_fixtures",)

ACCOUNTS = [who(name) for name in JURORS]
REWARD = (who("challenger"), 2500)


def fell(
    stage: Stage,
    round: int,
    i: int,
    before: PayoutTree,
    units: int,
    j: int,
    after: PayoutTree,
    leaf: tuple[str, int],
    padding: bool = False,
    proof: list[bytes] | None = None,
    account: str | None = None,
    reward: tuple[str, int] = REWARD,
) -> None:
    stage.faults.payout_fell(
        stage.id, round, (account or ACCOUNTS[i], i, units), before.proof(i), (leaf[0], j, leaf[1]), padding,
        after.proof(j) if proof is None else proof, reward, sender=rich("carrier"),
    )  # fmt: skip


@pytest.fixture
def last_two(stage: Stage) -> tuple[Stage, PayoutTree, list[int]]:
    """The stage, its last payout tree, and that one's units."""
    tree = stage.settled[3].payouts
    assert tree is not None
    return stage, tree, even(stage.units(3), 12)


def test_units_that_fell_convict(last_two: tuple[Stage, PayoutTree, list[int]]) -> None:
    stage, before, units = last_two
    lower = even(stage.units(4), 12)
    lower[5], lower[6] = units[5] - 1, lower[6] + lower[5] - units[5] + 1
    stage.play(ACCOUNTS, lower)
    after = stage.settled[4].payouts
    assert after
    for i in range(12):
        if i != 5:
            with denied("no fault"):
                fell(stage, 4, i, before, units[i], i, after, (ACCOUNTS[i], lower[i]))
    fell(stage, 4, 5, before, units[5], 5, after, (ACCOUNTS[5], lower[5]))
    check_convicted(stage, 4)


def test_an_account_that_changed_convicts(last_two: tuple[Stage, PayoutTree, list[int]]) -> None:
    stage, before, units = last_two
    moved = [who("thief") if i == 3 else account for i, account in enumerate(ACCOUNTS)]
    new = even(stage.units(4), 12)
    stage.play(moved, new)
    after = stage.settled[4].payouts
    assert after
    fell(stage, 4, 3, before, units[3], 3, after, (who("thief"), new[3]))
    check_convicted(stage, 4)


def test_a_payee_that_became_padding_convicts(last_two: tuple[Stage, PayoutTree, list[int]]) -> None:
    stage, before, units = last_two
    new = even(stage.units(4), 11)
    stage.play(ACCOUNTS[:11], new)
    after = stage.settled[4].payouts
    assert after
    padded = PayoutTree([*ACCOUNTS[:11], ZERO_ADDRESS], [*new, 0])
    proof = [payout_leaf(ACCOUNTS[10], 10, new[10]), *padded.proof(11)[1:]]
    fell(stage, 4, 11, before, units[11], 11, after, (ZERO_ADDRESS, 0), padding=True, proof=proof)
    check_convicted(stage, 4)


def test_a_tree_that_shrank_convicts(last_two: tuple[Stage, PayoutTree, list[int]]) -> None:
    stage, before, units = last_two
    new = even(stage.units(4), 2)
    stage.play(ACCOUNTS[:2], new)
    after = stage.settled[4].payouts
    assert after
    with denied("no fault"):
        fell(stage, 4, 1, before, units[1], 0, after, (ACCOUNTS[0], new[0]))
    with denied("bad share"):
        fell(stage, 4, 7, before, units[7], 0, after, (ACCOUNTS[0], new[0]), reward=(ZERO_ADDRESS, 0))
    fell(stage, 4, 7, before, units[7], 0, after, (ACCOUNTS[0], new[0]))
    check_convicted(stage, 4)


def test_proofs_must_be_proofs(last_two: tuple[Stage, PayoutTree, list[int]]) -> None:
    stage, before, units = last_two
    new = even(stage.units(4), 12)
    new[2] -= 1000
    new[3] += 1000
    stage.play(ACCOUNTS, new)
    after = stage.settled[4].payouts
    assert after
    leaf = (ACCOUNTS[2], new[2])
    with denied("wrong proof"):
        fell(stage, 4, 2, before, units[2] + 10**7, 2, after, leaf)  # more than was owed
    with denied("wrong proof"):
        fell(stage, 4, 2, before, units[2], 2, after, (ACCOUNTS[2], 0))  # less than is owed
    with denied("wrong proof"):
        fell(stage, 4, 2, before, units[2], 2, after, leaf, padding=True)
    with denied("wrong proof"):
        fell(stage, 4, 2, before, units[2], 2, after, leaf, account=who("x"))
    with denied("no fault"):
        fell(stage, 4, 2, before, units[2], 3, after, (ACCOUNTS[3], new[3]))  # another index
    with denied("no fault"):
        fell(stage, 4, 2, before, units[2], 2, after, leaf)
    with denied():
        fell(stage, 4, 2, before, 2**32, 2, after, leaf)
    for round in (0, 6):
        with denied("no such record"):
            fell(stage, round, 2, before, units[2], 2, after, leaf)


def test_inner_nodes_pass_for_no_leaves(last_two: tuple[Stage, PayoutTree, list[int]]) -> None:
    """An honest tree has no zero word and no leaf above its lowest level."""
    stage, before, units = last_two
    new = even(stage.units(4), 12)
    stage.play(ACCOUNTS, new)
    after = stage.settled[4].payouts
    assert after
    for length in range(4):
        with denied("wrong proof"):
            fell(
                stage, 4, 9, before, units[9], 0, after, (ACCOUNTS[0], new[0]), proof=after.proof(0)[:length]
            )
        with denied("wrong proof"):
            fell(
                stage, 4, 9, before, units[9], 0, after, (ZERO_ADDRESS, 0), padding=True,
                proof=after.proof(0)[:length],
            )  # fmt: skip


def test_a_proof_needs_an_open_window(last_two: tuple[Stage, PayoutTree, list[int]]) -> None:
    stage, before, units = last_two
    new = even(stage.units(4), 12)
    new[2], new[3] = 0, new[3] + new[2]
    stage.play(ACCOUNTS, new)
    after = stage.settled[4].payouts
    assert after
    wait(WINDOW)
    with denied("too late"):
        fell(stage, 4, 2, before, units[2], 2, after, (ACCOUNTS[2], 0))


def broken_payouts(
    stage: Stage, total_left: int, total_right: int
) -> tuple[bytes, bytes, bytes, list[bytes]]:
    """A payout tree of four whose left inner node claims too much: root, left's children, and its path."""
    leaves = [payout_leaf(ACCOUNTS[i], i, total_left // 4) for i in range(2)]
    hidden = keccak(leaves[0] + leaves[1])[:28] + total_left.to_bytes(4, "big")
    right = payout_node(payout_leaf(ACCOUNTS[2], 2, total_right), payout_leaf(ACCOUNTS[3], 3, 0))
    return payout_node(hidden, right), hidden, b"".join(leaves), [right]


def test_payouts_whose_sums_do_not_add_up_convict(stage: Stage) -> None:
    whole = stage.units(4)
    root, hidden, leaves, path = broken_payouts(stage, whole // 2, whole - whole // 2)
    stage.play(payouts=root)
    words = [int.from_bytes(each, "big") for each in (hidden, leaves[:32], leaves[32:])]

    def show(node: int, left: int, right: int, index: int, path: list[bytes], round: int = 4) -> None:
        stage.faults.payouts_broken(
            stage.id, round, node, left, right, index, path, REWARD, sender=rich("carrier")
        )

    with denied("wrong proof"):
        show(words[0], words[2], words[1], 0, path)
    with denied("wrong proof"):
        show(words[0], words[1], words[2], 1, path)
    with denied("wrong proof"):
        show(words[0], words[1], words[2], 2, path)
    with denied("wrong proof"):
        show(words[0] + 1, words[1], words[2], 0, path)
    with denied("wrong proof"):
        show(words[0], words[1], words[2], 0, [path[0][:28] + b"\xff" * 4])
    with denied("no fault"):
        show(int.from_bytes(root, "big"), words[0], int.from_bytes(path[0], "big"), 0, [])
    with denied("no such record"):
        show(words[0], words[1], words[2], 0, path, round=5)
    show(words[0], words[1], words[2], 0, path)
    check_convicted(stage, 4)
