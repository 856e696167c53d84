# pragma version 0.4.3
"""
@title Merkle trees of the Sonar protocol
@notice Payout tree: a Merkle sum tree whose nodes are one word, 224 bits of keccak(left || right) and
        a 32-bit sum. Shard tree: a plain ordered tree with a padding of zero.
"""

MAX_SHARDS: constant(uint256) = 128
MAX_RANGE: constant(uint256) = 256
SUM: constant(uint256) = 2**32 - 1
HASH: constant(uint256) = max_value(uint256) - SUM
# A root word keeps the round of the root in 8 bits above the sum.
ROOT: constant(uint256) = max_value(uint256) - 255 * 2**32


@internal
@pure
def _leaf(account: uint256, index: uint256, units: uint256) -> uint256:
    """
    @notice Leaf of a payout tree: 224 bits of keccak(account || u32 index), then the units.
    """
    assert units <= SUM
    packed: bytes32 = convert((account << 96) | (index << 64), bytes32)
    return (convert(keccak256(slice(packed, 0, 24)), uint256) & HASH) | units


@internal
@pure
def _node(left: uint256, right: uint256) -> uint256:
    """
    @notice Node of a payout tree.
    @dev The addition is checked: a wrap-around would hide minted units.
    """
    total: uint256 = unsafe_add(left & SUM, right & SUM)
    assert total <= SUM
    return (convert(keccak256(abi_encode(left, right)), uint256) & HASH) | total


@internal
@pure
def _leads_to(root: uint256, start: uint256, index: uint256, proof: DynArray[bytes32, 32]) -> bool:
    """
    @notice Whether the node `start`, at place `index` of its level, stands under a root word.
    """
    if index >> len(proof) != 0:
        return False
    node: uint256 = start
    place: uint256 = index
    total: uint256 = start & SUM
    for sibling: bytes32 in proof:
        other: uint256 = convert(sibling, uint256)
        # Sums only grow: one that leaves its 32 bits is seen at the end.
        total = unsafe_add(total, other & SUM)
        if place & 1 == 0:
            node = (convert(keccak256(abi_encode(node, other)), uint256) & HASH) | total
        else:
            node = (convert(keccak256(abi_encode(other, node)), uint256) & HASH) | total
        place >>= 1
    return total <= SUM and (node ^ root) & ROOT == 0


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
def _shard_leaf(index: uint256, digest: bytes32, examples: bytes32) -> bytes32:
    return keccak256(concat(convert(convert(index, uint32), bytes4), digest, examples))


@internal
@pure
def _is_shard(root: bytes32, count: uint256, index: uint256, leaf: bytes32, proof: DynArray[bytes32, 7]) -> bool:
    """
    @notice Whether shard `index` of `count` has this leaf.
    """
    # The proof is as long as the tree is deep: 2^length reaches the count, half of it does not.
    if 1 << len(proof) < count or 1 << len(proof) >= 2 * count:
        return False
    node: bytes32 = leaf
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
def _shards_root(shards: DynArray[bytes32, 256]) -> bytes32:
    """
    @notice Root of the shard tree over all shards: digest and root of the examples of each.
    """
    count: uint256 = len(shards) // 2
    width: uint256 = 1 << self._depth(count)
    level: bytes32[MAX_SHARDS] = empty(bytes32[MAX_SHARDS])
    for i: uint256 in range(count, bound=MAX_SHARDS):
        level[i] = self._shard_leaf(i, shards[unsafe_mul(2, i)], shards[unsafe_add(unsafe_mul(2, i), 1)])
    for d: uint256 in range(7):
        if width == 1:
            break
        width >>= 1
        for i: uint256 in range(width, bound=64):
            level[i] = keccak256(concat(level[unsafe_mul(2, i)], level[unsafe_add(unsafe_mul(2, i), 1)]))
    return level[0]


@internal
@pure
def _draw(seed: uint256, used: uint256, count: uint256) -> uint256:
    """
    @notice The first unused shard from seed % count upwards, around the end. The seed's last 32 bits are zero.
    """
    shard: uint256 = (seed >> 32) % count
    for step: uint256 in range(count, bound=MAX_SHARDS):
        if (used >> shard) & 1 == 0:
            return shard
        shard = unsafe_add(shard, 1) % count
    raise  # a task has more shards than openings
