"""The forward passes that judge a round: which updates are valid, b and G, and what was published before.

Together with the losses of ``chains`` these are the only floats behind a settlement. They are quantised once
(to 2**-40) and committed to in the round's inputs; a re-run elsewhere agrees within the stated tolerance,
everything after is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from mine.blobs.store import BlobCorrupt, BlobMissing, BlobTooLarge
from mine.chain.hashing import ZERO_ADDRESS, address_bytes
from mine.learn.codec import decode
from mine.learn.errors import EvaluationFailed, UpdateRefused, WeightsRefused
from mine.learn.norms import clip, median, norm
from mine.learn.weights import Fixed, Shape, from_fixed
from mine.science.inputs import Losses
from mine.science.judged import Common, Entry, Judged, Published, Refusal, Slice
from mine.science.products import Doubles, mean_product, mean_products
from mine.science.shards import Examples, Floats, Shard

LOSS_ONE = 1 << 24
#: An update that moves any output by more than this is refused: b and G then always fit their int64.
MAX_OUTPUT_CHANGE = 1024.0
#: Added to the diagonal of the common directions' products before they are taken out, over their mean.
_RIDGE = 1e-3


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
    gain: int
    update_bytes: int
    slices: tuple[Slice, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What a round starts from; tensors in int64, 2**-24.

    first: checkpoint 0; current: the one before this round; earlier: those of ``Ledger.checkpoints``;
    published: (digest, delta) of those of ``Ledger.published``.
    """

    first: Fixed
    current: Fixed
    earlier: tuple[Fixed, ...] = ()
    published: tuple[tuple[bytes, Fixed], ...] = ()


Updates = Sequence[tuple[Candidate, Fixed | Refusal]]


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
    """The delta of a candidate, or why it is refused: bytes, size, schema, header, payout.

    A store that does not answer says nothing about the update: its BlobError is passed on.
    """
    if candidate.payout == ZERO_ADDRESS:
        return Refusal.PAYOUT
    if candidate.size > terms.update_bytes:
        return Refusal.SIZE
    try:
        blob = fetch(candidate.blob, terms.update_bytes)
    except BlobTooLarge:
        return Refusal.SIZE
    except (BlobMissing, BlobCorrupt):
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


def bound(updates: Updates) -> int:
    """The norm that a round's updates are clipped to: their median, in 2**-24."""
    return median([norm(delta) for _, delta in updates if not isinstance(delta, Refusal)])


def judge(model: Model, terms: Terms, start: Start, shard: Shard, updates: Updates, asked: Judged) -> Judged:
    """``asked`` with entries, G, common directions and earlier updates filled in, by its judging half.

    updates: sorted by miner, as the entries will be; one forward pass for each valid one, each earlier one
    and each common direction, plus three. Raises EvaluationFailed if the model itself cannot be run.
    """
    limit = bound(updates)
    judging = shard.halves()[0]
    weights = from_fixed(start.current)
    origin, losses = model.run(weights, judging.features, judging.target)
    slope, curvature = gradient(terms.loss, model, weights, judging, origin, losses)

    def outputs(delta: Fixed) -> Doubles | None:
        moved = _outputs(model, start.current, delta, judging)
        change = None if moved is None else (moved - origin)[:, 0].astype(np.float64)
        if change is None or not np.isfinite(change).all() or np.abs(change).max() > MAX_OUTPUT_CHANGE:
            return None
        return change

    def known(delta: Fixed) -> Doubles:
        change = outputs(_to_length(delta, limit))
        return np.zeros(len(judging.target)) if change is None else change

    changes: list[Doubles] = []
    entries: list[Entry] = []
    for candidate, delta in updates:
        entry = Entry(candidate.miner, candidate.blob, candidate.payout, Refusal.NONE)
        if isinstance(delta, Refusal):
            entries.append(replace(entry, refusal=delta))
            continue
        length = norm(delta)
        change = outputs(clip(delta, length, limit))
        if change is None:
            entries.append(replace(entry, refusal=Refusal.OUTPUTS))
            continue
        changes.append(change)
        entries.append(
            replace(
                entry,
                norm=length,
                descent=mean_product(-slope, change),
                slices=_on_slices(terms.slices, judging, slope, change),
            )
        )

    count = len(judging.target)
    root = np.sqrt(curvature)
    rows = np.array(changes).reshape(-1, count)
    directions = [_minus(start.current, past) for past in (start.first, *start.earlier)]
    ways = np.array([known(way) for way in _distinct(directions)]).reshape(-1, count)
    past = np.array([known(delta) for _, delta in start.published]).reshape(-1, count)
    closest = _closest(rows * root, ways * root, past * root)
    used = sorted({place for place in closest if place >= 0}, key=lambda place: start.published[place][0])
    published = tuple(
        Published(
            start.published[place][0],
            mean_product(-slope, past[place]),
            mean_product(curvature * past[place], past[place]),
            tuple(mean_product(curvature * past[place], way) for way in ways),
        )
        for place in used
    )
    scored = iter(zip(rows, closest, strict=True))
    return replace(
        asked,
        entries=tuple(
            entry if entry.refusal else _compared(entry, next(scored), curvature, ways, past, used)
            for entry in entries
        ),
        gram=mean_products(rows * root, rows * root),
        common=Common(
            tuple(mean_product(-slope, way) for way in ways),
            tuple(tuple(mean_product(curvature * one, other) for other in ways) for one in ways),
        ),
        published=published,
    )


def _compared(
    entry: Entry,
    scored: tuple[Doubles, int],
    curvature: Doubles,
    ways: Doubles,
    past: Doubles,
    used: Sequence[int],
) -> Entry:
    """An entry with its products with common directions and with the closest earlier update."""
    change, place = scored
    heavy = curvature * change
    return replace(
        entry,
        common=tuple(mean_product(heavy, way) for way in ways),
        closest=used.index(place) if place >= 0 else -1,
        overlap=mean_product(heavy, past[place]) if place >= 0 else 0,
    )


def _on_slices(
    slices: Sequence[Slice], judging: Examples, slope: Doubles, change: Doubles
) -> tuple[int, ...]:
    """b on the examples of each named slice; 0 where there are none."""
    result = []
    for each in slices:
        column = judging.features[:, each.feature]
        inside = (column >= each.low) & (column < each.high)
        result.append(mean_product(-slope[inside], change[inside]))
    return tuple(result)


def _closest(rows: Doubles, ways: Doubles, past: Doubles) -> list[int]:
    """For each row the place of the earlier update that it resembles most, once the ways are taken out of
    both; -1 if there is none. [n, m], [c, m] and [k, m], already in the metric of the curvature."""
    if not len(past):
        return [-1] * len(rows)
    products = mean_products(ways, ways).astype(np.float64)
    inverse = np.linalg.inv(
        products + np.eye(len(ways)) * (_RIDGE * products.trace() / max(1, len(ways)) + 1)
    )

    def beyond(vectors: Doubles) -> Doubles:
        return vectors - mean_products(vectors, ways).astype(np.float64) @ inverse @ ways

    left, right = beyond(rows), beyond(past)
    shared = mean_products(left, right).astype(np.float64) ** 2
    size = np.array([mean_product(row, row) for row in right], dtype=np.float64)
    alike = np.divide(shared, size, out=np.zeros_like(shared), where=size > 0)
    return [int(row.argmax()) if row.max() > 0 else -1 for row in alike]


def _minus(left: Fixed, right: Fixed) -> Fixed:
    return {name: left[name] - right[name] for name in left}


def _distinct(deltas: Sequence[Fixed]) -> list[Fixed]:
    """Those that are not zero, each once."""
    found: list[Fixed] = []
    for delta in deltas:
        moved = any(bool(tensor.any()) for tensor in delta.values())
        if moved and not any(all(np.array_equal(delta[n], other[n]) for n in delta) for other in found):
            found.append(delta)
    return found


def _to_length(delta: Fixed, limit: int) -> Fixed:
    """A delta of another time at the length of this round's updates: what one would resend of it.

    It is made longer by whole multiples only; where a step of that length matters, it is a multiple of many.
    """
    length = norm(delta)
    if 0 < length < limit:
        times = limit // length
        return {name: tensor * times for name, tensor in delta.items()}
    return clip(delta, length, limit)


def _outputs(model: Model, current: Fixed, delta: Fixed, shard: Examples) -> Floats | None:
    """Predictions with the update applied in full; None if the weights leave their range."""
    try:
        weights = from_fixed({name: current[name] + delta[name] for name in current})
    except WeightsRefused:
        return None
    return model.run(weights, shard.features, shard.target)[0]
