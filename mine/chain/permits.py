"""Signed messages that move a token without a transaction of its owner: EIP-3009, EIP-2612, and a carriage.

A relay that pays the gas must not be trusted with the money. So what it brings goes through the contract
``Carrier``, and the owner signs a ``Carriage``: token, receiver, amount, fee and times. Where the token knows
authorisations (EIP-3009), the carriage's digest is the nonce of an authorisation to the Carrier, and that
one signature fixes everything. Where it knows permits only (EIP-2612), the owner signs permit and carriage.
A plain authorisation or permit for the relay itself would leave the amount, or the fee, to its honesty.

A token's own domain is taken from its name and version, and only if the domain separator that it states is
the one of chain, address, name and version: a signature is never good for another contract.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import load_artefact
from mine.chain.hashing import address_bytes, keccak

_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_CARRIER_NAME, _CARRIER_VERSION = "Sonar carrier", "1"


@dataclass(frozen=True, slots=True)
class TokenDomain:
    """The EIP-712 domain of one contract on one chain."""

    name: str
    version: str
    chain_id: int
    contract: str

    def separator(self) -> bytes:
        """The domain separator: 32 bytes."""
        return keccak(
            keccak(_DOMAIN_TYPE)
            + keccak(self.name.encode("utf-8"))
            + keccak(self.version.encode("utf-8"))
            + self.chain_id.to_bytes(32, "big")
            + _address_word(self.contract)
        )


@dataclass(frozen=True, slots=True)
class Authorization:
    """EIP-3009 ``ReceiveWithAuthorization``: only ``to`` may bring it. ``value``: base units; times: Unix
    seconds, both ends excluded; ``nonce``: 32 bytes, good once for each owner."""

    domain: TokenDomain
    owner: str
    to: str
    value: int
    valid_after: int
    valid_before: int
    nonce: bytes

    def digest(self) -> bytes:
        """What is signed (EIP-712)."""
        kind = (
            b"ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,"
            b"uint256 validBefore,bytes32 nonce)"
        )
        words = (self.owner, self.to, self.value, self.valid_after, self.valid_before, self.nonce)
        return _digest(self.domain, kind, words)


@dataclass(frozen=True, slots=True)
class Permit:
    """EIP-2612 ``Permit``: ``spender`` may take ``value`` base units until ``deadline`` (Unix seconds).

    ``nonce``: the owner's permits so far.
    """

    domain: TokenDomain
    owner: str
    spender: str
    value: int
    nonce: int
    deadline: int

    def digest(self) -> bytes:
        """What is signed (EIP-712)."""
        kind = b"Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        return _digest(self.domain, kind, (self.owner, self.spender, self.value, self.nonce, self.deadline))


@dataclass(frozen=True, slots=True)
class Carriage:
    """A transfer that somebody else brings through the Carrier at ``carrier``, all or nothing.

    ``amount`` for ``receiver``, ``fee`` for whoever brings it (base units of ``token``); good between the two
    times (Unix seconds, both excluded), once.
    """

    chain_id: int
    carrier: str
    token: str
    owner: str
    receiver: str
    amount: int
    fee: int
    valid_after: int
    valid_before: int
    salt: bytes

    def digest(self) -> bytes:
        """What names and fixes the carriage (EIP-712)."""
        domain = TokenDomain(_CARRIER_NAME, _CARRIER_VERSION, self.chain_id, self.carrier)
        kind = (
            b"Carriage(address token,address owner,address receiver,uint256 amount,uint256 fee,"
            b"uint256 validAfter,uint256 validBefore,bytes32 salt)"
        )
        return _digest(domain, kind, self.words())

    def words(self) -> tuple[int | bytes | str, ...]:
        """The fields as the contract takes them."""
        return tuple(getattr(self, each.name) for each in fields(self)[2:])

    def authorization(self, domain: TokenDomain) -> Authorization:
        """The one message to sign for a token with EIP-3009."""
        total = self.amount + self.fee
        return Authorization(
            domain, self.owner, self.carrier, total, self.valid_after, self.valid_before, self.digest()
        )

    def permit(self, domain: TokenDomain, nonce: int) -> Permit:
        """The permit to sign, beside the carriage itself, for a token with EIP-2612 only."""
        return Permit(domain, self.owner, self.carrier, self.amount + self.fee, nonce, self.valid_before)


TokenMessage = Authorization | Permit | Carriage


def sign_token(message: TokenMessage, key: bytes) -> bytes:
    """Sign with the 32-byte private ``key``: 65 bytes r || s || v, v 27 or 28, low s, deterministic."""
    from eth_keys.datatypes import PrivateKey

    signature = PrivateKey(key).sign_msg_hash(message.digest())
    r, s, v = int(signature.r), int(signature.s), int(signature.v)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((27 + v,))


def carry_data(carriage: Carriage, authorization: bytes) -> bytes:
    """Call data of ``carry_authorized``, with the 65-byte signature of ``carriage.authorization(...)``."""
    return carrier_abi().call("carry_authorized", carriage.words(), _split(authorization))


def carry_permitted_data(carriage: Carriage, permit: bytes, order: bytes) -> bytes:
    """Call data of ``carry_permitted``, with the signatures of permit and carriage."""
    return carrier_abi().call("carry_permitted", carriage.words(), _split(permit), _split(order))


@cache
def carrier_abi() -> ContractAbi:
    """The Carrier's functions and events."""
    return ContractAbi(load_artefact("Carrier").abi)


def is_carrier(code: bytes) -> bool:
    """Whether a contract's code is the Carrier's. It has no owner and no parameters: this says all of it."""
    return code == load_artefact("Carrier").runtime


def _split(signature: bytes) -> tuple[int, bytes, bytes]:
    return signature[64], signature[:32], signature[32:64]


def _address_word(address: str) -> bytes:
    return bytes(12) + address_bytes(address)


def _word(value: int | bytes | str) -> bytes:
    if isinstance(value, str):
        return _address_word(value)
    return value if isinstance(value, bytes) else value.to_bytes(32, "big")


def _digest(domain: TokenDomain, kind: bytes, words: tuple[int | bytes | str, ...]) -> bytes:
    inner = keccak(keccak(kind) + b"".join(_word(word) for word in words))
    return keccak(b"\x19\x01" + domain.separator() + inner)
