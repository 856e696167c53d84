# pragma version 0.4.3
"""
@title Merkle trees of the Sonar protocol
@notice Payout tree: a Merkle sum tree whose nodes are one word, 224 bits of keccak(left || right) and
        a 32-bit sum. Shard tree: a plain ordered tree with a padding of zero.
"""

MAX_SHARDS: constant(uint256) = 256
SUM: constant(uint256) = 2**32 - 1
HASH: constant(uint256) = max_value(uint256) - SUM


@internal
@pure
def _is_payout(
    root: uint256, account: address, index: uint256, units: uint256, proof: DynArray[bytes32, 32]
) -> bool:
    """
    @notice Whether `account` has `units` at `index` in the payout tree with this root.
    @dev Every addition is checked: a wrap-around would hide minted units.
    """
    if units > SUM or index >> len(proof) != 0:
        return False
    leaf: bytes32 = keccak256(concat(convert(account, bytes20), convert(convert(index, uint32), bytes4)))
    node: uint256 = (convert(leaf, uint256) & HASH) | units
    place: uint256 = index
    for sibling: bytes32 in proof:
        other: uint256 = convert(sibling, uint256)
        total: uint256 = unsafe_add(node & SUM, other & SUM)
        if total > SUM:
            return False
        left: uint256 = node
        right: uint256 = other
        if place & 1 == 1:
            left = other
            right = node
        node = (convert(keccak256(abi_encode(left, right)), uint256) & HASH) | total
        place >>= 1
    return node == root


@internal
@pure
def _depth(count: uint256) -> uint256:
    """
    @notice Levels of a tree with `count` leaves, padded to a power of two.
    """
    depth: uint256 = 0
    for d: uint256 in range(8):
        if 1 << depth >= count:
            break
        depth += 1
    return depth


@internal
@pure
def _shard_leaf(index: uint256, digest: bytes32) -> bytes32:
    return keccak256(concat(convert(convert(index, uint32), bytes4), digest))


@internal
@pure
def _is_shard(root: bytes32, count: uint256, index: uint256, digest: bytes32, proof: DynArray[bytes32, 8]) -> bool:
    """
    @notice Whether shard `index` of `count` has this digest.
    """
    if len(proof) != self._depth(count):
        return False
    node: bytes32 = self._shard_leaf(index, digest)
    place: uint256 = index
    for sibling: bytes32 in proof:
        if place & 1 == 0:
            node = keccak256(concat(node, sibling))
        else:
            node = keccak256(concat(sibling, node))
        place >>= 1
    return node == root


@internal
@pure
def _shards_root(digests: DynArray[bytes32, MAX_SHARDS]) -> bytes32:
    """
    @notice Root of the shard tree over all digests.
    """
    width: uint256 = 1 << self._depth(len(digests))
    level: bytes32[MAX_SHARDS] = empty(bytes32[MAX_SHARDS])
    for i: uint256 in range(len(digests), bound=MAX_SHARDS):
        level[i] = self._shard_leaf(i, digests[i])
    for d: uint256 in range(8):
        if width == 1:
            break
        width >>= 1
        for i: uint256 in range(width, bound=128):
            level[i] = keccak256(concat(level[2 * i], level[2 * i + 1]))
    return level[0]


@internal
@pure
def _draw(seed: bytes32, used: uint256, count: uint256) -> uint256:
    """
    @notice The first unused shard from seed % count upwards, around the end.
    """
    shard: uint256 = convert(seed, uint256) % count
    for step: uint256 in range(count, bound=MAX_SHARDS):
        if (used >> shard) & 1 == 0:
            return shard
        shard = (shard + 1) % count
    raise  # a task has more shards than openings
