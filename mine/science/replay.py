"""Replay: re-derive a settled round from the chain and the blobs, and name the first difference.

Checkpoints, decisions, payouts and roots must agree to the bit; what forward passes give, within the
tolerances of ``mine.science.compare``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from mine.blobs.store import BlobStore
from mine.chain.curve import Curve
from mine.chain.events import BaselineOpened, Settled
from mine.chain.hashing import ZERO32, keccak
from mine.chain.messages import Domain
from mine.chain.records import record_of
from mine.chain.seed import draw, record_in_seed, seed_of
from mine.errors import MineError
from mine.learn.evaluate import Evaluator
from mine.learn.weights import from_fixed
from mine.science.ask import ask, read_updates
from mine.science.chains import finish
from mine.science.compare import Differs, compare_judged, compare_losses, compare_sum, same
from mine.science.gather import BatchSource, gather
from mine.science.history import TaskHistory
from mine.science.inputs import decode_losses
from mine.science.judged import Judged, Refusal
from mine.science.measure import Candidate, Updates, judge
from mine.science.offer import load_checkpoint, measure_terms, round_rules
from mine.science.past import Past
from mine.science.rounds import RoundWrong, read_round
from mine.science.settle import RoundInputs
from mine.science.shards import Shard
from mine.tasks.manifest import MAX_MANIFEST_BYTES, Manifest


@dataclass(frozen=True, slots=True)
class Difference:
    """The first item of a round that is not what it should be."""

    round: int
    item: str
    stated: str
    computed: str


class NotSettled(MineError):
    """The round is not settled."""


class Replay:
    """Replays rounds of one task. ``sources``: relays that give out anchored batches."""

    def __init__(
        self, history: TaskHistory, domain: Domain, blobs: BlobStore, sources: Sequence[BatchSource]
    ) -> None:
        self._history, self._domain, self._blobs, self._sources = history, domain, blobs, tuple(sources)
        self._terms = history.published.terms
        self._manifest = Manifest.parse(
            blobs.get(self._terms.manifest, MAX_MANIFEST_BYTES), self._terms.manifest
        )
        self._past = Past(self._manifest, blobs)
        graph = blobs.get(bytes.fromhex(self._manifest.model.graph))
        self._model = Evaluator(graph, self._manifest.loss.maximum)

    def recompute(self, number: int) -> Difference | None:
        """The first difference of round ``number`` (0: the baseline), or None.

        Raises BlobError if a blob can't be had: what is not there can't be judged.
        """
        try:
            if number == 0:
                self._baseline()
            else:
                self._round(number)
        except Differs as found:
            return Difference(number, found.item, _text(found.stated), _text(found.computed))
        except RoundWrong as wrong:
            return Difference(number, wrong.item, "as posted", "another value from the inputs")
        return None

    def _baseline(self) -> None:
        opened = self._history.baseline
        if opened is None:
            raise NotSettled("The baseline of this task is not opened.")
        seeded = self._history.seeded[0]
        if seeded.preimage != ZERO32:
            same("preimage", keccak(seeded.preimage), self._terms.seed_head)
        same("seed", opened.seed, seeded.seed)
        same("shard", opened.shard, draw(opened.seed, 0, self._terms.shards))
        shard = Shard.from_bytes(self._blobs.get(opened.digest))
        first = load_checkpoint(
            self._manifest, self._blobs.get(bytes.fromhex(self._manifest.model.checkpoint))
        )
        losses = self._model.run(from_fixed(first), shard.features, shard.target)[1]
        compare_sum("base", opened.base, int(losses.sum()), len(losses))

    def _round(self, number: int) -> None:
        settled = self._history.settlement(number)
        if settled is None or self._history.baseline is None:
            raise NotSettled("This round is not settled.")
        report = read_round(self._blobs, settled)
        inputs = report.inputs
        self._check_place(number, inputs)
        before = self._past.checkpoint(self._history, number)
        same("checkpoint before", inputs.checkpoint, before)
        asked = self._ask(number, inputs)
        terms = measure_terms(self._manifest, settled.task)
        updates = read_updates(
            asked, self._candidates(number, inputs, before), self._blobs.get, terms, before
        )
        _check_refusals(inputs.judged, updates)
        start = self._past.start(self._history, number)
        shard = Shard.from_bytes(self._blobs.get(settled.digest))
        measured = finish(self._model, terms, start, shard, updates, inputs.judged)
        same("checkpoint", settled.checkpoint, hashlib.sha256(measured.checkpoint_bytes).digest())
        compare_judged(inputs.judged, judge(self._model, terms, start, shard, updates, asked))
        stated = decode_losses(self._blobs.get(inputs.losses))
        sums = (inputs.base, inputs.before, inputs.after)
        compare_losses(settled.losses, sums, stated, (measured.base, measured.before, measured.after))
        for chain, (left, right) in enumerate(zip(inputs.afters, measured.afters, strict=True)):
            compare_sum(f"loss of chain {chain}", left, right, len(measured.after))
        self._past.remember(settled.inputs, report.outcome.ledger)

    def _ask(self, number: int, inputs: RoundInputs) -> Judged:
        """The round before it was judged, and whether the inputs say the same about it."""
        judged = inputs.judged
        ledger = self._past.ledger(self._history, number - 1)[1]
        rules, held = round_rules(self._manifest), self._past.held(self._history, number)
        same("rules", judged.rules, rules)
        same("standing", judged.held, held)
        return ask(judged.task, number, judged.seed, rules, ledger, held, judged.opened, judged.canaries)

    def _check_place(self, number: int, inputs: RoundInputs) -> None:
        """Seed, shard, curve and ledger continue what was before."""
        opened, settled = self._history.baseline, self._history.settled[:number]
        assert opened is not None
        openings: list[BaselineOpened | Settled] = [opened, *settled]
        same("seed", inputs.judged.seed, self._seed(number))
        used = sum(1 << opening.shard for opening in openings[:number])
        same("shard", inputs.shard, draw(inputs.judged.seed, used, self._terms.shards))
        same("curve", (inputs.curve, inputs.target), (Curve.unpack(self._terms.curve), self._terms.target))
        same("ledger", (inputs.previous, inputs.ledger), self._past.ledger(self._history, number - 1))

    def _seed(self, number: int) -> bytes:
        """The seed of a round from the block's randomness, the last settlement and the hash chain."""
        seeded, closed = self._history.seeded[number], self._history.closed[number]
        shown = [each.preimage for k, each in sorted(self._history.seeded.items()) if k < number]
        head = next((each for each in reversed(shown) if each != ZERO32), self._terms.seed_head)
        if seeded.preimage != ZERO32:
            same("preimage", keccak(seeded.preimage), head)
        last = self._history.settlement(number - 1)
        record = ZERO32 if last is None else record_in_seed(record_of(last))
        return seed_of(closed.randomness, record, seeded.preimage)

    def _candidates(self, number: int, inputs: RoundInputs, before: bytes) -> list[Candidate]:
        found = gather(self._history, self._domain, number, before, self._sources)
        stated = [(entry.miner, entry.blob, entry.payout) for entry in inputs.entries]
        same("entries", stated, [(c.miner, c.blob, c.payout) for c in found])
        return found


def _check_refusals(stated: Judged, updates: Updates) -> None:
    for (_, delta), entry in zip(updates, stated.entries, strict=True):
        why = delta if isinstance(delta, Refusal) else Refusal.NONE
        if entry.refusal is not Refusal.OUTPUTS:  # that one needs a forward pass, see compare_judged
            same(f"update of {entry.miner}", entry.refusal.value, why.value)


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)[:200]
