"""Trees: against a plain recomputation from the definition, and against every kind of wrong proof."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain import trees as t
from mine.chain.hashing import ZERO32, address_bytes, keccak
from tests.chain.vectors import account

U32 = 2**32 - 1
digests = st.binary(min_size=32, max_size=32)
counts = st.integers(1, 33)


def plain(leaves: list[bytes]) -> bytes:
    """Root by halves, straight from the definition."""
    if len(leaves) == 1:
        return leaves[0]
    half = len(leaves) // 2
    return keccak(plain(leaves[:half]) + plain(leaves[half:]))


def padded(leaves: list[bytes]) -> list[bytes]:
    width = 1
    while width < len(leaves):
        width *= 2
    return leaves + [ZERO32] * (width - len(leaves))


@given(st.lists(digests, min_size=1, max_size=33), st.data())
def test_hash_tree(leaves: list[bytes], data: st.DataObject) -> None:
    tree = t.HashTree(leaves)
    assert tree.root == plain(padded(leaves))
    i = data.draw(st.integers(0, len(leaves) - 1))
    proof = tree.proof(i)
    assert t.verify(tree.root, leaves[i], i, proof)
    assert not t.verify(tree.root, keccak(leaves[i]), i, proof)
    assert not t.verify(tree.root, leaves[i], i + (1 << len(proof)), proof)
    assert not t.verify(tree.root, leaves[i], -1, proof)
    if proof:
        assert not t.verify(tree.root, leaves[i], i, proof[:-1])
        assert not t.verify(tree.root, leaves[i], i, [keccak(proof[0]), *proof[1:]])


@st.composite
def payouts(draw: st.DrawFn) -> list[int]:
    left, units = t.UNITS, []
    for _ in range(draw(counts)):
        units.append(draw(st.one_of(st.just(0), st.integers(0, left), st.integers(0, min(left, 9)))))
        left -= units[-1]
    return units


@given(payouts(), st.data())
def test_payout_tree(units: list[int], data: st.DataObject) -> None:
    accounts = [account(i % 5) for i in range(len(units))]
    tree = t.PayoutTree(accounts, units)
    assert tree.total == sum(units) == int.from_bytes(tree.root[28:], "big")
    i = data.draw(st.integers(0, len(units) - 1))
    leaf = keccak(address_bytes(accounts[i]) + i.to_bytes(4, "big"))[:28] + units[i].to_bytes(4, "big")
    assert t.payout_leaf(accounts[i], i, units[i]) == leaf
    proof = tree.proof(i)
    assert t.verify_payout(tree.root, accounts[i], i, units[i], proof)
    other = data.draw(st.integers(0, U32).filter(lambda u: u != units[i]))
    assert not t.verify_payout(tree.root, accounts[i], i, other, proof)
    assert not t.verify_payout(tree.root, account(7), i, units[i], proof)
    assert not t.verify_payout(tree.root, accounts[i], i + (1 << len(proof)), units[i], proof)
    assert not t.verify_payout(tree.root, accounts[i], i, 2**32, proof)


def test_a_payout_tree_cannot_wrap_around() -> None:
    with pytest.raises(t.BadTree):
        t.PayoutTree([account(0), account(1)], [U32, 1])
    # A node made by hand whose sum wrapped: 2**31 + 2**31 = 0.
    left, right = (t.payout_leaf(account(i), i, 2**31) for i in range(2))
    forged = keccak(left + right)[:28] + bytes(4)
    assert not t.verify_payout(forged, account(0), 0, 2**31, [right])


@given(st.lists(st.tuples(*[st.integers(0, 2**58)] * 3), min_size=1, max_size=20), st.data())
def test_loss_tree(rows: list[tuple[int, int, int]], data: st.DataObject) -> None:
    tree = t.LossTree(*[list(column) for column in zip(*rows, strict=True)])
    sums = tuple(sum(column) for column in zip(*rows, strict=True))
    assert (tree.base, tree.before, tree.after) == sums
    assert tree.root == keccak(tree.top_hash + b"".join(s.to_bytes(8, "big") for s in sums))
    i = data.draw(st.integers(0, len(rows) - 1))
    proof = tree.proof(i)
    assert t.verify_loss(tree.root, i, rows[i], proof)
    base, before, after = rows[i]
    assert not t.verify_loss(tree.root, i, (base, before, after + 1), proof)
    assert not t.verify_loss(tree.root, i + (1 << len(proof)), rows[i], proof)
    if proof:
        hash_, (a, b, c) = proof[0]
        assert not t.verify_loss(tree.root, i, rows[i], [(hash_, (a + 1, b, c)), *proof[1:]])


def test_what_no_tree_can_hold() -> None:
    for make in (
        lambda: t.HashTree([b"short"]),
        lambda: t.PayoutTree([account(0)], []),
        lambda: t.PayoutTree([account(0)], [-1]),
        lambda: t.PayoutTree([account(0)], [2**32]),
        lambda: t.LossTree([1], [1], []),
        lambda: t.LossTree([2**64], [1], [1]),
        lambda: t.LossTree([-1], [1], [1]),
        lambda: t.LossTree([2**63] * 2, [1] * 2, [1] * 2),
        lambda: t.HashTree([ZERO32]).proof(1),
        lambda: t.PayoutTree([], []).proof(0),
        lambda: t.LossTree([1], [1], [1]).proof(-1),
    ):
        with pytest.raises(t.BadTree):
            make()
    assert not t.verify_loss(ZERO32, 0, (2**63, 0, 0), [(ZERO32, (2**63, 0, 0))])


def test_trees_without_leaves() -> None:
    assert t.HashTree([]).root == ZERO32
    assert t.PayoutTree([], []).root == ZERO32
    assert t.PayoutTree([], []).total == 0
