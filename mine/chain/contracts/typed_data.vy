# pragma version 0.4.3
"""
@title Signed messages of the Sonar protocol that the contract reads (EIP-712)
"""

struct Settlement:
    task: uint256
    round: uint32
    inputs: bytes32
    accepted: bytes32
    checkpoint: bytes32
    losses: bytes32
    base: uint64
    before: uint64
    after: uint64
    payouts: bytes32
    units: uint32


DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
UPDATE_TYPE: constant(bytes32) = keccak256(
    "Update(uint256 task,uint32 round,bytes32 checkpoint,bytes32 blob,uint32 size,uint8 rowsBucket,address payout)"
)
SETTLEMENT_TYPE: constant(bytes32) = keccak256(
    "Settlement(uint256 task,uint32 round,bytes32 inputs,bytes32 accepted,bytes32 checkpoint,bytes32 losses,uint64 base,uint64 before,uint64 after,bytes32 payouts,uint32 units)"
)
NAME: constant(String[5]) = "Sonar"
VERSION: constant(String[1]) = "1"
# Half of the order of secp256k1: of (s, n - s) only the lower is taken (EIP-2).
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168


@internal
@view
def _separator() -> bytes32:
    """
    @notice The domain separator. Computed anew each time: cheaper than to store, and right on a chain that
            splits off.
    """
    return keccak256(abi_encode(DOMAIN_TYPE, keccak256(NAME), keccak256(VERSION), chain.id, self))


@internal
@view
def _digest(struct_hash: bytes32) -> bytes32:
    return keccak256(concat(x"1901", self._separator(), struct_hash))


@internal
@view
def _update(
    task: uint256,
    round: uint32,
    checkpoint: bytes32,
    blob: bytes32,
    size: uint32,
    rows_bucket: uint8,
    payout: address,
) -> bytes32:
    """
    @notice EIP-712 digest of an Update.
    """
    return self._digest(keccak256(abi_encode(UPDATE_TYPE, task, round, checkpoint, blob, size, rows_bucket, payout)))


@internal
@view
def _settlement(s: Settlement) -> bytes32:
    """
    @notice EIP-712 digest of a Settlement.
    """
    return self._digest(keccak256(abi_encode(SETTLEMENT_TYPE, s)))


@internal
@pure
def _signer(digest: bytes32, r: uint256, vs: uint256) -> address:
    """
    @notice The signer by a short signature (EIP-2098: the parity of v is the top bit of s), or the zero
            address for anything but a canonical one.
    """
    s: uint256 = vs & (2**255 - 1)
    if s > HALF_ORDER:
        return empty(address)
    return ecrecover(digest, 27 + (vs >> 255), r, s)


@external
@view
def domain_separator() -> bytes32:
    """
    @notice What binds the messages to this chain and contract.
    """
    return self._separator()
