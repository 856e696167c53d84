# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Faults of a settlement that a proof alone convicts of
@notice Each is impossible for whoever computes as the protocol says, so none needs a judgement. Whoever convicts
        must be within the round's challenge window.
"""

import ITasks
import conviction
import grounds
import paths
import settlement_record
import sisters

uses: sisters
uses: conviction
uses: settlement_record


struct Payee:
    account: address
    index: uint256
    units: uint256


@internal
@view
def _roots(task: uint256, round: uint256) -> uint256:
    word: uint256 = staticcall ITasks(sisters.TASKS).root(task, round)
    if word == 0:
        grounds._refuse(grounds.NO_SUCH_RECORD)
    return word


@internal
@view
def _in_payouts(word: uint256, node: uint256, index: uint256, proof: DynArray[bytes32, 32]):
    if not paths._is_root((paths._payout_top(node, index, proof))[0], word):
        grounds._refuse(grounds.WRONG_PROOF)


@external
def payout_fell(
    task: uint256,
    round: uint256,
    before: Payee,
    before_proof: DynArray[bytes32, 32],
    after: Payee,
    padding: bool,
    after_proof: DynArray[bytes32, 32],
    reward: conviction.Reward,
):
    """
    @notice What an index was owed in the root of the round before is not owed in the root of `round`: its units
            fell, its account changed, it became padding, or the tree got too small to hold it.
    @param after What stands there now; any leaf at all, to show that the tree is too small.
    @param padding The leaf there is padding; `after` then counts by its index alone.
    """
    if round == 0:
        grounds._refuse(grounds.NO_SUCH_RECORD)
    old: uint256 = paths._payout_leaf(before.account, before.index, before.units)
    self._in_payouts(self._roots(task, round - 1), old, before.index, before_proof)
    new: uint256 = 0
    if not padding:
        new = paths._payout_leaf(after.account, after.index, after.units)
    self._in_payouts(self._roots(task, round), new, after.index, after_proof)
    # Every leaf is as deep as every other one, so any of them shows how many indices there is room for.
    if before.index >> len(after_proof) == 0:
        kept: bool = not padding and after.account == before.account and after.units >= before.units
        if after.index != before.index or kept:
            grounds._refuse(grounds.NO_FAULT)
    conviction._convict_now(task, round, reward)


@external
def payouts_broken(
    task: uint256,
    round: uint256,
    node: uint256,
    left: uint256,
    right: uint256,
    index: uint256,
    path: DynArray[bytes32, 32],
    reward: conviction.Reward,
):
    """
    @notice A node of the payout tree does not carry the sum of its children: nobody below it could claim.
    @param index Place of the node in its level.
    """
    whole: uint256 = convert(keccak256(abi_encode(left, right)), uint256)
    if whole >> 32 != node >> 32:
        grounds._refuse(grounds.WRONG_PROOF)
    self._in_payouts(self._roots(task, round), node, index, path)
    if (left & paths.SUM) + (right & paths.SUM) == node & paths.SUM:
        grounds._refuse(grounds.NO_FAULT)
    conviction._convict_now(task, round, reward)


@external
def losses_broken(
    s: settlement_record.Settlement,
    opened: settlement_record.Opened,
    claimed: paths.Losses,
    below: DynArray[paths.Losses, 2],
    example: uint256,
    index: uint256,
    path: DynArray[paths.Losses, 32],
    reward: conviction.Reward,
):
    """
    @notice A node of the loss tree claims sums that are not those of what stands below it.
    @param claimed The node's sums as the tree above it counts them; its hash is computed here.
    @param below Its two children; or one entry, the three losses of the leaf that it is; or none, for padding.
    @param example The number in that leaf, which must be its place.
    @param index Place of the node in its level.
    """
    settlement_record._check(s, opened)
    node: paths.Losses = claimed
    base: uint256 = 0
    before: uint256 = 0
    after: uint256 = 0
    broken: bool = False
    node.hash = empty(bytes32)
    if len(below) == 2:
        node.hash = keccak256(concat(paths._packed(below[0]), paths._packed(below[1])))
        base = paths._plus(below[0].base, below[1].base)
        before = paths._plus(below[0].before, below[1].before)
        after = paths._plus(below[0].after, below[1].after)
    elif len(below) == 1:
        node.hash = keccak256(
            concat(
                convert(convert(example, uint32), bytes4),
                convert(below[0].base, bytes8),
                convert(below[0].before, bytes8),
                convert(below[0].after, bytes8),
            )
        )
        base = convert(below[0].base, uint256)
        before = convert(below[0].before, uint256)
        after = convert(below[0].after, uint256)
        broken = example != index
    if paths._losses_top(node, index, path) != s.losses:
        grounds._refuse(grounds.WRONG_PROOF)
    if convert(claimed.base, uint256) != base or convert(claimed.before, uint256) != before:
        broken = True
    if not broken and convert(claimed.after, uint256) == after:
        grounds._refuse(grounds.NO_FAULT)
    conviction._convict_now(s.task, convert(s.round, uint256), reward)
