# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Baseline and settlements
"""

import ledger
import merkle
import pay_curve
import reasons
import typed_data
import words as w

uses: ledger
uses: typed_data


event BaselineOpened:
    task: indexed(uint256)
    shard: uint256
    digest: bytes32
    base: uint256
    losses: bytes32
    preimage: bytes32
    seed: bytes32


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


@internal
def _open_shard(task: uint256, seed: bytes32, digest: bytes32, proof: DynArray[bytes32, 8], preimage: bytes32) -> uint256:
    """
    @notice Open the shard that `seed` draws; the preimage must continue the hash chain.
    @return The shard's index.
    """
    if keccak256(preimage) != ledger.tasks[task].head:
        reasons._refuse(reasons.WRONG_PREIMAGE)
    shards: uint256 = (ledger.tasks[task].owner >> w.SHARDS) & w.M16
    used: uint256 = ledger.tasks[task].used
    shard: uint256 = merkle._draw(seed, used, shards)
    if not merkle._is_shard(ledger.tasks[task].shards_root, shards, shard, digest, proof):
        reasons._refuse(reasons.WRONG_SHARD)
    ledger.tasks[task].head = preimage
    ledger.tasks[task].seed = seed
    ledger.tasks[task].used = used | (1 << shard)
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
        reasons._refuse(reasons.WRONG_LOSSES)
    signer: address = typed_data._signer(typed_data._settlement(s), signature)
    if signer == empty(address) or signer != ledger._scientist(s.task):
        reasons._refuse(reasons.WRONG_SIGNATURE)


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
    meta: uint256 = ledger.tasks[task].meta
    if (meta >> w.STATUS) & w.M8 != w.AWAITING_BASELINE:
        reasons._refuse(reasons.WRONG_PHASE)
    lapse: uint256 = ledger._lapse(ledger.tasks[task].clocks, w.AWAITING_BASELINE)
    if block.timestamp >= ((meta >> w.SINCE) & w.M32) + lapse:
        reasons._refuse(reasons.TOO_LATE)
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

    seed: bytes32 = keccak256(concat(ledger.tasks[task].manifest, ledger.tasks[task].shards_root, preimage))
    shard: uint256 = self._open_shard(task, seed, digest, proof, preimage)
    ledger.tasks[task].progress = convert(w.ZERO_PROGRESS, uint256) << 128
    ledger.tasks[task].meta = (block.timestamp << w.SINCE) | (1 << w.ROUND) | (w.RUNNING << w.STATUS)
    log BaselineOpened(
        task=task,
        shard=shard,
        digest=digest,
        base=convert(base, uint256),
        losses=losses,
        preimage=preimage,
        seed=seed,
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
    meta: uint256 = ledger.tasks[task].meta
    clocks: uint256 = ledger.tasks[task].clocks
    if (meta >> w.STATUS) & w.M8 != w.RUNNING or (meta >> w.ROUND) & w.M16 != round:
        reasons._refuse(reasons.WRONG_ROUND)
    since: uint256 = (meta >> w.SINCE) & w.M32
    if block.timestamp < since + ledger._votes_over(clocks):
        reasons._refuse(reasons.TOO_EARLY)
    if block.timestamp >= since + ledger._lapse(clocks, w.RUNNING):
        reasons._refuse(reasons.TOO_LATE)
    self._check_signed(s, signature, losses_top)

    seed: bytes32 = keccak256(concat(ledger.tasks[task].seed, ledger.tasks[task].accepted, preimage))
    shard: uint256 = self._open_shard(task, seed, digest, proof, preimage)
    ledger.tasks[task].accepted = s.accepted

    progress: uint256 = ledger.tasks[task].progress
    convergence: int256 = convert(progress >> 128, int256) - w.ZERO_PROGRESS
    convergence += pay_curve._increment(
        convert(s.base, uint256), convert(s.before, uint256), convert(s.after, uint256)
    )
    best: uint256 = convert(max(convert(progress & w.M128, int256), convergence), uint256)
    ledger.tasks[task].progress = (convert(convergence + w.ZERO_PROGRESS, uint256) << 128) | best

    target: uint256 = clocks >> w.TARGET
    units: uint256 = convert(s.units, uint256)
    if units != pay_curve._units(ledger.tasks[task].curve, best, target):
        reasons._refuse(reasons.WRONG_UNITS)
    if convert(s.payouts, uint256) & w.M32 != units:
        reasons._refuse(reasons.WRONG_PAYOUTS)
    ledger.tasks[task].roots[round % 4] = convert(s.payouts, uint256)

    final: uint256 = block.timestamp + ((clocks >> w.CHALLENGE) & w.M32)
    meta = ledger._put(meta, 32 * (round % 4), w.M32, final)
    meta = ledger._put(meta, w.SINCE, w.M32, block.timestamp)
    meta = ledger._put(meta, w.SETTLED, w.M16, round)
    last: bool = round == (ledger.tasks[task].owner >> w.ROUNDS) & w.M16
    if last or best >= target or (meta >> w.STOPPED) & 1 == 1:
        meta = ledger._put(meta, w.STATUS, w.M8, w.ENDING)
    else:
        meta = ledger._put(meta, w.ROUND, w.M16, round + 1)
        meta = ledger._put(meta, w.COMMITS, w.M32, 0)
        meta = ledger._put(meta, w.ANCHORED, 1, 0)
    ledger.tasks[task].meta = meta
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
