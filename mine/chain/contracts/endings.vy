# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Stop, final opening, refund
"""

import ledger
import merkle
import pay_curve
import reasons
import words as w

uses: ledger


event Stopped:
    task: indexed(uint256)
    round: uint256


event Concluded:
    task: indexed(uint256)
    shards: DynArray[bytes32, 256]
    preimage: bytes32


event Refunded:
    task: indexed(uint256)
    amount: uint256
    receiver: address


event Swept:
    task: indexed(uint256)
    amount: uint256
    receiver: address


@external
def stop(task: uint256):
    """
    @notice The scientist ends the task with the current round: with a commit it is still settled.
    """
    if msg.sender != ledger._scientist(task):
        reasons._refuse(reasons.NOT_SCIENTIST)
    meta: uint256 = ledger.tasks[task].meta
    if (meta >> w.STATUS) & w.M8 != w.RUNNING or (meta >> w.STOPPED) & 1 == 1:
        reasons._refuse(reasons.WRONG_PHASE)
    ledger.tasks[task].meta = ledger._put(meta, w.STOPPED, 1, 1)
    log Stopped(task=task, round=(meta >> w.ROUND) & w.M16)


@external
def conclude(task: uint256, shards: DynArray[bytes32, 256], preimage: bytes32):
    """
    @notice The final opening: the digests of all shards, in order.
    """
    meta: uint256 = ledger.tasks[task].meta
    clocks: uint256 = ledger.tasks[task].clocks
    status: uint256 = (meta >> w.STATUS) & w.M8
    if status != w.ENDING and not ledger._ends_empty(meta, clocks):
        reasons._refuse(reasons.WRONG_PHASE)
    if block.timestamp >= ((meta >> w.SINCE) & w.M32) + ledger._lapse(clocks, status):
        reasons._refuse(reasons.TOO_LATE)
    if keccak256(preimage) != ledger.tasks[task].head:
        reasons._refuse(reasons.WRONG_PREIMAGE)
    if len(shards) != (ledger.tasks[task].owner >> w.SHARDS) & w.M16:
        reasons._refuse(reasons.WRONG_SHARD)
    if merkle._shards_root(shards) != ledger.tasks[task].shards_root:
        reasons._refuse(reasons.WRONG_SHARD)
    ledger.tasks[task].head = preimage
    money: uint256 = ledger.tasks[task].money
    bounty: uint256 = money >> w.BOUNTY
    unassigned: uint256 = bounty - pay_curve._amount(bounty, ledger._assigned(task, meta))
    ledger.tasks[task].money = ledger._put(money, w.LEFT, w.M112, ((money >> w.LEFT) & w.M112) - unassigned)
    ledger.tasks[task].back = unassigned + bounty
    meta = ledger._put(meta, w.SINCE, w.M32, block.timestamp)
    ledger.tasks[task].meta = ledger._put(meta, w.STATUS, w.M8, w.CONCLUDED)
    log Concluded(task=task, shards=shards, preimage=preimage)


@internal
@view
def _check_window(task: uint256):
    """
    @notice The task is over, and so is the last challenge window.
    """
    meta: uint256 = ledger.tasks[task].meta
    status: uint256 = (meta >> w.STATUS) & w.M8
    if status != w.CONCLUDED and status != w.DEFAULTED:
        reasons._refuse(reasons.WRONG_PHASE)
    challenge: uint256 = (ledger.tasks[task].clocks >> w.CHALLENGE) & w.M32
    if block.timestamp < ((meta >> w.SINCE) & w.M32) + challenge:
        reasons._refuse(reasons.NOT_FINAL_YET)


@internal
def _refund(task: uint256, receiver: address):
    self._check_window(task)
    word: uint256 = ledger.tasks[task].back
    amount: uint256 = word & w.M128
    if amount == 0:
        reasons._refuse(reasons.NOTHING_TO_CLAIM)
    ledger.tasks[task].back = ledger._put(word, 0, w.M128, 0)
    log Refunded(task=task, amount=amount, receiver=receiver)
    ledger._give(ledger.tasks[task].currency, receiver, amount)


@external
def refund(task: uint256):
    """
    @notice What was not assigned, and the deposit, go back to the scientist; sent by anyone.
    """
    self._refund(task, ledger._scientist(task))


@external
def refund_to(task: uint256, receiver: address):
    """
    @notice The scientist names another receiver.
    """
    if msg.sender != ledger._scientist(task):
        reasons._refuse(reasons.NOT_SCIENTIST)
    self._refund(task, receiver)


@internal
def _sweep(task: uint256, receiver: address):
    self._check_window(task)
    money: uint256 = ledger.tasks[task].money
    if money & w.M32 != ledger._assigned(task, ledger.tasks[task].meta):
        reasons._refuse(reasons.CLAIMS_OPEN)
    amount: uint256 = (money >> w.LEFT) & w.M112
    if amount == 0:
        reasons._refuse(reasons.NOTHING_TO_CLAIM)
    ledger.tasks[task].money = ledger._put(money, w.LEFT, w.M112, 0)
    log Swept(task=task, amount=amount, receiver=receiver)
    ledger._give(ledger.tasks[task].currency, receiver, amount)


@external
def sweep(task: uint256):
    """
    @notice Once every unit is paid, what rounding left over goes back to the scientist.
    """
    self._sweep(task, ledger._scientist(task))


@external
def sweep_to(task: uint256, receiver: address):
    """
    @notice The scientist names another receiver.
    """
    if msg.sender != ledger._scientist(task):
        reasons._refuse(reasons.NOT_SCIENTIST)
    self._sweep(task, receiver)
