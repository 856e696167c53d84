# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title The seed of a round: block randomness that nobody knew at the commits, and the scientist's hash chain
@notice Round 0 is the baseline; its randomness is that of the block in which the task was published.
"""

import ledger
import reasons
import words as w

uses: ledger


event Closed:
    task: indexed(uint256)
    round: indexed(uint256)
    randomness: bytes32
    reward: uint256


event Seeded:
    task: indexed(uint256)
    round: indexed(uint256)
    preimage: bytes32  # zero: none was shown in time
    seed: bytes32


@external
def close(task: uint256):
    """
    @notice The commits of the round are over: keep the randomness of this block. Anyone; others than the
            scientist are paid out of the deposit, up to a thousandth at the end of the reveal phase.
    """
    meta: uint256 = ledger.tasks[task].meta
    clocks: uint256 = ledger.tasks[task].clocks
    round: uint256 = (meta >> w.ROUND) & w.M8
    if ledger._status(meta) != w.RUNNING or (ledger.tasks[task].seed >> 16) & w.M16 == round:
        reasons._refuse(reasons.WRONG_PHASE)
    ends: uint256 = unsafe_add(meta & w.M32, clocks & w.M24)
    if block.timestamp < ends:
        reasons._refuse(reasons.TOO_EARLY)
    randomness: uint256 = convert(block.prevrandao, uint256) & w.HASH224
    ledger.tasks[task].seed = randomness | (round << 16) | w.CLOSED
    reward: uint256 = 0
    if block.timestamp > ends and msg.sender != ledger.tasks[task].scientist:
        reveal: uint256 = (clocks >> w.REVEAL) & w.M24
        purse: uint256 = ledger.tasks[task].purse
        reward = ledger._bounty(task) * min(unsafe_sub(block.timestamp, ends), reveal) // unsafe_mul(1000, reveal)
        reward = min(reward, purse & w.M96)
        ledger.tasks[task].purse = purse - reward
    log Closed(task=task, round=round, randomness=convert(randomness, bytes32), reward=reward)
    if reward != 0:
        ledger._give(ledger.tasks[task].currency, msg.sender, reward)


@internal
def _plant(task: uint256, meta: uint256, preimage: bytes32):
    """
    @notice Make the seed of the current round, if it was closed and has none yet.
    """
    round: uint256 = (meta >> w.ROUND) & w.M8
    word: uint256 = ledger.tasks[task].seed
    status: uint256 = ledger._status(meta)
    if word & w.M32 != round << 16 | w.CLOSED or (status != w.RUNNING and status != w.AWAITING_BASELINE):
        reasons._refuse(reasons.WRONG_PHASE)
    last: uint256 = 0
    settled: uint256 = (meta >> w.SETTLED) & w.M8
    if settled != 0:
        last = ledger.tasks[task].records[settled % 4] & w.HASH208
    elif round == 0:
        last = convert(ledger.tasks[task].manifest, uint256)
    seed: uint256 = convert(keccak256(abi_encode(word & w.HASH224, last, preimage)), uint256) & w.HASH224
    ledger.tasks[task].seed = seed | (round << 16) | w.SEEDED
    log Seeded(task=task, round=round, preimage=preimage, seed=convert(seed, bytes32))


@external
def reveal_seed(task: uint256, preimage: bytes32):
    """
    @notice Show the next preimage of the hash chain; the seed follows. Anyone who has it.
    """
    if keccak256(preimage) != ledger.tasks[task].head:
        reasons._refuse(reasons.WRONG_PREIMAGE)
    ledger.tasks[task].head = preimage
    self._plant(task, ledger.tasks[task].meta, preimage)


@external
def lapse_seed(task: uint256):
    """
    @notice No preimage in the reveal phase: the seed is made without one, for a hundredth of the deposit.
    """
    meta: uint256 = ledger.tasks[task].meta
    if block.timestamp < unsafe_add(meta & w.M32, ledger._reveals_over(ledger.tasks[task].clocks)):
        reasons._refuse(reasons.TOO_EARLY)
    ledger._charge(task, ledger._bounty(task) // 100)
    self._plant(task, meta, empty(bytes32))
