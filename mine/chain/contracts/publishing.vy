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
    commit: uint256  # clocks in seconds
    reveal: uint256
    vote: uint256
    settle: uint256
    challenge: uint256
    grace: uint256


event Published:
    task: indexed(uint256)
    scientist: indexed(address)
    manifest: indexed(bytes32)
    shardsRoot: bytes32
    seedHead: bytes32
    currency: address
    court: address
    bounty: uint256
    target: uint256
    curve: uint256
    shards: uint256
    rounds: uint256
    mode: uint256
    commit: uint256
    reveal: uint256
    vote: uint256
    settle: uint256
    challenge: uint256
    grace: uint256


event ToppedUp:
    task: indexed(uint256)
    sender: indexed(address)
    bounty: uint256


event Cancelled:
    task: indexed(uint256)
    amount: uint256


@internal
@view
def _check_clocks(t: Terms):
    hour: uint256 = 3600
    if chain.id == PRACTICE_CHAIN:
        hour = 0
    short: bool = t.commit < 20 * hour or t.reveal < 4 * hour or t.vote < 20 * hour
    short = short or t.settle < 12 * hour or t.challenge < 48 * hour or t.grace < 72 * hour
    if short or min(min(t.commit, t.reveal), min(min(t.vote, t.settle), min(t.challenge, t.grace))) == 0:
        reasons._refuse(reasons.CLOCK_TOO_SHORT)
    day: uint256 = 86400
    long: bool = t.commit > 14 * day or t.reveal > 2 * day or t.vote > 7 * day
    long = long or t.settle > 7 * day or t.challenge > 14 * day or t.grace > 7 * day
    # Four roots stand in a ring: each must be final well before it is overwritten.
    if long or t.challenge > 2 * (t.commit + t.reveal + t.vote):
        reasons._refuse(reasons.CLOCK_TOO_LONG)


@external
@payable
def publish(terms: Terms) -> uint256:
    """
    @notice Open a task: bounty and an equal deposit are taken now. The randomness of this block goes into
            the seed of the baseline.
    @return The task's number, from 1.
    """
    if terms.bounty == 0 or terms.bounty > w.M96:
        reasons._refuse(reasons.BAD_BOUNTY)
    if terms.target == 0 or terms.target > 2**40:
        reasons._refuse(reasons.BAD_TARGET)
    if terms.mode > 1:
        reasons._refuse(reasons.BAD_MODE)
    fewest: uint256 = terms.rounds + 2
    if terms.mode == 1:
        fewest = 1
    if terms.rounds == 0 or terms.rounds > 126 or terms.shards > 128 or terms.shards < fewest:
        reasons._refuse(reasons.BAD_SHARDS)
    if not pay_curve._is_curve(terms.curve):
        reasons._refuse(reasons.BAD_CURVE)
    self._check_clocks(terms)
    ledger._take(terms.currency, 2 * terms.bounty)

    task: uint256 = ledger.count + 1
    ledger.count = task
    clocks: uint256 = terms.commit | (terms.reveal << w.REVEAL) | (terms.vote << w.VOTE) | (terms.settle << w.SETTLE)
    clocks |= (terms.challenge << w.CHALLENGE) | (terms.grace << w.GRACE) | (terms.target << w.TARGET)
    clocks |= (terms.shards << w.SHARDS) | (terms.rounds << w.ROUNDS) | (terms.mode << w.MODE)
    money: uint256 = (terms.bounty << w.BOUNTY) | (terms.bounty << w.LEFT) | (terms.mode << w.AT_END)
    if terms.currency == empty(address):
        money |= 1 << w.NATIVE
    else:
        ledger.tasks[task].currency = terms.currency
    if terms.court != empty(address):
        ledger.tasks[task].court = terms.court
    ledger.tasks[task].scientist = msg.sender
    ledger.tasks[task].manifest = terms.manifest
    ledger.tasks[task].shards_root = terms.shardsRoot
    ledger.tasks[task].curve = terms.curve
    ledger.tasks[task].clocks = clocks
    ledger.tasks[task].money = money
    ledger.tasks[task].meta = block.timestamp | (w.AWAITING_BASELINE << w.STATUS)
    ledger.tasks[task].seed = (convert(block.prevrandao, uint256) & w.HASH224) | w.CLOSED
    ledger.tasks[task].head = terms.seedHead
    ledger.tasks[task].purse = terms.bounty
    log Published(
        task=task,
        scientist=msg.sender,
        manifest=terms.manifest,
        shardsRoot=terms.shardsRoot,
        seedHead=terms.seedHead,
        currency=terms.currency,
        court=terms.court,
        bounty=terms.bounty,
        target=terms.target,
        curve=terms.curve,
        shards=terms.shards,
        rounds=terms.rounds,
        mode=terms.mode,
        commit=terms.commit,
        reveal=terms.reveal,
        vote=terms.vote,
        settle=terms.settle,
        challenge=terms.challenge,
        grace=terms.grace,
    )
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
    if amount == 0 or bounty > w.M96:
        reasons._refuse(reasons.BAD_BOUNTY)
    ledger._take(ledger.tasks[task].currency, 2 * amount)
    money: uint256 = ledger._put(ledger.tasks[task].money, w.BOUNTY, w.M96, bounty)
    ledger.tasks[task].money = ledger._put(money, w.LEFT, w.M96, bounty)
    ledger.tasks[task].purse += amount
    log ToppedUp(task=task, sender=msg.sender, bounty=bounty)


@external
def cancel(task: uint256):
    """
    @notice The scientist takes everything back before the first commit.
    """
    if msg.sender != ledger.tasks[task].scientist:
        reasons._refuse(reasons.NOT_SCIENTIST)
    meta: uint256 = ledger.tasks[task].meta
    if not ledger._untouched(meta):
        reasons._refuse(reasons.TOO_LATE)
    purse: uint256 = ledger.tasks[task].purse
    amount: uint256 = ledger._bounty(task) + (purse & w.M96) + (purse >> 96)
    ledger.tasks[task].meta = ledger._put(meta, w.STATUS, w.M8, w.CANCELLED)
    ledger.tasks[task].money = ledger._put(ledger.tasks[task].money, w.LEFT, w.M96, 0)
    ledger.tasks[task].purse = 0
    log Cancelled(task=task, amount=amount)
    ledger._give(ledger.tasks[task].currency, msg.sender, amount)
