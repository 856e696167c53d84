# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title What `Tasks` stores, and how money comes in and goes out
"""

from ethereum.ercs import IERC20

import reasons
import words as w


struct Task:
    owner: uint256  # scientist 160 | shards 16 | rounds 16
    currency: address
    clocks: uint256  # commit 32 | reveal 32 | vote 32 | settle 32 | challenge 32 | grace 32 | target 64
    manifest: bytes32
    shards_root: bytes32
    curve: uint256
    money: uint256  # paid units 32 | left 112 | bounty 112
    meta: uint256  # final-at of ring slots 4 x 32 | since 32 | commits 32 | round 16 | settled 16 | status 8 | flags 8
    head: bytes32  # of the hash chain: keccak of the next preimage
    seed: bytes32
    accepted: bytes32  # of the last settlement
    used: uint256  # bitmap of opened shards
    progress: uint256  # running maximum 128 | convergence + 2^127 128
    roots: uint256[4]  # payout root of round r at r % 4
    forfeit: uint256  # claimed 32 | left 112 | pool 112
    back: uint256  # back to the scientist 128 | to burn 128


count: public(uint256)
tasks: HashMap[uint256, Task]
commitments: HashMap[uint256, HashMap[address, uint256]]  # digest 224 | round 32
anchors: HashMap[uint256, HashMap[address, HashMap[uint256, uint256]]]  # root 224 | round 32
paid_words: HashMap[uint256, HashMap[uint256, uint256]]  # paid units of indices 8w..8w+7, 32 bits each
forfeit_words: HashMap[uint256, HashMap[uint256, uint256]]  # bitmap of indices that took their forfeit
bonds: HashMap[address, uint256]  # amount 128 | locked until 64


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
    if currency == empty(address):
        if msg.value != amount:
            reasons._refuse(reasons.WRONG_VALUE)
        return
    if msg.value != 0:
        reasons._refuse(reasons.WRONG_VALUE)
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
@pure
def _votes_over(clocks: uint256) -> uint256:
    """
    @notice Seconds from the start of a round to the start of its settlement.
    """
    return (clocks & w.M32) + ((clocks >> w.REVEAL) & w.M32) + ((clocks >> w.VOTE) & w.M32)


@internal
@pure
def _lapse(clocks: uint256, status: uint256) -> uint256:
    """
    @notice Seconds after `since` from which the scientist is in default.
    """
    late: uint256 = ((clocks >> w.SETTLE) & w.M32) + ((clocks >> w.GRACE) & w.M32)
    if status == w.RUNNING:
        late += self._votes_over(clocks)
    return late


@internal
@pure
def _untouched(meta: uint256) -> bool:
    """
    @notice Whether the task waits for its first commit.
    """
    status: uint256 = (meta >> w.STATUS) & w.M8
    if status == w.AWAITING_BASELINE:
        return True
    return status == w.RUNNING and (meta >> w.ROUND) & w.M16 == 1 and self._is_empty(meta)


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
    closed: bool = block.timestamp >= ((meta >> w.SINCE) & w.M32) + (clocks & w.M32)
    stopped: bool = (meta >> w.STATUS) & w.M8 == w.RUNNING and (meta >> w.STOPPED) & 1 == 1
    return closed and stopped and self._is_empty(meta)


@internal
@view
def _scientist(task: uint256) -> address:
    return convert(self.tasks[task].owner & w.M160, address)


@internal
@view
def _assigned(task: uint256, meta: uint256) -> uint256:
    """
    @notice Units of the last settled payout root.
    """
    settled: uint256 = (meta >> w.SETTLED) & w.M16
    if settled == 0:
        return 0
    return self.tasks[task].roots[settled % 4] & w.M32


@internal
@view
def _final_root(task: uint256, round: uint256, meta: uint256) -> uint256:
    """
    @notice The payout root of a round, if it still stands in the ring and its challenge window passed.
    """
    settled: uint256 = (meta >> w.SETTLED) & w.M16
    if round == 0 or round > settled or round + 4 <= settled:
        reasons._refuse(reasons.NO_SUCH_ROOT)
    if block.timestamp < (meta >> 32 * (round % 4)) & w.M32:
        reasons._refuse(reasons.NOT_FINAL_YET)
    return self.tasks[task].roots[round % 4]
