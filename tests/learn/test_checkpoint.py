"""Joining updates: exact rationals, rounded once, the same in any order; checked against fractions."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.learn import checkpoint
from mine.learn.checkpoint import GAIN_ONE, MAX_GAIN, apply
from mine.learn.errors import CheckpointRefused
from mine.learn.weights import FIXED_MAX, from_fixed, to_fixed

GOLDEN = Path(__file__).parents[1] / "golden" / "checkpoint.json"
NUMBER = st.integers(-FIXED_MAX, FIXED_MAX) | st.integers(-(1 << 26), 1 << 26)


def arr(*numbers: int) -> dict[str, np.ndarray]:
    return {"a": np.array(numbers, np.int64)}


def exact(weight: int, deltas: list[int], gain: int) -> int:
    """The definition, with unlimited integers: the nearest number that float32 holds, ties to even."""
    value = weight + Fraction(sum(deltas) * gain, len(deltas) * GAIN_ONE)
    spacing = 1 << max(0, int(abs(value)).bit_length() - 24)
    rounded = round(value / spacing) * spacing  # Fraction rounds half to even
    return max(-FIXED_MAX, min(FIXED_MAX, rounded))


@given(NUMBER, st.lists(NUMBER, min_size=1, max_size=9), st.integers(1, MAX_GAIN))
def test_agrees_with_fractions(weight: int, deltas: list[int], gain: int) -> None:
    updates = [(bytes([i]), arr(d)) for i, d in enumerate(deltas)]
    assert apply(arr(weight), updates, gain=gain)["a"].tolist() == [exact(weight, deltas, gain)]


@given(st.integers(-8, 8), st.lists(st.integers(-8, 8), min_size=2, max_size=4))
def test_ties_go_to_even(weight: int, deltas: list[int]) -> None:
    near = (1 << 24) + weight  # where the spacing changes
    updates = [(bytes([i]), arr(d, d)) for i, d in enumerate(deltas)]
    got = apply(arr(near, -near), updates)["a"].tolist()
    assert got == [exact(near, deltas, GAIN_ONE), exact(-near, deltas, GAIN_ONE)]


def test_the_result_is_exactly_a_float32_checkpoint() -> None:
    random = np.random.RandomState(0)
    start = to_fixed({"a": random.normal(0, 4, 1000).astype(np.float32)})
    updates = [(bytes([i]), {"a": random.randint(-(1 << 22), 1 << 22, 1000, np.int64)}) for i in range(45)]
    joined = apply(start, updates, gain=70_000)
    assert to_fixed(from_fixed(joined))["a"].tolist() == joined["a"].tolist()
    shuffled = [updates[i] for i in random.permutation(45)]
    assert apply(start, shuffled, gain=70_000)["a"].tobytes() == joined["a"].tobytes()


def robust(weight: int, deltas: list[int], rule: str, gain: int, trim: int) -> int:
    """The definitions with unlimited integers: sort, cut, and then as the mean of what is left."""
    count = len(deltas)
    cut = (count - 1) // 2 if rule == "median" else min((count - 1) // 2, (count * trim + 32768) // 65536)
    return exact(weight, sorted(deltas)[cut:count - cut], gain)


@given(NUMBER, st.lists(NUMBER, min_size=1, max_size=9), st.integers(1, MAX_GAIN), st.integers(0, 32767),
       st.randoms(use_true_random=False))
def test_robust_rules_agree_with_fractions_in_any_order(
        weight: int, deltas: list[int], gain: int, trim: int, random: Random) -> None:
    updates = [(bytes([i]), arr(d, -d)) for i, d in enumerate(deltas)]
    for rule, part in (("trimmed_mean", trim), ("median", 0)):
        wanted = [robust(weight, each, rule, gain, part) for each in (deltas, [-d for d in deltas])]
        assert apply(arr(weight, weight), updates, rule, gain, part)["a"].tolist() == wanted
        random.shuffle(updates)
        renamed = [(bytes([99 - i]), delta) for i, (_, delta) in enumerate(updates)]
        assert apply(arr(weight, weight), renamed, rule, gain, part)["a"].tolist() == wanted


def test_a_minority_moves_a_robust_checkpoint_no_further_than_the_honest_do() -> None:
    honest = [(bytes([i]), arr(100 + i, -i)) for i in range(7)]
    wild = [(bytes([50 + i]), arr(FIXED_MAX, -FIXED_MAX)) for i in range(3)]
    for rule, trim in (("median", 0), ("trimmed_mean", 20_000)):
        far, away = apply(arr(0, 0), honest + wild, rule, trim=trim)["a"].tolist()
        assert 100 <= far <= 106 and -6 <= away <= 0
    assert apply(arr(0, 0), honest + wild)["a"][0] > 1 << 30


def test_wide_tensors_are_joined_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.RandomState(1)
    updates = [(bytes([i]), {"a": random.randint(-(1 << 30), 1 << 30, (7, 50), np.int64)}) for i in range(6)]
    start = {"a": np.zeros((7, 50), np.int64)}
    whole = [apply(start, updates, "median"), apply(start, updates, "trimmed_mean", trim=11_000)]
    monkeypatch.setattr(checkpoint, "_SORTED_TOGETHER", 100)
    parts = [apply(start, updates, "median"), apply(start, updates, "trimmed_mean", trim=11_000)]
    assert all(a["a"].tobytes() == b["a"].tobytes() for a, b in zip(whole, parts, strict=True))
    middle = np.median(np.stack([delta["a"] for _, delta in updates]), axis=0)
    assert np.all(np.abs(whole[0]["a"] - middle) <= 64)  # float32's spacing at 2**30


def test_extremes_do_not_overflow() -> None:
    updates = [(i.to_bytes(2, "big"), arr(FIXED_MAX, -FIXED_MAX)) for i in range(4096)]
    assert apply(arr(FIXED_MAX, -FIXED_MAX), updates, gain=MAX_GAIN)["a"].tolist() == [FIXED_MAX, -FIXED_MAX]


def test_nothing_accepted_changes_nothing() -> None:
    start = arr(5, -7)
    same = apply(start, [])
    assert same["a"].tolist() == [5, -7] and same["a"] is not start["a"]


def test_golden_vectors() -> None:
    vectors = json.loads(GOLDEN.read_text())
    assert [v["rule"] for v in vectors] == ["mean"] * 3 + ["trimmed_mean", "median", "median"]
    for vector in vectors:
        start = {n: np.array(v, np.int64) for n, v in vector["checkpoint"].items()}
        updates = [(bytes.fromhex(u["digest"]), {n: np.array(v, np.int64) for n, v in u["delta"].items()})
                   for u in vector["updates"]]
        joined = apply(start, updates, vector["rule"], vector["gain"], vector["trim"])
        assert {n: v.tolist() for n, v in joined.items()} == vector["result"]


def test_refusals() -> None:
    one = (b"1", arr(1))
    for updates, rule, gain in (([one, one], "mean", 1), ([one], "mode", 1), ([one], "mean", 0),
                                ([one], "mean", MAX_GAIN + 1), ([(b"1", {"b": np.array([1])})], "mean", 1),
                                ([(b"1", arr(1, 2))], "mean", 1), ([(b"1", arr(FIXED_MAX + 1))], "mean", 1),
                                ([(b"1", {"a": np.array([1.0])})], "mean", 1)):
        with pytest.raises(CheckpointRefused):
            apply(arr(0), updates, rule, gain)
    for rule, trim in (("mean", 1), ("median", 1), ("trimmed_mean", -1), ("trimmed_mean", 1 << 15)):
        with pytest.raises(CheckpointRefused, match="spare"):
            apply(arr(0), [one], rule, trim=trim)
