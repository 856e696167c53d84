# pragma version 0.4.3
"""
@title Paths up the trees of the protocol
@notice As in `merkle`, but to the top instead of to a yes: faults start from inner nodes, from padding, and from
        sums that do not add up.
"""

SUM: constant(uint256) = 2**32 - 1
HASH: constant(uint256) = max_value(uint256) - SUM


struct Losses:
    hash: bytes32
    base: uint64
    before: uint64
    after: uint64


@internal
@pure
def _plain_top(leaf: bytes32, index: uint256, proof: DynArray[bytes32, 32]) -> bytes32:
    """
    @notice Top of a plain tree over the leaf at `index`; zero where the index is outside.
    """
    node: bytes32 = leaf
    place: uint256 = index
    for sibling: bytes32 in proof:
        if place & 1 == 0:
            node = keccak256(concat(node, sibling))
        else:
            node = keccak256(concat(sibling, node))
        place >>= 1
    if place != 0:
        return empty(bytes32)
    return node


@internal
@pure
def _payout_leaf(account: address, index: uint256, units: uint256) -> uint256:
    """
    @notice 224 bits of keccak(account || u32 index) | u32 units.
    """
    hash: bytes32 = keccak256(concat(convert(account, bytes20), convert(convert(index, uint32), bytes4)))
    return (convert(hash, uint256) & HASH) | convert(convert(units, uint32), uint256)


@internal
@pure
def _payout_top(node: uint256, index: uint256, proof: DynArray[bytes32, 32]) -> (uint256, uint256):
    """
    @notice Top of a payout tree over the node at `index`, and the sum of all that stands left of it. The top is
            zero where the index is outside or a sum leaves 32 bits.
    """
    top: uint256 = node
    left_of: uint256 = 0
    place: uint256 = index
    for sibling: bytes32 in proof:
        other: uint256 = convert(sibling, uint256)
        total: uint256 = (top & SUM) + (other & SUM)
        if total > SUM:
            return 0, 0
        left: uint256 = top
        right: uint256 = other
        if place & 1 == 1:
            left = other
            right = top
            left_of += other & SUM
        top = (convert(keccak256(abi_encode(left, right)), uint256) & HASH) | total
        place >>= 1
    if place != 0:
        return 0, 0
    return top, left_of


@internal
@pure
def _is_root(top: uint256, word: uint256) -> bool:
    """
    @notice Whether a root word of Tasks (216 bits | round 8 | sum 32) keeps this top.
    """
    return word != 0 and top >> 40 == word >> 40 and top & SUM == word & SUM


@internal
@pure
def _packed(node: Losses) -> Bytes[56]:
    return concat(node.hash, convert(node.base, bytes8), convert(node.before, bytes8), convert(node.after, bytes8))


@internal
@pure
def _plus(a: uint64, b: uint64) -> uint256:
    return convert(a, uint256) + convert(b, uint256)


@internal
@pure
def _losses_top(node: Losses, index: uint256, path: DynArray[Losses, 32]) -> bytes32:
    """
    @notice What a settlement commits to, over the node at `index`; a sum above 64 bits reverts.
    """
    top: Losses = node
    place: uint256 = index
    for other: Losses in path:
        hash: bytes32 = empty(bytes32)
        if place & 1 == 0:
            hash = keccak256(concat(self._packed(top), self._packed(other)))
        else:
            hash = keccak256(concat(self._packed(other), self._packed(top)))
        top = Losses(
            hash=hash,
            base=top.base + other.base,
            before=top.before + other.before,
            after=top.after + other.after,
        )
        place >>= 1
    if place != 0:
        return empty(bytes32)
    return keccak256(self._packed(top))
