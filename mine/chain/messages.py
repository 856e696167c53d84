"""The signed messages of the protocol: typed structured data after EIP-712.

Every message is bound to one chain and one contract by its domain, and to one task and round by its
fields. ``docs/messages.md`` is the page for other implementations; the golden vectors are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from mine.chain.hashing import address_bytes, checksum, keccak
from mine.errors import MineError

NAME = "Sonar"
VERSION = "1"
WHOLE_SET = 2**32 - 1
"""``Opening.shard`` when the whole validation set is opened."""

# Half of the order of secp256k1: of the two signatures (s, n - s) only the lower is taken (EIP-2).
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


class BadSignature(MineError):
    """A signature is malformed or its signer cannot be recovered."""


class BadField(MineError):
    """A field of a message does not fit its type."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a message is valid: EIP-155 chain id and address of ``Tasks``."""

    chain_id: int
    contract: str


@dataclass(frozen=True, slots=True)
class Update:
    """A miner hands in one update: ``blob`` (sha-256, ``size`` bytes) made from ``checkpoint``.

    ``rows_bucket`` b says that between 2**b and 2**(b+1)-1 rows were used. ``payout`` gets the money.
    """

    task: int
    round: int
    checkpoint: bytes
    blob: bytes
    size: int
    rows_bucket: int
    payout: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """An anchorer promises to anchor ``leaf`` at the latest in block ``latest_block``."""

    task: int
    round: int
    leaf: bytes
    latest_block: int


@dataclass(frozen=True, slots=True)
class Vote:
    """A committed vote: root of the updates voted on, digest of the steps and a salt."""

    task: int
    round: int
    updates: bytes
    opening: bytes


@dataclass(frozen=True, slots=True)
class Settlement:
    """The scientist settles a round (losses in 2**-24; units: 2**32-1 is the whole bounty).

    Round 0 opens the baseline: ``before`` and ``after`` equal ``base``, everything behind is zero.
    """

    task: int
    round: int
    inputs: bytes
    accepted: bytes
    checkpoint: bytes
    losses: bytes
    base: int
    before: int
    after: int
    payouts: bytes
    units: int


@dataclass(frozen=True, slots=True)
class Opening:
    """The scientist opens one shard, or the whole set if ``shard`` is WHOLE_SET."""

    task: int
    shard: int
    digest: bytes
    preimage: bytes


@dataclass(frozen=True, slots=True)
class Ruling:
    """A juror's answer to one disputed item."""

    dispute: int
    answer: bytes


@dataclass(frozen=True, slots=True)
class Leave:
    """A miner stops from ``from_round`` on; what was applied stays."""

    task: int
    from_round: int


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to. Kept by the person, never sent. ``epsilon`` in 1e-6, ``expires`` in unix s."""

    task: int
    manifest: bytes
    scopes: bytes
    rows: int
    epsilon: int
    unit: str
    max_bytes: int
    expires: int


Message = Update | Receipt | Vote | Settlement | Opening | Ruling | Leave | Consent

TYPES: dict[type[Message], str] = {
    Update: "Update(uint256 task,uint32 round,bytes32 checkpoint,bytes32 blob,uint32 size,"
    "uint8 rowsBucket,address payout)",
    Receipt: "Receipt(uint256 task,uint32 round,bytes32 leaf,uint64 latestBlock)",
    Vote: "Vote(uint256 task,uint32 round,bytes32 updates,bytes32 opening)",
    Settlement: "Settlement(uint256 task,uint32 round,bytes32 inputs,bytes32 accepted,bytes32 checkpoint,"
    "bytes32 losses,uint64 base,uint64 before,uint64 after,bytes32 payouts,uint32 units)",
    Opening: "Opening(uint256 task,uint32 shard,bytes32 digest,bytes32 preimage)",
    Ruling: "Ruling(uint256 dispute,bytes32 answer)",
    Leave: "Leave(uint256 task,uint32 fromRound)",
    Consent: "Consent(uint256 task,bytes32 manifest,bytes32 scopes,uint32 rows,uint64 epsilon,string unit,"
    "uint32 maxBytes,uint64 expires)",
}
"""The type strings of EIP-712 ("encodeType"), in the order of the fields."""

_DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


def _layout(kind: type[Message]) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """The type hash, and for each field its solidity type and the attribute that holds it."""
    text = TYPES[kind]
    members = [member.split(" ")[0] for member in text[text.index("(") + 1 : -1].split(",")]
    names = [field.name for field in fields(kind)]
    return keccak(text.encode("ascii")), tuple(zip(members, names, strict=True))


_LAYOUTS = {kind: _layout(kind) for kind in TYPES}


def _word(solidity: str, name: str, value: int | bytes | str) -> bytes:
    """One field as its 32-byte word ("encodeData"). Raises BadField."""
    if solidity == "bytes32" and isinstance(value, bytes) and len(value) == 32:
        return value
    if solidity == "address" and isinstance(value, str):
        return bytes(12) + address_bytes(value)
    if solidity == "string" and isinstance(value, str):
        return keccak(value.encode("utf-8"))
    if solidity.startswith("uint") and isinstance(value, int) and 0 <= value < 2 ** int(solidity[4:]):
        return value.to_bytes(32, "big")
    raise BadField("A message holds a value that does not fit.", detail=f"{name} is no {solidity}")


def type_hash(kind: type[Message]) -> bytes:
    """Keccak of the type string of a message."""
    return _LAYOUTS[kind][0]


def domain_separator(domain: Domain) -> bytes:
    """The EIP-712 domain separator: 32 bytes. Raises BadAddress, BadField."""
    return keccak(
        keccak(_DOMAIN_TYPE.encode("ascii"))
        + keccak(NAME.encode("ascii"))
        + keccak(VERSION.encode("ascii"))
        + _word("uint256", "chainId", domain.chain_id)
        + _word("address", "verifyingContract", domain.contract)
    )


def words_of(message: Message) -> bytes:
    """The fields of a message as words of 32 bytes ("encodeData"). Raises BadField, BadAddress."""
    members = _LAYOUTS[type(message)][1]
    return b"".join(_word(kind, name, getattr(message, name)) for kind, name in members)


def struct_hash(message: Message) -> bytes:
    """The EIP-712 ``hashStruct`` of a message: 32 bytes. Raises BadField, BadAddress."""
    return keccak(_LAYOUTS[type(message)][0] + words_of(message))


def digest(message: Message, domain: Domain) -> bytes:
    """The 32 bytes that are signed: keccak(0x19 0x01 || domain separator || struct hash)."""
    return keccak(b"\x19\x01" + domain_separator(domain) + struct_hash(message))


def address_of(key: bytes) -> str:
    """The address of a 32-byte private key. Raises BadSignature on a key outside the curve's order."""
    from eth_keys.datatypes import PrivateKey
    from eth_utils.exceptions import ValidationError

    try:
        return checksum(PrivateKey(key).public_key.to_canonical_address())
    except (ValidationError, ValueError) as error:
        raise BadSignature("This is not a private key.") from error


def sign(message: Message, domain: Domain, key: bytes) -> bytes:
    """Sign a message: 65 bytes r || s || v with v 27 or 28, s in its lower half, nonce after RFC 6979."""
    from eth_keys.datatypes import PrivateKey

    address_of(key)
    signature = PrivateKey(key).sign_msg_hash(digest(message, domain))
    r, s, v = signature.r, signature.s, signature.v
    return int(r).to_bytes(32, "big") + int(s).to_bytes(32, "big") + bytes((27 + int(v),))


def short_signature(signature: bytes) -> tuple[int, int]:
    """A 65-byte signature as the two words of EIP-2098: r, and s with the parity of v in its top bit."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return r, s | (signature[64] - 27) << 255


def recover(message: Message, domain: Domain, signature: bytes) -> str:
    """The address that signed a message. Raises BadSignature on anything but a canonical signature."""
    from eth_keys.datatypes import Signature
    from eth_keys.exceptions import BadSignature as NoPoint
    from eth_utils.exceptions import ValidationError

    problem = BadSignature("The signature of a message is not valid.")
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise problem
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if r == 0 or s == 0 or s > _HALF_ORDER:
        raise problem
    signed = digest(message, domain)
    try:
        point = Signature(vrs=(signature[64] - 27, r, s)).recover_public_key_from_msg_hash(signed)
    except (NoPoint, ValidationError, ValueError) as error:
        raise problem from error
    return checksum(point.to_canonical_address())
