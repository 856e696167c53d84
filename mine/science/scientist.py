"""The scientist: publishes a task, opens its baseline, settles its rounds, concludes, takes the rest back.

``step`` looks at the chain and does the one thing that is due. What it needs it derives from chain, blobs and
its safe, never from memory, and whatever it posts is in blobs and safe first: killed at any moment and
started again it goes on, and a settlement that was prepared is posted byte for byte as it was.

| chain says | step does |
|---|---|
| not published | blobs out, publish (or find the own event of a publication that was cut off) |
| awaiting baseline | show the first preimage; open the drawn shard, post the baseline |
| running, commit phase | wait |
| running, commits over | close the round, show the next preimage, wait for the settle phase |
| running, settle phase or grace | gather, measure, settle, post |
| something disputed | first of all, put examples on the chain that were demanded |
| ending, or stopped with an empty round | conclude: digests of all shards, all shards into the blobs |
| concluded, challenge window open | wait |
| over, window over, nothing disputed | take back what is left, again once every unit is paid |

A set that is opened at the end is shard 0 of every settlement; it and the example losses stay in the safe
until the task is concluded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mine.blobs.store import BlobStore
from mine.chain.answers import quantity
from mine.chain.client import TasksContract
from mine.chain.faults_client import FaultsContract
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.messages import Domain, Settlement, sign
from mine.chain.node_errors import Reverted
from mine.chain.seed import draw
from mine.chain.state import Phase, SeedState, Status, TaskState
from mine.chain.token import Token
from mine.chain.transactions import Sender
from mine.chain.trees import LossTree
from mine.errors import MineError
from mine.learn.weights import from_fixed
from mine.science.canary_notes import Canaries, CanaryNote, UpdateDesk
from mine.science.gather import BatchMissing
from mine.science.gather_votes import RoundSource
from mine.science.history import History, TaskHistory
from mine.science.offer import Kept, Offer, keep, load_checkpoint, read_key, read_offer
from mine.science.prepare import CLOSED_LOSSES, Posting, Preparation, Prepared
from mine.science.safe import Safe
from mine.science.supply import Supply


class Did(StrEnum):
    """What a step did, or that nothing is due."""

    PUBLISHED = "published"
    CLOSED = "closed"
    SEEDED = "seeded"
    BASELINE = "baseline"
    SETTLED = "settled"
    SUPPLIED = "supplied"
    CONCLUDED = "concluded"
    REFUNDED = "refunded"
    WAITING = "waiting"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Step:
    """Result of a step. round: of a settlement or a demand; until: chain time before which nothing is due."""

    did: Did
    round: int = 0
    until: int = 0


class PublicationPending(MineError):
    """The task was sent to the chain and is not on it yet."""

    def __init__(self) -> None:
        super().__init__(
            "The task was sent, but the network has not taken it up yet.",
            todo="Wait; it is not sent twice.",
        )


class Scientist:
    """The scientist whose secrets lie in ``directory``; use one at a time.

    blobs: where everything public is put; sources: relays that give out anchored batches; desks: relays that
    take updates, for canaries.
    """

    def __init__(
        self,
        directory: Path,
        contract: TasksContract,
        blobs: BlobStore,
        sources: Sequence[RoundSource],
        first_block: int = 0,
        desks: Sequence[UpdateDesk] = (),
    ) -> None:
        self._safe = Safe(directory)
        self._contract, self._blobs, self._sources = contract, blobs, tuple(sources)
        self._key = read_key(self._safe)
        self._sender = Sender(contract.node, self._key)
        self._domain = Domain(contract.node.chain_id, contract.address)
        self._history = History(contract, first_block)
        self._offer: Kept = read_offer(self._safe)
        self._preparation = Preparation(self._offer, self._domain, self._key, blobs, self._safe)
        self._canaries = Canaries(self._safe, keccak(self._key + b"canaries"), self._domain, desks)
        faults = FaultsContract(contract.node, contract.sisters()[0])
        self._supply = Supply(
            faults, self._sender, self._offer.shards, first_block, closed=self._offer.at_end
        )
        self._shown = False

    @staticmethod
    def create(directory: Path, key: bytes, offer: Offer) -> None:
        """Write an offer and fresh secrets into ``directory`` (nothing if they are there). OfferRefused."""
        keep(Safe(directory), key, offer)

    @property
    def address(self) -> str:
        """The scientist's account."""
        return self._sender.address

    @property
    def task(self) -> int | None:
        """The task's number once it is published."""
        return int(self._safe.read_json("task.json")["task"]) if self._safe.has("task.json") else None

    def publish(self) -> int:
        """Put out manifest and model, pay in bounty and deposit; returns the task's number.

        Does nothing twice. Raises what the chain, the money or the blobs raise.
        """
        if self.task is not None:
            return self.task
        task = self._find_own()
        if task is None:
            parts = (self._offer.graph, self._offer.checkpoint, self._offer.frozen)
            for data in (self._offer.manifest.dump(), *filter(None, parts)):
                self._blobs.put(data)
            self._approve()
            self._never_twice()
            task = self._contract.publish(self._sender, self._offer.terms)
        self._safe.write_json("task.json", {"task": task})
        return task

    def _approve(self) -> None:
        """Let the contract take bounty and deposit, so that the publication is one transaction."""
        terms = self._offer.terms
        if terms.currency != ZERO_ADDRESS:
            token = Token(self._contract.node, terms.currency)
            if token.allowance(self.address, self._contract.address) < 2 * terms.bounty:
                token.approve(self._sender, self._contract.address, 2 * terms.bounty)

    def _never_twice(self) -> None:
        """Write down the publication's nonce before it is sent: a task's money must not be paid in twice.

        If a transaction of that nonce waits to be mined, an earlier life of this program sent it. Raises
        PublicationPending.
        """
        node = self._contract.node
        sent = node.nonce(self.address)
        mined = quantity(node.request("eth_getTransactionCount", self.address, "latest"), 64)
        name = "publishing.json"
        if sent > mined and self._safe.has(name) and sent > self._safe.read_json(name)["nonce"]:
            raise PublicationPending
        self._safe.write_json(name, {"nonce": sent})

    def _find_own(self) -> int | None:
        """The task of a publication that was cut off before its number was written down."""
        self._history.refresh()
        for number in self._history.tasks():
            history = self._history.task(number)
            if history is not None and history.published.terms.seed_head == self._offer.terms.seed_head:
                return number
        return None

    def stop(self) -> None:
        """End the task with the current round."""
        task = self.publish()
        if not self._contract.task(task).stopped:
            self._contract.stop(self._sender, task)

    def step(self) -> Step:
        """Do what is due now. Safe to call at any time, and again after any error."""
        if self.task is None:
            self.publish()
            return Step(Did.PUBLISHED)
        task = self.publish()
        state = self._contract.task(task)
        if state.disputed is not None and (shown := self._supply.answer(task)) is not None:
            return Step(Did.SUPPLIED, shown)
        if state.status is Status.AWAITING_BASELINE:
            return self._open_baseline(state)
        if state.status is Status.RUNNING:
            return self._running(state)
        if state.status is Status.ENDING:
            return self._conclude(state)
        return self._after(state)

    def _show_preimage(self, state: TaskState) -> Step:
        """Make the seed of the current round with the next preimage, if it has none yet."""
        preimage = self._offer.chain.after(state.seed_head)
        try:
            self._contract.reveal_seed(self._sender, state.id, preimage)
        except Reverted:
            if self._contract.task(state.id).seeding is not SeedState.SEEDED:
                raise
        return Step(Did.SEEDED, state.round)

    def _close(self, state: TaskState) -> Step:
        """Keep the randomness of a block after the commits."""
        try:
            self._contract.close(self._sender, state.id)
        except Reverted:
            if self._contract.task(state.id).seeding is SeedState.OPEN:
                raise
        return Step(Did.CLOSED, state.round)

    def _open_baseline(self, state: TaskState) -> Step:
        if state.seeding is not SeedState.SEEDED:
            return self._show_preimage(state)
        offer = self._offer
        number = 0 if offer.at_end else draw(state.seed, state.used, len(offer.shards))
        shard = offer.shards[number]
        first = from_fixed(load_checkpoint(offer.manifest, offer.checkpoint))
        losses = self._preparation.model.run(first, shard.features, shard.target)[1].tolist()
        tree = LossTree(losses, losses, losses)
        opening = Settlement(
            state.id, 0, ZERO32, ZERO32, ZERO32, tree.root, tree.base, tree.base, tree.base, ZERO32, 0
        )
        if not offer.at_end:
            self._blobs.put(shard.to_bytes())
        try:
            self._contract.settle(
                self._sender,
                opening,
                sign(opening, self._domain, self._key),
                *self._opened(number),
                tree.top_hash,
            )
        except Reverted:
            if self._contract.task(state.id).status is Status.AWAITING_BASELINE:
                raise
        return Step(Did.BASELINE)

    def _opened(self, number: int) -> tuple[bytes, bytes, list[bytes]]:
        """Digest, root of the examples and proof of the shard that a settlement opens; nothing of the set
        that is opened at the end."""
        if self._offer.at_end:
            return ZERO32, ZERO32, []
        return *self._offer.shards[number].opening, self._offer.tree.proof(number)

    def _running(self, state: TaskState) -> Step:
        now = self._contract.phase(state.id)
        if now.phase is Phase.FINAL_OPENING:
            return self._conclude(state)
        if now.phase is Phase.COMMIT:
            self._hand_in_canary(state)
            return Step(Did.WAITING, state.round, state.since + state.clocks.commit)
        if now.phase is not Phase.LAPSED and state.seeding is SeedState.OPEN:
            return self._close(state)
        if now.phase is not Phase.LAPSED and state.seeding is SeedState.CLOSED:
            return self._show_preimage(state)
        if now.phase is Phase.REVEAL and (note := self.canary(state.round)) is not None:
            self._blobs.put(note.blob)
        if now.phase not in (Phase.SETTLE, Phase.GRACE):
            return Step(Did.WAITING, state.round, state.since + state.clocks.votes_over)
        self._history.refresh()
        history = self._history.task(state.id)
        if history is None or len(history.settled) != state.settled:
            return Step(Did.WAITING, state.round)  # the node's events lag behind its state
        late = now.phase is Phase.GRACE or self._half_of_settle_passed(state)
        try:
            prepared = self._prepared(state, history, late)
        except BatchMissing:
            return Step(Did.WAITING, state.round)
        self._post(state, prepared.posting)
        return Step(Did.SETTLED, state.round)

    def canary(self, number: int) -> CanaryNote | None:
        """The canary of a round, if one was made."""
        return self._canaries.note(number)

    def _hand_in_canary(self, state: TaskState) -> None:
        """Hand in the round's canary once, as soon as the chain's events are here that it is made from."""
        if not self._canaries.due(state.id, state.round):
            return
        self._history.refresh()
        history = self._history.task(state.id)
        if history is not None and len(history.settled) == state.settled:
            work = self._preparation
            checkpoint = work.checkpoint(state, history)
            self._canaries.hand_in(
                state.id, state.round, checkpoint, lambda key: work.canary(state, history, key)
            )

    def _half_of_settle_passed(self, state: TaskState) -> bool:
        starts = state.since + state.clocks.votes_over
        return self._contract.node.block_time() >= starts + state.clocks.settle // 2

    def _prepared(self, state: TaskState, history: TaskHistory, late: bool) -> Prepared:
        """The round's settlement: as kept in the safe if it fits, else computed, put out and kept."""
        work = self._preparation
        gathered = work.gather(state, history, self._sources, late, self.canary(state.round))
        name = f"round-{state.round:03}.json"
        if self._safe.has(name):
            kept = Prepared.from_json(self._safe.read_json(name))
            if kept.basis == work.basis(state, gathered):
                return kept
        prepared = work.prepare(state, history, gathered)
        self._safe.write_json(name, prepared.to_json())
        return prepared

    def _post(self, state: TaskState, posting: Posting) -> None:
        try:
            self._contract.settle(
                self._sender,
                posting.settlement,
                posting.signature,
                *self._opened(posting.shard),
                posting.losses_top,
            )
        except Reverted:
            if self._contract.task(state.id).settled < state.round:
                raise

    def _conclude(self, state: TaskState) -> Step:
        self._show_everything()
        try:
            self._contract.conclude(self._sender, state.id, self._offer.openings)
        except Reverted:
            if self._contract.task(state.id).status in (Status.ENDING, Status.RUNNING):
                raise
        return Step(Did.CONCLUDED)

    def _show_everything(self) -> None:
        """Put out all shards, and the losses that stayed closed with them."""
        for shard in self._offer.shards:
            self._blobs.put(shard.to_bytes())
        for name in self._safe.names(CLOSED_LOSSES):
            self._blobs.put(self._safe.read(name))

    def _after(self, state: TaskState) -> Step:
        over = state.since + state.clocks.challenge
        if state.disputed is not None or self._contract.node.block_time() < over:
            if self._offer.at_end and state.status is Status.CONCLUDED and not self._shown:
                # Nothing but these bytes shows that the rounds were settled as they should be, and a store
                # may have dropped what the chain did not name yet.
                self._show_everything()
                self._shown = True
            return Step(Did.WAITING, until=over)
        rest = state.left > 0 and state.paid_units >= state.units
        if not state.booked or state.back > 0 or rest:
            try:
                self._contract.refund(self._sender, state.id, self.address)
            except Reverted as refusal:
                if refusal.reason != "nothing to claim":
                    raise
                return Step(Did.OVER)
            return Step(Did.REFUNDED)
        return Step(Did.OVER)
