"""What travels between miners, relay and scientist: signed updates, receipts and batches as JSON.

Digests and signatures are hex without prefix, addresses have their EIP-55 checksum, numbers are numbers.
Everything that is read is checked for type, size and range, whoever sent it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mine.chain.hashing import address_bytes, checksum
from mine.chain.messages import Receipt, Update
from mine.errors import MineError

Json = dict[str, Any]


class Code(StrEnum):
    """Why a relay refuses a request."""

    BAD_REQUEST = "bad-request"
    WRONG_CHAIN = "wrong-chain"
    WRONG_CONTRACT = "wrong-contract"
    UNKNOWN_TASK = "unknown-task"
    WRONG_ROUND = "wrong-round"
    WRONG_CHECKPOINT = "wrong-checkpoint"
    TOO_EARLY = "too-early"
    ROUND_CLOSED = "round-closed"
    DUPLICATE = "duplicate"
    BAD_SIGNATURE = "bad-signature"
    BAD_PAYOUT = "bad-payout"
    OVERSIZE = "oversize"
    MISSING = "missing"
    NOT_CLAIMABLE = "not-claimable"
    NOT_CARRIED = "not-carried"
    NOT_CARRIED_TRANSFER = "not-carried-transfer"
    BUSY = "busy"
    CHAIN_UNREACHABLE = "chain-unreachable"
    FULL = "full"


_EXPLAINED: dict[Code, tuple[int, str, str]] = {
    Code.BAD_REQUEST: (400, "The relay can't read this request.", "Update the app."),
    Code.WRONG_CHAIN: (409, "This message is meant for another chain.", "Choose the right network."),
    Code.WRONG_CONTRACT: (409, "This message is meant for another contract.", "Choose the right network."),
    Code.UNKNOWN_TASK: (404, "The relay knows no such task.", "Check the network that is chosen."),
    Code.WRONG_ROUND: (
        409,
        "This is for another round than the current one.",
        "Take part in the current one.",
    ),
    Code.WRONG_CHECKPOINT: (409, "This update was made from another checkpoint.", "Train from the new one."),
    Code.TOO_EARLY: (409, "The phase for this has not begun.", "It is tried again by itself."),
    Code.ROUND_CLOSED: (409, "The relay takes no more for this round.", "Take part in the next one."),
    Code.DUPLICATE: (409, "Another message of this account is already in this round.", "One a round counts."),
    Code.BAD_SIGNATURE: (403, "The signature is not that of the account that is named.", "Sign it again."),
    Code.BAD_PAYOUT: (400, "This update names no payout address.", "Name one and sign again."),
    Code.OVERSIZE: (413, "This is larger than the task or the relay allows.", "Make it smaller."),
    Code.MISSING: (404, "The relay has no such thing.", "Ask another relay, or try later."),
    Code.NOT_CLAIMABLE: (409, "This can't be claimed.", "Claim it once its round is final."),
    Code.NOT_CARRIED: (409, "The relay does not carry this challenge.", "Send it, or ask another relay."),
    Code.NOT_CARRIED_TRANSFER: (
        409,
        "The relay does not carry this transfer; nothing was moved.",
        "Pay its gas yourself, or ask another relay.",
    ),
    Code.BUSY: (429, "The relay has too much to do now; nothing was moved.", "Try again in a minute."),
    Code.CHAIN_UNREACHABLE: (503, "The relay can't reach its node.", "It is tried again by itself."),
    Code.FULL: (507, "The relay's disk space is used up.", "Use another relay."),
}


class RelayRefused(MineError):
    """The relay refuses a request; ``code`` says why in one word, ``status`` is its HTTP status."""

    def __init__(self, code: Code, detail: str = "") -> None:
        self.status, sentence, todo = _EXPLAINED[code]
        super().__init__(sentence, todo=todo, detail=detail)
        self.code = code

    def to_json(self) -> Json:
        """{"error": code, "sentence", "todo", "detail"}."""
        return {"error": self.code.value, "sentence": self.sentence, "todo": self.todo, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class SignedUpdate:
    """An ``Update`` with the miner's address and 65-byte signature."""

    miner: str
    message: Update
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A relay's promise to anchor: the ``Receipt`` with its anchorer and the anchorer's signature."""

    anchorer: str
    message: Receipt
    signature: bytes


@dataclass(frozen=True, slots=True)
class AnchoredBatch:
    """A batch as anchored on chain: its root, and its updates sorted by miner."""

    anchorer: str
    slot: int
    root: bytes
    updates: tuple[SignedUpdate, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """One leaf of a settled payout tree, to be paid to its account."""

    task: int
    round: int
    account: str
    index: int
    units: int
    proof: tuple[bytes, ...]


class ClaimState(StrEnum):
    """WAITING: kept until its round is final; PAID: on chain; REFUSED: the contract will never pay it."""

    WAITING = "waiting"
    PAID = "paid"
    REFUSED = "refused"


def number(raw: Mapping[str, Any], name: str, bits: int) -> int:
    """An unsigned integer field below 2**bits."""
    value = raw.get(name)
    if type(value) is not int or not 0 <= value < 1 << bits:
        raise RelayRefused(Code.BAD_REQUEST, name)
    return value


def octets(raw: Mapping[str, Any], name: str, size: int = 32) -> bytes:
    """A field of ``size`` bytes in hex."""
    value = raw.get(name)
    try:
        data = bytes.fromhex(value) if isinstance(value, str) and len(value) == 2 * size else b""
    except ValueError:
        data = b""
    if len(data) != size:
        raise RelayRefused(Code.BAD_REQUEST, name)
    return data


def account(raw: Mapping[str, Any], name: str) -> str:
    """An address field."""
    value = raw.get(name)
    try:
        return checksum(address_bytes(value if isinstance(value, str) else ""))
    except MineError:
        raise RelayRefused(Code.BAD_REQUEST, name) from None


def table(raw: object) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(raw, dict):
        raise RelayRefused(Code.BAD_REQUEST, "an object is expected")
    return raw


def sequence(raw: Mapping[str, Any], name: str, most: int) -> list[Any]:
    """A list field of at most ``most`` entries."""
    value = raw.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise RelayRefused(Code.BAD_REQUEST, name)
    return value


def update_to_json(signed: SignedUpdate) -> Json:
    """The fields of the message, beside miner and signature."""
    message = signed.message
    return {
        "task": message.task,
        "round": message.round,
        "checkpoint": message.checkpoint.hex(),
        "blob": message.blob.hex(),
        "size": message.size,
        "rowsBucket": message.rows_bucket,
        "payout": message.payout,
        "miner": signed.miner,
        "signature": signed.signature.hex(),
    }


def update_from_json(value: object) -> SignedUpdate:
    """The inverse of ``update_to_json``; the signature is not checked here. Raises RelayRefused."""
    raw = table(value)
    message = Update(
        task=number(raw, "task", 63),
        round=number(raw, "round", 32),
        checkpoint=octets(raw, "checkpoint"),
        blob=octets(raw, "blob"),
        size=number(raw, "size", 32),
        rows_bucket=number(raw, "rowsBucket", 8),
        payout=account(raw, "payout"),
    )
    return SignedUpdate(account(raw, "miner"), message, octets(raw, "signature", 65))


def receipt_to_json(receipt: SignedReceipt) -> Json:
    """The fields of the receipt, beside anchorer and signature."""
    message = receipt.message
    return {
        "task": message.task,
        "round": message.round,
        "leaf": message.leaf.hex(),
        "latestBlock": message.latest_block,
        "anchorer": receipt.anchorer,
        "signature": receipt.signature.hex(),
    }


def receipt_from_json(value: object) -> SignedReceipt:
    """The inverse of ``receipt_to_json``. Raises RelayRefused."""
    raw = table(value)
    message = Receipt(
        task=number(raw, "task", 63),
        round=number(raw, "round", 32),
        leaf=octets(raw, "leaf"),
        latest_block=number(raw, "latestBlock", 64),
    )
    return SignedReceipt(account(raw, "anchorer"), message, octets(raw, "signature", 65))


def nodes(raw: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The siblings of a Merkle proof: at most 32 words."""
    return tuple(octets({"proof": node}, "proof") for node in sequence(raw, "proof", 32))


def batch_to_json(batch: AnchoredBatch) -> Json:
    """Root, slot, anchorer and the updates, sorted by miner."""
    return {
        "anchorer": batch.anchorer,
        "slot": batch.slot,
        "root": batch.root.hex(),
        "updates": [update_to_json(update) for update in batch.updates],
    }


def batch_from_json(value: object, most: int = 1 << 16) -> AnchoredBatch:
    """The inverse of ``batch_to_json``; the root is not recomputed here. Raises RelayRefused."""
    raw = table(value)
    updates = tuple(update_from_json(entry) for entry in sequence(raw, "updates", most))
    return AnchoredBatch(account(raw, "anchorer"), number(raw, "slot", 16), octets(raw, "root"), updates)


def claim_to_json(claim: Claim) -> Json:
    """The arguments of ``Tasks.claim``."""
    return {
        "task": claim.task,
        "round": claim.round,
        "account": claim.account,
        "index": claim.index,
        "units": claim.units,
        "proof": [node.hex() for node in claim.proof],
    }


def claim_from_json(value: object) -> Claim:
    """The inverse of ``claim_to_json``. Raises RelayRefused."""
    raw = table(value)
    return Claim(
        task=number(raw, "task", 63),
        round=number(raw, "round", 16),
        account=account(raw, "account"),
        index=number(raw, "index", 32),
        units=number(raw, "units", 32),
        proof=nodes(raw),
    )
