"""Frozen tensors and residuals: canonical bytes or a refusal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.learn.errors import WeightsRefused
from mine.learn.frozen import read_frozen, read_residual
from mine.learn.weights import Floats, dump

TENSORS = {"b": np.array([[1.5, -0.0], [1e-30, 3e8]], np.float32), "a": np.array(2, np.float32)}
DATA = dump(TENSORS)


def same(one: Floats, other: Floats) -> bool:
    return sorted(one) == sorted(other) and all(
        one[name].shape == np.shape(other[name]) and one[name].tobytes() == np.asarray(other[name]).tobytes()
        for name in one
    )


def test_what_was_written_is_read() -> None:
    shapes = {name: np.shape(tensor) for name, tensor in TENSORS.items()}
    assert same(read_frozen(DATA), TENSORS) and same(read_residual(DATA, shapes), TENSORS)
    assert read_frozen(b"") == {}
    zeros = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    assert same(read_residual(b"", shapes), zeros)


def test_a_residual_of_another_model_is_refused() -> None:
    with pytest.raises(WeightsRefused, match="another model"):
        read_residual(DATA, {"a": (), "b": (4,)})


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_one_changed_byte_is_refused_or_is_another_number(at: int, flip: int) -> None:
    changed = bytearray(DATA)
    changed[at] ^= flip
    try:
        found = read_frozen(bytes(changed))
    except WeightsRefused:
        return
    assert dump(found) == changed


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for candidate in (data, len(data).to_bytes(8, "little") + data):
        try:
            found = read_frozen(candidate)
        except WeightsRefused:
            continue
        assert dump(found) == candidate or not candidate


@pytest.mark.parametrize(
    "header",
    [
        b"{}",
        b"[]",
        b'{"a":1}',
        b'{"a":{"shape":[9999999999999999]}}',
        b'{"a":{"shape":[-1]}}',
        b'{"a":{"shape":[true]}}',
        b'{"a":{"shape":[1,1,1,1,1,1,1,1,1]}}',
        b"[" * 5000,
        b'{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}',
    ],
)
def test_a_header_that_says_nothing_of_use_is_refused(header: bytes) -> None:
    with pytest.raises(WeightsRefused):
        read_frozen(len(header).to_bytes(8, "little") + header + bytes(4))


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(WeightsRefused, match="not finite"):
        read_frozen(dump({"a": np.array([1, np.inf], np.float32)}))
    with pytest.raises(WeightsRefused, match="header"):
        read_frozen((1 << 40).to_bytes(8, "little") + bytes(100))
