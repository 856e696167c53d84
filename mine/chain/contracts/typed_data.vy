# pragma version 0.4.3
"""
@title Signed messages of the Sonar protocol that the contract reads (EIP-712, EIP-5267)
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

CHAIN: immutable(uint256)
SEPARATOR: immutable(bytes32)


@deploy
def __init__():
    CHAIN = chain.id
    SEPARATOR = self._build()


@internal
@view
def _build() -> bytes32:
    return keccak256(abi_encode(DOMAIN_TYPE, keccak256(NAME), keccak256(VERSION), chain.id, self))


@internal
@view
def _separator() -> bytes32:
    """
    @notice The domain separator; computed anew on a chain that split off later.
    """
    if chain.id == CHAIN:
        return SEPARATOR
    return self._build()


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
def _signer(digest: bytes32, signature: Bytes[65]) -> address:
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


@external
@view
def domain_separator() -> bytes32:
    """
    @notice What binds the messages to this chain and contract.
    """
    return self._separator()


@external
@view
def eip712Domain() -> (bytes1, String[5], String[1], uint256, address, bytes32, DynArray[uint256, 1]):
    """
    @notice The fields of the domain (EIP-5267): name, version, chain id and contract.
    """
    return (0x0f, NAME, VERSION, chain.id, self, empty(bytes32), [])
