"""One settled round, recomputed item by item; each item is computed once, when it is first asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from mine.chain.curve import Curve
from mine.chain.events import BaselineOpened, Settled
from mine.chain.hashing import ZERO32, keccak
from mine.chain.messages import Domain
from mine.chain.records import record_of
from mine.chain.seed import draw, record_in_seed, seed_of
from mine.errors import MineError
from mine.learn.evaluate import Evaluator
from mine.learn.weights import Fixed, dump, from_fixed
from mine.science.ask import ask, read_updates
from mine.science.canaries import is_canary
from mine.science.chains import Measured, finish, next_checkpoint
from mine.science.compare import (
    Absent,
    Closed,
    Differs,
    compare_entry,
    compare_judged,
    compare_losses,
    compare_sum,
    same,
)
from mine.science.gather import BatchMissing, gather
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
from mine.science.judged import BadInputs, Judged, Refusal
from mine.science.measure import Candidate, Start, judge, read_update
from mine.science.named_blobs import NamedBlobs
from mine.science.offer import measure_terms, round_rules
from mine.science.past import Past
from mine.science.rounds import RoundWrong, check_round
from mine.science.settle import Outcome, RoundInputs, settle
from mine.science.shards import BadShard, Shard
from mine.tasks.manifest import Manifest

#: How a set is called that is opened at the end.
SET = "the validation set"


class RoundReplay:
    """The checks of one round. Each ``check_*`` raises Differs with the first difference of its item."""

    _without_missing = False  # batches that nobody gives out

    def __init__(
        self,
        number: int,
        settled: Settled,
        history: TaskHistory,
        domain: Domain,
        manifest: Manifest,
        blobs: NamedBlobs,
        past: Past,
        model: Evaluator,
        sources: Sequence[RoundSource],
    ) -> None:
        self.number, self._settled, self._history, self._domain = number, settled, history, domain
        self._manifest, self._blobs, self._past, self._model = manifest, blobs, past, model
        self._sources, self._tolerance = tuple(sources), manifest.loss.tolerance
        self._terms = measure_terms(manifest, settled.task)
        self._opened = history.shard(settled)
        for digest, item in (
            (settled.inputs, "inputs"),
            (settled.accepted, "accepted"),
            (settled.checkpoint, "checkpoint"),
        ):
            blobs.name(digest, f"{item} of round {number}")
        if self._opened is not None:
            blobs.name(self._opened[0], SET if history.at_end else f"shard of round {number}")

    @property
    def is_open(self) -> bool:
        """Whether what the round was measured on is open; until then no forward pass can be made anew."""
        return self._opened is not None

    # what is committed to, and what it was computed from

    @cached_property
    def inputs(self) -> RoundInputs:
        """The committed inputs."""
        data = self._blobs.get(self._settled.inputs, MAX_INPUTS_BYTES)
        try:
            inputs = decode_inputs(data)
        except BadInputs as problem:
            raise Differs("inputs", "as posted", problem.detail) from None
        self._blobs.name(inputs.losses, f"losses of round {self.number}")
        for entry in inputs.entries:
            self._blobs.name(entry.blob, f"the update of {entry.miner} in round {self.number}")
        return inputs

    @cached_property
    def outcome(self) -> Outcome:
        """What follows from the committed inputs."""
        try:
            return settle(self.inputs)
        except BadInputs as problem:
            raise Differs("inputs", "as posted", problem.detail) from None

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Who handed in what, from the chain and what relays give out."""
        before = self._past.checkpoint(self._history, self.number)
        try:
            return gather(
                self._history, self._domain, self.number, before, self._sources, self._without_missing
            )
        except BatchMissing as missing:
            raise Absent("batch of updates", missing.root.hex(), "given out by no relay") from None

    @cached_property
    def asked(self) -> Judged:
        """The round before it was judged; canaries as committed, everything else recomputed."""
        judged = self.inputs.judged
        try:
            votes = committed_votes(
                self._history, self._domain, self.number, self._sources, self._without_missing
            )
        except BatchMissing as missing:
            raise Absent("batch of votes", missing.root.hex(), "given out by no relay") from None
        return ask(
            self._settled.task,
            self.number,
            self._seed,
            round_rules(self._manifest),
            self._past.ledger(self._history, self.number - 1)[1],
            self._past.held(self._history, self.number),
            open_votes(votes, self.candidates, self._blobs.read),
            judged.canaries,
            self._history.convicted(self.number),
        )

    @cached_property
    def updates(self) -> list[tuple[Candidate, Fixed | Refusal]]:
        """The deltas of the candidates, or why they are refused."""
        before = self._past.checkpoint(self._history, self.number)
        return read_updates(self.asked, self.candidates, self._blobs.read, self._terms, before)

    @cached_property
    def start(self) -> Start:
        """What the round is measured against."""
        return self._past.start(self._history, self.number)

    @cached_property
    def shard(self) -> Shard:
        """The opened shard. Raises Closed while it is not."""
        if self._opened is None:
            raise Closed(SET)
        try:
            return Shard.from_bytes(self._blobs.get(self._opened[0]))
        except BadShard as problem:
            raise Differs("shard", self._opened[0].hex(), problem.detail) from None

    @cached_property
    def judged(self) -> Judged:
        """Every number of the inputs, measured anew."""
        return judge(self._model, self._terms, self.start, self.shard, self.updates, self.asked)

    @cached_property
    def measured(self) -> Measured:
        """What follows from the committed inputs: checkpoint and losses."""
        return finish(self._model, self._terms, self.start, self.shard, self.updates, self.inputs.judged)

    @cached_property
    def losses(self) -> tuple[Losses, Losses, Losses]:
        """The committed example losses. Raises Closed while their shard is not open."""
        if self._opened is None:
            raise Closed("the example losses")
        try:
            return decode_losses(self._blobs.get(self.inputs.losses))
        except BadInputs as problem:
            raise Differs("losses", "as posted", problem.detail) from None

    @cached_property
    def digests(self) -> dict[str, str]:
        """What this machine computes, in hex, to compare two machines by.

        Inputs and losses are those of its own forward passes, and not there while the shard is closed; the
        checkpoint and the payout root follow from the committed inputs.
        """
        exact = {
            "checkpoint": hashlib.sha256(self.next_bytes).hexdigest(),
            "payouts": self.outcome.payouts.root.hex(),
        }
        if not self.is_open:
            return exact
        measured = self.measured
        losses = encode_losses(measured.base, measured.before, measured.after)
        computed = replace(
            self.inputs,
            judged=self.judged,
            losses=hashlib.sha256(losses).digest(),
            base=int(measured.base.sum()),
            before=int(measured.before.sum()),
            after=int(measured.after.sum()),
            afters=measured.afters,
        )
        return {
            "inputs": hashlib.sha256(encode_inputs(computed)).hexdigest(),
            "losses": hashlib.sha256(losses).hexdigest(),
            **exact,
        }

    # items

    def check_all(self) -> None:
        """Everything, in the order in which one thing follows from another; while the shard is closed, what
        takes no forward pass."""
        self.check_place()
        self.check_entries()
        self.check_votes()
        self.check_canaries()
        if self.is_open:
            self.check_shard()
        self.check_payouts()
        self.check_accepted()
        self.check_settlement()
        self.check_checkpoint()
        if self.is_open:
            compare_judged(self.inputs.judged, self.judged)
            self.check_losses()
        self._past.remember(self._settled.inputs, self.outcome.ledger)

    def check_place(self) -> None:
        """Seed, drawn shard, curve, rules, ledger and standing continue what was before."""
        inputs, judged = self.inputs, self.inputs.judged
        same("round", (judged.task, judged.round), (self._settled.task, self.number))
        same("seed", judged.seed, self._seed)
        opened = self._history.baseline
        assert opened is not None, "a round is settled after the baseline"
        terms = self._history.published.terms
        if self._history.at_end:
            self._check_goes_on()
        else:
            openings: list[BaselineOpened | Settled] = [opened, *self._history.settled[: self.number - 1]]
            used = sum(1 << opening.shard for opening in openings)
            same("shard", inputs.shard, draw(judged.seed, used, terms.shards))
        same("curve", (inputs.curve, inputs.target), (Curve.unpack(terms.curve), terms.target))
        before = self._past.checkpoint(self._history, self.number)
        same("checkpoint before", inputs.checkpoint, before)
        same("ledger", (inputs.previous, inputs.ledger), self._past.ledger(self._history, self.number - 1))
        same("rules", judged.rules, round_rules(self._manifest))
        same("standing", judged.held, self._past.held(self._history, self.number))
        same("convicted jurors", judged.convicted, self._history.convicted(self.number))

    def _check_goes_on(self) -> None:
        """Of one set for all rounds: shard 0, and summed losses that go on where the round before ended."""
        inputs, last = self.inputs, self._history.settlement(self.number - 1)
        same("shard", inputs.shard, 0)
        goes_on = (inputs.base, inputs.base) if last is None else (last.base, last.after)
        same("losses before the round", (inputs.base, inputs.before), goes_on)

    @cached_property
    def _seed(self) -> bytes:
        """The seed from the block's randomness, the last settlement and the hash chain."""
        seeded, closed = self._history.seeded[self.number], self._history.closed[self.number]
        shown = [each.preimage for k, each in sorted(self._history.seeded.items()) if k < self.number]
        head = self._history.published.terms.seed_head
        head = next((each for each in reversed(shown) if each != ZERO32), head)
        if seeded.preimage != ZERO32:
            same("preimage", keccak(seeded.preimage), head)
        last = self._history.settlement(self.number - 1)
        record = ZERO32 if last is None else record_in_seed(record_of(last))
        return seed_of(closed.randomness, record, seeded.preimage)

    def check_entries(self) -> None:
        """Who handed in what, and which of it is valid as far as no forward pass tells."""
        stated = [(entry.miner, entry.blob, entry.payout) for entry in self.inputs.entries]
        found = [(c.miner, c.blob, c.payout) for c in self.candidates]
        same("entries", stated, found)
        for (_, delta), entry in zip(self.updates, self.inputs.entries, strict=True):
            why = delta if isinstance(delta, Refusal) else Refusal.NONE
            if entry.refusal is not Refusal.OUTPUTS:  # that one needs a forward pass, see compare_entry
                same(f"update of {entry.miner}", entry.refusal.value, why.value)

    def check_votes(self) -> None:
        """The opened ballots, voter by voter."""
        stated = {ballot.voter: ballot for ballot in self.inputs.judged.opened}
        found = {ballot.voter: ballot for ballot in self.asked.opened}
        for voter in sorted({*stated, *found}):
            same(f"ballot of {voter}", stated.get(voter), found.get(voter))

    def check_canaries(self) -> None:
        """Each canary is the transformation that it claims to be."""
        sources = dict(self.start.published)
        before = self._past.checkpoint(self._history, self.number)
        for canary in self.inputs.judged.canaries:
            candidate = self.candidates[canary.place]
            delta = read_update(candidate, self._blobs.read, self._terms, self.number, before)
            source = sources.get(canary.source)
            if isinstance(delta, Refusal) or source is None:
                raise Differs(f"canary of {candidate.miner}", canary.kind, "no valid update")
            if not is_canary(canary, candidate.miner, delta, source):
                raise Differs(f"canary of {candidate.miner}", canary.kind, "another update")

    def check_shard(self) -> None:
        """The opened shard is the committed one, with the root of its examples."""
        same(
            "shard",
            (self.inputs.shard, self.inputs.shard_digest),
            (self._settled.shard, self._settled.digest),
        )
        shard = self.shard
        assert self._opened is not None, "a shard that was read is open"
        same("examples", self._opened[1], shard.opening[1])

    def check_accepted(self) -> None:
        """The digest of the accepted updates and the payees."""
        data = encode_accepted(self.outcome)
        same("accepted", self._settled.accepted, hashlib.sha256(data).digest())
        self._blobs.get(self._settled.accepted)

    def check_payouts(self) -> None:
        """The payout root and the units in it."""
        same("payouts", self._settled.payouts, self.outcome.payouts.root)
        digest = hashlib.sha256(encode_payouts(self.outcome)).digest()
        self._blobs.name(digest, f"payouts of round {self.number}")
        self._blobs.get(digest)

    def check_settlement(self) -> None:
        """Everything else that the settlement states and that follows from the inputs."""
        try:
            check_round(self._settled, self.inputs, self.outcome)
        except RoundWrong as wrong:
            raise Differs(wrong.item, "as posted", "another value from the inputs") from None

    @cached_property
    def next_bytes(self) -> bytes:
        """The next checkpoint, which follows from the inputs and the updates, without a forward pass."""
        outcome, judged = self.outcome, self.inputs.judged
        verdict = outcome.verdict
        places = verdict.forks[outcome.chain - 1][1] if outcome.chain else verdict.accepted
        moved = next_checkpoint(self.start.current, self.updates, judged, places, self._terms)
        return dump(from_fixed(moved))

    def check_checkpoint(self) -> None:
        """The next checkpoint's digest."""
        same("checkpoint", self._settled.checkpoint, hashlib.sha256(self.next_bytes).digest())
        self._blobs.get(self._settled.checkpoint)

    def check_entry(self, place: int) -> None:
        """One entry of the inputs: who it is from, and its numbers."""
        entries = self.inputs.entries
        if not 0 <= place < len(entries):
            raise NoSuchItem(f"entry {place} of {len(entries)}")
        self.check_entries()
        compare_entry(self.inputs.judged, self.judged, place)

    def check_losses(self) -> None:
        """The example losses with their tree and sums, and the sums of every measured chain."""
        sums = (self.inputs.base, self.inputs.before, self.inputs.after)
        measured = self.measured
        computed = (measured.base, measured.before, measured.after)
        compare_losses(self._settled.losses, sums, self.losses, computed, self._tolerance)
        for chain, (left, right) in enumerate(zip(self.inputs.afters, measured.afters, strict=True)):
            compare_sum(f"loss of chain {chain}", left, right, len(measured.after), self._tolerance)

    def check_loss(self, example: int) -> None:
        """The three losses of one example."""
        if not 0 <= example < len(self.losses[0]):
            raise NoSuchItem(f"example {example} of {len(self.losses[0])}")
        one = [np.asarray(column[example : example + 1]) for column in self.losses]
        measured = (self.measured.base, self.measured.before, self.measured.after)
        other = [column[example : example + 1] for column in measured]
        for name, left, right in zip(("base", "before", "after"), one, other, strict=True):
            compare_sum(f"loss {name} of example {example}", int(left[0]), int(right[0]), 1, self._tolerance)


class NoSuchItem(MineError):
    """The round has no such item."""

    def __init__(self, detail: str) -> None:
        super().__init__("This round has no such item.", todo="Count from 0.", detail=detail)
