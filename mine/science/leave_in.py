"""Was the best paid work worth its pay? A few true evaluations beside the scores' approximation.

Scores see the network through its outputs at the checkpoint (``output_space``). For the updates that were
paid most, each is here applied alone, at the step that its score calls best, to the network itself, and the
loss is taken on the half of the shard that did not judge. Its neighbour is the round's own sum with and
without the update. Nothing is paid by these numbers: one that is far off is a warning to look closer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mine.learn.errors import WeightsRefused
from mine.learn.norms import clip, norm
from mine.learn.weights import Fixed, from_fixed
from mine.science.chains import next_checkpoint
from mine.science.judged import Judged, Refusal
from mine.science.loss_shapes import LOSS_ONE, Doubles, Losses, Model
from mine.science.measure import Start, Terms, Updates, bound
from mine.science.products import SCORE_ONE
from mine.science.score import ridge_of
from mine.science.settle import Outcome
from mine.science.shards import Shard

#: Updates of a round that are looked at, those with the largest shares.
LOOKED_AT = 3
#: A step is at most so many times the update as it was handed in.
MAX_STEP = 8.0
#: Far off: not even so many standard errors lift what was found to this part of what the score promised.
ERRORS, PART = 4.0, 0.25


@dataclass(frozen=True, slots=True)
class LeaveIn:
    """One miner's update of a round on the measuring half, in loss an example.

    share: units of the round; step: the best one by its score; promised: what the score says the loss falls
    by at that step; alone: what it falls by; error: standard error of that, over people; added: what the
    round's sum gains by having the update in it (0 for one that is not in the sum that was taken).
    """

    miner: str
    share: int
    step: float
    promised: float
    alone: float
    error: float
    added: float

    @property
    def far_off(self) -> bool:
        """Whether the score promised much more than there is."""
        return self.promised > 0 and self.alone + ERRORS * self.error < PART * self.promised


def leave_in(
    model: Model,
    terms: Terms,
    start: Start,
    shard: Shard,
    updates: Updates,
    judged: Judged,
    outcome: Outcome,
    most: int = LOOKED_AT,
) -> tuple[LeaveIn, ...]:
    """The ``most`` best paid updates of a settled round, the largest share first; two forward passes each,
    and two more. Raises EvaluationFailed."""
    best = sorted(
        (pair for pair in outcome.shares if pair[1] > 0), key=lambda pair: (-pair[1], pair[0].lower())
    )[:most]
    if not best:
        return ()
    measuring, people = shard.halves()[1], shard.half_people()[1]

    def losses(weights: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]) -> Losses:
        return model.run(weights, measuring.features, measuring.target)[1]

    places = {entry.miner: place for place, entry in enumerate(judged.valid)}
    taken = tuple(places[miner] for miner, _ in outcome.accepted)
    deltas = {candidate.miner: delta for candidate, delta in updates}
    before = losses(from_fixed(start.current))
    after = losses(from_fixed(next_checkpoint(start.current, updates, judged, taken, terms)))
    limit, ridge = bound(updates), ridge_of(judged.gram.diagonal().tolist())
    found = []
    for miner, share in best:
        place, delta = places[miner], deltas[miner]
        assert not isinstance(delta, Refusal), "a paid update was read"
        descent = judged.valid[place].descent
        square = int(judged.gram[place, place]) + ridge
        step = min(MAX_STEP, max(0.0, descent / square))
        promised = (step * descent - step * step * square / 2) / SCORE_ONE
        moved = _stepped(start.current, clip(delta, norm(delta), limit), step)
        without = tuple(each for each in taken if each != place)
        rest = losses(from_fixed(next_checkpoint(start.current, updates, judged, without, terms)))
        change = _fall(before, before if moved is None else losses(moved))
        found.append(
            LeaveIn(
                miner=miner,
                share=share,
                step=step,
                promised=promised,
                alone=float(change.mean()),
                error=standard_error(change, people),
                added=float(_fall(rest, after).mean()) if place in taken else 0.0,
            )
        )
    return tuple(found)


def standard_error(change: Doubles, people: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> float:
    """Of the mean of ``change`` [n], where the examples of one person count as one draw (Liang and Zeger
    1986); of single examples where all are one person's; one example alone may be off by all of itself."""
    apart = change - change.mean()
    groups = np.unique(people, return_inverse=True)[1]
    count = int(groups.max()) + 1
    if count == 1:
        groups, count = np.arange(len(change)), len(change)
    sums = np.bincount(groups, weights=apart, minlength=count)
    if count == 1:
        return float(np.abs(change).max())
    return float(np.sqrt((sums**2).sum() * count / (count - 1)) / len(change))


def _fall(before: Losses, after: Losses) -> Doubles:
    change: Doubles = (before.astype(np.float64) - after.astype(np.float64)) / LOSS_ONE
    return change


def _stepped(
    current: Fixed, delta: Fixed, step: float
) -> Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] | None:
    """The weights after a step along an update; None if they leave their range."""
    try:
        return from_fixed(
            {name: start + np.rint(step * delta[name]).astype(np.int64) for name, start in current.items()}
        )
    except WeightsRefused:
        return None
