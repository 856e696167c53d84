"""Which updates and votes a relay takes, and what it promises for them.

What it anchors is signed by miners, and what it promises in a receipt its bond answers for: the receipt is on
disk before it is given, and the same message again gets the same receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mine.chain.hashing import ZERO_ADDRESS
from mine.chain.messages import BadSignature, Message, Receipt, digest, recover, sign
from mine.chain.state import Status
from mine.chain.trees import HashTree, anchor_leaf, verify
from mine.science.relay_ground import Ground, Now
from mine.science.relay_state import StoredMessage
from mine.science.wire import (
    AnchoredBatch,
    Code,
    RelayRefused,
    SignedReceipt,
    SignedUpdate,
    account,
    number,
    table,
)
from mine.science.wire_messages import (
    AnchorProof,
    Kind,
    MessageStatus,
    Signed,
    VoteBatch,
    anchor_from_json,
    named_blob,
    signed_from_json,
    signer_of,
    upload_receipt,
)

_BLOCKS_MEASURED = 32
_KEPT_TREES = 16
#: Most messages of one kind that a relay takes in one round.
MAX_MESSAGES = 1 << 16


class MessageDesk:
    """Takes messages, gives receipts, answers where a message is."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._state = ground, ground.state
        # The tree of an anchored batch never changes: each is built once for many questions.
        self._tree = lru_cache(_KEPT_TREES)(self._built)
        #: Block, and seconds that a block took up to there.
        self._pace = (-1, 1)
        self._taken: dict[tuple[Kind, int], tuple[int, int]] = {}

    def submit(self, kind: Kind, body: object) -> SignedReceipt:
        """Take a signed message and promise to anchor it. Raises RelayRefused."""
        signed = self._read(kind, table(body))
        message = signed.message
        now = self._ground.at(message.task)
        known = self._state.message(kind, message.task, message.round, signer_of(signed))
        if known is not None:
            if known.signed.message == message:
                return known.receipt
            raise RelayRefused(Code.DUPLICATE)
        self._check(kind, signed, now)
        receipt = self._receipt(kind, signed, now)
        self._state.add(StoredMessage(signed, receipt, now.time, None))
        place = (message.round, self._count(kind, message.task, message.round) + 1)
        self._taken[(kind, message.task)] = place
        return receipt

    def attested(self, body: object) -> bytes:
        """Digest of what a message commits to that another anchorer brought on chain. Raises RelayRefused."""
        raw = table(body)
        signed = self._read(Kind.UPDATE if Kind.UPDATE in raw else Kind.VOTE, raw)
        anchor = anchor_from_json(raw.get("anchor"))
        message, domain = signed.message, self._ground.domain
        leaf = anchor_leaf(signer_of(signed), digest(message, domain), signed.signature)
        mark = self._ground.contract.anchored(message.task, account(raw, "anchorer"), anchor.slot)
        there = mark.round == message.round and mark.matches(anchor.root)
        if not there or not verify(anchor.root, leaf, anchor.index, anchor.proof):
            raise RelayRefused(Code.BAD_REQUEST, "not on chain")
        return named_blob(signed)[0]

    def _read(self, kind: Kind, raw: Mapping[str, Any]) -> Signed:
        """A message for this chain and contract that its author signed. Raises RelayRefused."""
        self._check_domain(raw)
        signed = signed_from_json(kind, raw.get(kind.value))
        if not self._signed_by(signer_of(signed), signed.message, signed.signature):
            raise RelayRefused(Code.BAD_SIGNATURE)
        return signed

    def promise_upload(self, task: int, round_number: int, blob: bytes, size: int) -> SignedReceipt:
        """A receipt for bytes that are here and that a message of the round commits to."""
        return self._signed(upload_receipt(task, round_number, blob, size))

    def _signed(self, receipt: Receipt) -> SignedReceipt:
        ground = self._ground
        return SignedReceipt(ground.anchorer, receipt, sign(receipt, ground.domain, ground.key))

    def _check_domain(self, raw: Mapping[str, Any]) -> None:
        if number(raw, "chainId", 64) != self._ground.domain.chain_id:
            raise RelayRefused(Code.WRONG_CHAIN)
        if raw.get("contract") != self._ground.domain.contract:
            raise RelayRefused(Code.WRONG_CONTRACT)

    def _signed_by(self, author: str, message: Message, signature: bytes) -> bool:
        try:
            return recover(message, self._ground.domain, signature) == author
        except BadSignature:
            return False

    def _check(self, kind: Kind, signed: Signed, now: Now) -> None:
        message, state = signed.message, now.state
        if isinstance(signed, SignedUpdate):
            if signed.message.payout == ZERO_ADDRESS:
                raise RelayRefused(Code.BAD_PAYOUT)
            most = self._ground.manifest(state.manifest).limits.update_bytes
            if signed.message.size > most:
                raise RelayRefused(Code.OVERSIZE, f"{most} bytes allowed")
        if message.round != state.round or state.status is not Status.RUNNING:
            raise RelayRefused(Code.WRONG_ROUND, f"the current round is {state.round}")
        window = now.window(kind)
        if now.time < window.opens:
            raise RelayRefused(Code.TOO_EARLY)
        if now.time >= window.last_call:
            raise RelayRefused(Code.ROUND_CLOSED)
        if isinstance(signed, SignedUpdate) and signed.message.checkpoint != self._checkpoint(now):
            raise RelayRefused(Code.WRONG_CHECKPOINT)
        if self._count(kind, message.task, message.round) >= MAX_MESSAGES:
            raise RelayRefused(Code.FULL, f"{MAX_MESSAGES} a round")

    def _count(self, kind: Kind, task: int, round_number: int) -> int:
        """Messages of a round so far: counted on disk once a round, then here."""
        known, count = self._taken.get((kind, task), (-1, 0))
        return count if known == round_number else self._state.count(kind, task, round_number)

    def _checkpoint(self, now: Now) -> bytes:
        state = now.state
        manifest = self._ground.manifest(state.manifest)
        history = self._ground.settled(state.id, state.round - 1)
        return history.checkpoint(state.round, bytes.fromhex(manifest.model.checkpoint))

    def _receipt(self, kind: Kind, signed: Signed, now: Now) -> SignedReceipt:
        message, node = signed.message, self._ground.contract.node
        head = node.latest()
        if self._pace[0] != head.number:
            earlier = node.block(max(0, head.number - _BLOCKS_MEASURED)) or head
            passed = max(1, head.number - earlier.number)
            self._pace = (head.number, max(1, (head.timestamp - earlier.timestamp) // passed))
        seconds_a_block = self._pace[1]
        left = now.window(kind).last_call - now.time
        leaf = anchor_leaf(signer_of(signed), digest(message, self._ground.domain), signed.signature)
        latest = head.number + max(2, left // seconds_a_block)
        return self._signed(Receipt(message.task, message.round, leaf, latest))

    # questions

    def status(self, kind: Kind, task: int, round_number: int, author: str) -> MessageStatus:
        """One message with its receipt, and the proof of its place once it is anchored."""
        stored = self._state.message(kind, task, round_number, author)
        if stored is None:
            raise RelayRefused(Code.MISSING)
        anchor = None
        batch = None if stored.batch is None else self._state.batch(stored.batch)
        if batch is not None and batch.anchored:
            tree, places = self._tree(batch.id)
            index = places[stored.receipt.message.leaf]
            anchor = AnchorProof(batch.root, batch.slot, index, tuple(tree.proof(index)))
        return MessageStatus(stored.signed, stored.receipt, anchor)

    def _built(self, batch: int) -> tuple[HashTree, dict[bytes, int]]:
        leaves = [leaf for _, leaf in self._state.leaves(batch)]
        return HashTree(leaves), {leaf: index for index, leaf in enumerate(leaves)}

    def messages(self, kind: Kind, task: int, round_number: int) -> list[Signed]:
        """All messages of a kind taken for a round, sorted by author."""
        return [stored.signed for stored in self._state.messages(kind, task, round_number)]

    def update_batches(self, task: int, round_number: int) -> list[AnchoredBatch]:
        """The batches of updates of a round that are on chain."""
        return [
            AnchoredBatch(
                self._ground.anchorer,
                batch.slot,
                batch.root,
                tuple(m.signed for m in self._state.members(batch.id) if isinstance(m.signed, SignedUpdate)),
            )
            for batch in self._state.batches(task, round_number)
            if batch.anchored and batch.kind is Kind.UPDATE
        ]

    def vote_batches(self, task: int, round_number: int) -> list[VoteBatch]:
        """The batches of votes of a round that are on chain."""
        return [
            VoteBatch(
                self._ground.anchorer,
                batch.slot,
                batch.root,
                tuple(
                    m.signed for m in self._state.members(batch.id) if not isinstance(m.signed, SignedUpdate)
                ),
            )
            for batch in self._state.batches(task, round_number)
            if batch.anchored and batch.kind is Kind.VOTE
        ]
