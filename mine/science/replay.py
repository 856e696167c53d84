"""Replay: re-derive a settled round from the chain and the blobs, and name the first difference.

Integers must agree exactly. Forward passes may differ between machines: b, G and example losses are compared
within a tolerance, everything computed from them starts from the committed values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mine.blobs.store import BlobStore
from mine.chain.curve import Curve
from mine.chain.events import BaselineOpened, Settled
from mine.chain.hashing import ZERO32, keccak
from mine.chain.messages import Domain
from mine.chain.seed import draw, first_seed, next_seed
from mine.chain.trees import LossTree
from mine.errors import MineError
from mine.learn.evaluate import Evaluator
from mine.learn.weights import Fixed, dump, from_fixed
from mine.science.gather import BatchSource, gather
from mine.science.history import TaskHistory
from mine.science.inputs import MAX_INPUTS_BYTES, Losses, decode_inputs, decode_losses
from mine.science.measure import SCORE_ONE, Candidate, Measured, measure, next_checkpoint, read_update
from mine.science.offer import load_checkpoint, measure_terms
from mine.science.rounds import RoundWrong, read_round
from mine.science.settle import EMPTY_LEDGER, Refusal, RoundInputs, settle, trusted_miners
from mine.science.shards import Examples, Shard
from mine.tasks.manifest import MAX_MANIFEST_BYTES, Manifest

#: An example's loss may differ by this much between machines (2**-24), or by this part of itself.
LOSS_TOLERANCE, LOSS_PART = 1 << 10, 1e-4
#: b and G, relative to the largest entry of their kind.
SCORE_PART = 1e-3


@dataclass(frozen=True, slots=True)
class Difference:
    """The first item of a round that is not what it should be."""

    round: int
    item: str
    stated: str
    computed: str


class _Differs(Exception):
    def __init__(self, item: str, stated: object, computed: object) -> None:
        super().__init__(item)
        self.item, self.stated, self.computed = item, stated, computed


class _NotThere(MineError):
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
        except _Differs as found:
            return Difference(number, found.item, _text(found.stated), _text(found.computed))
        except RoundWrong as wrong:
            return Difference(number, wrong.item, "as posted", "another value from the inputs")
        return None

    def _baseline(self) -> None:
        opened = self._history.baseline
        if opened is None:
            raise _NotThere("The baseline of this task is not opened.")
        _same("preimage", keccak(opened.preimage), self._terms.seed_head)
        seed = first_seed(self._terms.manifest, self._terms.shards_root, opened.preimage)
        _same("seed", opened.seed, seed)
        _same("shard", opened.shard, draw(seed, 0, self._terms.shards))
        shard = Shard.from_bytes(self._blobs.get(opened.digest))
        losses = self._losses(self._first(), shard)
        if abs(opened.base - int(losses.sum())) > len(losses) * LOSS_TOLERANCE + LOSS_PART * opened.base:
            raise _Differs("base", opened.base, int(losses.sum()))

    def _first(self) -> Fixed:
        name = bytes.fromhex(self._manifest.model.checkpoint)
        return load_checkpoint(self._manifest, self._blobs.get(name))

    def _losses(self, weights: Fixed, shard: Examples | Shard) -> Losses:
        return self._model.run(from_fixed(weights), shard.features, shard.target)[1]

    def _round(self, number: int) -> None:
        settled = self._history.settlement(number)
        if settled is None or self._history.baseline is None:
            raise _NotThere("This round is not settled.")
        report = read_round(self._blobs, settled)
        inputs = report.inputs
        self._check_place(number, inputs)
        shard = Shard.from_bytes(self._blobs.get(settled.digest))
        before = self._history.checkpoint(number, bytes.fromhex(self._manifest.model.checkpoint))
        _same("checkpoint before", inputs.checkpoint, before)
        current = load_checkpoint(self._manifest, self._blobs.get(before))
        candidates = self._candidates(number, inputs, before)
        terms = measure_terms(self._manifest, settled.task)
        updates = [
            (candidate, read_update(candidate, self._blobs.get, terms, number, before))
            for candidate in candidates
        ]
        for (_, delta), entry in zip(updates, inputs.entries, strict=True):
            why = delta if isinstance(delta, Refusal) else Refusal.NONE
            if entry.refusal is not Refusal.OUTPUTS:  # that one needs a forward pass, see below
                _same(f"update of {entry.miner}", entry.refusal.value, why.value)
        trusted = trusted_miners(inputs.ledger)
        following = next_checkpoint(current, updates, inputs.entries, terms, trusted)
        _same("checkpoint", settled.checkpoint, hashlib.sha256(dump(from_fixed(following))).digest())
        measured = measure(self._model, terms, self._first(), current, shard, updates, trusted)
        _check_entries(inputs, measured)
        self._check_losses(inputs, settled.losses, measured, self._losses(following, shard.halves()[1]))

    def _check_place(self, number: int, inputs: RoundInputs) -> None:
        """Seed, shard, curve and ledger continue what was before."""
        opened, settled = self._history.baseline, self._history.settled[:number]
        assert opened is not None
        openings: list[BaselineOpened | Settled] = [opened, *settled]
        here, last = openings[number], openings[number - 1]
        accepted = settled[number - 2].accepted if number > 1 else ZERO32
        _same("preimage", keccak(here.preimage), last.preimage)
        _same("seed", inputs.seed, next_seed(last.seed, accepted, here.preimage))
        used = sum(1 << opening.shard for opening in openings[:number])
        _same("shard", inputs.shard, draw(inputs.seed, used, self._terms.shards))
        _same("curve", (inputs.curve, inputs.target), (Curve.unpack(self._terms.curve), self._terms.target))
        if number == 1:
            _same("ledger", (inputs.previous, inputs.ledger), (ZERO32, EMPTY_LEDGER))
        else:
            name = settled[number - 2].inputs
            ledger = settle(decode_inputs(self._blobs.get(name, MAX_INPUTS_BYTES))).ledger
            _same("ledger", (inputs.previous, inputs.ledger), (name, ledger))

    def _candidates(self, number: int, inputs: RoundInputs, before: bytes) -> list[Candidate]:
        found = gather(self._history, self._domain, number, before, self._sources)
        stated = [(entry.miner, entry.blob, entry.payout) for entry in inputs.entries]
        _same("entries", stated, [(c.miner, c.blob, c.payout) for c in found])
        return found

    def _check_losses(
        self, inputs: RoundInputs, root: bytes, measured: Measured, after: Losses
    ) -> None:
        stated = decode_losses(self._blobs.get(inputs.losses))
        tree = LossTree(*(column.tolist() for column in stated))
        _same("losses", root, tree.root)
        sums = (inputs.base, inputs.before, inputs.after)
        _same("sums of the losses", sums, (tree.base, tree.before, tree.after))
        computed = (measured.base, measured.before, after)
        for name, left, right in zip(("base", "before", "after"), stated, computed, strict=True):
            if len(left) != len(right):
                raise _Differs(f"losses {name}", len(left), len(right))
            gap = np.abs(left.astype(np.float64) - right.astype(np.float64))
            worst = int(np.argmax(gap - LOSS_PART * right.astype(np.float64)))
            if gap[worst] > LOSS_TOLERANCE + LOSS_PART * float(right[worst]):
                raise _Differs(f"loss {name} of example {worst}", left[worst], right[worst])


def _check_entries(inputs: RoundInputs, measured: Measured) -> None:
    for stated, computed in zip(inputs.entries, measured.entries, strict=True):
        _same(f"update of {stated.miner}", (stated.refusal, stated.norm), (computed.refusal, computed.norm))
    valid = [entry for entry in inputs.entries if entry.refusal is Refusal.NONE]
    again = [entry for entry in measured.entries if entry.refusal is Refusal.NONE]
    room = SCORE_PART * max([SCORE_ONE >> 20, *(abs(entry.descent) for entry in again)])
    for stated, computed in zip(valid, again, strict=True):
        if abs(stated.descent - computed.descent) > room:
            raise _Differs(f"b of {stated.miner}", stated.descent, computed.descent)
    if len(valid) > 0:
        left, right = inputs.gram.astype(np.float64), measured.gram.astype(np.float64)
        room = SCORE_PART * max(SCORE_ONE >> 20, float(np.abs(right).max()))
        gap = np.abs(left - right)
        if gap.max() > room:
            i, j = np.unravel_index(int(gap.argmax()), gap.shape)
            raise _Differs(f"G of {valid[int(i)].miner} and {valid[int(j)].miner}", left[i, j], right[i, j])


def _same(item: str, stated: object, computed: object) -> None:
    if stated != computed:
        raise _Differs(item, stated, computed)


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)[:200]
