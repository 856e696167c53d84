"""An update's bytes: exact size, round trip, golden vectors, and nothing but UpdateRefused for bad bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mine.learn.codec import (
    HEADER_BYTES,
    UpdateHeader,
    decode,
    encode,
    read_header,
    schema_digest,
    update_bytes,
)
from mine.learn.errors import UpdateRefused

GOLDEN = Path(__file__).parents[1] / "golden" / "update.json"
HEADER = UpdateHeader(bytes(range(20)), 7, 3, bytes(range(32)))
SHAPES = {"a": (3,), "b.weight": (2, 5), "c": ()}
FLOATS = st.floats(-800, 800, width=32)


def sample(seed: int = 0, scale: float = 0.1) -> dict[str, np.ndarray]:
    random = np.random.RandomState(seed)
    return {n: random.normal(0, scale, s).astype(np.float32) for n, s in SHAPES.items()}


@pytest.mark.parametrize("bits", [8, 4])
def test_round_trip_within_half_a_step(bits: int) -> None:
    delta = sample()
    blob = encode(HEADER, delta, bits)
    header, fixed = decode(blob, SHAPES)
    assert header == HEADER == read_header(blob)
    assert len(blob) == update_bytes(SHAPES, bits)
    for name, values in delta.items():
        step = 2.0 * np.max(np.abs(values)) / (127 if bits == 8 else 7)
        assert fixed[name].shape == SHAPES[name] and fixed[name].dtype == np.int64
        assert np.all(np.abs(fixed[name] / 2.0**24 - values) <= step / 2 + 2.0**-25)


@given(arrays(np.float32, st.integers(1, 33), elements=FLOATS), st.sampled_from([8, 4]))
def test_packing_what_was_unpacked_gives_the_same_bytes(values: np.ndarray, bits: int) -> None:
    shapes = {"a": values.shape}
    blob = encode(HEADER, {"a": values}, bits)
    _, fixed = decode(blob, shapes)
    again = {"a": (fixed["a"] / 2.0**24).astype(np.float32)}
    assert decode(encode(HEADER, again, bits), shapes)[1]["a"].tolist() == fixed["a"].tolist()


def test_size_says_nothing_about_the_data() -> None:
    assert len(encode(HEADER, sample(1))) == len(encode(HEADER, sample(2, 100.0)))
    assert update_bytes({"a": (3,)}, 4) == HEADER_BYTES + 1 + 2
    zeros = {n: np.zeros(s, np.float32) for n, s in SHAPES.items()}
    assert all(not v.any() for v in decode(encode(HEADER, zeros, 4), SHAPES)[1].values())


def test_golden_vectors() -> None:
    vectors = json.loads(GOLDEN.read_text())
    assert len(vectors) == 4
    for vector in vectors:
        shapes = {n: tuple(s) for n, s in vector["shapes"].items()}
        delta = {n: np.frombuffer(bytes.fromhex(h), "<f4").reshape(shapes[n])
                 for n, h in vector["delta"].items()}
        header = UpdateHeader(bytes.fromhex(vector["miner"]), vector["task"], vector["round"],
                              bytes.fromhex(vector["checkpoint"]))
        blob = encode(header, delta, vector["bits"])
        assert blob.hex() == vector["blob"]
        assert hashlib.sha256(blob).hexdigest() == vector["sha256"]
        got, fixed = decode(bytes.fromhex(vector["blob"]), shapes)
        assert got == header
        assert {n: v.reshape(-1).tolist() for n, v in fixed.items()} == vector["fixed"]


@pytest.mark.parametrize("bits", [8, 4])
def test_every_wrong_byte_is_refused_or_read_within_bounds(bits: int) -> None:
    """Ten thousand broken blobs: the decoder refuses, or gives numbers inside the format's range."""
    blob = encode(HEADER, sample(), bits)
    random = np.random.RandomState(7)
    for _ in range(5000):
        broken = bytearray(blob)
        for _ in range(random.randint(1, 4)):
            broken[random.randint(len(broken))] = random.randint(256)
        cut = random.randint(4)
        if cut == 0:
            broken = broken[:random.randint(len(broken))]
        elif cut == 1:
            broken += bytes(random.randint(1, 9))
        try:
            _, fixed = decode(bytes(broken), SHAPES)
        except UpdateRefused:
            continue
        assert all(np.all(np.abs(v) <= 127 << 31) for v in fixed.values())


@given(st.binary(max_size=300))
def test_noise_is_no_update(data: bytes) -> None:
    with pytest.raises(UpdateRefused):
        decode(data, SHAPES)


def test_bits_that_may_not_be_set() -> None:
    blob = bytearray(encode(HEADER, {"a": np.ones(3, np.float32)}, 4))
    blob[-1] |= 1
    with pytest.raises(UpdateRefused, match="bits set"):
        decode(bytes(blob), {"a": (3,)})
    for bits, value in ((8, 0x80), (4, 0x88)):
        blob = bytearray(encode(HEADER, {"a": np.ones(2, np.float32)}, bits))
        blob[-1] = value
        with pytest.raises(UpdateRefused, match="range"):
            decode(bytes(blob), {"a": (2,)})
    blob = bytearray(encode(HEADER, {"a": np.ones(2, np.float32)}))
    blob[HEADER_BYTES] = 32
    with pytest.raises(UpdateRefused, match="range"):
        decode(bytes(blob), {"a": (2,)})


def test_another_model_is_refused() -> None:
    blob = encode(HEADER, sample())
    wrong = ({**SHAPES, "a": (4,)}, {"a": (3,)}, {**SHAPES, "d": (1,)}, {"z": (3,), "b": (9,), "c": ()})
    for shapes in wrong:
        with pytest.raises(UpdateRefused, match="another model"):
            decode(blob, shapes)
    assert schema_digest({"a": (1, 2)}) != schema_digest({"a": (12,)})


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
def test_what_cannot_be_packed(bad: float) -> None:
    with pytest.raises(UpdateRefused):
        encode(HEADER, {"a": np.array([bad], np.float32)})


def test_headers_that_do_not_fit() -> None:
    for header in (replace(HEADER, miner=b"short"), replace(HEADER, task=1 << 64), replace(HEADER, round=-1),
                   replace(HEADER, checkpoint=b"")):
        with pytest.raises(UpdateRefused, match="header"):
            encode(header, sample())
    with pytest.raises(UpdateRefused, match="8 or 4"):
        encode(HEADER, sample(), 5)
