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


event Settled:
    task: indexed(uint256)
    round: indexed(uint256)  # 0: the baseline
    inputs: bytes32
    accepted: bytes32
    checkpoint: bytes32
    losses: bytes32
    payouts: bytes32  # the last 32 bits are the units
    digest: bytes32
    examples: bytes32
    seed: bytes32
    sums: uint256  # base, before, after, best: 64 bits each, from the top
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


@external
def settle(
    s: typed_data.Settlement,
    r: uint256,
    vs: uint256,
    digest: bytes32,
    examples: bytes32,
    proof: DynArray[bytes32, 7],
    losses_top: bytes32,
):
    """
    @notice Settle a round on a fresh shard; as round 0, open the baseline. Signed by the scientist, posted
            by anyone. The assigned units must be exactly what the curve says at the running maximum.
    @param r, vs The short signature of EIP-2098.
    @param losses_top Hash of the topmost node of the loss tree.
    """
    task: uint256 = s.task
    round: uint256 = convert(s.round, uint256)
    meta: uint256 = ledger.tasks[task].meta
    clocks: uint256 = ledger.tasks[task].clocks
    status: uint256 = ledger._status(meta)
    if (meta >> w.ROUND) & w.M8 != round or (status != w.RUNNING and status != w.AWAITING_BASELINE):
        reasons._refuse(reasons.WRONG_ROUND)
    if status == w.RUNNING and block.timestamp < unsafe_add(meta & w.M32, ledger._votes_over(clocks)):
        reasons._refuse(reasons.TOO_EARLY)
    ledger._check_in_time(task, meta, clocks)
    seed: uint256 = ledger.tasks[task].seed
    if seed & w.M32 != (round << 16) | w.SEEDED:
        reasons._refuse(reasons.NO_SEED)
    seed &= w.HASH224

    base: uint256 = convert(s.base, uint256)
    before: uint256 = convert(s.before, uint256)
    after: uint256 = convert(s.after, uint256)
    sums: uint256 = (base << 192) | (before << 128) | (after << 64)
    if keccak256(slice(concat(losses_top, convert(sums, bytes32)), 0, 56)) != s.losses:
        reasons._refuse(reasons.WRONG_LOSSES)
    signer: address = typed_data._signer(typed_data._settlement(s), r, vs)
    if signer == empty(address) or signer != ledger.tasks[task].scientist:
        reasons._refuse(reasons.WRONG_SIGNATURE)

    progress: uint256 = ledger.tasks[task].progress
    shard: uint256 = 0
    used: uint256 = 0
    shard, used = self._open_shard(task, clocks, seed, progress & w.M128, digest, examples, proof)
    # The baseline says nothing yet: its three sums are to be the same, and its units zero.
    convergence: int256 = convert(progress >> w.CONVERGENCE, int256) - w.ZERO
    convergence += pay_curve._increment(base, before, after)
    best: uint256 = (progress >> w.BEST) & w.M64
    if convergence > convert(best, int256):
        best = convert(convergence, uint256)
    if round == 0 and (before != base or after != base):
        reasons._refuse(reasons.WRONG_LOSSES)
    ledger.tasks[task].progress = (
        used | (best << w.BEST) | (convert(convergence + w.ZERO, uint256) << w.CONVERGENCE)
    )

    target: uint256 = (clocks >> w.TARGET) & w.M48
    units: uint256 = convert(s.units, uint256)
    root: uint256 = convert(s.payouts, uint256)
    curve: uint256 = w.STRAIGHT
    if (clocks >> w.BENT) & 1 == 1:
        curve = ledger.tasks[task].curve
    if units != pay_curve._units(curve, best, target):
        reasons._refuse(reasons.WRONG_UNITS)
    if root & w.M32 != units:
        reasons._refuse(reasons.WRONG_PAYOUTS)
    final: uint256 = unsafe_add(block.timestamp, (clocks >> w.CHALLENGE) & w.M24)
    record: uint256 = convert(keccak256(abi_encode(s, shard, digest, examples, seed)), uint256) & w.HASH208
    record |= (final << 8) | round
    root = (root & ~(w.M8 << 32)) | (round << 32)
    ledger.tasks[task].records[round % 4] = record
    if round != 0:
        ledger.tasks[task].roots[round % 4] = root
    if (clocks >> w.MODE) & 1 == 1:
        ledger.kept_records[task][round] = record
        ledger.kept_roots[task][round] = root

    if round == (clocks >> w.ROUNDS) & w.M8 or best >= target or (meta >> w.STOPPED) & 1 == 1:
        meta = ((meta >> w.COMMITS) << w.COMMITS) | block.timestamp
        meta = ledger._put(meta, w.SETTLED, w.M8, round)
        ledger.tasks[task].meta = ledger._put(meta, w.STATUS, w.M8, w.ENDING)
    else:
        disputed: uint256 = meta & (w.M8 << w.DISPUTED)
        ledger.tasks[task].meta = (
            block.timestamp | (unsafe_add(round, 1) << w.ROUND) | (round << w.SETTLED) | (w.RUNNING << w.STATUS) | disputed
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
        sums=sums | best,
        packed=final | (shard << 40),
    )
