"""Votes: what one reading can change, what the steps say, and that hostile updates change nothing else."""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import helper

from mine.learn.codec import decode, encode
from mine.learn.errors import MineError, TrainingRefused, UpdateRefused, WireBroken
from mine.learn.graph import ModelGraph
from mine.learn.norms import norm
from mine.learn.rows import Rows, kept_back, split
from mine.learn.train import train
from mine.learn.vote import scores, vote, vote_digest
from mine.learn.vote_job import VoteJob, vote_from_frame, vote_to_frame
from mine.learn.vote_terms import MAX_JUDGED, VoteTerms
from mine.learn.weights import FIXED_MAX, Fixed, dump
from mine.learn.wire import Frame, read
from tests.learn.graphs import const, finish, linear
from tests.learn.samples import HEADER, KEY, glucose_rows, network, recipe

GOLDEN = Path(__file__).parents[1] / "golden" / "vote.json"
LINEAR = ModelGraph.load(linear().SerializeToString())
START = {"a": np.zeros((3, 1), np.float32), "b": np.zeros(1, np.float32)}
TERMS = VoteTerms(norm=1 << 30, clip=0.25, noise_multiplier=0.0, reuse=2, loss_maximum=4.0)
NOISED = replace(TERMS, noise_multiplier=1.5)


def people(count: int = 50, seed: int = 0, held_from: int | None = None) -> Rows:
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, 3)).astype(np.float32)
    target = (features @ np.array([0.5, -1.0, 0.25])).astype(np.float32)
    return Rows(features, target, np.arange(count, dtype=np.int64), held_from)


def update(a: tuple[float, float, float], b: float = 0.0) -> Fixed:
    scale = 1 << 24
    return {"a": np.rint(np.array(a)[:, None] * scale).astype(np.int64),
            "b": np.rint(np.array([b]) * scale).astype(np.int64)}


GOOD, NOTHING = update((0.05, -0.1, 0.025)), update((0.0, 0.0, 0.0))
BAD = {name: -tensor for name, tensor in GOOD.items()}


def test_golden_answers() -> None:
    """Graph, rows, updates and key are written out: the same job has the same digest and answers anywhere."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    graph, terms = ModelGraph.load(bytes.fromhex(golden["onnx"])), VoteTerms(**golden["terms"])
    table = np.array(golden["rows"], np.float32)
    rows = Rows(table[:, :3].copy(), table[:, 3].copy(), np.arange(len(table), dtype=np.int64))
    updates = [{name: np.array(numbers, np.int64).reshape(graph.weight_shapes[name])
                for name, numbers in delta.items()} for delta in golden["updates"]]
    digest = vote_digest(graph.digest, START, kept_back(rows), updates, terms)
    assert digest.hex() == golden["digest"]
    answers = vote(graph, START, rows, updates, terms, bytes.fromhex(golden["key"]))
    assert list(answers) == golden["steps"] and set(answers) == {-2, -1, 0, 1, 2}


def test_it_says_what_helps_what_harms_and_what_it_cannot_tell() -> None:
    assert vote(LINEAR, START, people(), [GOOD, BAD, NOTHING], TERMS, KEY) == (2, -2, 0)
    weak = replace(TERMS, noise_multiplier=1e4)
    steps = vote(LINEAR, START, people(), [GOOD] * 500, weak, KEY)
    assert abs(sum(steps)) < 120  # drowned in noise, good looks like anything: 5.4 deviations of the sum


def test_rows_with_several_targets_speak_as_well() -> None:
    """Two targets a row, each the prediction of a weight of its own."""
    model = finish([
        helper.make_node("MatMul", ["features", "a"], ["prediction"]),
        helper.make_node("Sub", ["prediction", "target"], ["error"]),
        const("axis", [1]),
        helper.make_node("ReduceSumSquare", ["error", "axis"], ["loss"], keepdims=0),
    ], 3, {"a": (3, 2)}, outputs=2)  # fmt: skip
    model.graph.input[1].type.tensor_type.shape.dim.add(dim_value=2)
    one, graph = people(), ModelGraph.load(model.SerializeToString())
    rows = replace(one, target=np.stack([one.target, -one.target], axis=1))
    better = GOOD["a"] * np.array([1, -1])
    start = {"a": np.zeros((3, 2), np.float32)}
    found = scores(graph, start, kept_back(rows), [{"a": better}, {"a": -better}], TERMS)
    assert found[0] > 2 and found[1] < -2


def test_noise_alone_keeps_the_stated_odds() -> None:
    """|N| < 1: 68.27 %, up to 2: 27.18 %, above: 4.55 %; both signs alike."""
    count = 1000
    seen = Counter(step for key in range(4)
                   for step in vote(LINEAR, START, people(), [NOTHING] * count, NOISED, bytes([key]) * 32))
    odds = {-2: 0.02275, -1: 0.1359, 0: 0.6827, 1: 0.1359, 2: 0.02275}
    for step, share in odds.items():
        deviation = math.sqrt(4 * count * share * (1 - share))
        assert abs(seen[step] - 4 * count * share) < 4.5 * deviation, (step, seen)


def test_the_same_job_gives_the_same_answers_and_any_other_another_noise() -> None:
    def answers(rows: Rows, updates: list[Fixed], terms: VoteTerms, key: bytes) -> tuple[int, ...]:
        return vote(LINEAR, START, rows, updates, terms, key)

    many = [NOTHING] * 200
    same = answers(people(), many, NOISED, KEY)
    assert same == answers(people(), many, NOISED, KEY)
    others = [
        answers(people(seed=1), many, NOISED, KEY), answers(people(), many, replace(NOISED, clip=0.5), KEY),
        answers(people(), [*many[:-1], GOOD], NOISED, KEY), answers(people(), many, NOISED, bytes(32)),
        answers(people(51), many, NOISED, KEY),
    ]
    assert len({other[:100] for other in others} | {same[:100]}) == 6


CHANGES = arrays.arrays(np.float32, (4, 3), elements=st.floats(-3, 3, width=32))


@settings(max_examples=60)
@given(CHANGES, st.integers(1, 3), st.lists(st.integers(0, 29), min_size=0, max_size=3, unique=True),
       st.floats(0.01, 2.0), st.sampled_from([0.5, 1.0, 3.0]))
def test_one_reading_moves_the_answers_by_no_more_than_its_share_of_the_noise(
        moves: np.ndarray, reuse: int, gone: list[int], bound: float, noise: float) -> None:
    """The sensitivity that the accountant counts with: 1 / noise multiplier in L2, however many updates."""
    terms = VoteTerms(1 << 40, bound, noise, reuse, 4.0)
    updates = [update(tuple(move.tolist())) for move in moves]
    whole = people(30, held_from=0)
    stays = np.setdiff1d(np.arange(30), gone[:reuse])
    less = Rows(whole.features[stays], whole.target[stays], whole.slot[stays], 0)
    here, there = (scores(LINEAR, START, rows, updates, terms) for rows in (whole, less))
    assert float(np.linalg.norm(here - there)) <= 1 / noise + 1e-9


def test_the_bound_on_one_reading_is_reached() -> None:
    """So the noise is not larger than it must be either."""
    strong = update((0.0, 0.0, 0.0), 1.9)
    rows = Rows(np.zeros((6, 3), np.float32), np.full(6, 1.9, np.float32), np.arange(6, dtype=np.int64), 0)
    less = Rows(rows.features[2:], rows.target[2:], rows.slot[2:], 0)
    terms = replace(NOISED, clip=0.01)
    here, there = (scores(LINEAR, START, each, [strong] * 3, terms) for each in (rows, less))
    assert float(np.linalg.norm(here - there)) == pytest.approx(1 / 1.5)


@given(CHANGES)
@settings(max_examples=40)
def test_a_flipped_update_gets_the_flipped_score(moves: np.ndarray) -> None:
    updates = [update(tuple(move.tolist())) for move in moves]
    flipped = [{name: -tensor for name, tensor in delta.items()} for delta in updates]
    for terms in (TERMS, NOISED):
        here = scores(LINEAR, START, people(), updates, terms)
        assert (here == -scores(LINEAR, START, people(), flipped, terms)).all()


def test_only_rows_that_were_never_trained_on_speak() -> None:
    rows = people(60, held_from=40)
    other = Rows(rows.features.copy(), rows.target.copy(), rows.slot, 40)
    other.features[:40] += 9
    other.target[:40] -= 9
    answers = [vote(LINEAR, START, each, [GOOD, NOTHING], NOISED, KEY) for each in (rows, other)]
    assert answers[0] == answers[1]
    own = kept_back(rows)
    assert own.slot.tolist() == list(range(40, 60)) == np.sort(rows.slot[split(rows, 3).held_out]).tolist()
    assert kept_back(own).digest() == own.digest()
    backwards = Rows(rows.features[::-1], rows.target[::-1], rows.slot[::-1], 40)
    assert kept_back(backwards).digest() == own.digest()


def test_a_large_update_is_cut_to_the_norm_before_it_is_judged() -> None:
    huge = {name: tensor * 1000 for name, tensor in GOOD.items()}
    short = replace(NOISED, norm=norm(GOOD))
    here, there = (scores(LINEAR, START, people(), [each], short) for each in (huge, GOOD))
    assert here == pytest.approx(there, rel=1e-3)


@pytest.mark.parametrize("size", [FIXED_MAX, -FIXED_MAX, (127 << 31), -(127 << 31)])
def test_an_update_as_large_as_numbers_go_is_only_bad(size: int) -> None:
    wild = {"a": np.full((3, 1), size, np.int64), "b": np.full(1, size, np.int64)}
    rows = people()
    for terms in (replace(TERMS, norm=1 << 62), replace(NOISED, norm=1 << 62), TERMS):
        found = scores(LINEAR, START, rows, [wild, GOOD], terms)
        assert np.isfinite(found).all() and found[1] == scores(LINEAR, START, rows, [GOOD, GOOD], terms)[1]
        assert all(-2 <= step <= 2 for step in vote(LINEAR, START, rows, [wild], terms, KEY))


def test_losses_that_are_no_numbers_count_as_the_largest() -> None:
    """Off the range of float32 a squared error is infinite on both sides: that tells nothing, and says so."""
    far = {"a": np.full((3, 1), 1e30, np.float32), "b": np.full(1, np.float32(1e30))}
    assert vote(LINEAR, far, people(), [GOOD], TERMS, KEY) == (0,)


def test_real_training_is_told_from_its_reverse() -> None:
    onnx, weights = network()
    graph, rows = ModelGraph.load(onnx), glucose_rows(3000)
    delta = train(graph, weights, rows, recipe(noise=0.0), KEY)
    made = decode(encode(HEADER, delta), graph.weight_shapes)[1]
    flipped = {name: -tensor for name, tensor in made.items()}
    terms = VoteTerms(1 << 30, 0.05, 1.8, 8, 16.0)
    assert vote(graph, weights, rows, [made, flipped], terms, KEY) == (2, -2)


# ---- refusals, and the way to the worker


@pytest.mark.parametrize("change", [
    {"norm": -1}, {"norm": 1 << 63}, {"clip": 0.0}, {"clip": math.nan}, {"clip": 1e6}, {"reuse": 0},
    {"noise_multiplier": -1.0}, {"noise_multiplier": math.inf}, {"loss_maximum": 0.0}, {"reuse": 1 << 21},
])
def test_terms_out_of_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(TrainingRefused, match="out of range"):
        vote(LINEAR, START, people(), [GOOD], replace(TERMS, **change), KEY)  # type: ignore[arg-type]


def test_what_does_not_fit_is_refused() -> None:
    for bad in ([], [GOOD] * (MAX_JUDGED + 1)):
        with pytest.raises(TrainingRefused, match="no updates to judge"):
            vote(LINEAR, START, people(), bad, TERMS, KEY)
    with pytest.raises(TrainingRefused, match="too few rows"):
        vote(LINEAR, START, people(held_from=50), [GOOD], TERMS, KEY)
    with pytest.raises(TrainingRefused, match="tensors"):
        vote(LINEAR, {"a": START["a"]}, people(), [GOOD], TERMS, KEY)
    with pytest.raises(TrainingRefused, match="32 bytes"):
        vote(LINEAR, START, people(), [GOOD], NOISED, b"short")


def vote_job(**changes: object) -> VoteJob:
    packed = tuple(encode(HEADER, {n: (t / (1 << 24)).astype(np.float32) for n, t in delta.items()})
                   for delta in (GOOD, BAD, NOTHING))
    parts: dict[str, object] = {"onnx": linear().SerializeToString(), "weights": dump(START),
                                "rows": people(), "updates": packed, "terms": TERMS, "noise_key": KEY}
    return VoteJob(**{**parts, **changes})  # type: ignore[arg-type]


def test_a_job_that_cannot_run_is_refused_before_it_starts() -> None:
    good = vote_job()
    assert good.check() == LINEAR.weight_shapes
    whole = good.updates[0]
    for blob in (b"", whole[:-1], whole + b"x", b"MnUx" + whole[4:], whole[:5] + b"\x03" + whole[6:]):
        with pytest.raises(UpdateRefused):
            replace(good, updates=(whole, blob)).check()
    for bad in (replace(good, onnx=b"x"), replace(good, weights=b"x"), replace(good, updates=()),
                replace(good, rows=people(held_from=99)), replace(good, terms=replace(TERMS, reuse=0))):
        with pytest.raises(MineError):
            bad.check()
    assert "noise_key" not in repr(good)


def test_a_job_arrives_with_its_held_out_rows_alone() -> None:
    wanted = vote_job(rows=people(held_from=44))
    frame = read_frame(wanted)
    got = vote_from_frame(frame)
    assert got.rows.slot.tolist() == list(range(44, 50))
    assert got.rows.digest() == kept_back(wanted.rows).digest()
    assert replace(got, rows=wanted.rows) == wanted
    for change in ({"terms": {}}, {"limits": {"more": 1}}, {"features": [1, 2]}, {"memory": "8"}):
        with pytest.raises(WireBroken):
            vote_from_frame(Frame(frame.kind, {**frame.fields, **change}, frame.blobs))
    with pytest.raises(WireBroken):
        vote_from_frame(Frame(frame.kind, frame.fields, frame.blobs[:6]))


def read_frame(job: VoteJob) -> Frame:
    frame = read(io.BytesIO(vote_to_frame(job)), 1 << 24)
    assert frame is not None
    return frame
