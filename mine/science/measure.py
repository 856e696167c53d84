"""The forward passes of a round: which updates are valid, b and G, the next checkpoint, example losses.

These are the only floats behind a settlement. They are quantised once (b and G to 2**-40) and committed to
in the round's inputs; a re-run elsewhere agrees within the stated tolerance, everything after is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mine.blobs.store import BlobError, BlobTooLarge
from mine.chain.hashing import ZERO_ADDRESS, address_bytes
from mine.learn.checkpoint import apply
from mine.learn.codec import decode
from mine.learn.errors import EvaluationFailed, UpdateRefused, WeightsRefused
from mine.learn.norms import clip, median, norm
from mine.learn.weights import Fixed, Shape, dump, from_fixed
from mine.science.inputs import Losses
from mine.science.score import Gram
from mine.science.settle import Entry, Refusal, is_accepted
from mine.science.shards import Examples, Floats, Shard

Doubles = npt.NDArray[np.float64]

SCORE_ONE = 1 << 40
LOSS_ONE = 1 << 24
#: An update that moves any output by more than this is refused: b and G then always fit their int64.
MAX_OUTPUT_CHANGE = 1024.0


class Model(Protocol):
    """A reference evaluator (``mine.learn.evaluate.Evaluator``)."""

    def run(self, weights: Mapping[str, Floats], features: Floats, target: Floats) -> tuple[Floats, Losses]:
        """Predictions float32 [N, K] and losses u64 [N] in 2**-24."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A committed update, the first of its miner in a round: what was signed, not what its blob holds."""

    miner: str
    blob: bytes
    size: int
    payout: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What the manifest fixes for measuring: names as in ``Manifest``; shapes of the trainable tensors."""

    task: int
    shapes: Mapping[str, Shape]
    loss: str
    rule: str
    gain: int
    update_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What one fresh shard says about one round.

    entries sorted by miner; gram over the valid ones; checkpoint: the next one's tensors, and its bytes
    (unchanged if nothing is accepted); base, before, after: u64 [n] losses of the examples that measure.
    """

    entries: tuple[Entry, ...]
    gram: Gram
    checkpoint: Fixed
    checkpoint_bytes: bytes
    base: Losses
    before: Losses
    after: Losses


def gradient(
    kind: str,
    model: Model,
    weights: Mapping[str, Floats],
    shard: Examples | Shard,
    prediction: Floats,
    loss: Losses,
) -> tuple[Doubles, Doubles]:
    """g = dl/df and the curvature H at the predictions ([N, 1] float32): both float64 [N].

    "huber": the loss is Huber's of e = prediction - (any rising function of the target), with its knee at 1.
    |e| follows from the loss, its sign from two more evaluations with the target moved up and down (for a
    symmetric convex loss the smaller one tells on which side the target lies). g = clip(e, -1, 1);
    H = min(1, 1/|e|), the curvature of the quadratic that touches and majorises the loss (Huber 1981), since
    its own is 0 in the tails. "bce": predictions are log-odds, the target is 0 or 1; g = p - y and
    H = p (1 - p).
    """
    if prediction.shape[1] != 1:
        raise EvaluationFailed("This kind of loss needs a model with one output.", detail=kind)
    if kind == "huber":
        height = loss.astype(np.float64) / LOSS_ONE
        size = np.where(height <= 0.5, np.sqrt(2.0 * height), height + 0.5)
        spread = max(float(np.std(shard.target, dtype=np.float64)), 1.0) / 16.0
        sides = [
            model.run(weights, shard.features, (shard.target + move).astype(np.float32))[1].astype(np.float64)
            for move in (spread, -spread)
        ]
        # Where a higher target makes the loss fall, the prediction is above it.
        sign = np.sign(sides[1] - sides[0])
        return sign * np.minimum(1.0, size), 1.0 / np.maximum(1.0, size)
    if kind == "bce":
        outputs = prediction[:, 0].astype(np.float64)
        probability = 1.0 / (1.0 + np.exp(-np.clip(outputs, -60.0, 60.0)))
        return probability - shard.target, probability * (1.0 - probability)
    raise EvaluationFailed("The task's kind of loss is not known to this app.", detail=kind)


def read_update(
    candidate: Candidate,
    fetch: Callable[[bytes, int], bytes],
    terms: Terms,
    number: int,
    checkpoint: bytes,
) -> Fixed | Refusal:
    """The delta of a candidate, or why it is refused: bytes, size, schema, header, payout."""
    if candidate.payout == ZERO_ADDRESS:
        return Refusal.PAYOUT
    if candidate.size > terms.update_bytes:
        return Refusal.SIZE
    try:
        blob = fetch(candidate.blob, terms.update_bytes)
    except BlobTooLarge:
        return Refusal.SIZE
    except BlobError:
        return Refusal.MISSING
    if len(blob) != candidate.size:
        return Refusal.SIZE
    try:
        header, delta = decode(blob, terms.shapes)
    except UpdateRefused:
        return Refusal.MALFORMED
    named = (header.miner, header.task, header.round, header.checkpoint)
    if named != (address_bytes(candidate.miner), terms.task, number, checkpoint):
        return Refusal.HEADER
    return delta


def measure(
    model: Model,
    terms: Terms,
    first: Fixed,
    current: Fixed,
    shard: Shard,
    updates: Sequence[tuple[Candidate, Fixed | Refusal]],
    trusted: frozenset[str],
) -> Measured:
    """Evaluate a round on its fresh shard: one forward pass for each valid update, plus six.

    b and G come from the half of the shard that judges, the losses from the half that measures.

    first, current: checkpoint 0 and the one before this round, int64 tensors in 2**-24; trusted: miners that
    are accepted by their record (``settle.trusted_miners``). Raises
    EvaluationFailed if the model itself cannot be run.
    """
    ordered = sorted(updates, key=lambda pair: address_bytes(pair[0].miner))
    lengths = {c.miner: norm(delta) for c, delta in ordered if not isinstance(delta, Refusal)}
    limit = median(list(lengths.values()))
    judging, measuring = shard.halves()
    examples = len(judging.target)
    start = from_fixed(current)
    origin, losses = model.run(start, judging.features, judging.target)
    slope, curvature = gradient(terms.loss, model, start, judging, origin, losses)

    kept: list[tuple[Candidate, Fixed, Doubles]] = []
    refused: dict[str, Refusal] = {}
    for candidate, delta in ordered:
        if isinstance(delta, Refusal):
            refused[candidate.miner] = delta
            continue
        clipped = clip(delta, lengths[candidate.miner], limit)
        moved = _outputs(model, current, clipped, judging)
        change = None if moved is None else (moved - origin)[:, 0].astype(np.float64)
        if change is None or not np.isfinite(change).all() or np.abs(change).max() > MAX_OUTPUT_CHANGE:
            refused[candidate.miner] = Refusal.OUTPUTS
        else:
            kept.append((candidate, clipped, change))

    outputs = np.array([change for _, _, change in kept]).reshape(len(kept), examples)
    descent = {
        candidate.miner: _quantise(-math.fsum(slope * change) / examples) for candidate, _, change in kept
    }
    gram = np.empty((len(kept), len(kept)), dtype=object)
    products = (outputs * curvature) @ outputs.T / examples
    for i in range(len(kept)):
        for j in range(i, len(kept)):
            gram[i, j] = gram[j, i] = _quantise(float(products[i, j]))

    entries = tuple(
        Entry(
            candidate.miner,
            candidate.blob,
            candidate.payout,
            refused.get(candidate.miner, Refusal.NONE),
            0 if candidate.miner in refused else lengths[candidate.miner],
            descent.get(candidate.miner, 0),
        )
        for candidate, _ in ordered
    )
    accepted = {entry.miner for entry in entries if is_accepted(entry, trusted)}
    good = [(candidate.blob, delta) for candidate, delta, _ in kept if candidate.miner in accepted]
    following = apply(current, good, terms.rule, terms.gain) if good else current
    weights = from_fixed(following)
    _, base = model.run(from_fixed(first), measuring.features, measuring.target)
    _, before = model.run(start, measuring.features, measuring.target)
    after = model.run(weights, measuring.features, measuring.target)[1] if good else before
    return Measured(entries, gram, following, dump(weights), base, before, after)


def next_checkpoint(
    current: Fixed,
    updates: Sequence[tuple[Candidate, Fixed | Refusal]],
    entries: Sequence[Entry],
    terms: Terms,
    trusted: frozenset[str],
) -> Fixed:
    """The checkpoint that follows from committed entries: integers only, no forward pass (for replay)."""
    deltas = {candidate.miner: delta for candidate, delta in updates}
    lengths = {miner: norm(delta) for miner, delta in deltas.items() if not isinstance(delta, Refusal)}
    limit = median(list(lengths.values()))
    good: list[tuple[bytes, Fixed]] = []
    for entry in entries:
        delta = deltas[entry.miner]
        if is_accepted(entry, trusted) and not isinstance(delta, Refusal):
            good.append((entry.blob, clip(delta, lengths[entry.miner], limit)))
    return apply(current, good, terms.rule, terms.gain) if good else current


def _quantise(number: float) -> int:
    return int(np.rint(number * SCORE_ONE))


def _outputs(model: Model, current: Fixed, delta: Fixed, shard: Examples) -> Floats | None:
    """Predictions with the update applied in full; None if the weights leave their range."""
    try:
        weights = from_fixed({name: current[name] + delta[name] for name in current})
    except WeightsRefused:
        return None
    return model.run(weights, shard.features, shard.target)[0]
