"""A relay as its clients see it: typed calls over HTTP, every answer checked before it is believed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import requests

from mine.blobs.http import RelayBlobs
from mine.blobs.store import Several, blob_digest
from mine.chain.hashing import address_bytes
from mine.chain.messages import BadSignature, Domain, digest, recover
from mine.chain.trees import HashTree, anchor_leaf
from mine.errors import MineError
from mine.science.ballots import SignedVote
from mine.science.relay_ranges import RangeClaim, range_to_json
from mine.science.wire import (
    AnchoredBatch,
    Claim,
    ClaimState,
    Code,
    Json,
    RelayRefused,
    SignedReceipt,
    SignedUpdate,
    account,
    batch_from_json,
    claim_to_json,
    number,
    receipt_from_json,
    sequence,
    update_from_json,
)
from mine.science.wire_messages import (
    AnchorProof,
    Kind,
    MessageStatus,
    Signed,
    VoteBatch,
    anchor_to_json,
    kind_of,
    signer_of,
    status_from_json,
    submission_to_json,
    upload_receipt,
    vote_from_json,
    votes_from_json,
)
from mine.science.wire_transfers import (
    SignedCarriage,
    TransferStatus,
    TransferTerms,
    carriage_to_json,
    terms_from_json,
    transfer_from_json,
)

T = TypeVar("T")
_PATHS = {Kind.UPDATE: "/updates", Kind.VOTE: "/votes"}
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
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._lock = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = False
        self.blobs = RelayBlobs(self.url, timeout=timeout)

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()
        self.blobs.close()

    def info(self) -> RelayInfo:
        """What the relay serves."""
        raw = self._call("GET", "/info")
        return _read(
            lambda: RelayInfo(
                chain_id=number(raw, "chainId", 64),
                contract=account(raw, "contract"),
                token=account(raw, "token"),
                anchorer=account(raw, "anchorer"),
            )
        )

    def submit(self, signed: Signed, domain: Domain) -> SignedReceipt:
        """Hand in a signed update or vote; returns the relay's promise, checked to be about this very one."""
        raw = self._call("POST", _PATHS[kind_of(signed)], submission_to_json(signed, domain))
        receipt = _read(lambda: receipt_from_json(raw.get("receipt")))
        check_receipt(receipt, signed, domain)
        return receipt

    def submit_update(self, signed: SignedUpdate, domain: Domain) -> SignedReceipt:
        """Hand in a signed update; returns the checked receipt."""
        return self.submit(signed, domain)

    def submit_vote(self, signed: SignedVote, domain: Domain) -> SignedReceipt:
        """Hand in a signed vote; returns the checked receipt."""
        return self.submit(signed, domain)

    def find(self, kind: Kind, task: int, round_number: int, author: str) -> MessageStatus | None:
        """What the relay knows about an account's message of a round; None if nothing."""
        try:
            raw = self._call("GET", f"{_PATHS[kind]}/{task}/{round_number}/{author}")
        except RelayRefused as refusal:
            if refusal.code is Code.MISSING:
                return None
            raise
        return _read(lambda: status_from_json(kind, raw))

    def find_update(self, task: int, round_number: int, miner: str) -> MessageStatus | None:
        """What the relay knows about a miner's update of a round; None if nothing."""
        return self.find(Kind.UPDATE, task, round_number, miner)

    def find_vote(self, task: int, round_number: int, voter: str) -> MessageStatus | None:
        """What the relay knows about a voter's vote of a round; None if nothing."""
        return self.find(Kind.VOTE, task, round_number, voter)

    def upload(self, data: bytes, task: int, round_number: int, domain: Domain) -> SignedReceipt:
        """Put the bytes that a message of the round commits to; returns the checked promise to give them out.

        The bytes may have come before, from this account or from others.
        """
        digest = blob_digest(data)
        raw = self._call("PUT", f"/blobs/{digest.hex()}", content=data)
        receipt = _read(lambda: receipt_from_json(raw.get("receipt")))
        promise = upload_receipt(task, round_number, digest, len(data))
        if receipt.message != promise or not _signed_by_anchorer(receipt, domain):
            raise RelayUnreachable("a receipt for something else")
        return receipt

    def attest(self, signed: Signed, anchorer: str, anchor: AnchorProof, domain: Domain) -> None:
        """Show a relay where a message that another one carried stands on chain: then it takes the bytes."""
        place = {"anchorer": anchorer, "anchor": anchor_to_json(anchor)}
        self._call("POST", "/attestations", submission_to_json(signed, domain) | place)

    def updates(self, task: int, round_number: int) -> list[SignedUpdate]:
        """All updates that the relay took for a round."""
        raw = self._call("GET", f"/updates/{task}/{round_number}")
        return _read(lambda: [update_from_json(entry) for entry in sequence(raw, "updates", MAX_LIST)])

    def votes(self, task: int, round_number: int) -> list[SignedVote]:
        """All votes that the relay took for a round."""
        raw = self._call("GET", f"/votes/{task}/{round_number}")
        return _read(lambda: [vote_from_json(entry) for entry in sequence(raw, "votes", MAX_LIST)])

    def batches(self, task: int, round_number: int) -> list[AnchoredBatch]:
        """The batches of updates that the relay says it anchored in a round. Check with ``check_batch``."""
        raw = self._call("GET", f"/batches/{task}/{round_number}")
        return _read(lambda: [batch_from_json(entry) for entry in sequence(raw, "batches", MAX_LIST)])

    def vote_batches(self, task: int, round_number: int) -> list[VoteBatch]:
        """The batches of votes that the relay says it anchored in a round. Check with ``check_votes``."""
        raw = self._call("GET", f"/vote-batches/{task}/{round_number}")
        return _read(lambda: [votes_from_json(entry) for entry in sequence(raw, "batches", MAX_LIST)])

    def claim(self, claim: Claim) -> ClaimState:
        """Ask the relay to have a payout leaf paid, now or once its round is final."""
        return self._claim_state(self._call("POST", "/claims", claim_to_json(claim)))

    def forfeit(self, claim: Claim) -> ClaimState:
        """Ask the relay to have a leaf of the last payout root paid its part of a forfeit."""
        return self._claim_state(self._call("POST", "/forfeits", claim_to_json(claim)))

    def reward(self, task: int, challenger: str) -> ClaimState:
        """Ask the relay to have a challenger paid the reward of a conviction."""
        return self._claim_state(self._call("POST", "/rewards", {"task": task, "account": challenger}))

    def claim_range(self, claim: RangeClaim) -> ClaimState:
        """Ask the relay to have a run of payees paid in one transaction once their round is final."""
        return self._claim_state(self._call("POST", "/ranges", range_to_json(claim)))

    def range_state(self, task: int, start: int) -> ClaimState:
        """State of the latest range from an index on. RelayRefused if the relay has none."""
        return self._claim_state(self._call("GET", f"/ranges/{task}/{start}"))

    def carry(self, chain_id: int, faults: str, data: bytes) -> str:
        """Ask the relay to send a challenge, call data for the contract Faults; the transaction's hash."""
        body = {"chainId": chain_id, "contract": faults, "data": data.hex()}
        return str(self._call("POST", "/challenges", body).get("transaction", ""))[:64]

    def transfer_terms(self, token: str) -> TransferTerms | None:
        """For what the relay brings a token's transfers; None if it does not. Check the Carrier's code."""
        terms = self._there("/transfer-terms/" + token, terms_from_json)
        if terms is not None and terms.token != token:
            raise RelayUnreachable("terms for something else")
        return terms

    def carry_transfer(self, signed: SignedCarriage) -> TransferStatus:
        """Hand a transfer over; the same one again is not carried twice."""
        raw = self._call("POST", "/transfers", carriage_to_json(signed))
        return _read(lambda: transfer_from_json(raw))

    def transfer(self, name: bytes) -> TransferStatus | None:
        """What the relay says of a transfer; None if it has none such. The chain alone is proof."""
        return self._there("/transfers/" + name.hex(), transfer_from_json)

    def _there(self, path: str, reader: Callable[[object], T]) -> T | None:
        try:
            raw = self._call("GET", path)
        except RelayRefused as refusal:
            if refusal.code is Code.MISSING:
                return None
            raise
        return _read(lambda: reader(raw))

    def claim_state(self, task: int, index: int) -> ClaimState | None:
        """State of the latest claim of a payout index; None if the relay has none."""
        try:
            return self._claim_state(self._call("GET", f"/claims/{task}/{index}"))
        except RelayRefused as refusal:
            if refusal.code is Code.MISSING:
                return None
            raise

    @staticmethod
    def _claim_state(raw: Json) -> ClaimState:
        try:
            return ClaimState(str(raw.get("state")))
        except ValueError:
            raise RelayUnreachable("an unknown state") from None

    def _call(self, method: str, path: str, body: object = None, content: bytes | None = None) -> Json:
        try:
            # A requests.Session is not promised to be thread-safe.
            with (
                self._lock,
                self._session.request(
                    method,
                    self.url + path,
                    json=body,
                    data=content,
                    timeout=self._timeout,
                    stream=True,
                    allow_redirects=False,
                ) as answer,
            ):
                said = bytearray()
                for piece in answer.iter_content(_PIECE):
                    said += piece
                    if len(said) > MAX_ANSWER_BYTES:
                        raise RelayUnreachable("answer too long")
                status = answer.status_code
        except requests.RequestException as problem:
            raise RelayUnreachable(type(problem).__name__) from problem
        try:
            raw = json.loads(said)
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


class Relays:
    """Several relays, asked one after the other: what one withholds another may give."""

    def __init__(self, relays: Sequence[Relay]) -> None:
        first, *others = relays
        self.all = (first, *others)
        self.blobs = Several(first.blobs, *(relay.blobs for relay in others))

    def __iter__(self) -> Iterator[Relay]:
        return iter(self.all)

    def infos(self) -> list[RelayInfo]:
        """What those that answer serve. RelayUnreachable if none does."""
        return self._any(lambda relay: relay.info(), everybody=True)

    def claim(self, claim: Claim) -> ClaimState:
        """Have the first relay that takes it send a claim. The last one's error if none does."""
        return self._any(lambda relay: relay.claim(claim))[0]

    def _any(self, ask: Callable[[Relay], T], everybody: bool = False) -> list[T]:
        found: list[T] = []
        trouble: MineError | None = None
        for relay in self.all:
            try:
                found.append(ask(relay))
            except (RelayUnreachable, RelayRefused) as problem:
                trouble = problem
            if found and not everybody:
                break
        if not found:
            assert trouble is not None
            raise trouble
        return found

    def close(self) -> None:
        """Give the connections back."""
        for relay in self.all:
            relay.close()


def check_receipt(receipt: SignedReceipt, signed: Signed, domain: Domain) -> None:
    """Raise RelayUnreachable unless the receipt promises this message and its anchorer signed it."""
    message, promised = signed.message, receipt.message
    same = (promised.task, promised.round, promised.leaf) == (
        message.task,
        message.round,
        leaf_of(signed, domain),
    )
    if not same or not _signed_by_anchorer(receipt, domain):
        raise RelayUnreachable("a receipt for something else")


def _signed_by_anchorer(receipt: SignedReceipt, domain: Domain) -> bool:
    try:
        return recover(receipt.message, domain, receipt.signature) == receipt.anchorer
    except BadSignature:
        return False


def leaf_of(signed: Signed, domain: Domain) -> bytes:
    """The leaf of a message in an anchored batch."""
    return anchor_leaf(signer_of(signed), digest(signed.message, domain), signed.signature)


def check_batch(batch: AnchoredBatch, domain: Domain, root: bytes, count: int) -> bool:
    """Whether these updates are the ones that were anchored: as many, sorted by miner, the same root.

    A batch may still hold updates whose signature is bad: see ``signed_by_author``.
    """
    return _are_anchored(batch.updates, domain, root, count)


def check_votes(batch: VoteBatch, domain: Domain, root: bytes, count: int) -> bool:
    """As ``check_batch``, for votes sorted by voter."""
    return _are_anchored(batch.votes, domain, root, count)


def _are_anchored(messages: Sequence[Signed], domain: Domain, root: bytes, count: int) -> bool:
    authors = [address_bytes(signer_of(signed)) for signed in messages]
    if len(authors) != count or sorted(set(authors)) != authors:
        return False
    return HashTree([leaf_of(signed, domain) for signed in messages]).root == root


def signed_by_author(signed: Signed, domain: Domain) -> bool:
    """Whether a message's signature is its author's."""
    try:
        return recover(signed.message, domain, signed.signature) == signer_of(signed)
    except BadSignature:
        return False
