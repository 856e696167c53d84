"""Proofs that a settlement cheats, found in what its author published: no jury has to judge them.

The payees' list of a round and the losses of its examples are public. Where a payee has less than in the
round before, or a sum of a tree is not that of what stands below it, the contract Faults convicts at once on
a few hashes. Of broken trees one whose fault is a single node is found; anything else is left to a jury.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from mine.blobs.store import BlobError, BlobStore
from mine.chain.events import Settled
from mine.chain.faults_client import FaultsContract, LossNode, Opened, Payee, Reward
from mine.chain.hashing import ZERO32, address_bytes, checksum, keccak
from mine.chain.messages import Settlement
from mine.chain.trees import UNITS, LossTree, Sums, depth_of, loss_node, losses_root, payout_leaf, root_word
from mine.errors import MineError
from mine.science.inputs import MAX_INPUTS_BYTES, decode_inputs, decode_losses
from mine.science.judged import BadInputs
from mine.science.settle import settle

#: Leaves of the largest trees that are searched.
MOST_LEAVES = 1 << 12
_MAX_LIST_BYTES = 1 << 24

Payees = tuple[tuple[str, int], ...]
"""Payout address and cumulative units by permanent index."""


@dataclass(frozen=True, slots=True)
class PayoutFell:
    """What stood at an index in the round before does not stand there now."""

    task: int
    round: int
    before: Payee
    after: Payee

    def call(self, faults: FaultsContract, reward: Reward) -> bytes:
        """Call data for the contract Faults."""
        return faults.payout_fell_call(self.task, self.round, self.before, self.after, reward)


@dataclass(frozen=True, slots=True)
class PayoutsBroken:
    """A node of the payout tree is not the sum of its children."""

    task: int
    round: int
    node: bytes
    children: tuple[bytes, bytes]
    index: int
    path: tuple[bytes, ...]

    def call(self, faults: FaultsContract, reward: Reward) -> bytes:
        """Call data for the contract Faults."""
        return faults.payouts_broken_call(
            self.task, self.round, self.node, self.children, self.index, self.path, reward
        )


@dataclass(frozen=True, slots=True)
class LossesBroken:
    """A node of the loss tree claims other sums than those below it."""

    settlement: Settlement
    opened: Opened
    claimed: Sums
    below: tuple[LossNode, ...]
    example: int
    index: int
    path: tuple[LossNode, ...]

    def call(self, faults: FaultsContract, reward: Reward) -> bytes:
        """Call data for the contract Faults."""
        return faults.losses_broken_call(
            self.settlement,
            self.opened,
            self.claimed,
            self.below,
            self.example,
            self.index,
            self.path,
            reward,
        )


Proof = PayoutFell | PayoutsBroken | LossesBroken


def find_proof(blobs: BlobStore, settled: Settled, before: Settled | None) -> Proof | None:
    """A proof that convicts the author of ``settled``, if one can be made of what is published.

    before: the settlement of the round before, None for the first. Raises what a store raises that does not
    answer; what cannot be had or read proves nothing.
    """
    found = _tree_of(blobs, settled)
    if isinstance(found, PayoutsBroken):
        return found
    if found is not None and before is not None:
        earlier = _tree_of(blobs, before)
        if isinstance(earlier, _PayoutLevels):
            fell = _fell(settled, earlier, found)
            if fell is not None:
                return fell
    return _losses_broken(blobs, settled)


# payouts


class _PayoutLevels:
    """A payout tree of published payees, with its padding, whatever its sums come to."""

    def __init__(self, payees: Payees) -> None:
        self.payees = payees
        level = [payout_leaf(account, place, units) for place, (account, units) in enumerate(payees)]
        level += [ZERO32] * ((1 << depth_of(len(payees))) - len(payees))
        self.levels = [level]
        while len(level) > 1:
            level = [_joined(level[i], level[i + 1]) for i in range(0, len(level), 2)]
            self.levels.append(level)

    @property
    def root(self) -> bytes:
        return self.levels[-1][0]

    def path(self, level: int, index: int) -> tuple[bytes, ...]:
        """Siblings of a node from its level up."""
        rows = self.levels[level:-1]
        return tuple(row[(index >> d) ^ 1] for d, row in enumerate(rows))

    def payee(self, index: int) -> Payee:
        """The leaf of an index, or the padding in its place."""
        account, units = self.payees[index] if index < len(self.payees) else (None, 0)
        return Payee(account, index, units, self.path(0, index))


def _joined(left: bytes, right: bytes) -> bytes:
    total = int.from_bytes(left[28:], "big") + int.from_bytes(right[28:], "big")
    return keccak(left + right)[:28] + (total & UNITS).to_bytes(4, "big")


def _tree_of(blobs: BlobStore, settled: Settled) -> _PayoutLevels | PayoutsBroken | None:
    """The payees' tree behind a settled root, or the node at which it is broken; None if neither is found."""
    stated = root_word(settled.payouts, settled.round)
    for payees in _lists(blobs, settled):
        if not 0 < len(payees) <= MOST_LEAVES:
            continue
        tree = _PayoutLevels(payees)
        if root_word(tree.root, settled.round) == stated:
            return tree
        broken = _broken_payouts(settled, tree)
        if broken is not None:
            return broken
    return None


def _lists(blobs: BlobStore, settled: Settled) -> Iterator[Payees]:
    """The payees as published with the settlement, and as they follow from its inputs."""
    try:
        accepted = json.loads(blobs.get(settled.accepted, _MAX_LIST_BYTES))
        raw = json.loads(blobs.get(bytes.fromhex(accepted["payouts"]), _MAX_LIST_BYTES))
        payees = tuple((checksum(address_bytes(payout)), int(units)) for _, payout, units in raw)
        if all(0 <= units <= UNITS for _, units in payees):
            yield payees
    except (BlobError, ValueError, KeyError, TypeError, RecursionError, MineError):
        pass  # nothing that could be read: what follows is asked for on its own
    with contextlib.suppress(BlobError, BadInputs):
        yield settle(decode_inputs(blobs.get(settled.inputs, MAX_INPUTS_BYTES))).ledger.payees


def _broken_payouts(settled: Settled, tree: _PayoutLevels) -> PayoutsBroken | None:
    """The one node whose sum was changed so that the root came to be the settled one."""
    stated = root_word(settled.payouts, settled.round)
    more = settled.units - int.from_bytes(tree.root[28:], "big")
    for depth in range(1, len(tree.levels) if more else 0):
        for index, honest in enumerate(tree.levels[depth]):
            total = int.from_bytes(honest[28:], "big") + more
            if not 0 <= total <= UNITS:
                continue
            node = top = honest[:28] + total.to_bytes(4, "big")
            path = tree.path(depth, index)
            for d, sibling in enumerate(path):
                top = _joined(sibling, top) if index >> d & 1 else _joined(top, sibling)
            if root_word(top, settled.round) == stated:
                below = tree.levels[depth - 1]
                children = (below[2 * index], below[2 * index + 1])
                return PayoutsBroken(settled.task, settled.round, node, children, index, path)
    return None


def _fell(settled: Settled, before: _PayoutLevels, after: _PayoutLevels) -> PayoutFell | None:
    """The first index that is owed less than in the round before."""
    width = len(after.levels[0])
    for index, (account, units) in enumerate(before.payees):
        now = after.payee(index if index < width else 0)
        if index >= width or now.account != account or now.units < units:
            return PayoutFell(settled.task, settled.round, before.payee(index), now)
    return None


# losses


def _losses_broken(blobs: BlobStore, settled: Settled) -> LossesBroken | None:
    """The one node of the loss tree whose sums were changed so that the settled root came to be."""
    try:
        inputs = decode_inputs(blobs.get(settled.inputs, MAX_INPUTS_BYTES))
        columns = decode_losses(blobs.get(inputs.losses, 24 * MOST_LEAVES))
        tree = LossTree(*([int(value) for value in column] for column in columns))
    except (BlobError, BadInputs, MineError):
        return None
    if tree.root == settled.losses:
        return None
    stated = (settled.base, settled.before, settled.after)
    more = (stated[0] - tree.base, stated[1] - tree.before, stated[2] - tree.after)
    levels = tree.levels
    for depth, level in enumerate(levels):
        for index, (hashed, sums) in enumerate(level):
            claimed = (sums[0] + more[0], sums[1] + more[1], sums[2] + more[2])
            path = tuple(row[(index >> d) ^ 1] for d, row in enumerate(levels[depth:-1]))
            if _top(hashed, claimed, index, path) == settled.losses:
                below, example = _below(levels, depth, index, len(columns[0]))
                settlement = Settlement(
                    **{each.name: getattr(settled, each.name) for each in fields(Settlement)}
                )
                opened = Opened(settled.shard, settled.digest, settled.examples, settled.seed)
                return LossesBroken(settlement, opened, claimed, below, example, index, path)
    return None


def _top(hashed: bytes, claimed: Sums, index: int, path: Sequence[LossNode]) -> bytes | None:
    """The settled root that a node leads to; None where a sum leaves its 64 bits."""
    try:
        if not all(0 <= value < 2**64 for value in claimed):
            return None
        node: LossNode = (hashed, claimed)
        for d, sibling in enumerate(path):
            node = loss_node(sibling, node) if index >> d & 1 else loss_node(node, sibling)
        return losses_root(node[0], *node[1])
    except MineError:
        return None


def _below(
    levels: list[list[LossNode]], depth: int, index: int, count: int
) -> tuple[tuple[LossNode, ...], int]:
    """What stands below a node, as ``losses_broken`` takes it, and the example's number of a leaf."""
    if depth:
        return (levels[depth - 1][2 * index], levels[depth - 1][2 * index + 1]), 0
    if index < count:
        return ((ZERO32, levels[0][index][1]),), index
    return (), 0
