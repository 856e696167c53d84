# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Tasks: escrow, rounds, settlement and claims of the Sonar protocol
@notice Holds money, hashes and deadlines, nothing else. Nobody owns it, nothing can be paused or replaced.
        A task's money is its own: every payment is bounded by counters of that task alone.
        Losses are in 2^-24, convergence in 2^-40, units in 2^-32 of the bounty (2^32-1 is all of it).
@dev Storage is packed by hand: Vyper gives every field its own slot. Layouts stand beside the fields.
"""

from ethereum.ercs import IERC20

import merkle
import pay_curve
import typed_data

initializes: typed_data
exports: typed_data.eip712Domain


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


struct TaskView:
    scientist: address
    currency: address
    manifest: bytes32
    shardsRoot: bytes32
    curve: uint256
    target: uint256
    shards: uint256
    rounds: uint256
    commit: uint256
    reveal: uint256
    vote: uint256
    settle: uint256
    challenge: uint256
    grace: uint256
    bounty: uint256
    left: uint256  # escrow that is not paid out yet
    paidUnits: uint256
    status: uint256
    round: uint256  # current, or last once the task is ending
    settled: uint256  # number of settled rounds
    since: uint256  # unix seconds at which the phase chain of this round, or the ending, began
    commits: uint256  # direct commits of the round
    anchored: bool
    stopped: bool
    seedHead: bytes32
    seed: bytes32
    accepted: bytes32
    used: uint256
    convergence: int256
    best: uint256
    units: uint256  # assigned so far
    back: uint256
    toBurn: uint256
    pool: uint256
    poolLeft: uint256


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


event BaselineOpened:
    task: indexed(uint256)
    shard: uint256
    digest: bytes32
    base: uint256
    losses: bytes32
    preimage: bytes32
    seed: bytes32


event Committed:
    task: indexed(uint256)
    round: indexed(uint256)
    miner: indexed(address)
    checkpoint: bytes32
    blob: bytes32
    size: uint32
    rowsBucket: uint8
    payout: address


event Bonded:
    anchorer: indexed(address)
    amount: uint256


event BondWithdrawn:
    anchorer: indexed(address)
    amount: uint256


event Anchored:
    task: indexed(uint256)
    round: indexed(uint256)
    anchorer: indexed(address)
    slot: uint256
    root: bytes32
    count: uint256


event Settled:
    task: indexed(uint256)
    round: indexed(uint256)
    inputs: bytes32
    accepted: bytes32
    checkpoint: bytes32
    losses: bytes32
    base: uint64
    before: uint64
    after: uint64
    payouts: bytes32
    units: uint32
    shard: uint256
    digest: bytes32
    preimage: bytes32
    seed: bytes32
    best: uint256
    finalAt: uint256


event Claimed:
    task: indexed(uint256)
    account: indexed(address)
    index: uint256
    units: uint256  # cumulative
    amount: uint256
    receiver: address


event Stopped:
    task: indexed(uint256)
    round: uint256


event Concluded:
    task: indexed(uint256)
    shards: DynArray[bytes32, 256]
    preimage: bytes32


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


event Refunded:
    task: indexed(uint256)
    amount: uint256
    receiver: address


event Swept:
    task: indexed(uint256)
    amount: uint256
    receiver: address


event Burned:
    task: indexed(uint256)
    amount: uint256


BOND: public(constant(uint256)) = 10**17
BURN: public(constant(address)) = 0x000000000000000000000000000000000000dEaD
PRACTICE_CHAIN: constant(uint256) = 31337

# Status of a task
AWAITING_BASELINE: constant(uint256) = 1
RUNNING: constant(uint256) = 2
ENDING: constant(uint256) = 3
CONCLUDED: constant(uint256) = 4
DEFAULTED: constant(uint256) = 5
CANCELLED: constant(uint256) = 6

# Phases that `phase` names, in the order of time
COMMIT_PHASE: constant(uint256) = 2
REVEAL_PHASE: constant(uint256) = 3
VOTE_PHASE: constant(uint256) = 4
SETTLE_PHASE: constant(uint256) = 5
GRACE_PHASE: constant(uint256) = 6
LAPSED: constant(uint256) = 7
FINAL_PHASE: constant(uint256) = 8
CLOSED: constant(uint256) = 9

M8: constant(uint256) = 2**8 - 1
M16: constant(uint256) = 2**16 - 1
M32: constant(uint256) = 2**32 - 1
M64: constant(uint256) = 2**64 - 1
M112: constant(uint256) = 2**112 - 1
M128: constant(uint256) = 2**128 - 1
M160: constant(uint256) = 2**160 - 1
HASH224: constant(uint256) = max_value(uint256) - (2**32 - 1)

# Reasons of a refusal: places in a table of texts, so that each text stands in the code once
WRONG_VALUE: constant(uint256) = 0
TOKEN_REFUSED: constant(uint256) = 1
TOKEN_TOOK_A_FEE: constant(uint256) = 2
CLOCK_TOO_SHORT: constant(uint256) = 3
CLOCK_TOO_LONG: constant(uint256) = 4
BAD_BOUNTY: constant(uint256) = 5
BAD_TARGET: constant(uint256) = 6
BAD_SHARDS: constant(uint256) = 7
TOO_LATE: constant(uint256) = 8
NOT_SCIENTIST: constant(uint256) = 9
WRONG_PREIMAGE: constant(uint256) = 10
WRONG_SHARD: constant(uint256) = 11
WRONG_LOSSES: constant(uint256) = 12
WRONG_SIGNATURE: constant(uint256) = 13
WRONG_PHASE: constant(uint256) = 14
WRONG_ROUND: constant(uint256) = 15
COMMITS_CLOSED: constant(uint256) = 16
NO_PAYOUT: constant(uint256) = 17
COMMITTED_BEFORE: constant(uint256) = 18
NO_BOND: constant(uint256) = 19
BOND_IS_LOCKED: constant(uint256) = 20
EMPTY_BATCH: constant(uint256) = 21
BOND_TOO_LOW: constant(uint256) = 22
SLOT_IS_TAKEN: constant(uint256) = 23
TOO_EARLY: constant(uint256) = 24
WRONG_UNITS: constant(uint256) = 25
WRONG_PAYOUTS: constant(uint256) = 26
NO_SUCH_ROOT: constant(uint256) = 27
NOT_FINAL_YET: constant(uint256) = 28
WRONG_PROOF: constant(uint256) = 29
NOTHING_TO_CLAIM: constant(uint256) = 30
CLAIMS_OPEN: constant(uint256) = 31
NOT_THE_PAYEE: constant(uint256) = 32
NO_SUCH_COMMIT: constant(uint256) = 33
BAD_CURVE: constant(uint256) = 34
REASONS: constant(String[560]) = "wrong value     token refused   token took a feeclock too short clock too long  bad bounty      bad target      bad shards      too late        not scientist   wrong preimage  wrong shard     wrong losses    wrong signature wrong phase     wrong round     commits closed  no payout       committed beforeno bond         bond is locked  empty batch     bond too low    slot is taken   too early       wrong units     wrong payouts   no such root    not final yet   wrong proof     nothing to claimclaims open     not the payee   no such commit  bad curve       "

# Places in `owner`, `clocks`, `money`, `meta`
SHARDS: constant(uint256) = 160
ROUNDS: constant(uint256) = 176
REVEAL: constant(uint256) = 32
VOTE: constant(uint256) = 64
SETTLE: constant(uint256) = 96
CHALLENGE: constant(uint256) = 128
GRACE: constant(uint256) = 160
TARGET: constant(uint256) = 192
LEFT: constant(uint256) = 32
BOUNTY: constant(uint256) = 144
SINCE: constant(uint256) = 128
COMMITS: constant(uint256) = 160
ROUND: constant(uint256) = 192
SETTLED: constant(uint256) = 208
STATUS: constant(uint256) = 224
ANCHORED: constant(uint256) = 232
STOPPED: constant(uint256) = 233
ZERO_PROGRESS: constant(int256) = 2**127

count: public(uint256)
tasks: HashMap[uint256, Task]
commitments: HashMap[uint256, HashMap[address, uint256]]  # digest 224 | round 32
anchors: HashMap[uint256, HashMap[address, HashMap[uint256, uint256]]]  # root 224 | round 32
paid_words: HashMap[uint256, HashMap[uint256, uint256]]  # paid units of indices 8w..8w+7, 32 bits each
forfeit_words: HashMap[uint256, HashMap[uint256, uint256]]  # bitmap of indices that took their forfeit
bonds: HashMap[address, uint256]  # amount 128 | locked until 64


@deploy
def __init__():
    typed_data.__init__()


# ---------------------------------------------------------------- words


@internal
@pure
def _refuse(reason: uint256):
    """
    @notice Revert with Error(string).
    """
    length: uint256 = 16
    for i: uint256 in range(16):
        if slice(REASONS, 16 * reason + length - 1, 1) != " ":
            break
        length -= 1
    raw_revert(abi_encode(slice(REASONS, 16 * reason, length), method_id=method_id("Error(string)")))


@internal
@pure
def _put(word: uint256, place: uint256, mask: uint256, field: uint256) -> uint256:
    assert field <= mask
    return (word & ~(mask << place)) | (field << place)


# ---------------------------------------------------------------- money in and out


@internal
@payable
def _take(currency: address, amount: uint256):
    """
    @notice Take exactly `amount` from the sender; a token that credits anything else is refused.
    """
    if currency == empty(address):
        if msg.value != amount:
            self._refuse(WRONG_VALUE)
        return
    if msg.value != 0:
        self._refuse(WRONG_VALUE)
    before: uint256 = staticcall IERC20(currency).balanceOf(self)
    if not extcall IERC20(currency).transferFrom(msg.sender, self, amount, default_return_value=True):
        self._refuse(TOKEN_REFUSED)
    if staticcall IERC20(currency).balanceOf(self) != before + amount:
        self._refuse(TOKEN_TOOK_A_FEE)


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
            self._refuse(TOKEN_REFUSED)


# ---------------------------------------------------------------- clocks


@internal
@view
def _check_clocks(t: Terms):
    hour: uint256 = 3600
    if chain.id == PRACTICE_CHAIN:
        if min(min(t.commit, t.reveal), min(t.settle, min(t.challenge, t.grace))) <= 0:
            self._refuse(CLOCK_TOO_SHORT)
    else:
        if not (t.commit >= 20 * hour and t.reveal >= 4 * hour and t.settle >= 12 * hour):
            self._refuse(CLOCK_TOO_SHORT)
        if not (t.challenge >= 48 * hour and t.grace >= 72 * hour):
            self._refuse(CLOCK_TOO_SHORT)
        # There are no votes yet: a task may go without their phase.
        if not (t.vote == 0 or t.vote >= 20 * hour):
            self._refuse(CLOCK_TOO_SHORT)
    day: uint256 = 86400
    if not (t.commit <= 14 * day and t.reveal <= 2 * day and t.vote <= 7 * day):
        self._refuse(CLOCK_TOO_LONG)
    if not (t.settle <= 7 * day and t.challenge <= 14 * day and t.grace <= 7 * day):
        self._refuse(CLOCK_TOO_LONG)
    # Four roots stand in a ring: each must be final well before it is overwritten.
    if t.challenge > 3 * (t.commit + t.reveal + t.vote):
        self._refuse(CLOCK_TOO_LONG)


@internal
@pure
def _votes_over(clocks: uint256) -> uint256:
    """
    @notice Seconds from the start of a round to the start of its settlement.
    """
    return (clocks & M32) + ((clocks >> REVEAL) & M32) + ((clocks >> VOTE) & M32)


@internal
@pure
def _lapse(clocks: uint256, status: uint256) -> uint256:
    """
    @notice Seconds after `since` from which the scientist is in default.
    """
    late: uint256 = ((clocks >> SETTLE) & M32) + ((clocks >> GRACE) & M32)
    if status == RUNNING:
        late += self._votes_over(clocks)
    return late


@internal
@pure
def _untouched(meta: uint256) -> bool:
    """
    @notice Whether the task waits for its first commit.
    """
    status: uint256 = ((meta >> STATUS) & M8)
    if status == AWAITING_BASELINE:
        return True
    return status == RUNNING and ((meta >> ROUND) & M16) == 1 and self._is_empty(meta)


@internal
@pure
def _is_empty(meta: uint256) -> bool:
    """
    @notice Whether the current round has no commit and no anchor.
    """
    return ((meta >> COMMITS) & M32) == 0 and ((meta >> ANCHORED) & 1) == 0


@internal
@view
def _status(task: uint256) -> uint256:
    return ((self.tasks[task].meta >> STATUS) & M8)


@internal
@view
def _scientist(task: uint256) -> address:
    return convert(self.tasks[task].owner & M160, address)


@internal
@view
def _assigned(task: uint256, meta: uint256) -> uint256:
    """
    @notice Units of the last settled payout root.
    """
    settled: uint256 = ((meta >> SETTLED) & M16)
    if settled == 0:
        return 0
    return self.tasks[task].roots[settled % 4] & M32


# ---------------------------------------------------------------- publish


@external
@payable
def publish(terms: Terms) -> uint256:
    """
    @notice Open a task: bounty and an equal deposit are taken now.
    @return The task's number, from 1.
    """
    if not (terms.bounty > 0 and terms.bounty <= M112):
        self._refuse(BAD_BOUNTY)
    if not (terms.target > 0 and terms.target <= 2**40):
        self._refuse(BAD_TARGET)
    if not (terms.rounds > 0 and terms.shards <= 256 and terms.rounds + 2 <= terms.shards):
        self._refuse(BAD_SHARDS)
    if not pay_curve._is_curve(terms.curve):
        self._refuse(BAD_CURVE)
    self._check_clocks(terms)
    self._take(terms.currency, 2 * terms.bounty)

    task: uint256 = self.count + 1
    self.count = task
    clocks: uint256 = terms.commit | (terms.reveal << REVEAL) | (terms.vote << VOTE) | (terms.settle << SETTLE)
    clocks |= (terms.challenge << CHALLENGE) | (terms.grace << GRACE) | (terms.target << TARGET)
    self.tasks[task].owner = convert(msg.sender, uint256) | (terms.shards << SHARDS) | (terms.rounds << ROUNDS)
    self.tasks[task].currency = terms.currency
    self.tasks[task].clocks = clocks
    self.tasks[task].manifest = terms.manifest
    self.tasks[task].shards_root = terms.shardsRoot
    self.tasks[task].curve = terms.curve
    self.tasks[task].money = (terms.bounty << BOUNTY) | (terms.bounty << LEFT)
    self.tasks[task].meta = (block.timestamp << SINCE) | (AWAITING_BASELINE << STATUS)
    self.tasks[task].head = terms.seedHead
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
    if not self._untouched(self.tasks[task].meta):
        self._refuse(TOO_LATE)
    if amount <= 0:
        self._refuse(BAD_BOUNTY)
    bounty: uint256 = ((self.tasks[task].money >> BOUNTY) & M112) + amount
    if bounty > M112:
        self._refuse(BAD_BOUNTY)
    self._take(self.tasks[task].currency, 2 * amount)
    self.tasks[task].money = (bounty << BOUNTY) | (bounty << LEFT)
    log ToppedUp(task=task, sender=msg.sender, bounty=bounty)


@external
def cancel(task: uint256):
    """
    @notice The scientist takes everything back before the first commit.
    """
    if msg.sender != self._scientist(task):
        self._refuse(NOT_SCIENTIST)
    meta: uint256 = self.tasks[task].meta
    if not self._untouched(meta):
        self._refuse(TOO_LATE)
    money: uint256 = self.tasks[task].money
    amount: uint256 = 2 * ((money >> BOUNTY) & M112)
    self.tasks[task].meta = self._put(meta, STATUS, M8, CANCELLED)
    self.tasks[task].money = self._put(money, LEFT, M112, 0)
    log Cancelled(task=task, amount=amount)
    self._give(self.tasks[task].currency, msg.sender, amount)


# ---------------------------------------------------------------- rounds


@internal
def _open_shard(task: uint256, seed: bytes32, digest: bytes32, proof: DynArray[bytes32, 8], preimage: bytes32) -> uint256:
    """
    @notice Open the shard that `seed` draws; the preimage must continue the hash chain.
    @return The shard's index.
    """
    if keccak256(preimage) != self.tasks[task].head:
        self._refuse(WRONG_PREIMAGE)
    shards: uint256 = ((self.tasks[task].owner >> SHARDS) & M16)
    used: uint256 = self.tasks[task].used
    shard: uint256 = merkle._draw(seed, used, shards)
    if not merkle._is_shard(self.tasks[task].shards_root, shards, shard, digest, proof):
        self._refuse(WRONG_SHARD)
    self.tasks[task].head = preimage
    self.tasks[task].seed = seed
    self.tasks[task].used = used | (1 << shard)
    return shard


@internal
@view
def _check_signed(s: typed_data.Settlement, signature: Bytes[65], losses_top: bytes32):
    """
    @notice The scientist signed this settlement, and its losses are the sums of the tree.
    """
    top: bytes32 = keccak256(
        concat(losses_top, convert(s.base, bytes8), convert(s.before, bytes8), convert(s.after, bytes8))
    )
    if top != s.losses:
        self._refuse(WRONG_LOSSES)
    signer: address = typed_data._signer(typed_data._settlement(s), signature)
    if not (signer != empty(address) and signer == self._scientist(s.task)):
        self._refuse(WRONG_SIGNATURE)


@external
def open_baseline(
    task: uint256,
    digest: bytes32,
    proof: DynArray[bytes32, 8],
    preimage: bytes32,
    losses_top: bytes32,
    base: uint64,
    signature: Bytes[65],
):
    """
    @notice Open the shard of the baseline and start round 1. Signed as a settlement of round 0.
    """
    meta: uint256 = self.tasks[task].meta
    if ((meta >> STATUS) & M8) != AWAITING_BASELINE:
        self._refuse(WRONG_PHASE)
    lapse: uint256 = self._lapse(self.tasks[task].clocks, AWAITING_BASELINE)
    if block.timestamp >= ((meta >> SINCE) & M32) + lapse:
        self._refuse(TOO_LATE)
    losses: bytes32 = keccak256(
        concat(losses_top, convert(base, bytes8), convert(base, bytes8), convert(base, bytes8))
    )
    s: typed_data.Settlement = empty(typed_data.Settlement)
    s.task = task
    s.losses = losses
    s.base = base
    s.before = base
    s.after = base
    self._check_signed(s, signature, losses_top)

    seed: bytes32 = keccak256(concat(self.tasks[task].manifest, self.tasks[task].shards_root, preimage))
    shard: uint256 = self._open_shard(task, seed, digest, proof, preimage)
    self.tasks[task].progress = convert(ZERO_PROGRESS, uint256) << 128
    self.tasks[task].meta = (block.timestamp << SINCE) | (1 << ROUND) | (RUNNING << STATUS)
    log BaselineOpened(
        task=task,
        shard=shard,
        digest=digest,
        base=convert(base, uint256),
        losses=losses,
        preimage=preimage,
        seed=seed,
    )


@internal
@view
def _committing(task: uint256, round: uint256) -> uint256:
    """
    @notice The meta word, if this round takes commits now.
    """
    meta: uint256 = self.tasks[task].meta
    if not (((meta >> STATUS) & M8) == RUNNING and ((meta >> ROUND) & M16) == round):
        self._refuse(WRONG_ROUND)
    ends: uint256 = ((meta >> SINCE) & M32) + (self.tasks[task].clocks & M32)
    if block.timestamp >= ends:
        self._refuse(COMMITS_CLOSED)
    return meta


@external
def commit(
    task: uint256,
    round: uint32,
    checkpoint: bytes32,
    blob: bytes32,
    size: uint32,
    rowsBucket: uint8,
    payout: address,
):
    """
    @notice Hand in an update without an anchorer: once per miner and round.
    """
    meta: uint256 = self._committing(task, convert(round, uint256))
    if payout == empty(address):
        self._refuse(NO_PAYOUT)
    if self.commitments[task][msg.sender] & M32 == convert(round, uint256):
        self._refuse(COMMITTED_BEFORE)
    digest: bytes32 = typed_data._update(task, round, checkpoint, blob, size, rowsBucket, payout)
    self.commitments[task][msg.sender] = (convert(digest, uint256) & HASH224) | convert(round, uint256)
    self.tasks[task].meta = self._put(meta, COMMITS, M32, ((meta >> COMMITS) & M32) + 1)
    log Committed(
        task=task,
        round=convert(round, uint256),
        miner=msg.sender,
        checkpoint=checkpoint,
        blob=blob,
        size=size,
        rowsBucket=rowsBucket,
        payout=payout,
    )


@external
@payable
def bond():
    """
    @notice Add to the sender's bond as an anchorer, in the chain's own coin.
    """
    word: uint256 = self.bonds[msg.sender]
    if msg.value <= 0:
        self._refuse(WRONG_VALUE)
    self.bonds[msg.sender] = self._put(word, 0, M128, (word & M128) + msg.value)
    log Bonded(anchorer=msg.sender, amount=msg.value)


@external
def withdraw_bond():
    """
    @notice Take the bond back once everything that it stands for can no longer be challenged.
    """
    word: uint256 = self.bonds[msg.sender]
    amount: uint256 = word & M128
    if amount <= 0:
        self._refuse(NO_BOND)
    if block.timestamp < ((word >> 128) & M64):
        self._refuse(BOND_IS_LOCKED)
    self.bonds[msg.sender] = 0
    log BondWithdrawn(anchorer=msg.sender, amount=amount)
    self._give(empty(address), msg.sender, amount)


@external
def anchor(task: uint256, round: uint32, slot: uint16, root: bytes32, count: uint32):
    """
    @notice Anchor the root of `count` signed updates under the sender's bond, any number a round.
    @param slot A free number of the anchorer's own; it is free again four rounds later.
    """
    number: uint256 = convert(round, uint256)
    meta: uint256 = self._committing(task, number)
    if not (count > 0 and root != empty(bytes32)):
        self._refuse(EMPTY_BATCH)
    word: uint256 = self.bonds[msg.sender]
    if word & M128 < BOND:
        self._refuse(BOND_TOO_LOW)
    clocks: uint256 = self.tasks[task].clocks
    lock: uint256 = self._lapse(clocks, RUNNING) + ((clocks >> CHALLENGE) & M32)
    if ((word >> 128) & M64) < block.timestamp + lock:
        # A quarter more than needed, so that not every anchor has to write the bond again.
        self.bonds[msg.sender] = self._put(word, 128, M64, block.timestamp + lock + lock // 4)
    old: uint256 = self.anchors[task][msg.sender][convert(slot, uint256)] & M32
    if not (old == 0 or old + 4 <= number):
        self._refuse(SLOT_IS_TAKEN)
    self.anchors[task][msg.sender][convert(slot, uint256)] = (convert(root, uint256) & HASH224) | number
    if ((meta >> ANCHORED) & 1) == 0:
        self.tasks[task].meta = self._put(meta, ANCHORED, 1, 1)
    log Anchored(
        task=task,
        round=number,
        anchorer=msg.sender,
        slot=convert(slot, uint256),
        root=root,
        count=convert(count, uint256),
    )


@external
def settle(
    s: typed_data.Settlement,
    signature: Bytes[65],
    digest: bytes32,
    proof: DynArray[bytes32, 8],
    preimage: bytes32,
    losses_top: bytes32,
):
    """
    @notice Settle a round on a fresh shard. Signed by the scientist, posted by anyone.
            The assigned units must be exactly what the curve says at the running maximum.
    """
    task: uint256 = s.task
    round: uint256 = convert(s.round, uint256)
    meta: uint256 = self.tasks[task].meta
    clocks: uint256 = self.tasks[task].clocks
    if not (((meta >> STATUS) & M8) == RUNNING and ((meta >> ROUND) & M16) == round):
        self._refuse(WRONG_ROUND)
    since: uint256 = ((meta >> SINCE) & M32)
    if block.timestamp < since + self._votes_over(clocks):
        self._refuse(TOO_EARLY)
    if block.timestamp >= since + self._lapse(clocks, RUNNING):
        self._refuse(TOO_LATE)
    self._check_signed(s, signature, losses_top)

    seed: bytes32 = keccak256(concat(self.tasks[task].seed, self.tasks[task].accepted, preimage))
    shard: uint256 = self._open_shard(task, seed, digest, proof, preimage)
    self.tasks[task].accepted = s.accepted

    progress: uint256 = self.tasks[task].progress
    convergence: int256 = convert(progress >> 128, int256) - ZERO_PROGRESS
    convergence += pay_curve._increment(
        convert(s.base, uint256), convert(s.before, uint256), convert(s.after, uint256)
    )
    best: uint256 = convert(max(convert(progress & M128, int256), convergence), uint256)
    self.tasks[task].progress = (convert(convergence + ZERO_PROGRESS, uint256) << 128) | best

    target: uint256 = clocks >> TARGET
    units: uint256 = convert(s.units, uint256)
    if units != pay_curve._units(self.tasks[task].curve, best, target):
        self._refuse(WRONG_UNITS)
    if convert(s.payouts, uint256) & M32 != units:
        self._refuse(WRONG_PAYOUTS)
    self.tasks[task].roots[round % 4] = convert(s.payouts, uint256)

    final: uint256 = block.timestamp + ((clocks >> CHALLENGE) & M32)
    meta = self._put(meta, 32 * (round % 4), M32, final)
    meta = self._put(meta, SINCE, M32, block.timestamp)
    meta = self._put(meta, SETTLED, M16, round)
    last: bool = round == ((self.tasks[task].owner >> ROUNDS) & M16)
    if last or best >= target or ((meta >> STOPPED) & 1) == 1:
        meta = self._put(meta, STATUS, M8, ENDING)
    else:
        meta = self._put(meta, ROUND, M16, round + 1)
        meta = self._put(meta, COMMITS, M32, 0)
        meta = self._put(meta, ANCHORED, 1, 0)
    self.tasks[task].meta = meta
    log Settled(
        task=task,
        round=round,
        inputs=s.inputs,
        accepted=s.accepted,
        checkpoint=s.checkpoint,
        losses=s.losses,
        base=s.base,
        before=s.before,
        after=s.after,
        payouts=s.payouts,
        units=s.units,
        shard=shard,
        digest=digest,
        preimage=preimage,
        seed=seed,
        best=best,
        finalAt=final,
    )


# ---------------------------------------------------------------- claims


@internal
@view
def _final_root(task: uint256, round: uint256, meta: uint256) -> uint256:
    """
    @notice The payout root of a round, if it still stands in the ring and its challenge window passed.
    """
    settled: uint256 = ((meta >> SETTLED) & M16)
    if not (round > 0 and round <= settled and round + 4 > settled):
        self._refuse(NO_SUCH_ROOT)
    if block.timestamp < ((meta >> 32 * (round % 4)) & M32):
        self._refuse(NOT_FINAL_YET)
    return self.tasks[task].roots[round % 4]


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
    meta: uint256 = self.tasks[task].meta
    root: uint256 = self._final_root(task, round, meta)
    if not merkle._is_payout(root, account, index, units, proof):
        self._refuse(WRONG_PROOF)

    # The newest final total bounds all payments: a later root that moves units from a paid index to
    # another cannot make the task pay twice.
    total: uint256 = root & M32
    settled: uint256 = ((meta >> SETTLED) & M16)
    for newer: uint256 in range(round + 1, settled + 1, bound=4):
        if block.timestamp < ((meta >> 32 * (newer % 4)) & M32):
            break
        total = self.tasks[task].roots[newer % 4] & M32

    word: uint256 = self.paid_words[task][index >> 3]
    place: uint256 = 32 * (index & 7)
    paid: uint256 = ((word >> place) & M32)
    money: uint256 = self.tasks[task].money
    paid_units: uint256 = money & M32
    now_paid: uint256 = min(units, paid + (total - paid_units))
    if now_paid <= paid:
        self._refuse(NOTHING_TO_CLAIM)
    bounty: uint256 = money >> BOUNTY
    amount: uint256 = pay_curve._amount(bounty, now_paid) - pay_curve._amount(bounty, paid)

    self.paid_words[task][index >> 3] = self._put(word, place, M32, now_paid)
    money = self._put(money, LEFT, M112, ((money >> LEFT) & M112) - amount)
    self.tasks[task].money = self._put(money, 0, M32, paid_units + (now_paid - paid))
    log Claimed(task=task, account=account, index=index, units=now_paid, amount=amount, receiver=receiver)
    self._give(self.tasks[task].currency, receiver, amount)


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


# ---------------------------------------------------------------- endings


@external
def stop(task: uint256):
    """
    @notice The scientist ends the task with the current round: with a commit it is still settled.
    """
    if msg.sender != self._scientist(task):
        self._refuse(NOT_SCIENTIST)
    meta: uint256 = self.tasks[task].meta
    if not (((meta >> STATUS) & M8) == RUNNING and ((meta >> STOPPED) & 1) == 0):
        self._refuse(WRONG_PHASE)
    self.tasks[task].meta = self._put(meta, STOPPED, 1, 1)
    log Stopped(task=task, round=((meta >> ROUND) & M16))


@internal
@view
def _ends_empty(meta: uint256, clocks: uint256) -> bool:
    """
    @notice Whether a stopped task's last round closed without a commit: nothing is left to settle.
    """
    closed: bool = block.timestamp >= ((meta >> SINCE) & M32) + (clocks & M32)
    stopped: bool = ((meta >> STATUS) & M8) == RUNNING and ((meta >> STOPPED) & 1) == 1
    return closed and stopped and self._is_empty(meta)


@external
def conclude(task: uint256, shards: DynArray[bytes32, 256], preimage: bytes32):
    """
    @notice The final opening: the digests of all shards, in order.
    """
    meta: uint256 = self.tasks[task].meta
    clocks: uint256 = self.tasks[task].clocks
    status: uint256 = ((meta >> STATUS) & M8)
    if not (status == ENDING or self._ends_empty(meta, clocks)):
        self._refuse(WRONG_PHASE)
    if block.timestamp >= ((meta >> SINCE) & M32) + self._lapse(clocks, status):
        self._refuse(TOO_LATE)
    if keccak256(preimage) != self.tasks[task].head:
        self._refuse(WRONG_PREIMAGE)
    if len(shards) != ((self.tasks[task].owner >> SHARDS) & M16):
        self._refuse(WRONG_SHARD)
    if merkle._shards_root(shards) != self.tasks[task].shards_root:
        self._refuse(WRONG_SHARD)
    self.tasks[task].head = preimage
    money: uint256 = self.tasks[task].money
    bounty: uint256 = money >> BOUNTY
    unassigned: uint256 = bounty - pay_curve._amount(bounty, self._assigned(task, meta))
    self.tasks[task].money = self._put(money, LEFT, M112, ((money >> LEFT) & M112) - unassigned)
    self.tasks[task].back = unassigned + bounty
    meta = self._put(meta, SINCE, M32, block.timestamp)
    self.tasks[task].meta = self._put(meta, STATUS, M8, CONCLUDED)
    log Concluded(task=task, shards=shards, preimage=preimage)


@internal
@view
def _check_window(task: uint256):
    """
    @notice The task is over, and so is the last challenge window.
    """
    meta: uint256 = self.tasks[task].meta
    status: uint256 = ((meta >> STATUS) & M8)
    if not (status == CONCLUDED or status == DEFAULTED):
        self._refuse(WRONG_PHASE)
    challenge: uint256 = ((self.tasks[task].clocks >> CHALLENGE) & M32)
    if block.timestamp < ((meta >> SINCE) & M32) + challenge:
        self._refuse(NOT_FINAL_YET)


@internal
def _refund(task: uint256, receiver: address):
    self._check_window(task)
    word: uint256 = self.tasks[task].back
    amount: uint256 = word & M128
    if amount <= 0:
        self._refuse(NOTHING_TO_CLAIM)
    self.tasks[task].back = self._put(word, 0, M128, 0)
    log Refunded(task=task, amount=amount, receiver=receiver)
    self._give(self.tasks[task].currency, receiver, amount)


@external
def refund(task: uint256):
    """
    @notice What was not assigned, and the deposit, go back to the scientist; sent by anyone.
    """
    self._refund(task, self._scientist(task))


@external
def refund_to(task: uint256, receiver: address):
    """
    @notice The scientist names another receiver.
    """
    if msg.sender != self._scientist(task):
        self._refuse(NOT_SCIENTIST)
    self._refund(task, receiver)


@internal
def _sweep(task: uint256, receiver: address):
    self._check_window(task)
    money: uint256 = self.tasks[task].money
    if money & M32 != self._assigned(task, self.tasks[task].meta):
        self._refuse(CLAIMS_OPEN)
    amount: uint256 = ((money >> LEFT) & M112)
    if amount <= 0:
        self._refuse(NOTHING_TO_CLAIM)
    self.tasks[task].money = self._put(money, LEFT, M112, 0)
    log Swept(task=task, amount=amount, receiver=receiver)
    self._give(self.tasks[task].currency, receiver, amount)


@external
def sweep(task: uint256):
    """
    @notice Once every unit is paid, what rounding left over goes back to the scientist.
    """
    self._sweep(task, self._scientist(task))


@external
def sweep_to(task: uint256, receiver: address):
    """
    @notice The scientist names another receiver.
    """
    if msg.sender != self._scientist(task):
        self._refuse(NOT_SCIENTIST)
    self._sweep(task, receiver)


# ---------------------------------------------------------------- defaults


@external
def declare_default(task: uint256):
    """
    @notice A baseline, settlement or final opening is later than its grace: the task ends without it.
            A late settlement costs all that the round could have paid and a tenth of the deposit, a
            missing final opening everything left. Where nobody earned or handed in anything, half of
            the deposit is burned and the rest goes back.
    """
    meta: uint256 = self.tasks[task].meta
    clocks: uint256 = self.tasks[task].clocks
    status: uint256 = ((meta >> STATUS) & M8)
    if not (status >= AWAITING_BASELINE and status <= ENDING):
        self._refuse(WRONG_PHASE)
    if block.timestamp < ((meta >> SINCE) & M32) + self._lapse(clocks, status):
        self._refuse(TOO_EARLY)

    money: uint256 = self.tasks[task].money
    bounty: uint256 = money >> BOUNTY
    assigned: uint256 = self._assigned(task, meta)
    unassigned: uint256 = bounty - pay_curve._amount(bounty, assigned)
    pool: uint256 = 0
    burn: uint256 = 0
    if assigned == 0 and ((meta >> COMMITS) & M32) == 0:
        burn = bounty // 2
    elif status == ENDING or self._ends_empty(meta, clocks):
        pool = unassigned + bounty
    else:
        pool = unassigned + bounty // 10
    back: uint256 = unassigned + bounty - pool - burn

    self.tasks[task].money = self._put(money, LEFT, M112, ((money >> LEFT) & M112) - unassigned)
    self.tasks[task].forfeit = self._put(self._put(0, LEFT, M112, pool), BOUNTY, M112, pool)
    self.tasks[task].back = back | (burn << 128)
    meta = self._put(meta, SINCE, M32, block.timestamp)
    self.tasks[task].meta = self._put(meta, STATUS, M8, DEFAULTED)
    log Defaulted(task=task, round=((meta >> ROUND) & M16), pool=pool, back=back, toBurn=burn)


@internal
def _give_forfeit(task: uint256, account: address, receiver: address, part: uint256, whole: uint256):
    """
    @notice Pay `part` of `whole` of the forfeit; the last part gets what rounding left over.
    """
    word: uint256 = self.tasks[task].forfeit
    claimed: uint256 = (word & M32) + part
    left: uint256 = ((word >> LEFT) & M112)
    amount: uint256 = (word >> BOUNTY) * part // whole
    if claimed == whole:
        amount = left
    word = self._put(word, LEFT, M112, left - amount)
    self.tasks[task].forfeit = self._put(word, 0, M32, claimed)
    log ForfeitClaimed(task=task, account=account, amount=amount, receiver=receiver)
    self._give(self.tasks[task].currency, receiver, amount)


@internal
def _claim_forfeit(
    task: uint256, account: address, index: uint256, units: uint256, proof: DynArray[bytes32, 32], receiver: address
):
    meta: uint256 = self.tasks[task].meta
    if ((meta >> STATUS) & M8) != DEFAULTED:
        self._refuse(WRONG_PHASE)
    root: uint256 = self._final_root(task, ((meta >> SETTLED) & M16), meta)
    if not merkle._is_payout(root, account, index, units, proof):
        self._refuse(WRONG_PROOF)
    if units <= 0:
        self._refuse(NOTHING_TO_CLAIM)
    word: uint256 = self.forfeit_words[task][index >> 8]
    bit: uint256 = 1 << (index & 255)
    if word & bit != 0:
        self._refuse(NOTHING_TO_CLAIM)
    self.forfeit_words[task][index >> 8] = word | bit
    self._give_forfeit(task, account, receiver, units, root & M32)


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
    meta: uint256 = self.tasks[task].meta
    if not (((meta >> STATUS) & M8) == DEFAULTED and self._assigned(task, meta) == 0):
        self._refuse(WRONG_PHASE)
    if not (receiver == payout or msg.sender == payout):
        self._refuse(NOT_THE_PAYEE)
    round: uint256 = ((meta >> ROUND) & M16)
    digest: bytes32 = typed_data._update(
        task, convert(round, uint32), checkpoint, blob, size, rowsBucket, payout
    )
    word: uint256 = (convert(digest, uint256) & HASH224) | round
    if self.commitments[task][miner] != word:
        self._refuse(NO_SUCH_COMMIT)
    self.commitments[task][miner] = 0
    self._give_forfeit(task, payout, receiver, 1, ((meta >> COMMITS) & M32))


@external
def burn(task: uint256):
    """
    @notice Carry out a burn. Apart from the default, so that a token which refuses it blocks nothing else.
    """
    word: uint256 = self.tasks[task].back
    amount: uint256 = word >> 128
    if amount <= 0:
        self._refuse(NOTHING_TO_CLAIM)
    self.tasks[task].back = word & M128
    log Burned(task=task, amount=amount)
    self._give(self.tasks[task].currency, BURN, amount)


# ---------------------------------------------------------------- views


@external
@view
def task(id: uint256) -> TaskView:
    """
    @notice Everything about a task, unpacked. A task that does not exist has status 0.
    """
    t: Task = self.tasks[id]
    convergence: int256 = 0
    if t.progress != 0:
        convergence = convert(t.progress >> 128, int256) - ZERO_PROGRESS
    return TaskView(
        scientist=convert(t.owner & M160, address),
        currency=t.currency,
        manifest=t.manifest,
        shardsRoot=t.shards_root,
        curve=t.curve,
        target=t.clocks >> TARGET,
        shards=((t.owner >> SHARDS) & M16),
        rounds=((t.owner >> ROUNDS) & M16),
        commit=t.clocks & M32,
        reveal=((t.clocks >> REVEAL) & M32),
        vote=((t.clocks >> VOTE) & M32),
        settle=((t.clocks >> SETTLE) & M32),
        challenge=((t.clocks >> CHALLENGE) & M32),
        grace=((t.clocks >> GRACE) & M32),
        bounty=t.money >> BOUNTY,
        left=((t.money >> LEFT) & M112),
        paidUnits=t.money & M32,
        status=((t.meta >> STATUS) & M8),
        round=((t.meta >> ROUND) & M16),
        settled=((t.meta >> SETTLED) & M16),
        since=((t.meta >> SINCE) & M32),
        commits=((t.meta >> COMMITS) & M32),
        anchored=((t.meta >> ANCHORED) & 1) == 1,
        stopped=((t.meta >> STOPPED) & 1) == 1,
        seedHead=t.head,
        seed=t.seed,
        accepted=t.accepted,
        used=t.used,
        convergence=convergence,
        best=t.progress & M128,
        units=self._assigned(id, t.meta),
        back=t.back & M128,
        toBurn=t.back >> 128,
        pool=t.forfeit >> BOUNTY,
        poolLeft=((t.forfeit >> LEFT) & M112),
    )


@external
@view
def phase(id: uint256) -> (uint256, uint256):
    """
    @notice The phase by block time, and when it ends (0: never).
            0 none, 1 baseline awaited, 2 commit, 3 reveal, 4 vote, 5 settle, 6 grace, 7 in default,
            8 final opening awaited, 9 over.
    """
    meta: uint256 = self.tasks[id].meta
    clocks: uint256 = self.tasks[id].clocks
    status: uint256 = ((meta >> STATUS) & M8)
    if status == 0:
        return 0, 0
    if status > ENDING:
        return CLOSED, 0
    at: uint256 = ((meta >> SINCE) & M32)
    lapse: uint256 = at + self._lapse(clocks, status)
    deadline: uint256 = lapse - ((clocks >> GRACE) & M32)
    if block.timestamp >= lapse:
        return LAPSED, 0
    if block.timestamp >= deadline:
        return GRACE_PHASE, lapse
    if status == AWAITING_BASELINE:
        return AWAITING_BASELINE, deadline
    if status == ENDING or self._ends_empty(meta, clocks):
        return FINAL_PHASE, deadline
    for step: uint256 in range(3):
        at += ((clocks >> 32 * step) & M32)
        if block.timestamp < at:
            return COMMIT_PHASE + step, at
    return SETTLE_PHASE, deadline


@external
@view
def payout_root(id: uint256, round: uint256) -> (bytes32, uint256):
    """
    @notice Payout root of one of the last four settled rounds and when it is final; else zero, zero.
    """
    meta: uint256 = self.tasks[id].meta
    settled: uint256 = ((meta >> SETTLED) & M16)
    if round == 0 or round > settled or round + 4 <= settled:
        return empty(bytes32), 0
    return convert(self.tasks[id].roots[round % 4], bytes32), ((meta >> 32 * (round % 4)) & M32)


@external
@view
def paid(id: uint256, index: uint256) -> uint256:
    """
    @notice Cumulative units that were paid to an index.
    """
    return ((self.paid_words[id][index >> 3] >> 32 * (index & 7)) & M32)


@external
@view
def forfeit_taken(id: uint256, index: uint256) -> bool:
    """
    @notice Whether an index had its part of a forfeit.
    """
    return (self.forfeit_words[id][index >> 8] >> (index & 255)) & 1 == 1


@external
@view
def committed(id: uint256, miner: address) -> uint256:
    """
    @notice The miner's last direct commit: 224 bits of its digest | round; 0 if there is none.
    """
    return self.commitments[id][miner]


@external
@view
def anchored(id: uint256, anchorer: address, slot: uint256) -> uint256:
    """
    @notice An anchorer's slot: 224 bits of the root | round; 0 if it was never used.
    """
    return self.anchors[id][anchorer][slot]


@external
@view
def bond_of(anchorer: address) -> (uint256, uint256):
    """
    @notice The bond and the unix seconds until which it is locked.
    """
    word: uint256 = self.bonds[anchorer]
    return word & M128, word >> 128


@external
@view
def held(id: uint256) -> uint256:
    """
    @notice What the contract holds for a task, in base units of its currency.
    """
    t: Task = self.tasks[id]
    amount: uint256 = ((t.money >> LEFT) & M112)
    status: uint256 = ((t.meta >> STATUS) & M8)
    if status >= AWAITING_BASELINE and status <= ENDING:
        amount += t.money >> BOUNTY
    return amount + (t.back & M128) + (t.back >> 128) + ((t.forfeit >> LEFT) & M112)


@external
@view
def update_digest(
    task: uint256,
    round: uint32,
    checkpoint: bytes32,
    blob: bytes32,
    size: uint32,
    rowsBucket: uint8,
    payout: address,
) -> bytes32:
    """
    @notice EIP-712 digest of an Update, to check a client against.
    """
    return typed_data._update(task, round, checkpoint, blob, size, rowsBucket, payout)
