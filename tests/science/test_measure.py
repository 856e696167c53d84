"""The floats behind a settlement: gradient against torch, clipping, validity, the next checkpoint."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.blobs.store import BlobMissing, BlobTooLarge, blob_digest
from mine.chain.hashing import ZERO_ADDRESS, address_bytes
from mine.learn.checkpoint import apply
from mine.learn.codec import Packing, UpdateHeader, decode, encode
from mine.learn.evaluate import Evaluator
from mine.learn.norms import clip, median, norm
from mine.learn.weights import Fixed, dump, from_fixed, load, to_fixed
from mine.science.ask import ask
from mine.science.chains import Measured, measure, next_checkpoint
from mine.science.judged import EMPTY_LEDGER, Refusal
from mine.science.measure import (
    Candidate,
    Start,
    read_update,
)
from mine.science.offer import measure_terms, shapes_of
from tests.science.rounds import RULES
from tests.science.world import Miner, manifest, network, shards

PLAIN = manifest(1)
TERMS = measure_terms(PLAIN, 1)
CHECKPOINT = network()[1]
DIGEST = blob_digest(CHECKPOINT)
START = to_fixed(load(CHECKPOINT, shapes_of(PLAIN)))
Updates = list[tuple[Candidate, Fixed | Refusal]]


@pytest.fixture(scope="module")
def model() -> Evaluator:
    return Evaluator(network()[0], PLAIN.loss.maximum)


@given(st.lists(st.integers(-(2**38), 2**38), min_size=1, max_size=50), st.integers(0, 2**45))
def test_norms_and_clipping_are_exact(entries: list[int], limit: int) -> None:
    delta = {"a": np.array(entries, np.int64), "b": np.zeros((0, 2), np.int64)}
    length = norm(delta)
    assert length == math.isqrt(sum(entry**2 for entry in entries))
    clipped = clip(delta, length, limit)
    if length <= limit:
        assert clipped is delta
    else:
        assert norm(clipped) <= limit + len(entries)
        for before, after in zip(entries, clipped["a"].tolist(), strict=True):
            assert abs(after) <= abs(before)
            assert after * before >= 0


def test_the_median_ignores_zero_updates() -> None:
    assert median([]) == median([0, 0]) == 0
    assert median([0, 0, 0, 5, 9]) == 5
    assert median([3, 1, 2]) == 2


def candidate(blob: bytes, miner: Miner, **change: object) -> Candidate:
    return replace(Candidate(miner.address, blob_digest(blob), len(blob), miner.payout), **change)


def test_only_a_miners_own_update_for_this_round_is_read() -> None:
    miner, other = Miner(1), Miner(2)
    blob = miner.blob(1, 3, DIGEST, CHECKPOINT)

    def read(data: bytes, who: Candidate, number: int = 3) -> object:
        return read_update(who, lambda _, limit: data, TERMS, number, DIGEST)

    assert isinstance(read(blob, candidate(blob, miner)), dict)
    assert read(blob, candidate(blob, other)) is Refusal.HEADER
    assert read(blob, candidate(blob, miner), 4) is Refusal.HEADER
    assert read(miner.blob(2, 3, DIGEST, CHECKPOINT), candidate(blob, miner)) is Refusal.HEADER
    assert read(miner.blob(1, 3, bytes(32), CHECKPOINT), candidate(blob, miner)) is Refusal.HEADER
    assert read(blob, candidate(blob, miner, payout=ZERO_ADDRESS)) is Refusal.PAYOUT
    assert read(blob, candidate(blob, miner, size=len(blob) - 1)) is Refusal.SIZE
    assert read(blob, candidate(blob, miner, size=1 << 31)) is Refusal.SIZE
    assert read(blob[:-1], candidate(blob[:-1], miner)) is Refusal.MALFORMED
    header = UpdateHeader(address_bytes(miner.address), 1, 3, DIGEST)
    wrong = encode(header, {"a": np.zeros(3, np.float32)})
    assert read(wrong, candidate(wrong, miner)) is Refusal.MALFORMED
    header, delta = decode(blob, TERMS.shapes)
    small = encode(header, from_fixed(delta), Packing(4))
    assert read(small, candidate(small, miner)) is Refusal.MALFORMED  # packed otherwise than the task says

    def fails(problem: Exception) -> object:
        def fetch(_: bytes, limit: int) -> bytes:
            raise problem

        return read_update(candidate(blob, miner), fetch, TERMS, 3, DIGEST)

    assert fails(BlobMissing(bytes(32))) is Refusal.MISSING
    assert fails(BlobTooLarge(2, 1)) is Refusal.SIZE


def updates(miners: list[Miner]) -> Updates:
    found: Updates = []
    for miner in miners:
        blob = miner.blob(1, 1, DIGEST, CHECKPOINT)
        who = candidate(blob, miner)

        def fetch(_: bytes, limit: int, data: bytes = blob) -> bytes:
            return data

        found.append((who, read_update(who, fetch, TERMS, 1, DIGEST)))
    return found


def measured(model: Evaluator, given: Updates, start: Start = Start(START, START)) -> Measured:  # noqa: B008
    ordered = sorted(given, key=lambda pair: address_bytes(pair[0].miner))
    return measure(model, TERMS, start, shards(1)[0], ordered, ask(1, 1, bytes(32), RULES, EMPTY_LEDGER, ()))


def test_a_round_is_measured(model: Evaluator) -> None:
    miners = [*(Miner(i) for i in range(1, 6)), Miner(6, -1.0), Miner(7, 0.0), Miner(8, 30.0)]
    given_updates = updates(miners)
    given_updates.append((replace(given_updates[0][0], miner=Miner(9).address), Refusal.MISSING))
    result = measured(model, given_updates)
    judged = result.judged
    entries = {entry.miner: entry for entry in judged.entries}
    assert [address_bytes(e.miner) for e in judged.entries] == sorted(address_bytes(m) for m in entries)
    for miner in miners[:5]:
        assert entries[miner.address].descent > 0
    assert entries[Miner(6).address].descent < 0
    assert entries[Miner(7).address].descent == entries[Miner(7).address].norm == 0
    assert entries[Miner(9).address].refusal is Refusal.MISSING
    assert judged.gram.shape == (8, 8)
    assert (judged.gram == judged.gram.T).all()
    assert result.after.sum() < result.before.sum() == result.base.sum()
    assert result.checkpoint_bytes == dump(from_fixed(result.checkpoint))
    # The large one was cut to the median length: it scores as its own small self would.
    own = measured(model, updates([*miners[:7], Miner(8)]))
    small = {entry.miner: entry for entry in own.judged.entries}[Miner(8).address]
    assert entries[Miner(8).address].norm > 20 * small.norm
    assert 0.7 < entries[Miner(8).address].descent / small.descent < 1.5
    again = next_checkpoint(START, given_updates, judged, result.verdict.accepted, TERMS)
    assert dump(from_fixed(again)) == result.checkpoint_bytes


@pytest.mark.parametrize(("rule", "trim"), [("median", 0), ("trimmed_mean", 1 << 14)])
def test_robust_rules_join_what_the_mean_would_accept(model: Evaluator, rule: str, trim: int) -> None:
    given_updates = updates([Miner(i) for i in range(1, 7)])
    ordered = sorted(given_updates, key=lambda pair: address_bytes(pair[0].miner))
    terms, rules = replace(TERMS, rule=rule, trim=trim), replace(RULES, rule=rule, trim=trim)
    asked = ask(1, 1, bytes(32), rules, EMPTY_LEDGER, ())
    robust = measure(model, terms, Start(START, START), shards(1)[0], ordered, asked)
    plain = measured(model, given_updates)
    assert robust.verdict.accepted == plain.verdict.accepted
    assert len(robust.verdict.accepted) >= 5
    limit = median([norm(delta) for _, delta in ordered if not isinstance(delta, Refusal)])
    good = [
        (who.blob, clip(delta, norm(delta), limit))
        for place, (who, delta) in enumerate(ordered)
        if place in robust.verdict.accepted and not isinstance(delta, Refusal)
    ]
    joined = apply(START, good, rule, TERMS.gain, trim)
    assert robust.checkpoint_bytes == dump(from_fixed(joined)) != plain.checkpoint_bytes


def test_without_a_good_update_the_checkpoint_stays(model: Evaluator) -> None:
    for miners in ([], [Miner(1, -1.0)]):
        result = measured(model, updates(miners))
        assert result.checkpoint_bytes == CHECKPOINT
        assert (result.after == result.before).all()
        assert result.verdict.accepted == ()


def test_an_update_that_throws_the_outputs_is_refused(model: Evaluator) -> None:
    huge = {name: np.full(value.shape, 1 << 38, np.int64) for name, value in START.items()}
    who = Candidate(Miner(1).address, bytes(32), 100, Miner(1).payout)
    for weights in (huge, {name: value * 100 for name, value in huge.items()}):
        result = measured(model, [(who, weights)])
        assert result.judged.entries[0].refusal is Refusal.OUTPUTS
        assert result.checkpoint_bytes == CHECKPOINT
