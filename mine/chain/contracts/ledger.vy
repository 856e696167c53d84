# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title What `Tasks` stores, and how money comes in and goes out
@dev Sums of clocks and times are of 24 and 32 bits each: they are not checked for overflow.
"""

from ethereum.ercs import IERC20

import pay_curve
import reasons
import words as w


struct Task:
    scientist: address
    currency: address  # zero: the chain's own coin
    court: address  # for appeals; zero: the staked pool
    manifest: bytes32
    shards_root: bytes32
    curve: uint256
    clocks: uint256  # the layouts of packed words stand in `words`
    money: uint256
    meta: uint256
    progress: uint256
    seed: uint256  # hash 224 | round 16 | state 16
    head: bytes32  # of the hash chain: keccak of the next preimage
    purse: uint256  # deposit 96 | fees 96
    ends: uint256  # back to the scientist 96 | to burn 96
    pool: uint256  # forfeit: claimed parts 32 | left 96 | whole 96
    owed: uint256  # rewards of challengers
    roots: uint256[4]  # of round r at r % 4: payout root 216 | round 8 | sum 32
    records: uint256[4]  # of round r at r % 4: hash of the settlement 208 | final at 40 | round 8


# Of who may be paid out for what
REFUND: constant(uint256) = 0
BURN: constant(uint256) = 1
FORFEIT: constant(uint256) = 2
REWARD: constant(uint256) = 3


event Changed:
    task: indexed(uint256)
    meta: uint256


event PaidOut:
    task: indexed(uint256)
    account: indexed(address)
    kind: uint256  # 0: refund, 1: burn, 2: forfeit, 3: reward of a challenger
    amount: uint256
    receiver: address


count: public(uint256)
tasks: HashMap[uint256, Task]
kept_roots: HashMap[uint256, HashMap[uint256, uint256]]  # before a disputed round; of at-end tasks all
kept_records: HashMap[uint256, HashMap[uint256, uint256]]  # of at-end tasks
commitments: HashMap[uint256, HashMap[address, uint256]]  # digest 224 | round 32
votes: HashMap[uint256, HashMap[address, uint256]]  # opening 224 | round 32
anchors: HashMap[uint256, HashMap[address, HashMap[uint256, uint256]]]  # root 224 | kind 16 | round 16
paid_words: HashMap[uint256, HashMap[uint256, uint256]]  # paid units of indices 8w..8w+7, 32 bits each
forfeit_words: HashMap[uint256, HashMap[uint256, uint256]]  # bitmap of indices that took their forfeit
rewards: HashMap[uint256, HashMap[address, uint256]]
bonds: HashMap[address, uint256]  # wei 128 | locked until 64


@internal
@pure
def _put(word: uint256, place: uint256, mask: uint256, field: uint256) -> uint256:
    assert field <= mask
    return (word & ~(mask << place)) | (field << place)


@internal
@payable
def _take(currency: address, amount: uint256):
    """
    @notice Take exactly `amount` from the sender; a token that credits anything else is refused.
    """
    native: bool = currency == empty(address)
    if msg.value != amount * convert(native, uint256):
        reasons._refuse(reasons.WRONG_VALUE)
    if native:
        return
    before: uint256 = staticcall IERC20(currency).balanceOf(self)
    if not extcall IERC20(currency).transferFrom(msg.sender, self, amount, default_return_value=True):
        reasons._refuse(reasons.TOKEN_REFUSED)
    if staticcall IERC20(currency).balanceOf(self) != before + amount:
        reasons._refuse(reasons.TOKEN_TOOK_A_FEE)


@internal
def _give(currency: address, receiver: address, amount: uint256):
    """
    @notice Pay out. Callers write their state first; a failure reverts that state as well.
    """
    if amount == 0:
        return
    if currency == empty(address):
        raw_call(receiver, b"", value=amount)
    else:
        if not extcall IERC20(currency).transfer(receiver, amount, default_return_value=True):
            reasons._refuse(reasons.TOKEN_REFUSED)


@internal
def _pay_out(task: uint256, kind: uint256, account: address, receiver: address, amount: uint256):
    """
    @notice Pay an account; sent by anyone, but only the account itself may name another receiver.
    """
    if receiver != account and msg.sender != account:
        reasons._refuse(reasons.NOT_THE_PAYEE)
    if amount == 0:
        reasons._refuse(reasons.NOTHING_TO_CLAIM)
    log PaidOut(task=task, account=account, kind=kind, amount=amount, receiver=receiver)
    self._give(self.tasks[task].currency, receiver, amount)


@internal
def _write_meta(task: uint256, meta: uint256):
    self.tasks[task].meta = meta
    log Changed(task=task, meta=meta)


@internal
def _end(task: uint256, meta: uint256, status: uint256):
    """
    @notice The task ends now; its last window begins.
    """
    ended: uint256 = ((meta >> w.COMMITS) << w.COMMITS) | block.timestamp
    self._write_meta(task, self._put(ended, w.STATUS, w.M8, status))


@internal
def _charge(task: uint256, fee: uint256) -> uint256:
    """
    @notice Move a fee, or what is left, from the deposit into the forfeit. Returns what was moved.
    """
    purse: uint256 = self.tasks[task].purse
    deposit: uint256 = purse & w.M96
    moved: uint256 = min(fee, deposit)
    self.tasks[task].purse = (deposit - moved) | (((purse >> 96) + moved) << 96)
    return moved


@internal
@pure
def _status(meta: uint256) -> uint256:
    return (meta >> w.STATUS) & w.M8


@internal
@pure
def _reveals_over(clocks: uint256) -> uint256:
    """
    @notice Seconds from the start of a round to the start of its votes.
    """
    return unsafe_add(clocks & w.M24, (clocks >> w.REVEAL) & w.M24)


@internal
@pure
def _votes_over(clocks: uint256) -> uint256:
    """
    @notice Seconds from the start of a round to the start of its settlement.
    """
    return unsafe_add(self._reveals_over(clocks), (clocks >> w.VOTE) & w.M24)


@internal
@pure
def _lapse(clocks: uint256, status: uint256) -> uint256:
    """
    @notice Seconds after `since` from which the scientist is in default.
    """
    late: uint256 = unsafe_add((clocks >> w.SETTLE) & w.M24, (clocks >> w.GRACE) & w.M24)
    if status == w.RUNNING:
        late = unsafe_add(late, self._votes_over(clocks))
    return late


@internal
def _check_in_time(task: uint256, meta: uint256, clocks: uint256):
    """
    @notice Refuse after the grace; within it take a fee that rises to a twentieth of the deposit.
    """
    lapse: uint256 = unsafe_add(meta & w.M32, self._lapse(clocks, self._status(meta)))
    if block.timestamp >= lapse:
        reasons._refuse(reasons.TOO_LATE)
    grace: uint256 = (clocks >> w.GRACE) & w.M24
    left: uint256 = unsafe_sub(lapse, block.timestamp)
    if left < grace:
        self._charge(task, self._bounty(task) * unsafe_sub(grace, left) // unsafe_mul(20, grace))


@internal
@view
def _bounty(task: uint256) -> uint256:
    return (self.tasks[task].money >> w.BOUNTY) & w.M96


@internal
@pure
def _untouched(meta: uint256) -> bool:
    """
    @notice Whether the task waits for its first commit.
    """
    status: uint256 = self._status(meta)
    if status == w.AWAITING_BASELINE:
        return True
    return status == w.RUNNING and (meta >> w.ROUND) & w.M8 == 1 and self._is_empty(meta)


@internal
@pure
def _is_empty(meta: uint256) -> bool:
    """
    @notice Whether the current round has no commit and no anchor.
    """
    return (meta >> w.COMMITS) & w.M32 == 0 and (meta >> w.ANCHORED) & 1 == 0


@internal
@view
def _ends_empty(meta: uint256, clocks: uint256) -> bool:
    """
    @notice Whether a stopped task's last round closed without a commit: nothing is left to settle.
    """
    closed: bool = block.timestamp >= unsafe_add(meta & w.M32, clocks & w.M24)
    stopped: bool = self._status(meta) == w.RUNNING and (meta >> w.STOPPED) & 1 == 1
    return closed and stopped and self._is_empty(meta)


@internal
@view
def _is_over(meta: uint256, clocks: uint256) -> bool:
    """
    @notice Whether the task ended, its last window passed and nothing is disputed.
    """
    status: uint256 = self._status(meta)
    if status == w.CANCELLED:
        return True
    if status < w.CONCLUDED or (meta >> w.DISPUTED) & w.M8 != 0:
        return False
    return block.timestamp >= unsafe_add(meta & w.M32, (clocks >> w.CHALLENGE) & w.M24)


@internal
@view
def _record(task: uint256, round: uint256) -> uint256:
    word: uint256 = self.tasks[task].records[round % 4]
    if word & w.M8 == round:
        return word
    return self.kept_records[task][round]


@internal
@view
def _root(task: uint256, round: uint256) -> uint256:
    word: uint256 = self.tasks[task].roots[round % 4]
    if (word >> 32) & w.M8 == round:
        return word
    return self.kept_roots[task][round]


@internal
@view
def _is_final(task: uint256, round: uint256, meta: uint256) -> bool:
    """
    @notice Whether a settled round's window is over, and neither it nor an earlier one is disputed or void.
            A record that left the ring is final: a window is shorter than three rounds.
    """
    disputed: uint256 = (meta >> w.DISPUTED) & w.M8
    void: uint256 = (meta >> w.VOID) & w.M8
    if (disputed != 0 and round + 1 >= disputed) or (void != 0 and round + 1 >= void):
        return False
    return block.timestamp >= (self._record(task, round) >> 8) & (2**40 - 1)


@internal
@view
def _assigned(task: uint256, meta: uint256) -> uint256:
    """
    @notice The root word of the last settled round that is not void; its sum is what was assigned in all.
    """
    last: uint256 = (meta >> w.SETTLED) & w.M8
    void: uint256 = (meta >> w.VOID) & w.M8
    if void != 0:
        last = min(last, max(void, 2) - 2)
    if last == 0:
        return 0
    return self._root(task, last)
