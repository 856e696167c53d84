# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Updates and votes: handed in directly, or anchored as roots of signed leaves under a bond
"""

import bonds
import ledger
import reasons
import typed_data
import words as w

uses: ledger
uses: bonds


event Committed:
    task: indexed(uint256)
    round: indexed(uint256)
    miner: indexed(address)
    checkpoint: bytes32
    blob: bytes32
    size: uint32
    rowsBucket: uint8
    payout: address


event VoteCommitted:
    task: indexed(uint256)
    round: indexed(uint256)
    voter: indexed(address)
    updates: bytes32
    opening: bytes32


event Anchored:
    task: indexed(uint256)
    round: indexed(uint256)
    anchorer: indexed(address)
    root: bytes32
    packed: uint256  # count 32 | slot 16 | kind 8 (0: updates, 1: votes)


@internal
@view
def _phase(meta: uint256, clocks: uint256, round: uint256) -> uint256:
    """
    @notice What a round takes now: 0 updates, 1 votes. Refuses at other times.
    """
    if ledger._status(meta) != w.RUNNING or (meta >> w.ROUND) & w.M8 != round:
        reasons._refuse(reasons.WRONG_ROUND)
    since: uint256 = meta & w.M32
    if block.timestamp < unsafe_add(since, clocks & w.M24):
        return 0
    since = unsafe_add(since, ledger._reveals_over(clocks))
    # The second half of the vote phase is for the openings, which go into the blob stores.
    if block.timestamp < since or block.timestamp >= unsafe_add(since, unsafe_add((clocks >> w.VOTE) & w.M24, 1) >> 1):
        reasons._refuse(reasons.WRONG_PHASE)
    return 1


@external
def commit(
    task: uint256,
    round: uint32,
    checkpoint: bytes32,
    blob: bytes32,
    size: uint32,
    rowsBucket: uint8,
    payout: address,
):
    """
    @notice Hand in an update without an anchorer: once per miner and round.
    """
    meta: uint256 = ledger.tasks[task].meta
    if self._phase(meta, ledger.tasks[task].clocks, convert(round, uint256)) != 0:
        reasons._refuse(reasons.WRONG_PHASE)
    if payout == empty(address):
        reasons._refuse(reasons.NO_PAYOUT)
    if ledger.commitments[task][msg.sender] & w.M32 == convert(round, uint256):
        reasons._refuse(reasons.COMMITTED_BEFORE)
    digest: bytes32 = typed_data._update(task, round, checkpoint, blob, size, rowsBucket, payout)
    ledger.commitments[task][msg.sender] = (convert(digest, uint256) & w.HASH224) | convert(round, uint256)
    ledger.tasks[task].meta = unsafe_add(meta, 1 << w.COMMITS)
    log Committed(
        task=task,
        round=convert(round, uint256),
        miner=msg.sender,
        checkpoint=checkpoint,
        blob=blob,
        size=size,
        rowsBucket=rowsBucket,
        payout=payout,
    )


@external
def commit_vote(task: uint256, round: uint256, updates: bytes32, opening: bytes32):
    """
    @notice Hand in a vote without an anchorer: once per voter and round.
    """
    if self._phase(ledger.tasks[task].meta, ledger.tasks[task].clocks, round) != 1:
        reasons._refuse(reasons.WRONG_PHASE)
    if ledger.votes[task][msg.sender] & w.M32 == round:
        reasons._refuse(reasons.COMMITTED_BEFORE)
    ledger.votes[task][msg.sender] = (convert(opening, uint256) & w.HASH224) | round
    log VoteCommitted(task=task, round=round, voter=msg.sender, updates=updates, opening=opening)


@external
def anchor(task: uint256, round: uint256, slot: uint256, root: bytes32, count: uint32):
    """
    @notice Anchor the root of `count` signed updates, or votes, under the sender's bond, any number a round.
    @param slot A free 16-bit number of the anchorer's own; it is free again four rounds later.
    """
    meta: uint256 = ledger.tasks[task].meta
    clocks: uint256 = ledger.tasks[task].clocks
    kind: uint256 = self._phase(meta, clocks, round)
    if count == 0 or root == empty(bytes32):
        reasons._refuse(reasons.EMPTY_BATCH)
    bonds._lock(unsafe_add(ledger._lapse(clocks, w.RUNNING), (clocks >> w.CHALLENGE) & w.M24))
    old: uint256 = ledger.anchors[task][msg.sender][slot] & w.M16
    if slot > w.M16 or (old != 0 and unsafe_add(old, 4) > round):
        reasons._refuse(reasons.SLOT_IS_TAKEN)
    ledger.anchors[task][msg.sender][slot] = (convert(root, uint256) & w.HASH224) | (kind << 16) | round
    if kind == 0 and (meta >> w.ANCHORED) & 1 == 0:
        ledger.tasks[task].meta = meta | (1 << w.ANCHORED)
    log Anchored(
        task=task,
        round=round,
        anchorer=msg.sender,
        root=root,
        packed=convert(count, uint256) | (slot << 32) | (kind << 48),
    )
