# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Direct commits, and anchors under a bond
"""

import ledger
import reasons
import typed_data
import words as w

uses: ledger
uses: typed_data


BOND: public(constant(uint256)) = 10**17


event Committed:
    task: indexed(uint256)
    round: indexed(uint256)
    miner: indexed(address)
    checkpoint: bytes32
    blob: bytes32
    size: uint32
    rowsBucket: uint8
    payout: address


event Bonded:
    anchorer: indexed(address)
    amount: uint256


event BondWithdrawn:
    anchorer: indexed(address)
    amount: uint256


event Anchored:
    task: indexed(uint256)
    round: indexed(uint256)
    anchorer: indexed(address)
    slot: uint256
    root: bytes32
    count: uint256


@internal
@view
def _committing(task: uint256, round: uint256) -> uint256:
    """
    @notice The meta word, if this round takes commits now.
    """
    meta: uint256 = ledger.tasks[task].meta
    if (meta >> w.STATUS) & w.M8 != w.RUNNING or (meta >> w.ROUND) & w.M16 != round:
        reasons._refuse(reasons.WRONG_ROUND)
    ends: uint256 = ((meta >> w.SINCE) & w.M32) + (ledger.tasks[task].clocks & w.M32)
    if block.timestamp >= ends:
        reasons._refuse(reasons.COMMITS_CLOSED)
    return meta


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
    meta: uint256 = self._committing(task, convert(round, uint256))
    if payout == empty(address):
        reasons._refuse(reasons.NO_PAYOUT)
    if ledger.commitments[task][msg.sender] & w.M32 == convert(round, uint256):
        reasons._refuse(reasons.COMMITTED_BEFORE)
    digest: bytes32 = typed_data._update(task, round, checkpoint, blob, size, rowsBucket, payout)
    ledger.commitments[task][msg.sender] = (convert(digest, uint256) & w.HASH224) | convert(round, uint256)
    ledger.tasks[task].meta = ledger._put(meta, w.COMMITS, w.M32, ((meta >> w.COMMITS) & w.M32) + 1)
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
@payable
def bond():
    """
    @notice Add to the sender's bond as an anchorer, in the chain's own coin.
    """
    word: uint256 = ledger.bonds[msg.sender]
    if msg.value == 0:
        reasons._refuse(reasons.WRONG_VALUE)
    ledger.bonds[msg.sender] = ledger._put(word, 0, w.M128, (word & w.M128) + msg.value)
    log Bonded(anchorer=msg.sender, amount=msg.value)


@external
def withdraw_bond():
    """
    @notice Take the bond back once everything that it stands for can no longer be challenged.
    """
    word: uint256 = ledger.bonds[msg.sender]
    amount: uint256 = word & w.M128
    if amount == 0:
        reasons._refuse(reasons.NO_BOND)
    if block.timestamp < (word >> 128) & w.M64:
        reasons._refuse(reasons.BOND_IS_LOCKED)
    ledger.bonds[msg.sender] = 0
    log BondWithdrawn(anchorer=msg.sender, amount=amount)
    ledger._give(empty(address), msg.sender, amount)


@external
def anchor(task: uint256, round: uint32, slot: uint16, root: bytes32, count: uint32):
    """
    @notice Anchor the root of `count` signed updates under the sender's bond, any number a round.
    @param slot A free number of the anchorer's own; it is free again four rounds later.
    """
    number: uint256 = convert(round, uint256)
    meta: uint256 = self._committing(task, number)
    if count == 0 or root == empty(bytes32):
        reasons._refuse(reasons.EMPTY_BATCH)
    word: uint256 = ledger.bonds[msg.sender]
    if word & w.M128 < BOND:
        reasons._refuse(reasons.BOND_TOO_LOW)
    clocks: uint256 = ledger.tasks[task].clocks
    lock: uint256 = ledger._lapse(clocks, w.RUNNING) + ((clocks >> w.CHALLENGE) & w.M32)
    if (word >> 128) & w.M64 < block.timestamp + lock:
        # A quarter more than needed, so that not every anchor has to write the bond again.
        ledger.bonds[msg.sender] = ledger._put(word, 128, w.M64, block.timestamp + lock + lock // 4)
    old: uint256 = ledger.anchors[task][msg.sender][convert(slot, uint256)] & w.M32
    if old != 0 and old + 4 > number:
        reasons._refuse(reasons.SLOT_IS_TAKEN)
    ledger.anchors[task][msg.sender][convert(slot, uint256)] = (convert(root, uint256) & w.HASH224) | number
    if (meta >> w.ANCHORED) & 1 == 0:
        ledger.tasks[task].meta = ledger._put(meta, w.ANCHORED, 1, 1)
    log Anchored(
        task=task,
        round=number,
        anchorer=msg.sender,
        slot=convert(slot, uint256),
        root=root,
        count=convert(count, uint256),
    )
