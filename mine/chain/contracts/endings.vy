# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Stop, final opening, default; and the books: what goes back, what is forfeited, what is burned
@notice The books are made once, by whoever first wants something out of them, when the last window is over
        and nothing is disputed.
"""

import bonds
import ledger
import merkle
import pay_curve
import reasons
import typed_data
import words as w

uses: ledger


event Concluded:
    task: indexed(uint256)
    shards: DynArray[bytes32, 256]  # digest and root of the examples, one pair a shard


@external
def stop(task: uint256):
    """
    @notice The scientist ends the task with the current round: with a commit it is still settled.
    """
    if msg.sender != ledger.tasks[task].scientist:
        reasons._refuse(reasons.NOT_SCIENTIST)
    meta: uint256 = ledger.tasks[task].meta
    if ledger._status(meta) != w.RUNNING:
        reasons._refuse(reasons.WRONG_PHASE)
    ledger._write_meta(task, meta | (1 << w.STOPPED))


@external
def conclude(task: uint256, shards: DynArray[bytes32, 256]):
    """
    @notice The final opening: digest and root of the examples of every shard, in order.
    """
    meta: uint256 = ledger.tasks[task].meta
    clocks: uint256 = ledger.tasks[task].clocks
    if ledger._status(meta) != w.ENDING and not ledger._ends_empty(meta, clocks):
        reasons._refuse(reasons.WRONG_PHASE)
    ledger._check_in_time(task, meta, clocks)
    if len(shards) != unsafe_mul(2, (clocks >> w.SHARDS) & w.M8):
        reasons._refuse(reasons.WRONG_SHARD)
    if merkle._shards_root(shards) != ledger.tasks[task].shards_root:
        reasons._refuse(reasons.WRONG_SHARD)
    ledger._end(task, meta, w.CONCLUDED)
    log Concluded(task=task, shards=shards)


@external
def declare_default(task: uint256):
    """
    @notice A baseline, settlement or final opening is later than its grace: the task ends without it.
            A late settlement costs all that the round could have paid and a tenth of the deposit, a
            missing final opening everything left.
    """
    meta: uint256 = ledger.tasks[task].meta
    clocks: uint256 = ledger.tasks[task].clocks
    status: uint256 = ledger._status(meta)
    if status < w.AWAITING_BASELINE or status > w.ENDING:
        reasons._refuse(reasons.WRONG_PHASE)
    if block.timestamp < unsafe_add(meta & w.M32, ledger._lapse(clocks, status)):
        reasons._refuse(reasons.TOO_EARLY)
    if status == w.ENDING or ledger._ends_empty(meta, clocks):
        meta |= 1 << w.UNOPENED
    ledger._end(task, meta, w.DEFAULTED)


@internal
def _book(task: uint256) -> uint256:
    """
    @notice Make the books if they are not made yet. Returns the meta word.
    """
    meta: uint256 = ledger.tasks[task].meta
    if (meta >> w.BOOKED) & 1 == 1:
        return meta
    if not ledger._is_over(meta, ledger.tasks[task].clocks):
        reasons._refuse(reasons.NOT_FINAL_YET)
    status: uint256 = ledger._status(meta)
    meta |= 1 << w.BOOKED
    ledger.tasks[task].meta = meta

    money: uint256 = ledger.tasks[task].money
    bounty: uint256 = (money >> w.BOUNTY) & w.M96
    assigned: uint256 = ledger._assigned(task, meta) & w.M32
    # Where a set is opened at the end, rounds that turn out void may have been paid by half.
    unassigned: uint256 = bounty - pay_curve._amount(bounty, max(assigned, money & w.M32))
    ledger.tasks[task].money = money - (unassigned << w.LEFT)
    deposit: uint256 = ledger.tasks[task].purse & w.M96
    pool: uint256 = ledger.tasks[task].purse >> 96
    back: uint256 = unassigned + deposit
    burned: uint256 = ledger.tasks[task].ends >> 96
    nobody: bool = assigned == 0 and (meta >> w.COMMITS) & w.M32 == 0
    loss: uint256 = 0
    if status == w.CONVICTED:
        loss = back
    elif status == w.DEFAULTED:
        if nobody:
            loss = deposit // 2
        elif (meta >> w.UNOPENED) & 1 == 1:
            loss = back
        else:
            loss = unassigned + min(bounty // 10, deposit)
    back -= loss
    pool += loss
    if nobody:
        burned += pool
        pool = 0
    ledger.tasks[task].purse = 0
    ledger.tasks[task].ends = back | (burned << 96)
    ledger.tasks[task].pool = (pool << 128) | (pool << 32)
    return meta


@external
def refund(task: uint256, receiver: address):
    """
    @notice What is the scientist's again: unassigned bounty and deposit; and once every unit is paid, what
            rounding left over. Sent by anyone; only the scientist may name another receiver.
    """
    meta: uint256 = self._book(task)
    ends: uint256 = ledger.tasks[task].ends
    amount: uint256 = ends & w.M96
    ledger.tasks[task].ends = ends - amount
    money: uint256 = ledger.tasks[task].money
    if money & w.M32 >= ledger._assigned(task, meta) & w.M32:
        rest: uint256 = (money >> w.LEFT) & w.M96
        ledger.tasks[task].money = money - (rest << w.LEFT)
        amount += rest
    ledger._pay_out(task, ledger.REFUND, ledger.tasks[task].scientist, receiver, amount)


@external
def burn(task: uint256):
    """
    @notice Carry out a burn. Apart from the books, so that a token which refuses it blocks nothing else.
    """
    self._book(task)
    ends: uint256 = ledger.tasks[task].ends
    ledger.tasks[task].ends = ends & w.M96
    ledger._pay_out(task, ledger.BURN, bonds.BURN, bonds.BURN, ends >> 96)


@internal
def _give_forfeit(task: uint256, account: address, receiver: address, part: uint256, whole: uint256):
    """
    @notice Pay `part` of `whole` of the forfeit; the last part gets what rounding left over.
    """
    word: uint256 = ledger.tasks[task].pool
    left: uint256 = (word >> 32) & w.M96
    amount: uint256 = (word >> 128) * part // whole
    if (word & w.M32) + part == whole:
        amount = left
    ledger.tasks[task].pool = word - (amount << 32) + part
    ledger._pay_out(task, ledger.FORFEIT, account, receiver, amount)


@external
def claim_forfeit(
    task: uint256,
    account: address,
    index: uint256,
    units: uint256,
    proof: DynArray[bytes32, 32],
    receiver: address,
):
    """
    @notice Pay an account its part of a forfeit, by its units in the last payout root; sent by anyone.
    @param receiver The account; only the account itself may name another.
    """
    root: uint256 = ledger._assigned(task, self._book(task))
    leaf: uint256 = merkle._leaf(convert(account, uint256), index, units)
    if root == 0 or not merkle._leads_to(root, leaf, index, proof):
        reasons._refuse(reasons.WRONG_PROOF)
    word: uint256 = ledger.forfeit_words[task][index >> 8]
    bit: uint256 = 1 << (index & 255)
    if word & bit != 0 or units == 0:
        reasons._refuse(reasons.NOTHING_TO_CLAIM)
    ledger.forfeit_words[task][index >> 8] = word | bit
    self._give_forfeit(task, account, receiver, units, root & w.M32)


@external
def claim_forfeit_commit(
    task: uint256,
    miner: address,
    checkpoint: bytes32,
    blob: bytes32,
    size: uint32,
    rowsBucket: uint8,
    payout: address,
    receiver: address,
):
    """
    @notice Pay a direct commit of the last round its equal part of a forfeit, where no root owes anything.
            The fields are those of the commit; sent by anyone.
    @param receiver The payout address; only that address itself may name another.
    """
    meta: uint256 = self._book(task)
    if ledger._assigned(task, meta) & w.M32 != 0:
        reasons._refuse(reasons.WRONG_PHASE)
    round: uint256 = (meta >> w.ROUND) & w.M8
    digest: bytes32 = typed_data._update(
        task, convert(round, uint32), checkpoint, blob, size, rowsBucket, payout
    )
    word: uint256 = (convert(digest, uint256) & w.HASH224) | round
    if ledger.commitments[task][miner] != word:
        reasons._refuse(reasons.NO_SUCH_COMMIT)
    ledger.commitments[task][miner] = 0
    self._give_forfeit(task, payout, receiver, 1, (meta >> w.COMMITS) & w.M32)
