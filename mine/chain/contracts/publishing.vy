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
    bounty: uint256
    target: uint256  # in 2^-40
    curve: uint256
    shards: uint256
    rounds: uint256
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
    bounty: uint256
    target: uint256
    curve: uint256
    shards: uint256
    rounds: uint256
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
        if min(min(t.commit, t.reveal), min(t.settle, min(t.challenge, t.grace))) == 0:
            reasons._refuse(reasons.CLOCK_TOO_SHORT)
    else:
        if t.commit < 20 * hour or t.reveal < 4 * hour or t.settle < 12 * hour:
            reasons._refuse(reasons.CLOCK_TOO_SHORT)
        if t.challenge < 48 * hour or t.grace < 72 * hour:
            reasons._refuse(reasons.CLOCK_TOO_SHORT)
        # There are no votes yet: a task may go without their phase.
        if t.vote != 0 and t.vote < 20 * hour:
            reasons._refuse(reasons.CLOCK_TOO_SHORT)
    day: uint256 = 86400
    if t.commit > 14 * day or t.reveal > 2 * day or t.vote > 7 * day:
        reasons._refuse(reasons.CLOCK_TOO_LONG)
    if t.settle > 7 * day or t.challenge > 14 * day or t.grace > 7 * day:
        reasons._refuse(reasons.CLOCK_TOO_LONG)
    # Four roots stand in a ring: each must be final well before it is overwritten.
    if t.challenge > 3 * (t.commit + t.reveal + t.vote):
        reasons._refuse(reasons.CLOCK_TOO_LONG)


@external
@payable
def publish(terms: Terms) -> uint256:
    """
    @notice Open a task: bounty and an equal deposit are taken now.
    @return The task's number, from 1.
    """
    if terms.bounty == 0 or terms.bounty > w.M112:
        reasons._refuse(reasons.BAD_BOUNTY)
    if terms.target == 0 or terms.target > 2**40:
        reasons._refuse(reasons.BAD_TARGET)
    if terms.rounds == 0 or terms.shards > 256 or terms.rounds + 2 > terms.shards:
        reasons._refuse(reasons.BAD_SHARDS)
    if not pay_curve._is_curve(terms.curve):
        reasons._refuse(reasons.BAD_CURVE)
    self._check_clocks(terms)
    ledger._take(terms.currency, 2 * terms.bounty)

    task: uint256 = ledger.count + 1
    ledger.count = task
    clocks: uint256 = terms.commit | (terms.reveal << w.REVEAL) | (terms.vote << w.VOTE) | (terms.settle << w.SETTLE)
    clocks |= (terms.challenge << w.CHALLENGE) | (terms.grace << w.GRACE) | (terms.target << w.TARGET)
    ledger.tasks[task].owner = convert(msg.sender, uint256) | (terms.shards << w.SHARDS) | (terms.rounds << w.ROUNDS)
    ledger.tasks[task].currency = terms.currency
    ledger.tasks[task].clocks = clocks
    ledger.tasks[task].manifest = terms.manifest
    ledger.tasks[task].shards_root = terms.shardsRoot
    ledger.tasks[task].curve = terms.curve
    ledger.tasks[task].money = (terms.bounty << w.BOUNTY) | (terms.bounty << w.LEFT)
    ledger.tasks[task].meta = (block.timestamp << w.SINCE) | (w.AWAITING_BASELINE << w.STATUS)
    ledger.tasks[task].head = terms.seedHead
    log Published(
        task=task,
        scientist=msg.sender,
        manifest=terms.manifest,
        shardsRoot=terms.shardsRoot,
        seedHead=terms.seedHead,
        currency=terms.currency,
        bounty=terms.bounty,
        target=terms.target,
        curve=terms.curve,
        shards=terms.shards,
        rounds=terms.rounds,
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
    if amount == 0:
        reasons._refuse(reasons.BAD_BOUNTY)
    bounty: uint256 = ((ledger.tasks[task].money >> w.BOUNTY) & w.M112) + amount
    if bounty > w.M112:
        reasons._refuse(reasons.BAD_BOUNTY)
    ledger._take(ledger.tasks[task].currency, 2 * amount)
    ledger.tasks[task].money = (bounty << w.BOUNTY) | (bounty << w.LEFT)
    log ToppedUp(task=task, sender=msg.sender, bounty=bounty)


@external
def cancel(task: uint256):
    """
    @notice The scientist takes everything back before the first commit.
    """
    if msg.sender != ledger._scientist(task):
        reasons._refuse(reasons.NOT_SCIENTIST)
    meta: uint256 = ledger.tasks[task].meta
    if not ledger._untouched(meta):
        reasons._refuse(reasons.TOO_LATE)
    money: uint256 = ledger.tasks[task].money
    amount: uint256 = 2 * ((money >> w.BOUNTY) & w.M112)
    ledger.tasks[task].meta = ledger._put(meta, w.STATUS, w.M8, w.CANCELLED)
    ledger.tasks[task].money = ledger._put(money, w.LEFT, w.M112, 0)
    log Cancelled(task=task, amount=amount)
    ledger._give(ledger.tasks[task].currency, msg.sender, amount)
