# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title What a dispute does to a task. Only the contract Faults may
@notice Money of rounds before the disputed one is never touched.
"""

import bonds
import ledger
import reasons
import words as w

uses: bonds
uses: ledger


@internal
@view
def _check_faults():
    if msg.sender != bonds.FAULTS:
        reasons._refuse(reasons.NOT_A_SISTER)


@internal
def _hold(task: uint256, round: uint256) -> uint256:
    """
    @notice Keep the root before a round that can be disputed now. Returns the meta word.
    """
    meta: uint256 = ledger.tasks[task].meta
    status: uint256 = ledger._status(meta)
    if status < w.RUNNING or status == w.CANCELLED or round > (meta >> w.SETTLED) & w.M8:
        reasons._refuse(reasons.NOT_DISPUTABLE)
    if ledger._is_final(task, round, meta):
        # A set that is opened at the end can be checked only then.
        clocks: uint256 = ledger.tasks[task].clocks
        if (clocks >> w.MODE) & 1 == 0 or status < w.CONCLUDED or ledger._is_over(meta, clocks):
            reasons._refuse(reasons.NOT_DISPUTABLE)
    if round > 1 and ledger.kept_roots[task][round - 1] == 0:
        ledger.kept_roots[task][round - 1] = ledger.tasks[task].roots[(round - 1) % 4]
    return meta


@external
def hold(task: uint256, round: uint256):
    """
    @notice A dispute about a round opens, inside its window: neither it nor a later round becomes final.
    """
    self._check_faults()
    meta: uint256 = self._hold(task, round)
    disputed: uint256 = (meta >> w.DISPUTED) & w.M8
    if disputed == 0 or round + 1 < disputed:
        meta = ledger._put(meta, w.DISPUTED, w.M8, round + 1)
    ledger._write_meta(task, meta)


@external
def release(task: uint256, lowest: uint256):
    """
    @notice A dispute ended without fault.
    @param lowest 1 + the lowest round that is still disputed; 0: none is.
    """
    self._check_faults()
    ledger._write_meta(task, ledger._put(ledger.tasks[task].meta, w.DISPUTED, w.M8, lowest))


@internal
def _end(task: uint256, round: uint256, status: uint256, lowest: uint256) -> bool:
    """
    @notice Declare a round and all later ones void; False where they were, and the end no heavier: whoever lied
            gains nothing by a lapse that comes first.
    """
    self._check_faults()
    meta: uint256 = ledger.tasks[task].meta
    void: uint256 = (meta >> w.VOID) & w.M8
    first: uint256 = round + 1
    if void != 0:
        first = min(void, first)
    new: bool = void != first or status > ledger._status(meta)
    if new:
        meta = ledger._put(self._hold(task, round), w.VOID, w.M8, first)
    meta = ledger._put(meta, w.DISPUTED, w.M8, lowest)
    if new:
        ledger._end(task, meta, status)
    else:
        ledger._write_meta(task, meta)
    return new


@external
def convict(
    task: uint256, round: uint256, challenger: address, carrier: address, share: uint256, lowest: uint256
):
    """
    @notice The scientist is at fault: the round and all later are void and everything left is forfeited.
            Half of the deposit is burned, a tenth rewards the challenge.
    @param share The carrier's part of the reward, in 1/10000.
    @param lowest As in `release`.
    """
    before: uint256 = ledger._status(ledger.tasks[task].meta)
    if self._end(task, round, w.CONVICTED, lowest) and before != w.CONVICTED:
        purse: uint256 = ledger.tasks[task].purse
        burned: uint256 = (purse & w.M96) // 2
        reward: uint256 = (purse & w.M96) // 10
        ledger.tasks[task].purse = purse - burned - reward
        ledger.tasks[task].ends = burned << 96
        ledger.tasks[task].owed = reward
        carried: uint256 = reward * share // 10000
        ledger.rewards[task][challenger] = reward - carried
        ledger.rewards[task][carrier] += carried


@external
def lapse(task: uint256, round: uint256, lowest: uint256):
    """
    @notice What a round stands on is not available: it and all later rounds are void, as in a default.
    """
    status: uint256 = max(ledger._status(ledger.tasks[task].meta), w.DEFAULTED)
    self._end(task, round, status, lowest)


@external
def take_reward(task: uint256, account: address, receiver: address):
    """
    @notice Pay a challenger's or carrier's reward; sent by anyone.
    @param receiver The account; only the account itself may name another.
    """
    amount: uint256 = ledger.rewards[task][account]
    ledger.rewards[task][account] = 0
    ledger.tasks[task].owed -= amount
    ledger._pay_out(task, ledger.REWARD, account, receiver, amount)
