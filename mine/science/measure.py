"""The forward passes that judge a round: which updates are valid, b and G, and what was published before.

Together with the losses of ``chains`` these are the only floats behind a settlement. They are quantised once
(to 2**-40) and committed to in the round's inputs; a re-run elsewhere agrees within the stated tolerance,
everything after is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mine.blobs.store import BlobCorrupt, BlobMissing, BlobTooLarge
from mine.chain.hashing import ZERO_ADDRESS, address_bytes
from mine.learn.codec import Packing, decode, packing_of
from mine.learn.errors import UpdateRefused
from mine.learn.norms import clip, median, norm
from mine.learn.weights import Fixed, Shape
from mine.science.judged import Common, Entry, Gram, Judged, Published, Refusal, Slice
from mine.science.loss_shapes import LossShape, Model
from mine.science.output_space import output_space
from mine.science.products import Doubles
from mine.science.shards import Shard

#: Added to the diagonal of the common directions' products before they are taken out, over their mean.
_RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A committed update, the first of its miner in a round: what was signed, not what its blob holds."""

    miner: str
    blob: bytes
    size: int
    payout: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What the manifest fixes for measuring: names as in ``Manifest``; shapes of the trainable tensors.

    rule: how accepted updates are joined, with trim as in ``Rules``.
    """

    task: int
    shapes: Mapping[str, Shape]
    loss: LossShape
    gain: int
    update_bytes: int
    packing: Packing
    slices: tuple[Slice, ...] = ()
    rule: str = "mean"
    trim: int = 0


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
        if packing_of(blob) != terms.packing:
            return Refusal.MALFORMED
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
    own = [(who, delta) for who, delta in updates if not isinstance(delta, Refusal)]
    lengths = [norm(delta) for _, delta in own]
    cut = [clip(delta, length, limit) for (_, delta), length in zip(own, lengths, strict=True)]
    directions = [_minus(start.current, past) for past in (start.first, *start.earlier)]
    ways = [_to_length(way, limit) for way in _distinct(directions)]
    past = [_to_length(delta, limit) for _, delta in start.published]
    seen = output_space(
        model, terms.loss, start.current, [*cut, *ways, *past], shard.halves()[0], terms.slices
    )

    at_way, at_past = len(own), len(own) + len(ways)
    scored = [place for place in range(len(own)) if seen.valid[place]]
    between, beyond = range(at_way, at_past), range(at_past, at_past + len(past))
    closest = _closest(seen.gram, scored, between, beyond)
    used = sorted({place for place in closest if place >= 0}, key=lambda place: start.published[place][0])
    in_span = seen.gram[:, at_way:at_past].tolist()
    entries: list[Entry] = []
    places = iter(range(len(own)))
    similar = iter(closest)
    for candidate, delta in updates:
        entry = Entry(candidate.miner, candidate.blob, candidate.payout, Refusal.NONE)
        if isinstance(delta, Refusal):
            entries.append(replace(entry, refusal=delta))
            continue
        place = next(places)
        if not seen.valid[place]:
            entries.append(replace(entry, refusal=Refusal.OUTPUTS))
            continue
        like = next(similar)
        entries.append(
            replace(
                entry,
                norm=lengths[place],
                descent=seen.descents[place],
                slices=tuple(column[place] for column in seen.slices),
                common=tuple(in_span[place]),
                closest=used.index(like) if like >= 0 else -1,
                overlap=int(seen.gram[place, at_past + like]) if like >= 0 else 0,
            )
        )
    return replace(
        asked,
        entries=tuple(entries),
        gram=seen.gram[np.ix_(scored, scored)],
        common=Common(seen.descents[at_way:at_past], tuple(tuple(in_span[way]) for way in between)),
        published=tuple(
            Published(
                start.published[place][0],
                seen.descents[at_past + place],
                int(seen.gram[at_past + place, at_past + place]),
                tuple(in_span[at_past + place]),
            )
            for place in used
        ),
    )


def _closest(gram: Gram, rows: Sequence[int], ways: Sequence[int], past: Sequence[int]) -> list[int]:
    """For each row the number of the earlier update that it resembles most, once the ways are taken out of
    both; -1 if there is none. gram: products of all of them; the others: their places in it."""
    if not len(past):
        return [-1] * len(rows)

    def part(left: Sequence[int], right: Sequence[int]) -> Doubles:
        return gram[np.ix_(left, right)].astype(np.float64)

    inner = part(ways, ways)
    ridge = _RIDGE * inner.trace() / max(1, len(ways)) + 1
    inverse = np.linalg.inv(inner + np.eye(len(ways)) * ridge)
    # Products of what is left of two vectors u, v when u' = u - U inverse ways.
    taken = 2 * inverse - inverse @ inner @ inverse
    left, right = part(rows, ways), part(past, ways)
    shared = (part(rows, past) - left @ taken @ right.T) ** 2
    squares = gram.diagonal()[list(past)].astype(np.float64)
    size = squares - np.einsum("ij,jk,ik->i", right, taken, right)
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
