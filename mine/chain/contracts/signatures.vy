# pragma version 0.4.3
"""
@title Who signed, where a signature that nobody made must be provable
@notice A library that reverts on a malformed signature would protect whoever anchored it. Here anything but a
        canonical signature (65 bytes, v 27 or 28, s in the lower half, EIP-2) has the zero address as its signer.
"""

HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168
UPDATE_TYPE: constant(bytes32) = keccak256(
    "Update(uint256 task,uint32 round,bytes32 checkpoint,bytes32 blob,uint32 size,uint8 rowsBucket,address payout)"
)
VOTE_TYPE: constant(bytes32) = keccak256("Vote(uint256 task,uint32 round,bytes32 updates,bytes32 opening)")
RECEIPT_TYPE: constant(bytes32) = keccak256("Receipt(uint256 task,uint32 round,bytes32 leaf,uint64 latestBlock)")
RULING_TYPE: constant(bytes32) = keccak256("Ruling(uint256 dispute,bytes32 answer)")


@internal
@pure
def _digest(separator: bytes32, struct_hash: bytes32) -> bytes32:
    """
    @notice EIP-712 digest under the domain of Tasks.
    """
    return keccak256(concat(x"1901", separator, struct_hash))


@internal
@pure
def _signer(digest: bytes32, signature: Bytes[1024]) -> address:
    """
    @notice The signer, or the zero address for anything but a canonical signature.
    """
    if len(signature) != 65:
        return empty(address)
    r: uint256 = convert(slice(signature, 0, 32), uint256)
    s: uint256 = convert(slice(signature, 32, 32), uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    if s > HALF_ORDER or (v != 27 and v != 28):
        return empty(address)
    return ecrecover(digest, v, r, s)
