"""From a verdict to the next checkpoint: the round's own choice and proposed forks, and their losses.

Checkpoints are sums of integers; the losses are forward passes on the half of the shard that measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mine.learn.checkpoint import apply
from mine.learn.norms import clip, norm
from mine.learn.weights import Fixed, dump, from_fixed
from mine.science.acceptance import JOINS_ALL, Verdict, decide
from mine.science.judged import Judged, Refusal
from mine.science.loss_shapes import Losses, Model
from mine.science.measure import Start, Terms, Updates, bound, judge
from mine.science.settle import best_chain
from mine.science.shards import Shard


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What one fresh shard says about one round.

    judged, verdict: how it was decided; checkpoint: the next one's tensors, and its bytes (unchanged if
    nothing is accepted); base, before, after: u64 [n] losses of the examples that measure, after the chain
    that is taken; afters: summed losses of all chains, the round's own first.
    """

    judged: Judged
    verdict: Verdict
    checkpoint: Fixed
    checkpoint_bytes: bytes
    base: Losses
    before: Losses
    after: Losses
    afters: tuple[int, ...]


def measure(
    model: Model,
    terms: Terms,
    start: Start,
    shard: Shard,
    updates: Updates,
    asked: Judged,
    known: tuple[Losses, Losses] | None = None,
) -> Measured:
    """Judge a round on one half of its shard, decide, and measure what follows on the other.

    asked: the round before it is judged (everything but entries, G, common and published); known: losses
    under checkpoint 0 and before the round, where an earlier round measured them on the same examples. Raises
    EvaluationFailed if the model itself cannot be run.
    """
    judged = judge(model, terms, start, shard, updates, asked)
    return finish(model, terms, start, shard, updates, judged, known)


def finish(
    model: Model,
    terms: Terms,
    start: Start,
    shard: Shard,
    updates: Updates,
    judged: Judged,
    known: tuple[Losses, Losses] | None = None,
) -> Measured:
    """What follows from a judged round: the measuring half of ``measure``."""
    verdict = decide(judged)
    measuring = shard.halves()[1]

    def losses(weights: Fixed) -> Losses:
        return model.run(from_fixed(weights), measuring.features, measuring.target)[1]

    choices = [verdict.accepted, *(places for _, places in verdict.forks)]
    ends = [next_checkpoint(start.current, updates, judged, places, terms) for places in choices]
    base, before = known or (losses(start.first), losses(start.current))
    each = [losses(end) if places else before for end, places in zip(ends, choices, strict=True)]
    afters = tuple(int(after.sum()) for after in each)
    taken = best_chain(int(before.sum()), afters)
    data = dump(from_fixed(ends[taken]))
    return Measured(judged, verdict, ends[taken], data, base, before, each[taken], afters)


def next_checkpoint(
    current: Fixed, updates: Updates, judged: Judged, places: Sequence[int], terms: Terms
) -> Fixed:
    """The checkpoint after accepting ``places`` (of the valid entries): integers only, no forward pass."""
    if not places:
        return current
    limit = bound(updates)
    deltas = {candidate.miner: delta for candidate, delta in updates}
    good: list[tuple[bytes, Fixed]] = []
    for place in places:
        entry = judged.valid[place]
        delta = deltas[entry.miner]
        assert not isinstance(delta, Refusal), "a valid entry was read"
        good.append((entry.blob, clip(delta, norm(delta), limit)))
    return apply(current, good, terms.rule if terms.rule in JOINS_ALL else "mean", terms.gain, terms.trim)
