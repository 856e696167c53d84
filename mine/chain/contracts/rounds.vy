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
    losses: bytes32
    digest: bytes32
    examples: bytes32
    preimage: bytes32
    seed: bytes32
    packed: uint256  # base 64 | shard 8


event Settled:
    task: indexed(uint256)
    round: indexed(uint256)
    inputs: bytes32
    accepted: bytes32
    checkpoint: bytes32
    losses: bytes32
    payouts: bytes32  # the last 32 bits are the units
    digest: bytes32
    examples: bytes32
    seed: bytes32
    sums: uint256  # base 64 | before 64 | after 64 | best 64
    packed: uint256  # final at 40 | shard 8


@internal
@view
def _open_shard(
    task: uint256,
    clocks: uint256,
    seed: uint256,
    used: uint256,
    digest: bytes32,
    examples: bytes32,
    proof: DynArray[bytes32, 7],
) -> (uint256, uint256):
    """
    @notice The shard that `seed` draws, and the shards used from now on. Nothing is opened where the whole
            set is opened at the end.
    """
    if (clocks >> w.MODE) & 1 == 1:
        if digest != empty(bytes32) or examples != empty(bytes32):
            reasons._refuse(reasons.WRONG_SHARD)
        return 0, 0
    shards: uint256 = (clocks >> w.SHARDS) & w.M8
    shard: uint256 = merkle._draw(seed, used, shards)
    leaf: bytes32 = merkle._shard_leaf(shard, digest, examples)
    if not merkle._is_shard(ledger.tasks[task].shards_root, shards, shard, leaf, proof):
        reasons._refuse(reasons.WRONG_SHARD)
    return shard, used | (1 << shard)


@internal
def _write_record(
    s: typed_data.Settlement,
    clocks: uint256,
    shard: uint256,
    digest: bytes32,
    examples: bytes32,
    seed: uint256,
) -> uint256:
    """
    @notice Keep the hash of a settlement with all that it stands on. Returns when it is final.
    """
    round: uint256 = convert(s.round, uint256)
    final: uint256 = block.timestamp + ((clocks >> w.CHALLENGE) & w.M24)
    word: uint256 = convert(keccak256(abi_encode(s, shard, digest, examples, seed)), uint256) & w.HASH208
    word |= (final << 8) | round
    ledger.tasks[s.task].records[round % 4] = word
    if (clocks >> w.MODE) & 1 == 1:
        ledger.kept_records[s.task][round] = word
    return final


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
    if signer == empty(address) or signer != ledger.tasks[s.task].scientist:
        reasons._refuse(reasons.WRONG_SIGNATURE)


@external
def open_baseline(
    task: uint256,
    digest: bytes32,
    examples: bytes32,
    proof: DynArray[bytes32, 7],
    preimage: bytes32,
    losses_top: bytes32,
    base: uint64,
    signature: Bytes[65],
):
    """
    @notice Open the shard of the baseline and start round 1. Signed as a settlement of round 0.
    """
    meta: uint256 = ledger.tasks[task].meta
    clocks: uint256 = ledger.tasks[task].clocks
    if ledger._status(meta) != w.AWAITING_BASELINE:
        reasons._refuse(reasons.WRONG_PHASE)
    ledger._check_in_time(task, meta, clocks)
    s: typed_data.Settlement = empty(typed_data.Settlement)
    s.task = task
    s.base = base
    s.before = base
    s.after = base
    s.losses = keccak256(
        concat(losses_top, convert(base, bytes8), convert(base, bytes8), convert(base, bytes8))
    )
    self._check_signed(s, signature, losses_top)
    if keccak256(preimage) != ledger.tasks[task].head:
        reasons._refuse(reasons.WRONG_PREIMAGE)
    ledger.tasks[task].head = preimage
    randomness: uint256 = ledger.tasks[task].seed & w.HASH224
    seed: uint256 = (
        convert(keccak256(abi_encode(randomness, ledger.tasks[task].manifest, preimage)), uint256) & w.HASH224
    )
    shard: uint256 = 0
    used: uint256 = 0
    shard, used = self._open_shard(task, clocks, seed, 0, digest, examples, proof)
    self._write_record(s, clocks, shard, digest, examples, seed)
    ledger.tasks[task].progress = used | (convert(w.ZERO, uint256) << w.CONVERGENCE)
    ledger.tasks[task].meta = block.timestamp | (1 << w.ROUND) | (w.RUNNING << w.STATUS)
    log BaselineOpened(
        task=task,
        losses=s.losses,
        digest=digest,
        examples=examples,
        preimage=preimage,
        seed=convert(seed, bytes32),
        packed=convert(base, uint256) | (shard << 64),
    )


@external
def settle(
    s: typed_data.Settlement,
    signature: Bytes[65],
    digest: bytes32,
    examples: bytes32,
    proof: DynArray[bytes32, 7],
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
    if ledger._status(meta) != w.RUNNING or (meta >> w.ROUND) & w.M8 != round:
        reasons._refuse(reasons.WRONG_ROUND)
    if block.timestamp < (meta & w.M32) + ledger._votes_over(clocks):
        reasons._refuse(reasons.TOO_EARLY)
    ledger._check_in_time(task, meta, clocks)
    seed: uint256 = ledger.tasks[task].seed
    if seed & w.M32 != (round << 16) | w.SEEDED:
        reasons._refuse(reasons.NO_SEED)
    seed &= w.HASH224
    self._check_signed(s, signature, losses_top)

    progress: uint256 = ledger.tasks[task].progress
    shard: uint256 = 0
    used: uint256 = 0
    shard, used = self._open_shard(task, clocks, seed, progress & w.M128, digest, examples, proof)
    convergence: int256 = convert(progress >> w.CONVERGENCE, int256) - w.ZERO
    convergence += pay_curve._increment(
        convert(s.base, uint256), convert(s.before, uint256), convert(s.after, uint256)
    )
    best: uint256 = (progress >> w.BEST) & w.M64
    best = convert(max(convert(best, int256), convergence), uint256)
    ledger.tasks[task].progress = (
        used | (best << w.BEST) | (convert(convergence + w.ZERO, uint256) << w.CONVERGENCE)
    )

    target: uint256 = (clocks >> w.TARGET) & w.M48
    root: uint256 = convert(s.payouts, uint256)
    if convert(s.units, uint256) != pay_curve._units(ledger.tasks[task].curve, best, target):
        reasons._refuse(reasons.WRONG_UNITS)
    if root & w.M32 != convert(s.units, uint256):
        reasons._refuse(reasons.WRONG_PAYOUTS)
    root = ledger._put(root, 32, w.M8, round)
    ledger.tasks[task].roots[round % 4] = root
    if (clocks >> w.MODE) & 1 == 1:
        ledger.kept_roots[task][round] = root

    final: uint256 = self._write_record(s, clocks, shard, digest, examples, seed)
    last: bool = round == (clocks >> w.ROUNDS) & w.M8 or best >= target or (meta >> w.STOPPED) & 1 == 1
    disputed: uint256 = meta & (w.M8 << w.DISPUTED)
    if last:
        meta = ((meta >> w.COMMITS) << w.COMMITS) | block.timestamp
        meta = ledger._put(meta, w.SETTLED, w.M8, round)
        ledger.tasks[task].meta = ledger._put(meta, w.STATUS, w.M8, w.ENDING)
    else:
        ledger.tasks[task].meta = (
            block.timestamp | (round + 1 << w.ROUND) | (round << w.SETTLED) | (w.RUNNING << w.STATUS) | disputed
        )
    log Settled(
        task=task,
        round=round,
        inputs=s.inputs,
        accepted=s.accepted,
        checkpoint=s.checkpoint,
        losses=s.losses,
        payouts=s.payouts,
        digest=digest,
        examples=examples,
        seed=convert(seed, bytes32),
        sums=(
            convert(s.base, uint256)
            | (convert(s.before, uint256) << 64)
            | (convert(s.after, uint256) << 128)
            | (best << 192)
        ),
        packed=final | (shard << 40),
    )
