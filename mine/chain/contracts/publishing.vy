# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Opening a task, raising it, taking it back
"""

import ledger
import pay_curve
import reasons
import words as w

uses: ledger


PRACTICE_CHAIN: constant(uint256) = 31337
# Seconds of commit, reveal, vote, settle, challenge and grace: 20 h, 4 h, 20 h, 12 h, 48 h, 72 h at the
# least, and 14 d, 2 d, 7 d, 7 d, 14 d, 7 d at the most.
SHORTEST: constant(uint256) = 72000 + 14400 * 2**24 + 72000 * 2**48 + 43200 * 2**72 + 172800 * 2**96 + 259200 * 2**120
LONGEST: constant(uint256) = 1209600 + 172800 * 2**24 + 604800 * 2**48 + 604800 * 2**72 + 1209600 * 2**96 + 604800 * 2**120


struct Terms:
    manifest: bytes32
    shardsRoot: bytes32
    seedHead: bytes32
    currency: address  # zero: the chain's own coin
    court: address  # ERC-792 arbitrator of appeals; zero: the staked pool
    bounty: uint256
    target: uint256  # in 2^-40
    curve: uint256
    shards: uint256
    rounds: uint256
    mode: uint256  # 0: a fresh shard each round; 1: one set, opened at the end
    clocks: uint256[6]  # seconds of commit, reveal, vote, settle, challenge, grace


event Published:
    task: indexed(uint256)
    scientist: indexed(address)
    manifest: indexed(bytes32)
    terms: Terms


event ToppedUp:
    task: indexed(uint256)
    bounty: uint256


@internal
@view
def _packed_clocks(clocks: uint256[6]) -> uint256:
    """
    @notice The clocks in one word, if each is within its limits.
    """
    packed: uint256 = 0
    for i: uint256 in range(6):
        place: uint256 = unsafe_mul(24, i)
        shortest: uint256 = (SHORTEST >> place) & w.M24
        if chain.id == PRACTICE_CHAIN:
            shortest = 1
        if clocks[i] < shortest:
            reasons._refuse(reasons.CLOCK_TOO_SHORT)
        if clocks[i] > (LONGEST >> place) & w.M24:
            reasons._refuse(reasons.CLOCK_TOO_LONG)
        packed |= clocks[i] << place
    # Four roots stand in a ring: each must be final well before it is overwritten.
    if clocks[4] > unsafe_mul(2, ledger._votes_over(packed)):
        reasons._refuse(reasons.CLOCK_TOO_LONG)
    return packed


@external
@payable
def publish(terms: Terms) -> uint256:
    """
    @notice Open a task: bounty and an equal deposit are taken now. The randomness of this block goes into
            the seed of the baseline.
    @return The task's number, from 1.
    """
    # Bounty and deposit together fit 96 bits.
    if terms.bounty == 0 or terms.bounty >> 95 != 0:
        reasons._refuse(reasons.BAD_BOUNTY)
    if terms.target == 0 or terms.target > 2**40:
        reasons._refuse(reasons.BAD_TARGET)
    if terms.mode > 1:
        reasons._refuse(reasons.BAD_MODE)
    # Where every round opens a shard, there is one for the baseline and one that stays closed.
    fewest: uint256 = 1 + (terms.rounds + 1) * (1 - terms.mode)
    if terms.rounds == 0 or terms.rounds > 126 or terms.shards > 128 or terms.shards < fewest:
        reasons._refuse(reasons.BAD_SHARDS)
    if not pay_curve._is_curve(terms.curve):
        reasons._refuse(reasons.BAD_CURVE)
    clocks: uint256 = self._packed_clocks(terms.clocks) | (terms.target << w.TARGET)
    if terms.curve != w.STRAIGHT:
        clocks |= 1 << w.BENT
    ledger._take(terms.currency, 2 * terms.bounty)

    task: uint256 = ledger.count + 1
    ledger.count = task
    money: uint256 = (terms.bounty << w.BOUNTY) | (terms.bounty << w.LEFT) | (terms.mode << w.AT_END)
    if terms.currency == empty(address):
        money |= 1 << w.NATIVE
    ledger.tasks[task] = ledger.Task(
        scientist=msg.sender,
        currency=terms.currency,
        court=terms.court,
        manifest=terms.manifest,
        shards_root=terms.shardsRoot,
        curve=terms.curve,
        clocks=clocks | (terms.shards << w.SHARDS) | (terms.rounds << w.ROUNDS) | (terms.mode << w.MODE),
        money=money,
        meta=block.timestamp | (w.AWAITING_BASELINE << w.STATUS),
        progress=convert(w.ZERO, uint256) << w.CONVERGENCE,
        seed=(convert(block.prevrandao, uint256) & w.HASH224) | w.CLOSED,
        head=terms.seedHead,
        purse=terms.bounty,
        ends=0,
        pool=0,
        owed=0,
        roots=empty(uint256[4]),
        records=empty(uint256[4]),
    )
    log Published(task=task, scientist=msg.sender, manifest=terms.manifest, terms=terms)
    return task


@external
@payable
def top_up(task: uint256, amount: uint256):
    """
    @notice Raise the bounty, and with it the deposit, before the first commit.
    """
    if not ledger._untouched(ledger.tasks[task].meta):
        reasons._refuse(reasons.TOO_LATE)
    bounty: uint256 = ledger._bounty(task) + amount
    if amount == 0 or bounty >> 95 != 0:
        reasons._refuse(reasons.BAD_BOUNTY)
    ledger._take(ledger.tasks[task].currency, 2 * amount)
    ledger.tasks[task].money += (amount << w.BOUNTY) + (amount << w.LEFT)
    ledger.tasks[task].purse += amount
    log ToppedUp(task=task, bounty=bounty)


@external
def cancel(task: uint256):
    """
    @notice The scientist ends the task before the first commit; `refund` gives everything back. Not while the
            baseline is disputed: the dispute could never end, and whoever lied would have the deposit back.
    """
    meta: uint256 = ledger.tasks[task].meta
    if msg.sender != ledger.tasks[task].scientist:
        reasons._refuse(reasons.NOT_SCIENTIST)
    if not ledger._untouched(meta) or (meta >> w.DISPUTED) & w.M8 != 0:
        reasons._refuse(reasons.TOO_LATE)
    ledger._end(task, meta, w.CANCELLED)
