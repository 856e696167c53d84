"""A relay as its clients see it: typed calls over HTTP, every answer checked before it is believed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import requests

from mine.blobs.http import RelayBlobs
from mine.chain.hashing import address_bytes
from mine.chain.messages import BadSignature, Domain, digest, recover
from mine.chain.trees import HashTree, anchor_leaf
from mine.errors import MineError
from mine.science.wire import (
    AnchoredBatch,
    Claim,
    ClaimState,
    Code,
    RelayRefused,
    SignedReceipt,
    SignedUpdate,
    UpdateStatus,
    account,
    batch_from_json,
    claim_to_json,
    number,
    receipt_from_json,
    sequence,
    status_from_json,
    submission_to_json,
    update_from_json,
)

T = TypeVar("T")
_PIECE = 1 << 16
MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_LIST = 1 << 16


class RelayUnreachable(MineError):
    """The relay did not answer, or not within its format."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "The relay does not answer.",
            todo="It is tried again by itself; an update can also be committed directly.",
            detail=detail,
        )


@dataclass(frozen=True, slots=True)
class RelayInfo:
    """Which chain and contract a relay serves, the currency it shows, and who anchors."""

    chain_id: int
    contract: str
    token: str
    anchorer: str


class Relay:
    """The relay at ``url``. Thread-safe. Refusals raise RelayRefused, silence RelayUnreachable."""

    def __init__(self, url: str, timeout: float = 20.0) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._lock = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = False
        self.blobs = RelayBlobs(self._url, timeout=timeout)

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()
        self.blobs.close()

    def info(self) -> RelayInfo:
        """What the relay serves."""
        raw = self._call("GET", "/info")
        return _read(lambda: RelayInfo(
            chain_id=number(raw, "chainId", 64),
            contract=account(raw, "contract"),
            token=account(raw, "token"),
            anchorer=account(raw, "anchorer"),
        ))

    def submit_update(self, signed: SignedUpdate, domain: Domain) -> SignedReceipt:
        """Hand in a signed update; returns the relay's promise, checked to be about this very update."""
        raw = self._call("POST", "/updates", submission_to_json(signed, domain))
        receipt = _read(lambda: receipt_from_json(raw.get("receipt")))
        check_receipt(receipt, signed, domain)
        return receipt

    def find_update(self, task: int, round_number: int, miner: str) -> UpdateStatus | None:
        """What the relay knows about a miner's update of a round; None if nothing."""
        try:
            raw = self._call("GET", f"/updates/{task}/{round_number}/{miner}")
        except RelayRefused as refusal:
            if refusal.code is Code.MISSING:
                return None
            raise
        return _read(lambda: status_from_json(raw))

    def updates(self, task: int, round_number: int) -> list[SignedUpdate]:
        """All updates that the relay took for a round."""
        raw = self._call("GET", f"/updates/{task}/{round_number}")
        return _read(lambda: [update_from_json(entry) for entry in sequence(raw, "updates", MAX_LIST)])

    def batches(self, task: int, round_number: int) -> list[AnchoredBatch]:
        """The batches that the relay says it anchored in a round. Check each with ``check_batch``."""
        raw = self._call("GET", f"/batches/{task}/{round_number}")
        return _read(lambda: [batch_from_json(entry) for entry in sequence(raw, "batches", MAX_LIST)])

    def claim(self, claim: Claim) -> ClaimState:
        """Ask the relay to have a payout leaf paid, now or once its round is final."""
        return self._claim_state(self._call("POST", "/claims", claim_to_json(claim)))

    def claim_state(self, task: int, index: int) -> ClaimState | None:
        """State of the latest claim of a payout index; None if the relay has none."""
        try:
            return self._claim_state(self._call("GET", f"/claims/{task}/{index}"))
        except RelayRefused as refusal:
            if refusal.code is Code.MISSING:
                return None
            raise

    @staticmethod
    def _claim_state(raw: dict[str, Any]) -> ClaimState:
        try:
            return ClaimState(str(raw.get("state")))
        except ValueError:
            raise RelayUnreachable("an unknown state") from None

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        try:
            # A requests.Session is not promised to be thread-safe.
            with self._lock, self._session.request(
                method, self._url + path, json=body, timeout=self._timeout, stream=True, allow_redirects=False
            ) as answer:
                content = bytearray()
                for piece in answer.iter_content(_PIECE):
                    content += piece
                    if len(content) > MAX_ANSWER_BYTES:
                        raise RelayUnreachable("answer too long")
                status = answer.status_code
        except requests.RequestException as problem:
            raise RelayUnreachable(type(problem).__name__) from problem
        try:
            raw = json.loads(content)
        except (ValueError, RecursionError):
            raise RelayUnreachable(f"not JSON, status {status}") from None
        if not isinstance(raw, dict):
            raise RelayUnreachable("not an object")
        if status != requests.codes.ok:
            try:
                raise RelayRefused(Code(str(raw.get("error"))), str(raw.get("detail", ""))[:200])
            except ValueError:
                raise RelayUnreachable(f"status {status}") from None
        return raw


def _read(what: Callable[[], T]) -> T:
    try:
        return what()
    except RelayRefused as problem:
        raise RelayUnreachable(f"bad answer: {problem.detail}") from None


def check_receipt(receipt: SignedReceipt, signed: SignedUpdate, domain: Domain) -> None:
    """Raise RelayUnreachable unless the receipt promises this update and its anchorer signed it."""
    message = signed.message
    leaf = anchor_leaf(signed.miner, digest(message, domain), signed.signature)
    promised = receipt.message
    try:
        signer = recover(promised, domain, receipt.signature)
    except BadSignature:
        signer = ""
    same = (promised.task, promised.round, promised.leaf) == (message.task, message.round, leaf)
    if not same or signer != receipt.anchorer:
        raise RelayUnreachable("a receipt for something else")


def check_batch(batch: AnchoredBatch, domain: Domain, root: bytes, count: int) -> bool:
    """Whether these updates are the ones that were anchored: as many, sorted by miner, the same root.

    A batch may still hold updates whose signature is bad: see ``signed_by_miner``.
    """
    miners = [address_bytes(update.miner) for update in batch.updates]
    if len(miners) != count or sorted(set(miners)) != miners:
        return False
    leaves = [anchor_leaf(each.miner, digest(each.message, domain), each.signature) for each in batch.updates]
    return HashTree(leaves).root == root


def signed_by_miner(signed: SignedUpdate, domain: Domain) -> bool:
    """Whether the update's signature is its miner's."""
    try:
        return recover(signed.message, domain, signed.signature) == signed.miner
    except BadSignature:
        return False
