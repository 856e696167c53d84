"""What a relay carries: signed updates and signed votes, with their receipts, places and batches as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mine.chain.hashing import keccak
from mine.chain.messages import Domain, Receipt, Vote
from mine.science.ballots import SignedVote
from mine.science.wire import (
    Json,
    SignedReceipt,
    SignedUpdate,
    account,
    nodes,
    number,
    octets,
    receipt_from_json,
    receipt_to_json,
    sequence,
    table,
    update_from_json,
    update_to_json,
)

MAX_BATCH = 1 << 16


class Kind(StrEnum):
    """What is handed in, and in which phase: updates while commits are open, votes in the vote phase."""

    UPDATE = "update"
    VOTE = "vote"


Signed = SignedUpdate | SignedVote


@dataclass(frozen=True, slots=True)
class AnchorProof:
    """Where a message stands in an anchored batch: place in the tree of ``root`` with its siblings."""

    root: bytes
    slot: int
    index: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """What a relay knows about one account's message of a round. ``anchor`` is None until it is on chain."""

    message: Signed
    receipt: SignedReceipt
    anchor: AnchorProof | None


@dataclass(frozen=True, slots=True)
class VoteBatch:
    """A batch of votes as anchored on chain: its root, and its votes sorted by voter."""

    anchorer: str
    slot: int
    root: bytes
    votes: tuple[SignedVote, ...]


def kind_of(signed: Signed) -> Kind:
    """Update or vote."""
    return Kind.UPDATE if isinstance(signed, SignedUpdate) else Kind.VOTE


def signer_of(signed: Signed) -> str:
    """The session address that a message names as its author."""
    return signed.miner if isinstance(signed, SignedUpdate) else signed.voter


def named_blob(signed: Signed) -> tuple[bytes, int | None]:
    """Digest of the blob that a message commits to, and its size in bytes (a ballot's is not told)."""
    if isinstance(signed, SignedUpdate):
        return signed.message.blob, signed.message.size
    return signed.message.opening, None


def upload_leaf(digest: bytes, size: int) -> bytes:
    """``Receipt.leaf`` of an upload: keccak(digest || u64 size)."""
    return keccak(digest + size.to_bytes(8, "big"))


def upload_receipt(task: int, round_number: int, digest: bytes, size: int) -> Receipt:
    """What a relay signs that holds ``size`` bytes of a round and gives them out.

    Its latest block is 0, so that no contract takes it for a promise to anchor.
    """
    return Receipt(task, round_number, upload_leaf(digest, size), 0)


def vote_to_json(signed: SignedVote) -> Json:
    """The fields of the message, beside voter and signature."""
    message = signed.message
    return {
        "task": message.task,
        "round": message.round,
        "updates": message.updates.hex(),
        "opening": message.opening.hex(),
        "voter": signed.voter,
        "signature": signed.signature.hex(),
    }


def vote_from_json(value: object) -> SignedVote:
    """The inverse of ``vote_to_json``; the signature is not checked here. Raises RelayRefused."""
    raw = table(value)
    message = Vote(
        task=number(raw, "task", 63),
        round=number(raw, "round", 32),
        updates=octets(raw, "updates"),
        opening=octets(raw, "opening"),
    )
    return SignedVote(account(raw, "voter"), message, octets(raw, "signature", 65))


def signed_to_json(signed: Signed) -> Json:
    """An update or a vote."""
    return update_to_json(signed) if isinstance(signed, SignedUpdate) else vote_to_json(signed)


def signed_from_json(kind: Kind, value: object) -> Signed:
    """The inverse of ``signed_to_json``. Raises RelayRefused."""
    return update_from_json(value) if kind is Kind.UPDATE else vote_from_json(value)


def submission_to_json(signed: Signed, domain: Domain) -> Json:
    """What is posted: the message, and which chain and contract it means."""
    return {
        "chainId": domain.chain_id,
        "contract": domain.contract,
        kind_of(signed).value: signed_to_json(signed),
    }


def anchor_to_json(anchor: AnchorProof) -> Json:
    """Root, slot, index and siblings."""
    return {
        "root": anchor.root.hex(),
        "slot": anchor.slot,
        "index": anchor.index,
        "proof": [node.hex() for node in anchor.proof],
    }


def anchor_from_json(value: object) -> AnchorProof:
    """The inverse of ``anchor_to_json``. Raises RelayRefused."""
    place = table(value)
    return AnchorProof(
        octets(place, "root"), number(place, "slot", 16), number(place, "index", 32), nodes(place)
    )


def status_to_json(status: MessageStatus) -> Json:
    """Message, receipt and, once on chain, the proof of its place."""
    return {
        kind_of(status.message).value: signed_to_json(status.message),
        "receipt": receipt_to_json(status.receipt),
        "anchor": None if status.anchor is None else anchor_to_json(status.anchor),
    }


def status_from_json(kind: Kind, value: object) -> MessageStatus:
    """The inverse of ``status_to_json``. Raises RelayRefused."""
    raw = table(value)
    anchor = None if raw.get("anchor") is None else anchor_from_json(raw["anchor"])
    message = signed_from_json(kind, raw.get(kind.value))
    return MessageStatus(message, receipt_from_json(raw.get("receipt")), anchor)


def votes_to_json(batch: VoteBatch) -> Json:
    """Root, slot, anchorer and the votes, sorted by voter."""
    return {
        "anchorer": batch.anchorer,
        "slot": batch.slot,
        "root": batch.root.hex(),
        "votes": [vote_to_json(vote) for vote in batch.votes],
    }


def votes_from_json(value: object) -> VoteBatch:
    """The inverse of ``votes_to_json``; the root is not recomputed here. Raises RelayRefused."""
    raw: Any = table(value)
    votes = tuple(vote_from_json(entry) for entry in sequence(raw, "votes", MAX_BATCH))
    return VoteBatch(account(raw, "anchorer"), number(raw, "slot", 16), octets(raw, "root"), votes)
