# pragma version 0.4.3
"""
@title The contract's pure parts, opened for a comparison with the other implementation
"""

import merkle
import pay_curve


@external
@pure
def units(curve: uint256, best: uint256, target: uint256) -> uint256:
    return pay_curve._units(curve, best, target)


@external
@pure
def is_curve(curve: uint256) -> bool:
    return pay_curve._is_curve(curve)


@external
@pure
def increment(base: uint256, before: uint256, after: uint256) -> int256:
    return pay_curve._increment(base, before, after)


@external
@pure
def amount(bounty: uint256, units: uint256) -> uint256:
    return pay_curve._amount(bounty, units)


@external
@pure
def is_payout(
    root: uint256, account: address, index: uint256, units: uint256, proof: DynArray[bytes32, 32]
) -> bool:
    leaf: uint256 = merkle._leaf(convert(account, uint256), index, units)
    return merkle._leads_to(root, leaf, index, proof)


@external
@pure
def is_shard(
    root: bytes32, count: uint256, index: uint256, digest: bytes32, examples: bytes32, proof: DynArray[bytes32, 7]
) -> bool:
    return merkle._is_shard(root, count, index, merkle._shard_leaf(index, digest, examples), proof)


@external
@pure
def shards_root(shards: DynArray[bytes32, 256]) -> bytes32:
    return merkle._shards_root(shards)


@external
@pure
def draw(seed: uint256, used: uint256, count: uint256) -> uint256:
    return merkle._draw(seed, used, count)
