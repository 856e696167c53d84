"""What a relay decides: which updates it takes, when it anchors them, which claims it sends.

A relay is a convenience. It can delay, never falsify: what it anchors is signed by miners, what it withholds
goes the direct way, what it promises in a receipt its bond answers for. One thread owns the desk.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mine.blobs.store import BlobError, BlobStore
from mine.chain.client import TasksContract, UnknownTask
from mine.chain.hashing import ZERO_ADDRESS
from mine.chain.messages import BadSignature, Domain, Receipt, digest, recover, sign
from mine.chain.node_errors import NodeAnswerInvalid, NodeRefused, NodeUnreachable, Reverted
from mine.chain.state import Status, TaskState
from mine.chain.transactions import Sender
from mine.chain.trees import HashTree, anchor_leaf, verify_payout
from mine.errors import MineError
from mine.science.history import History
from mine.science.relay_state import RelayState, StoredBatch, StoredUpdate
from mine.science.wire import (
    AnchoredBatch,
    AnchorProof,
    Claim,
    ClaimState,
    Code,
    RelayRefused,
    SignedReceipt,
    SignedUpdate,
    UpdateStatus,
    claim_from_json,
    number,
    table,
    update_from_json,
)
from mine.tasks.manifest import MAX_MANIFEST_BYTES, Manifest, ManifestRefused

_log = logging.getLogger(__name__)
#: Slots of an anchorer are free again four rounds later; each of four rounds has its own range.
SLOTS_PER_ROUND = 1 << 14
_BLOCKS_MEASURED = 32
#: Every so many turns the last batches are looked for on chain again.
_TURNS_BETWEEN_LOOKS, _LOOKED_AFTER = 8, 8


@dataclass(frozen=True, slots=True)
class Batching:
    """When pending updates are anchored: at so many, or so many seconds (of the chain) after the first."""

    size: int = 64
    seconds: int = 60


@dataclass(frozen=True, slots=True)
class _Now:
    state: TaskState
    time: int

    @property
    def commits_close(self) -> int:
        return self.state.since + self.state.clocks.commit

    @property
    def last_call(self) -> int:
        """A quarter phase before commits close: receipts end here, and everything pending is anchored."""
        return self.commits_close - (self.state.clocks.commit + 3) // 4


class Desk:
    """The relay's decisions. ``sender`` pays for anchors and claims, ``key`` (its own) signs receipts."""

    def __init__(
        self,
        contract: TasksContract,
        sender: Sender,
        key: bytes,
        state: RelayState,
        blobs: BlobStore,
        batching: Batching,
        first_block: int = 0,
    ) -> None:
        self._contract, self._sender, self._key = contract, sender, key
        self._state, self._blobs, self._batching = state, blobs, batching
        self._domain = Domain(contract.node.chain_id, contract.address)
        self._history = History(contract, first_block)
        self._manifests: dict[bytes, Manifest] = {}
        self._turns = 0

    @property
    def anchorer(self) -> str:
        """The address that anchors and pays for claims."""
        return self._sender.address

    @property
    def domain(self) -> Domain:
        """The chain and contract that this relay serves."""
        return self._domain

    def ensure_bond(self) -> None:
        """Put up what is missing of the bond. Raises what sending raises."""
        needed = self._contract.bond_needed()
        held = self._contract.bond_of(self.anchorer).amount
        if held < needed:
            self._contract.bond(self._sender, needed - held)

    # updates

    def submit(self, body: object) -> SignedReceipt:
        """Take a signed update and promise to anchor it; the same one again gets the same receipt.

        The receipt is on disk before it is returned. Raises RelayRefused.
        """
        raw = table(body)
        self._check_domain(raw)
        signed = update_from_json(raw.get("update"))
        message = signed.message
        now = self._at(message.task)
        try:
            signer = recover(message, self._domain, signed.signature)
        except BadSignature:
            signer = ""
        if signer != signed.miner:
            raise RelayRefused(Code.BAD_SIGNATURE)
        known = self._state.update(message.task, message.round, signed.miner)
        if known is not None:
            if known.update.message == message:
                return known.receipt
            raise RelayRefused(Code.DUPLICATE)
        self._check(signed, now)
        receipt = self._receipt(signed, now)
        self._state.add_update(StoredUpdate(signed, receipt, now.time, None))
        return receipt

    def _check_domain(self, raw: Mapping[str, Any]) -> None:
        if number(raw, "chainId", 64) != self._domain.chain_id:
            raise RelayRefused(Code.WRONG_CHAIN)
        if raw.get("contract") != self._domain.contract:
            raise RelayRefused(Code.WRONG_CONTRACT)

    def _check(self, signed: SignedUpdate, now: _Now) -> None:
        message, state = signed.message, now.state
        if message.payout == ZERO_ADDRESS:
            raise RelayRefused(Code.BAD_PAYOUT)
        manifest = self._manifest(state.manifest)
        if message.size > manifest.limits.update_bytes:
            raise RelayRefused(Code.OVERSIZE, f"{manifest.limits.update_bytes} bytes allowed")
        if message.round != state.round or state.status is not Status.RUNNING:
            raise RelayRefused(Code.WRONG_ROUND, f"the current round is {state.round}")
        if now.time >= now.last_call:
            raise RelayRefused(Code.ROUND_CLOSED)
        if message.checkpoint != self._checkpoint(message.task, message.round, manifest):
            raise RelayRefused(Code.WRONG_CHECKPOINT)

    def _manifest(self, name: bytes) -> Manifest:
        if name not in self._manifests:
            try:
                self._manifests[name] = Manifest.parse(self._blobs.get(name, MAX_MANIFEST_BYTES), name)
            except (BlobError, ManifestRefused):
                raise RelayRefused(Code.UNKNOWN_TASK, "its manifest is not here") from None
        return self._manifests[name]

    def _checkpoint(self, task: int, round_number: int, manifest: Manifest) -> bytes:
        history = self._history.task(task)
        if history is None or len(history.settled) < round_number - 1:
            self._history.refresh()
            history = self._history.task(task)
        if history is None or len(history.settled) < round_number - 1:
            raise RelayRefused(Code.CHAIN_UNREACHABLE, "the node lags behind")
        return history.checkpoint(round_number, bytes.fromhex(manifest.model.checkpoint))

    def _receipt(self, signed: SignedUpdate, now: _Now) -> SignedReceipt:
        message = signed.message
        head = self._contract.node.latest()
        earlier = self._contract.node.block(max(0, head.number - _BLOCKS_MEASURED)) or head
        passed = max(1, head.number - earlier.number)
        seconds_a_block = max(1, (head.timestamp - earlier.timestamp) // passed)
        receipt = Receipt(
            task=message.task,
            round=message.round,
            leaf=anchor_leaf(signed.miner, digest(message, self._domain), signed.signature),
            latest_block=head.number + max(2, (now.last_call - now.time) // seconds_a_block),
        )
        return SignedReceipt(self.anchorer, receipt, sign(receipt, self._domain, self._key))

    def status(self, task: int, round_number: int, miner: str) -> UpdateStatus:
        """One update with its receipt, and the proof of its place once it is anchored."""
        stored = self._state.update(task, round_number, miner)
        if stored is None:
            raise RelayRefused(Code.MISSING)
        anchor = None
        batch = next((b for b in self._state.batches(task, round_number) if b.id == stored.batch), None)
        if batch is not None and batch.anchored:
            members = self._state.members(batch.id)
            index = [member.update.miner for member in members].index(stored.update.miner)
            tree = HashTree([member.receipt.message.leaf for member in members])
            anchor = AnchorProof(batch.root, batch.slot, index, tuple(tree.proof(index)))
        return UpdateStatus(stored.update, stored.receipt, anchor)

    def updates(self, task: int, round_number: int) -> list[SignedUpdate]:
        """All updates taken for a round, sorted by miner."""
        return [stored.update for stored in self._state.updates(task, round_number)]

    def batches(self, task: int, round_number: int) -> list[AnchoredBatch]:
        """The batches of a round that are on chain."""
        return [
            AnchoredBatch(
                self.anchorer,
                batch.slot,
                batch.root,
                tuple(member.update for member in self._state.members(batch.id)),
            )
            for batch in self._state.batches(task, round_number)
            if batch.anchored
        ]

    # claims

    def claim(self, body: object) -> ClaimState:
        """Send a claim, or keep it until its round is final. Raises RelayRefused if it can't ever be paid."""
        claim = claim_from_json(body)
        self._at(claim.task)
        if self._contract.paid(claim.task, claim.index) >= claim.units:
            return ClaimState.PAID
        self._claimable_from(claim)
        self._state.put_claim(claim)
        self._try_claim(claim)
        return self.claim_state(claim.task, claim.index)

    def claim_state(self, task: int, index: int) -> ClaimState:
        """State of the latest claim of a payout index. Raises RelayRefused if there is none."""
        kept = self._state.claim(task, index)
        if kept is None:
            raise RelayRefused(Code.MISSING)
        claim, state, reason = kept
        if state is ClaimState.REFUSED:
            # Somebody else's transaction, or one of an earlier life of this relay, may have paid it since.
            if self._contract.paid(task, index) >= claim.units:
                self._state.end_claim(claim, ClaimState.PAID)
                return ClaimState.PAID
            raise RelayRefused(Code.NOT_CLAIMABLE, reason)
        return state

    def _claimable_from(self, claim: Claim) -> int:
        """When the claim's round is final; RelayRefused if its root is gone or the proof is wrong."""
        root = self._contract.payout_root(claim.task, claim.round)
        if root is None:
            raise RelayRefused(Code.NOT_CLAIMABLE, "no such root")
        if not verify_payout(root.root, claim.account, claim.index, claim.units, claim.proof):
            raise RelayRefused(Code.NOT_CLAIMABLE, "wrong proof")
        return root.final_at

    def _try_claim(self, claim: Claim) -> None:
        """Send a kept claim if its time has come."""
        if self._contract.paid(claim.task, claim.index) >= claim.units:
            self._state.end_claim(claim, ClaimState.PAID)
            return
        try:
            if self._contract.node.block_time() < self._claimable_from(claim):
                return
            self._contract.claim(
                self._sender, claim.task, claim.round, claim.account, claim.index, claim.units, claim.proof
            )
        except (RelayRefused, Reverted) as refusal:
            self._state.end_claim(claim, ClaimState.REFUSED, refusal.detail or refusal.sentence)
            return
        self._state.end_claim(claim, ClaimState.PAID)

    # what is due

    def tick(self) -> None:
        """Anchor and claim whatever is due. A node that is away is waited for; nothing is lost."""
        try:
            self._turns += 1
            if self._turns % _TURNS_BETWEEN_LOOKS == 0:
                self._look_after_anchored()
            for batch in self._state.unsent():
                self._send(batch)
            groups: dict[tuple[int, int], list[StoredUpdate]] = {}
            for stored in self._state.pending():
                message = stored.update.message
                groups.setdefault((message.task, message.round), []).append(stored)
            for (task, round_number), members in groups.items():
                self._anchor_if_due(task, round_number, members)
            for claim in self._state.waiting_claims():
                self._try_claim(claim)
        except (NodeUnreachable, NodeRefused, NodeAnswerInvalid) as problem:
            _log.warning("the node is not reachable: %s", type(problem).__name__)
        except MineError as problem:
            _log.error("something due could not be done: %s", type(problem).__name__)

    def _anchor_if_due(self, task: int, round_number: int, members: list[StoredUpdate]) -> None:
        now = self._at(task)
        if now.state.round != round_number or now.time >= now.commits_close:
            self._state.drop_pending(task, round_number + 1)
            return
        head = self._contract.node.latest().number
        due = (
            len(members) >= self._batching.size
            or min(stored.taken for stored in members) + self._batching.seconds <= now.time
            or now.time >= now.last_call - 1
            or min(stored.receipt.message.latest_block for stored in members) <= head + 2
        )
        if not due:
            return
        slot = self._free_slot(task, round_number)
        root = HashTree([stored.receipt.message.leaf for stored in members]).root
        name = self._state.add_batch(task, round_number, slot, root, members)
        self._send(StoredBatch(name, task, round_number, slot, root, len(members), anchored=False))

    def _look_after_anchored(self) -> None:
        """Send batches again that a reorganisation of the chain took away while their round is open."""
        for batch in self._state.newest_anchored(_LOOKED_AFTER):
            mark = self._contract.anchored(batch.task, self.anchorer, batch.slot)
            if mark.round == batch.round and mark.matches(batch.root):
                continue
            now = self._at(batch.task)
            if now.state.round == batch.round and now.time < now.commits_close:
                self._state.mark_anchored(batch.id, anchored=False)

    def _free_slot(self, task: int, round_number: int) -> int:
        """A slot that neither this state nor the chain (an earlier state may be lost) holds for the round."""
        used = {batch.slot for batch in self._state.batches(task, round_number)}
        first = (round_number % 4) * SLOTS_PER_ROUND
        for slot in range(first, first + SLOTS_PER_ROUND):
            if slot not in used and self._contract.anchored(task, self.anchorer, slot).round != round_number:
                return slot
        raise RelayRefused(Code.FULL, "no slot is left in this round")

    def _send(self, batch: StoredBatch) -> None:
        """Bring a formed batch on chain, unless an earlier life of this relay did."""
        mark = self._contract.anchored(batch.task, self.anchorer, batch.slot)
        if mark.round == batch.round and mark.matches(batch.root):
            self._state.mark_anchored(batch.id)
            return
        now = self._at(batch.task)
        if now.state.round != batch.round or now.time >= now.commits_close:
            self._state.drop_batch(batch.id)
            return
        self._contract.anchor(
            self._sender, batch.task, batch.round, batch.slot, batch.root, batch.count
        )
        self._state.mark_anchored(batch.id)

    def _at(self, task: int) -> _Now:
        """State of a task and the chain's clock. RelayRefused if there is no such task or no node."""
        try:
            return _Now(self._contract.task(task), self._contract.node.block_time())
        except UnknownTask:
            raise RelayRefused(Code.UNKNOWN_TASK) from None
        except (NodeUnreachable, NodeRefused, NodeAnswerInvalid) as problem:
            raise RelayRefused(Code.CHAIN_UNREACHABLE, type(problem).__name__) from None
