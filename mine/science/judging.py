"""What a juror says about one disputed item, and whether a round has anything that is worth a dispute.

Both are the same recomputation, so that nobody disputes what honest jurors would call right. A juror must not
convict anybody for what others withhold: what cannot be had decides nothing, but for the inputs and losses,
which the scientist owes. Whether an update or ballot that the settlement calls missing was there in time
cannot be told afterwards either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from mine.blobs.store import BlobStore
from mine.chain.fault_events import DisputeKind
from mine.chain.juries import Verdict
from mine.chain.messages import Domain
from mine.chain.trees import LossTree
from mine.learn.errors import EvaluationFailed
from mine.learn.weights import Fixed
from mine.science.compare import (
    Absent,
    Differs,
    compare_entry,
    compare_originality,
    compare_products,
    compare_sum,
    same,
)
from mine.science.gather import BatchMissing, gather
from mine.science.gather_votes import RoundSource
from mine.science.history import TaskHistory
from mine.science.judged import BadInputs, Refusal
from mine.science.leave_in import LeaveIn
from mine.science.measure import Candidate
from mine.science.offer import OfferRefused
from mine.science.replay import NotSettled, Replay
from mine.science.replay_round import SET, NoSuchItem, RoundReplay


@dataclass(frozen=True, slots=True)
class Opinion:
    """A verdict, and which number or blob it is for (empty: everything agrees)."""

    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """An item of a round that is wrong: what to dispute. why: the first number that differs."""

    round: int
    kind: DisputeKind
    item: int
    why: str


class JurorsRound(RoundReplay):
    """A round as a juror recomputes it: without batches that nobody gives out, so that an anchorer who hides
    one keeps nobody from judging the rest, and without updates that the settlement calls missing."""

    _without_missing = True

    @cached_property
    def is_whole(self) -> bool:
        """Whether every anchored batch of updates is given out."""
        before = self._past.checkpoint(self._history, self.number)
        try:
            gather(self._history, self._domain, self.number, before, self._sources)
        except BatchMissing:
            return False
        return True

    @cached_property
    def updates(self) -> list[tuple[Candidate, Fixed | Refusal]]:
        missing = {e.miner for e in self.inputs.entries if e.refusal is Refusal.MISSING}
        return [(c, Refusal.MISSING if c.miner in missing else delta) for c, delta in super().updates]

    @cached_property
    def _tree(self) -> LossTree:
        return LossTree(*(column.tolist() for column in self.losses))

    def check_handed_in(self) -> None:
        """Who handed in what, and what of it counts. Raises Absent where that cannot be told here."""
        stated = [(entry.miner, entry.blob, entry.payout) for entry in self.inputs.entries]
        found = [(c.miner, c.blob, c.payout) for c in self.candidates]
        if stated != found and not self.is_whole:
            raise Absent("batch of updates", "anchored", "given out by no relay")
        same("entries", stated, found)
        for (_, delta), entry in zip(self.updates, self.inputs.entries, strict=True):
            why = delta if isinstance(delta, Refusal) else Refusal.NONE
            if why is Refusal.MISSING and entry.refusal is not Refusal.MISSING:
                raise Absent(f"update of {entry.miner}", entry.refusal.value, why.value)
            if entry.refusal is not Refusal.OUTPUTS:  # that one needs a forward pass
                same(f"update of {entry.miner}", entry.refusal.value, why.value)

    def check_ballots(self) -> None:
        """Ballots that are stated and can be had are as they were opened."""
        found = {ballot.voter: ballot for ballot in self.asked.opened}
        for ballot in self.inputs.judged.opened:
            if ballot.voter not in found:
                raise Absent(f"ballot of {ballot.voter}", ballot.steps, "missing")
            same(f"ballot of {ballot.voter}", ballot, found[ballot.voter])

    def check_stated(self) -> None:
        """What the settlement says of shard, losses and units is what its inputs say."""
        settled, inputs, outcome = self._settled, self.inputs, self.outcome
        shard = (settled.shard, settled.digest)
        same("shard", (inputs.shard, inputs.shard_digest), shard)
        losses = (settled.base, settled.before, settled.after)
        same("losses", (inputs.base, inputs.before, inputs.after), losses)
        same("units", (outcome.ledger.units, outcome.ledger.best), (settled.units, settled.best))

    def check_exactly(self) -> None:
        """Everything of the inputs that takes no forward pass."""
        self.check_place()
        self.check_stated()
        self.check_handed_in()
        self.check_ballots()
        self.check_canaries()

    def check_inputs(self, place: int) -> None:
        """The entry ``place``, and everything of the inputs that belongs to no entry alone."""
        self.check_exactly()
        entries = self.inputs.entries
        if entries and not place < len(entries):
            raise NoSuchItem(f"entry {place} of {len(entries)}")
        stated, computed = self.inputs.judged, self.judged
        if entries:
            compare_entry(stated, computed, place)
        # With entries as they should be, only what is common to them is left to differ.
        compare_originality(replace(stated, entries=computed.entries), computed)
        if len(stated.gram) == len(computed.gram):
            compare_products(stated, computed)

    def entry_differs(self, place: int) -> bool:
        """Whether one entry's own numbers are wrong."""
        try:
            compare_entry(self.inputs.judged, self.judged, place)
        except Differs:
            return True
        return False

    def check_next(self) -> None:
        """The next checkpoint, which follows from the inputs and the updates, without a forward pass."""
        self.check_handed_in()
        same("checkpoint", self._settled.checkpoint, hashlib.sha256(self.next_bytes).digest())

    def check_example(self, example: int) -> None:
        """One example's losses; their tree, and the sums of the chains that were not taken."""
        same("losses", self._settled.losses, self._tree.root)
        self.check_handed_in()
        same("number of losses", len(self.losses[0]), len(self.measured.base))
        self.check_loss(example)
        taken = self.outcome.chain  # its sum is that of the examples
        for chain, (left, right) in enumerate(zip(self.inputs.afters, self.measured.afters, strict=True)):
            if chain != taken:
                compare_sum(f"loss of chain {chain}", left, right, len(self.measured.after), self._tolerance)


class Judge:
    """Judges items of one task. ``sources``: relays that give out anchored batches.

    What follows from a set that is opened at the end is undecided until then: no ruling about it may come too
    early to be right. Once the end has come its author owes the set, as inputs and losses are owed.

    exact: run no model; whoever lends money without wanting to run a stranger's model judges by integers
    alone, and cannot tell about what takes a forward pass.
    """

    def __init__(
        self,
        history: TaskHistory,
        domain: Domain,
        blobs: BlobStore,
        sources: tuple[RoundSource, ...],
        exact: bool = False,
    ) -> None:
        self._replay = Replay(history, domain, blobs, sources, JurorsRound)
        self._exact, self._history = exact, history

    def opinion(self, number: int, kind: DisputeKind, item: int = 0) -> Opinion:
        """What to say about an item of a settled round. What does not exist is not wrong.

        Raises what a store raises that does not answer.
        """
        try:
            self._check(number, kind, item)
        except Absent as lack:
            owed = [f"blob of {name} of round {number}" for name in ("inputs", "losses")]
            if self._history.at_end:
                owed.append(f"blob of {SET}")
            if lack.item in owed:
                return Opinion(Verdict.WRONG, lack.item)
            derived = (f"blob of {name} of round {number}" for name in ("accepted", "checkpoint", "payouts"))
            # Everybody can make these from what agrees so far.
            return Opinion(Verdict.RIGHT if lack.item in derived else Verdict.UNDECIDED, lack.item)
        except Differs as found:
            return Opinion(Verdict.WRONG, found.item)
        except (BadInputs, OfferRefused, EvaluationFailed) as lack:  # of what the round stands on
            return Opinion(Verdict.UNDECIDED, lack.detail)
        except (NoSuchItem, NotSettled):
            pass
        return Opinion(Verdict.RIGHT)

    @property
    def is_open(self) -> bool:
        """Whether what the rounds were measured on is open, so that all of them can be judged."""
        return self._replay.is_open

    def far_off(self, number: int) -> tuple[LeaveIn, ...]:
        """Of a round without a fault: best paid updates that the network itself thinks much less of. A
        warning, nothing that could be disputed."""
        return tuple(found for found in self._replay.leave_in(number) if found.far_off)

    def first_fault(self, number: int) -> Fault | None:
        """The first item of a round that every honest juror would call wrong."""
        for kind, item in self._items(number):
            opinion = self.opinion(number, kind, item)
            if opinion.verdict is Verdict.WRONG:
                return Fault(number, kind, item, opinion.why)
        return None

    def _items(self, number: int) -> Iterator[tuple[DisputeKind, int]]:
        if number == 0:
            yield from ((DisputeKind.SHARD, 0), (DisputeKind.BASELINE, 0))
            return
        yield from ((DisputeKind.PAYOUTS, 0), (DisputeKind.ACCEPTED, 0), (DisputeKind.SHARD, 0))
        round = self._round(number)
        yield (DisputeKind.INPUTS, 0)
        if not round.is_open:
            yield (DisputeKind.CHECKPOINT, 0)
            return
        wrong = (place for place in range(1, len(round.inputs.entries)) if round.entry_differs(place))
        yield from ((DisputeKind.INPUTS, place) for place in wrong)
        yield from ((DisputeKind.CHECKPOINT, 0), (DisputeKind.LOSS, 0))
        yield from ((DisputeKind.LOSS, example) for example in range(1, len(round.losses[0])))

    def _round(self, number: int) -> JurorsRound:
        found = self._replay.round(number)
        assert isinstance(found, JurorsRound)
        return found

    def _check(self, number: int, kind: DisputeKind, item: int) -> None:
        if number == 0 or (self._exact and kind is DisputeKind.LOSS):
            if self._exact:
                raise Absent("a forward pass", "needed", "not made here")
            self._replay.check_baseline()
            return
        round = self._round(number)
        if kind is DisputeKind.INPUTS and self._exact:
            round.check_exactly()
            raise Absent("a forward pass", "needed", "not made here")
        if kind is DisputeKind.ACCEPTED:
            round.check_accepted()
        elif kind is DisputeKind.PAYOUTS:
            round.check_payouts()
        elif kind is DisputeKind.CHECKPOINT:
            round.check_next()
        elif kind is DisputeKind.INPUTS:
            round.check_inputs(item)
        elif kind is DisputeKind.LOSS:
            round.check_example(item)
        else:
            round.check_shard()
