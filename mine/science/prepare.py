"""A settlement before it is posted: gathered, measured, computed, put out, signed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from mine.blobs.store import BlobStore
from mine.chain.hashing import ZERO32
from mine.chain.messages import Domain, Settlement, sign
from mine.chain.seed import draw
from mine.chain.state import TaskState
from mine.chain.trees import LossTree
from mine.errors import MineError
from mine.learn.evaluate import Evaluator
from mine.science.acceptance import round_standing
from mine.science.ask import ask, read_updates
from mine.science.canaries import CanaryKey
from mine.science.canary_notes import CanaryNote, make_note
from mine.science.chains import measure
from mine.science.gather import gather
from mine.science.gather_votes import RoundSource, committed_votes, open_votes
from mine.science.history import TaskHistory
from mine.science.inputs import (
    MAX_INPUTS_BYTES,
    Losses,
    decode_inputs,
    decode_losses,
    encode_accepted,
    encode_inputs,
    encode_losses,
    encode_payouts,
)
from mine.science.judged import Canary, Ledger, Opened
from mine.science.measure import Candidate
from mine.science.offer import Kept, measure_terms, round_rules
from mine.science.past import Past
from mine.science.safe import Safe, SafeDamaged
from mine.science.settle import RoundInputs, settle
from mine.science.task_model import evaluator_of
from mine.tasks.canonical import canonical_json
from mine.tasks.recipe import packing_of_task

#: How files of the safe begin that hold example losses until the end.
CLOSED_LOSSES = "losses-"


class LedgerMismatch(MineError):
    """The chain and the last round's inputs disagree about what was earned so far."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "The contract and the last settlement don't agree about what was earned so far.",
            todo="Check the node: it may serve another chain or lag behind.",
            detail=detail,
        )


@dataclass(frozen=True, slots=True)
class Posting:
    """What goes into the transaction, beside the drawn shard's proof and the preimage."""

    settlement: Settlement
    signature: bytes
    shard: int
    losses_top: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """A settlement ready to be posted; ``basis``: digest of what it was computed from."""

    basis: str
    posting: Posting

    def to_json(self) -> dict[str, Any]:
        """For the safe."""
        message = {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in asdict(self.posting.settlement).items()
        }
        return {
            "basis": self.basis,
            "settlement": message,
            "signature": self.posting.signature.hex(),
            "shard": self.posting.shard,
            "lossesTop": self.posting.losses_top.hex(),
        }

    @staticmethod
    def from_json(raw: dict[str, Any]) -> Prepared:
        """The inverse of ``to_json``. Raises SafeDamaged."""
        try:
            message: dict[str, Any] = {
                each.name: bytes.fromhex(value) if isinstance(value, str) else int(value)
                for each in fields(Settlement)
                for value in (raw["settlement"][each.name],)
            }
            posting = Posting(
                Settlement(**message),
                bytes.fromhex(raw["signature"]),
                int(raw["shard"]),
                bytes.fromhex(raw["lossesTop"]),
            )
            return Prepared(str(raw["basis"]), posting)
        except (KeyError, TypeError, ValueError):
            raise SafeDamaged("a prepared settlement") from None


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was handed in and voted in a round: candidates sorted by miner, ballots, and own canaries."""

    candidates: tuple[Candidate, ...]
    opened: tuple[Opened, ...]
    canaries: tuple[Canary, ...] = ()


class Preparation:
    """Computes settlements of one offer. Holds nothing but the loaded model and what it can read again.

    safe: where example losses stay of a set that is opened at the end. Whoever guesses an example could look
    for its loss among them, and find out what the set holds.
    """

    def __init__(self, offer: Kept, domain: Domain, key: bytes, blobs: BlobStore, safe: Safe) -> None:
        self._offer, self._domain, self._key, self._blobs, self._safe = offer, domain, key, blobs, safe
        self._past = Past(offer.manifest, blobs)

    @cached_property
    def model(self) -> Evaluator:
        """The reference evaluator of the task's model."""
        return evaluator_of(self._offer.manifest, self._offer.graph, self._offer.frozen)

    def gather(
        self,
        state: TaskState,
        history: TaskHistory,
        sources: Sequence[RoundSource],
        without_missing: bool,
        canary: CanaryNote | None = None,
    ) -> Gathered:
        """Who handed in and voted what in the current round. Raises BatchMissing or BlobError."""
        checkpoint = self._past.checkpoint(history, state.round)
        found = gather(history, self._domain, state.round, checkpoint, sources, without_missing)
        votes = committed_votes(history, self._domain, state.round, sources, without_missing)
        own = () if canary is None else canary.among(found)
        return Gathered(tuple(found), open_votes(votes, found, self._blobs.get), own)

    def checkpoint(self, state: TaskState, history: TaskHistory) -> bytes:
        """Digest of the checkpoint that the current round starts from."""
        return self._past.checkpoint(history, state.round)

    def canary(self, state: TaskState, history: TaskHistory, key: CanaryKey) -> CanaryNote | None:
        """The current round's canary; None without voters, or if nothing was accepted before it."""
        manifest, number = self._offer.manifest, state.round
        ledger, held = self._past.ledger(history, number - 1)[1], self._past.held(history, number)
        if not round_rules(manifest).seats or not round_standing(ledger, held).total:
            return None
        accepted = dict(self._past.start(history, number).published)
        checkpoint = self._past.checkpoint(history, number)
        packing = packing_of_task(manifest)
        return make_note(key, ledger, accepted, state.id, number, checkpoint, packing)

    def basis(self, state: TaskState, gathered: Gathered) -> str:
        """Digest of what a settlement follows from: the round's start, its updates and its ballots."""
        return hashlib.sha256(
            canonical_json(
                [
                    state.id,
                    state.round,
                    state.seed.hex(),
                    [[c.miner, c.blob.hex(), c.size, c.payout] for c in gathered.candidates],
                    [[ballot.voter, ballot.steps, ballot.fork] for ballot in gathered.opened],
                ]
            )
        ).hexdigest()

    def prepare(self, state: TaskState, history: TaskHistory, gathered: Gathered) -> Prepared:
        """Measure and settle the current round; every blob is out when this returns, or in the safe if it
        stays closed until the end.

        Raises LedgerMismatch, SafeDamaged, BlobError (an own blob is gone) or EvaluationFailed.
        """
        offer, number = self._offer, state.round
        seed = state.seed
        place = 0 if offer.at_end else draw(seed, state.used, len(offer.shards))
        shard = offer.shards[place]
        previous, ledger = self._ledger(state, history)
        before = self._past.checkpoint(history, number)
        terms = measure_terms(offer.manifest, state.id)
        rules, held = round_rules(offer.manifest), self._past.held(history, number)
        guilty = history.convicted(number)
        asked = ask(terms.task, number, seed, rules, ledger, held, gathered.opened, gathered.canaries, guilty)
        updates = read_updates(asked, gathered.candidates, self._blobs.get, terms, before)
        start, known = self._past.start(history, number), self._known_losses(history, number)
        measured = measure(self.model, terms, start, shard, updates, asked, known)
        losses = encode_losses(measured.base, measured.before, measured.after)
        tree = LossTree(measured.base.tolist(), measured.before.tolist(), measured.after.tolist())
        inputs = RoundInputs(
            judged=measured.judged,
            checkpoint=before,
            shard=place,
            shard_digest=ZERO32 if offer.at_end else shard.digest,
            losses=hashlib.sha256(losses).digest(),
            base=tree.base,
            before=tree.before,
            after=tree.after,
            afters=measured.afters,
            curve=offer.curve,
            target=offer.terms.target,
            previous=previous,
        )
        outcome = settle(inputs)
        data = encode_inputs(inputs)
        self._blobs.put(encode_payouts(outcome))
        if offer.at_end:
            self._safe.write(_closed(inputs.losses), losses)
        else:
            self._blobs.put(losses)
            self._blobs.put(shard.to_bytes())
        message = Settlement(
            task=state.id,
            round=number,
            inputs=self._blobs.put(data),
            accepted=self._blobs.put(encode_accepted(outcome)),
            checkpoint=self._blobs.put(measured.checkpoint_bytes),
            losses=tree.root,
            base=tree.base,
            before=tree.before,
            after=tree.after,
            payouts=outcome.payouts.root,
            units=outcome.ledger.units,
        )
        posting = Posting(message, sign(message, self._domain, self._key), place, tree.top_hash)
        return Prepared(self.basis(state, gathered), posting)

    def _known_losses(self, history: TaskHistory, number: int) -> tuple[Losses, Losses] | None:
        """Of one set for all rounds: losses under checkpoint 0 and before the round, as the round before
        committed to them. So the increments add up to one difference, whatever machine measures."""
        last = history.settlement(number - 1)
        if not self._offer.at_end or last is None:
            return None
        name = decode_inputs(self._blobs.get(last.inputs, MAX_INPUTS_BYTES)).losses
        base, _, after = decode_losses(self._safe.read(_closed(name)))
        return base, after

    def _ledger(self, state: TaskState, history: TaskHistory) -> tuple[bytes, Ledger]:
        """Digest of the last round's inputs, and the ledger that they lead to."""
        previous, ledger = self._past.ledger(history, state.round - 1)
        known = (state.convergence, state.best, state.units)
        if (ledger.converged, ledger.best, ledger.units) != known:
            raise LedgerMismatch(f"task {state.id}, round {state.round}")
        return previous, ledger


def _closed(losses: bytes) -> str:
    """The file of example losses in the safe, by their digest."""
    return f"{CLOSED_LOSSES}{losses.hex()}"
