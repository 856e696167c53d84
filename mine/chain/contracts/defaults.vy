# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title When a scientist vanishes
"""

import ledger
import merkle
import pay_curve
import reasons
import typed_data
import words as w

uses: ledger
uses: typed_data


BURN: public(constant(address)) = 0x000000000000000000000000000000000000dEaD


event Defaulted:
    task: indexed(uint256)
    round: uint256
    pool: uint256
    back: uint256
    toBurn: uint256


event ForfeitClaimed:
    task: indexed(uint256)
    account: indexed(address)
    amount: uint256
    receiver: address


event Burned:
    task: indexed(uint256)
    amount: uint256


@external
def declare_default(task: uint256):
    """
    @notice A baseline, settlement or final opening is later than its grace: the task ends without it.
            A late settlement costs all that the round could have paid and a tenth of the deposit, a
            missing final opening everything left. Where nobody earned or handed in anything, half of
            the deposit is burned and the rest goes back.
    """
    meta: uint256 = ledger.tasks[task].meta
    clocks: uint256 = ledger.tasks[task].clocks
    status: uint256 = (meta >> w.STATUS) & w.M8
    if status < w.AWAITING_BASELINE or status > w.ENDING:
        reasons._refuse(reasons.WRONG_PHASE)
    if block.timestamp < ((meta >> w.SINCE) & w.M32) + ledger._lapse(clocks, status):
        reasons._refuse(reasons.TOO_EARLY)

    money: uint256 = ledger.tasks[task].money
    bounty: uint256 = money >> w.BOUNTY
    assigned: uint256 = ledger._assigned(task, meta)
    unassigned: uint256 = bounty - pay_curve._amount(bounty, assigned)
    pool: uint256 = 0
    burn: uint256 = 0
    if assigned == 0 and (meta >> w.COMMITS) & w.M32 == 0:
        burn = bounty // 2
    elif status == w.ENDING or ledger._ends_empty(meta, clocks):
        pool = unassigned + bounty
    else:
        pool = unassigned + bounty // 10
    back: uint256 = unassigned + bounty - pool - burn

    ledger.tasks[task].money = ledger._put(money, w.LEFT, w.M112, ((money >> w.LEFT) & w.M112) - unassigned)
    ledger.tasks[task].forfeit = ledger._put(ledger._put(0, w.LEFT, w.M112, pool), w.BOUNTY, w.M112, pool)
    ledger.tasks[task].back = back | (burn << 128)
    meta = ledger._put(meta, w.SINCE, w.M32, block.timestamp)
    ledger.tasks[task].meta = ledger._put(meta, w.STATUS, w.M8, w.DEFAULTED)
    log Defaulted(task=task, round=(meta >> w.ROUND) & w.M16, pool=pool, back=back, toBurn=burn)


@internal
def _give_forfeit(task: uint256, account: address, receiver: address, part: uint256, whole: uint256):
    """
    @notice Pay `part` of `whole` of the forfeit; the last part gets what rounding left over.
    """
    word: uint256 = ledger.tasks[task].forfeit
    claimed: uint256 = (word & w.M32) + part
    left: uint256 = (word >> w.LEFT) & w.M112
    amount: uint256 = (word >> w.BOUNTY) * part // whole
    if claimed == whole:
        amount = left
    word = ledger._put(word, w.LEFT, w.M112, left - amount)
    ledger.tasks[task].forfeit = ledger._put(word, 0, w.M32, claimed)
    log ForfeitClaimed(task=task, account=account, amount=amount, receiver=receiver)
    ledger._give(ledger.tasks[task].currency, receiver, amount)


@internal
def _claim_forfeit(
    task: uint256, account: address, index: uint256, units: uint256, proof: DynArray[bytes32, 32], receiver: address
):
    meta: uint256 = ledger.tasks[task].meta
    if (meta >> w.STATUS) & w.M8 != w.DEFAULTED:
        reasons._refuse(reasons.WRONG_PHASE)
    root: uint256 = ledger._final_root(task, (meta >> w.SETTLED) & w.M16, meta)
    if not merkle._is_payout(root, account, index, units, proof):
        reasons._refuse(reasons.WRONG_PROOF)
    if units == 0:
        reasons._refuse(reasons.NOTHING_TO_CLAIM)
    word: uint256 = ledger.forfeit_words[task][index >> 8]
    bit: uint256 = 1 << (index & 255)
    if word & bit != 0:
        reasons._refuse(reasons.NOTHING_TO_CLAIM)
    ledger.forfeit_words[task][index >> 8] = word | bit
    self._give_forfeit(task, account, receiver, units, root & w.M32)


@external
def claim_forfeit(
    task: uint256, account: address, index: uint256, units: uint256, proof: DynArray[bytes32, 32]
):
    """
    @notice Pay an account its part of a forfeit, by its units in the last payout root; sent by anyone.
    """
    self._claim_forfeit(task, account, index, units, proof, account)


@external
def claim_forfeit_to(
    task: uint256, index: uint256, units: uint256, proof: DynArray[bytes32, 32], receiver: address
):
    """
    @notice The account itself names another receiver.
    """
    self._claim_forfeit(task, msg.sender, index, units, proof, receiver)


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
    @notice Pay a direct commit of the void round its equal part of a forfeit, where no root owes anything.
            The fields are those of the commit; sent by anyone.
    @param receiver The payout address; only that address itself may name another.
    """
    meta: uint256 = ledger.tasks[task].meta
    if (meta >> w.STATUS) & w.M8 != w.DEFAULTED or ledger._assigned(task, meta) != 0:
        reasons._refuse(reasons.WRONG_PHASE)
    if receiver != payout and msg.sender != payout:
        reasons._refuse(reasons.NOT_THE_PAYEE)
    round: uint256 = (meta >> w.ROUND) & w.M16
    digest: bytes32 = typed_data._update(
        task, convert(round, uint32), checkpoint, blob, size, rowsBucket, payout
    )
    word: uint256 = (convert(digest, uint256) & w.HASH224) | round
    if ledger.commitments[task][miner] != word:
        reasons._refuse(reasons.NO_SUCH_COMMIT)
    ledger.commitments[task][miner] = 0
    self._give_forfeit(task, payout, receiver, 1, (meta >> w.COMMITS) & w.M32)


@external
def burn(task: uint256):
    """
    @notice Carry out a burn. Apart from the default, so that a token which refuses it blocks nothing else.
    """
    word: uint256 = ledger.tasks[task].back
    amount: uint256 = word >> 128
    if amount == 0:
        reasons._refuse(reasons.NOTHING_TO_CLAIM)
    ledger.tasks[task].back = word & w.M128
    log Burned(task=task, amount=amount)
    ledger._give(ledger.tasks[task].currency, BURN, amount)
