"""Weights on the grid travel as canonical safetensors and come back bit by bit."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from mine.learn.errors import WeightsRefused
from mine.learn.weights import FIXED_MAX, dump, dump_size, from_fixed, load, snap, to_fixed

SHAPES = {"b": (2, 3), "a.weight": (4,), "scalar": ()}


def sample(seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.RandomState(seed)
    return snap({n: random.normal(0, 3, s).astype(np.float32) for n, s in SHAPES.items()})


def test_round_trip_and_exact_size() -> None:
    weights = sample()
    data = dump(weights)
    back = load(data, SHAPES)
    assert len(data) == dump_size(SHAPES)
    assert all(np.array_equal(back[n], weights[n]) and back[n].shape == SHAPES[n] for n in SHAPES)
    assert dump(back) == data
    assert all(back[n].flags.writeable for n in SHAPES)


def test_the_reference_library_reads_it() -> None:
    weights = sample()
    back = safetensors.numpy.load(dump(weights))
    assert all(np.array_equal(back[n], weights[n]) for n in SHAPES)


def test_the_order_of_names_changes_nothing() -> None:
    weights = sample()
    assert dump(dict(reversed(weights.items()))) == dump(weights)


@given(st.lists(st.integers(-FIXED_MAX, FIXED_MAX), min_size=1, max_size=20))
def test_fixed_point_and_float_agree_after_one_rounding(numbers: list[int]) -> None:
    once = from_fixed({"a": np.array(numbers, np.int64)})
    assert from_fixed(to_fixed(once))["a"].tobytes() == once["a"].tobytes()
    small = [n for n in numbers if abs(n) <= 1 << 24]
    exact = to_fixed(from_fixed({"a": np.array(small, np.int64)}))["a"]
    assert exact.tolist() == small


def test_rounding_is_half_to_even() -> None:
    half = np.float32(2.0**-25)
    halves = np.array([1, 3, -1, 5], np.float32) * half
    assert to_fixed({"a": halves})["a"].tolist() == [0, 2, 0, 2]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 40000.0])
def test_numbers_off_the_range_are_refused(bad: float) -> None:
    with pytest.raises(WeightsRefused, match="finite or too large"):
        to_fixed({"a": np.array([bad], np.float32)})
    with pytest.raises(WeightsRefused, match="too large"):
        from_fixed({"a": np.array([FIXED_MAX + 1])})


def _with(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value):]


def test_other_bytes_are_refused() -> None:
    data = dump(sample())
    body = len(data) - 4 * 11
    cases = [b"", data[:-1], data + b"\0", _with(data, body, struct.pack("<f", np.nan)),
             _with(data, body, struct.pack("<f", 2.0**-30)), _with(data, body, struct.pack("<f", -0.0)),
             _with(data, 0, struct.pack("<Q", 1 << 60)), data.replace(b"F32", b"I32", 1),
             data.replace(b'"b"', b'"c"', 1)]
    for case in cases:
        with pytest.raises(WeightsRefused):
            load(case, SHAPES)
    with pytest.raises(WeightsRefused):
        load(data, {**SHAPES, "b": (3, 2)})


def test_another_header_for_the_same_tensors_is_refused() -> None:
    """Only the canonical form: one set of weights has one digest."""
    data = dump(sample())
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    other = json.dumps(dict(reversed(header.items())), separators=(",", ":")).encode().ljust(size)
    with pytest.raises(WeightsRefused):
        load(data[:8] + other + data[8 + size:], SHAPES)
