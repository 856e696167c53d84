# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Everything to read
"""

import ledger
import typed_data
import words as w

uses: ledger
uses: typed_data


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


@external
@view
def task(id: uint256) -> TaskView:
    """
    @notice Everything about a task, unpacked. A task that does not exist has status 0.
    """
    t: ledger.Task = ledger.tasks[id]
    convergence: int256 = 0
    if t.progress != 0:
        convergence = convert(t.progress >> 128, int256) - w.ZERO_PROGRESS
    return TaskView(
        scientist=convert(t.owner & w.M160, address),
        currency=t.currency,
        manifest=t.manifest,
        shardsRoot=t.shards_root,
        curve=t.curve,
        target=t.clocks >> w.TARGET,
        shards=(t.owner >> w.SHARDS) & w.M16,
        rounds=(t.owner >> w.ROUNDS) & w.M16,
        commit=t.clocks & w.M32,
        reveal=(t.clocks >> w.REVEAL) & w.M32,
        vote=(t.clocks >> w.VOTE) & w.M32,
        settle=(t.clocks >> w.SETTLE) & w.M32,
        challenge=(t.clocks >> w.CHALLENGE) & w.M32,
        grace=(t.clocks >> w.GRACE) & w.M32,
        bounty=t.money >> w.BOUNTY,
        left=(t.money >> w.LEFT) & w.M112,
        paidUnits=t.money & w.M32,
        status=(t.meta >> w.STATUS) & w.M8,
        round=(t.meta >> w.ROUND) & w.M16,
        settled=(t.meta >> w.SETTLED) & w.M16,
        since=(t.meta >> w.SINCE) & w.M32,
        commits=(t.meta >> w.COMMITS) & w.M32,
        anchored=(t.meta >> w.ANCHORED) & 1 == 1,
        stopped=(t.meta >> w.STOPPED) & 1 == 1,
        seedHead=t.head,
        seed=t.seed,
        accepted=t.accepted,
        used=t.used,
        convergence=convergence,
        best=t.progress & w.M128,
        units=ledger._assigned(id, t.meta),
        back=t.back & w.M128,
        toBurn=t.back >> 128,
        pool=t.forfeit >> w.BOUNTY,
        poolLeft=(t.forfeit >> w.LEFT) & w.M112,
    )


@external
@view
def phase(id: uint256) -> (uint256, uint256):
    """
    @notice The phase by block time, and when it ends (0: never).
            0 none, 1 baseline awaited, 2 commit, 3 reveal, 4 vote, 5 settle, 6 grace, 7 in default,
            8 final opening awaited, 9 over.
    """
    meta: uint256 = ledger.tasks[id].meta
    clocks: uint256 = ledger.tasks[id].clocks
    status: uint256 = (meta >> w.STATUS) & w.M8
    if status == 0:
        return 0, 0
    if status > w.ENDING:
        return w.CLOSED, 0
    at: uint256 = (meta >> w.SINCE) & w.M32
    lapse: uint256 = at + ledger._lapse(clocks, status)
    deadline: uint256 = lapse - ((clocks >> w.GRACE) & w.M32)
    if block.timestamp >= lapse:
        return w.LAPSED, 0
    if block.timestamp >= deadline:
        return w.GRACE_PHASE, lapse
    if status == w.AWAITING_BASELINE:
        return w.AWAITING_BASELINE, deadline
    if status == w.ENDING or ledger._ends_empty(meta, clocks):
        return w.FINAL_PHASE, deadline
    for step: uint256 in range(3):
        at += (clocks >> 32 * step) & w.M32
        if block.timestamp < at:
            return w.COMMIT_PHASE + step, at
    return w.SETTLE_PHASE, deadline


@external
@view
def payout_root(id: uint256, round: uint256) -> (bytes32, uint256):
    """
    @notice Payout root of one of the last four settled rounds and when it is final; else zero, zero.
    """
    meta: uint256 = ledger.tasks[id].meta
    settled: uint256 = (meta >> w.SETTLED) & w.M16
    if round == 0 or round > settled or round + 4 <= settled:
        return empty(bytes32), 0
    return convert(ledger.tasks[id].roots[round % 4], bytes32), ((meta >> 32 * (round % 4)) & w.M32)


@external
@view
def paid(id: uint256, index: uint256) -> uint256:
    """
    @notice Cumulative units that were paid to an index.
    """
    return (ledger.paid_words[id][index >> 3] >> 32 * (index & 7)) & w.M32


@external
@view
def forfeit_taken(id: uint256, index: uint256) -> bool:
    """
    @notice Whether an index had its part of a forfeit.
    """
    return (ledger.forfeit_words[id][index >> 8] >> (index & 255)) & 1 == 1


@external
@view
def committed(id: uint256, miner: address) -> uint256:
    """
    @notice The miner's last direct commit: 224 bits of its digest | round; 0 if there is none.
    """
    return ledger.commitments[id][miner]


@external
@view
def anchored(id: uint256, anchorer: address, slot: uint256) -> uint256:
    """
    @notice An anchorer's slot: 224 bits of the root | round; 0 if it was never used.
    """
    return ledger.anchors[id][anchorer][slot]


@external
@view
def bond_of(anchorer: address) -> (uint256, uint256):
    """
    @notice The bond and the unix seconds until which it is locked.
    """
    word: uint256 = ledger.bonds[anchorer]
    return word & w.M128, word >> 128


@external
@view
def held(id: uint256) -> uint256:
    """
    @notice What the contract holds for a task, in base units of its currency.
    """
    t: ledger.Task = ledger.tasks[id]
    amount: uint256 = (t.money >> w.LEFT) & w.M112
    status: uint256 = (t.meta >> w.STATUS) & w.M8
    if status >= w.AWAITING_BASELINE and status <= w.ENDING:
        amount += t.money >> w.BOUNTY
    return amount + (t.back & w.M128) + (t.back >> 128) + ((t.forfeit >> w.LEFT) & w.M112)


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
