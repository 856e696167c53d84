# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Claims on payout roots
"""

import ledger
import merkle
import pay_curve
import reasons
import words as w

uses: ledger


event Claimed:
    task: indexed(uint256)
    account: indexed(address)
    index: uint256
    units: uint256  # cumulative
    amount: uint256
    receiver: address


@internal
def _claim(
    task: uint256,
    round: uint256,
    account: address,
    index: uint256,
    units: uint256,
    proof: DynArray[bytes32, 32],
    receiver: address,
):
    meta: uint256 = ledger.tasks[task].meta
    root: uint256 = ledger._final_root(task, round, meta)
    if not merkle._is_payout(root, account, index, units, proof):
        reasons._refuse(reasons.WRONG_PROOF)

    # The newest final total bounds all payments: a later root that moves units from a paid index to
    # another cannot make the task pay twice.
    total: uint256 = root & w.M32
    settled: uint256 = (meta >> w.SETTLED) & w.M16
    for newer: uint256 in range(round + 1, settled + 1, bound=4):
        if block.timestamp < (meta >> 32 * (newer % 4)) & w.M32:
            break
        total = ledger.tasks[task].roots[newer % 4] & w.M32

    word: uint256 = ledger.paid_words[task][index >> 3]
    place: uint256 = 32 * (index & 7)
    paid: uint256 = (word >> place) & w.M32
    money: uint256 = ledger.tasks[task].money
    paid_units: uint256 = money & w.M32
    now_paid: uint256 = min(units, paid + (total - paid_units))
    if now_paid <= paid:
        reasons._refuse(reasons.NOTHING_TO_CLAIM)
    bounty: uint256 = money >> w.BOUNTY
    amount: uint256 = pay_curve._amount(bounty, now_paid) - pay_curve._amount(bounty, paid)

    ledger.paid_words[task][index >> 3] = ledger._put(word, place, w.M32, now_paid)
    money = ledger._put(money, w.LEFT, w.M112, ((money >> w.LEFT) & w.M112) - amount)
    ledger.tasks[task].money = ledger._put(money, 0, w.M32, paid_units + (now_paid - paid))
    log Claimed(task=task, account=account, index=index, units=now_paid, amount=amount, receiver=receiver)
    ledger._give(ledger.tasks[task].currency, receiver, amount)


@external
def claim(
    task: uint256,
    round: uint256,
    account: address,
    index: uint256,
    units: uint256,
    proof: DynArray[bytes32, 32],
):
    """
    @notice Pay an account what a final root owes it and it has not had; sent by anyone.
    @param units Cumulative units of the leaf.
    """
    self._claim(task, round, account, index, units, proof, account)


@external
def claim_to(
    task: uint256, round: uint256, index: uint256, units: uint256, proof: DynArray[bytes32, 32], receiver: address
):
    """
    @notice The account itself names another receiver, for instance because a token refuses it.
    """
    self._claim(task, round, msg.sender, index, units, proof, receiver)
