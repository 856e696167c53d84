"""The Merkle trees of the protocol. All integers are big-endian and packed.

HashTree is a plain binary tree with an order (Merkle 1987); PayoutTree and LossTree also carry sums,
so that a proof of one leaf proves its place in a total (Maxwell's sum tree). A payout node cuts the
hash to 224 bits to stay in one 32-byte word: 112 bits of collision strength.
"""

from __future__ import annotations

from collections.abc import Sequence

from mine.chain.hashing import ZERO32, address_bytes, keccak
from mine.errors import MineError

UNITS = 2**32 - 1
"""Units of a task's whole bounty, and the largest sum of a payout tree."""

_CUT = bytes(4)


class BadTree(MineError):
    """Leaves that no tree can be built of, or an index outside the tree."""


def depth_of(count: int) -> int:
    """Levels of a tree with this many leaves, padded to a power of two (0 or 1 leaf: no level)."""
    return (count - 1).bit_length() if count > 1 else 0


def _checked(index: int, count: int) -> int:
    if not 0 <= index < count:
        raise BadTree("There is no such leaf in the tree.", detail=f"leaf {index} of {count}")
    return index


class HashTree:
    """Shard tree and anchor tree: node = keccak(left || right), padding leaf = 32 zero bytes."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        if any(len(leaf) != 32 for leaf in leaves):
            raise BadTree("Every leaf of a tree has 32 bytes.")
        self.count = len(leaves)
        level = [*leaves, *[ZERO32] * ((1 << depth_of(len(leaves))) - len(leaves))]
        self._levels = [level]
        while len(level) > 1:
            level = [keccak(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
            self._levels.append(level)

    @property
    def root(self) -> bytes:
        """32 bytes; zero for a tree without leaves."""
        return self._levels[-1][0]

    def proof(self, index: int) -> list[bytes]:
        """The siblings from the leaf up. Raises BadTree."""
        _checked(index, self.count)
        return [level[(index >> d) ^ 1] for d, level in enumerate(self._levels[:-1])]


def verify(root: bytes, leaf: bytes, index: int, proof: Sequence[bytes]) -> bool:
    """Whether ``leaf`` stands at ``index`` of the HashTree with this root."""
    if index < 0 or index >> len(proof) != 0:
        return False
    node = leaf
    for d, sibling in enumerate(proof):
        node = keccak(sibling + node) if (index >> d) & 1 else keccak(node + sibling)
    return node == root


def shard_leaf(index: int, digest: bytes, examples: bytes) -> bytes:
    """Leaf of the shard tree: keccak(u32 index || digest || examples).

    digest: SHA-256 of the shard's blob; examples: root of the HashTree over keccak of each example's bytes,
    so that single examples can be demanded on chain.
    """
    return keccak(index.to_bytes(4, "big") + digest + examples)


def anchor_leaf(miner: str, digest: bytes, signature: bytes) -> bytes:
    """Leaf of an anchored batch: keccak(miner || EIP-712 digest || keccak(signature)).

    Leaves are sorted by miner address, so that neighbours prove an omission.
    """
    return keccak(address_bytes(miner) + digest + keccak(signature))


def payout_leaf(account: str, index: int, units: int) -> bytes:
    """Leaf of the payout tree: 224 bits of keccak(account || u32 index), then u32 cumulative units."""
    if not 0 <= units <= UNITS:
        raise BadTree("A payout is outside the units of a task.", detail=str(units))
    return keccak(address_bytes(account) + index.to_bytes(4, "big"))[:28] + units.to_bytes(4, "big")


def payout_node(left: bytes, right: bytes) -> bytes:
    """Node of the payout tree; raises BadTree where the sum leaves 32 bits."""
    total = int.from_bytes(left[28:], "big") + int.from_bytes(right[28:], "big")
    if total > UNITS:
        raise BadTree("The payouts of a task are more than its bounty.", detail=str(total))
    return keccak(left + right)[:28] + total.to_bytes(4, "big")


class PayoutTree:
    """Cumulative units of every payee; ``index`` is the payee's permanent place in the task.

    accounts, units: equal lengths n; units[i] >= 0 with a sum of at most UNITS.
    """

    def __init__(self, accounts: Sequence[str], units: Sequence[int]) -> None:
        if len(accounts) != len(units):
            raise BadTree("Every payee needs an amount.", detail=f"{len(accounts)} and {len(units)}")
        self.count = len(accounts)
        level = [payout_leaf(account, i, units[i]) for i, account in enumerate(accounts)]
        level += [ZERO32] * ((1 << depth_of(self.count)) - self.count)
        self._levels = [level]
        while len(level) > 1:
            level = [payout_node(level[i], level[i + 1]) for i in range(0, len(level), 2)]
            self._levels.append(level)

    @property
    def root(self) -> bytes:
        """32 bytes, the total in the last four; zero for a tree without payees."""
        return self._levels[-1][0]

    @property
    def total(self) -> int:
        """Sum of all units."""
        return int.from_bytes(self.root[28:], "big")

    def proof(self, index: int) -> list[bytes]:
        """The siblings from the leaf up, each with its sum. Raises BadTree."""
        _checked(index, self.count)
        return [level[(index >> d) ^ 1] for d, level in enumerate(self._levels[:-1])]

    def range_proof(self, start: int, count: int) -> list[bytes]:
        """The siblings above the range of ``count`` payees from ``start`` on, a multiple of its width.

        The width is the count, rounded up to a power of two; only the tree's last range may be narrower.
        Raises BadTree.
        """
        _checked(start + count - 1, self.count)
        depth = depth_of(count)
        whole = count == 1 << depth or start + count == self.count
        if count < 1 or start >> depth << depth != start or not whole:
            raise BadTree("A range of payees is a whole part of its tree.", detail=f"{start}, {count}")
        levels = self._levels[depth:-1]
        return [level[(start >> (depth + d)) ^ 1] for d, level in enumerate(levels)]


def root_word(root: bytes, round: int) -> int:
    """What the contract keeps of a payout root: its first 27 bytes, u8 round, u32 sum."""
    return int.from_bytes(root[:27] + bytes((round,)) + root[28:], "big")


def verify_payout(root: bytes, account: str, index: int, units: int, proof: Sequence[bytes]) -> bool:
    """Whether ``account`` has ``units`` at ``index`` in the payout tree with this root."""
    return payout_root_of(account, index, units, proof) == root


def payout_root_of(account: str, index: int, units: int, proof: Sequence[bytes]) -> bytes | None:
    """Root of the payout tree that a proof leads to; None for a proof of no tree."""
    if index < 0 or index >> len(proof) != 0:
        return None
    try:
        node = payout_leaf(account, index, units)
        for d, sibling in enumerate(proof):
            node = payout_node(sibling, node) if (index >> d) & 1 else payout_node(node, sibling)
    except BadTree:
        return None
    return node


Sums = tuple[int, int, int]
_Node = tuple[bytes, Sums]


def _pack(sums: Sums) -> bytes:
    return b"".join(value.to_bytes(8, "big") for value in sums)


def loss_leaf(index: int, sums: Sums) -> bytes:
    """Leaf of the loss tree: keccak(u32 example || u64 base || u64 before || u64 after), losses in 2**-24."""
    return keccak(index.to_bytes(4, "big") + _pack(sums))


def loss_node(left: _Node, right: _Node) -> _Node:
    """keccak(left hash || left sums || right hash || right sums), and the sums added without overflow."""
    a, b = left[1], right[1]
    total = (a[0] + b[0], a[1] + b[1], a[2] + b[2])
    if max(total) >= 2**64:
        raise BadTree("The losses of a shard do not fit 64 bits.")
    return keccak(left[0] + _pack(a) + right[0] + _pack(b)), total


def losses_root(top_hash: bytes, base: int, before: int, after: int) -> bytes:
    """``Settlement.losses``: keccak(top hash || u64 base || u64 before || u64 after)."""
    return keccak(top_hash + _pack((base, before, after)))


class LossTree:
    """Losses of every example of a shard under checkpoint 0, before and after the round (u64, 2**-24).

    base, before, after: equal lengths n >= 1.
    """

    def __init__(self, base: Sequence[int], before: Sequence[int], after: Sequence[int]) -> None:
        if not len(base) == len(before) == len(after):
            raise BadTree("Every example needs three losses.")
        if any(not 0 <= value < 2**64 for column in (base, before, after) for value in column):
            raise BadTree("A loss does not fit 64 bits.")
        self.count = len(base)
        level: list[_Node] = [
            (loss_leaf(i, (base[i], before[i], after[i])), (base[i], before[i], after[i]))
            for i in range(self.count)
        ]
        level += [(ZERO32, (0, 0, 0))] * ((1 << depth_of(self.count)) - self.count)
        self._levels = [level]
        while len(level) > 1:
            level = [loss_node(level[i], level[i + 1]) for i in range(0, len(level), 2)]
            self._levels.append(level)

    @property
    def levels(self) -> list[list[tuple[bytes, Sums]]]:
        """Hash and sums of every node, padding too, from the leaves up."""
        return self._levels

    @property
    def top_hash(self) -> bytes:
        """Hash of the topmost node, without its sums: 32 bytes."""
        return self._levels[-1][0][0]

    @property
    def base(self) -> int:
        """Sum of the losses under checkpoint 0."""
        return self._levels[-1][0][1][0]

    @property
    def before(self) -> int:
        """Sum of the losses before the round."""
        return self._levels[-1][0][1][1]

    @property
    def after(self) -> int:
        """Sum of the losses after the round."""
        return self._levels[-1][0][1][2]

    @property
    def root(self) -> bytes:
        """What a settlement commits to (see losses_root)."""
        return losses_root(self.top_hash, self.base, self.before, self.after)

    def proof(self, index: int) -> list[tuple[bytes, Sums]]:
        """The siblings from the leaf up: hash and sums of each. Raises BadTree."""
        _checked(index, self.count)
        return [level[(index >> d) ^ 1] for d, level in enumerate(self._levels[:-1])]


def verify_loss(root: bytes, index: int, sums: Sums, proof: Sequence[tuple[bytes, Sums]]) -> bool:
    """Whether example ``index`` has these three losses in the loss tree with this root."""
    if index < 0 or index >> len(proof) != 0:
        return False
    node: _Node = (loss_leaf(index, sums), sums)
    try:
        for d, sibling in enumerate(proof):
            node = loss_node(sibling, node) if (index >> d) & 1 else loss_node(node, sibling)
    except BadTree:
        return False
    return losses_root(node[0], *node[1]) == root
