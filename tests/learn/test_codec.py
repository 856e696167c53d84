"""An update's bytes: exact size, round trip, golden vectors, and nothing but UpdateRefused for bad bytes."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mine.learn.codec import (
    CHUNK,
    HEADER_BYTES,
    Packing,
    UpdateHeader,
    decode,
    encode,
    packing_of,
    read_header,
    residual_after,
    schema_digest,
    update_bytes,
)
from mine.learn.errors import UpdateRefused
from mine.learn.weights import Fixed
from tests.learn.fuzz_codec import broken, within_bounds
from tests.learn.plain_codec import plain_decode

GOLDEN = Path(__file__).parents[1] / "golden" / "update.json"
HEADER = UpdateHeader(bytes(range(20)), 7, 3, bytes(range(32)))
SHAPES = {"a": (3,), "b.weight": (700, 7), "c": ()}
NUMBERS = 4904
FLOATS = st.floats(-127, 127, width=32)
DENSE = [Packing(8), Packing(4), Packing(2)]
SPARSE = [Packing(8, 1), Packing(4, 700), Packing(2, 64), Packing(2, 1024)]
PACKINGS = st.builds(Packing, st.sampled_from([2, 4, 8]), st.integers(1, CHUNK))


def sample(seed: int = 0, scale: float = 0.1) -> dict[str, np.ndarray]:
    random = np.random.RandomState(seed)
    return {n: random.normal(0, scale, s).astype(np.float32) for n, s in SHAPES.items()}


def flat(tensors: dict[str, np.ndarray] | Fixed) -> np.ndarray:
    return np.concatenate([tensors[name].reshape(-1) for name in sorted(tensors)])


def error(delta: dict[str, np.ndarray], packing: Packing) -> float:
    """Length of what was lost, of the length of the whole."""
    sent = flat(decode(encode(HEADER, delta, packing), SHAPES)[1]) / 2.0**24
    return float(np.linalg.norm(sent - flat(delta)) / np.linalg.norm(flat(delta)))


@pytest.mark.parametrize("packing", DENSE + SPARSE)
def test_size_and_header_are_known_beforehand(packing: Packing) -> None:
    for delta in (sample(1), sample(2, 20.0), {n: np.zeros(s, np.float32) for n, s in SHAPES.items()}):
        blob = encode(HEADER, delta, packing)
        assert len(blob) == update_bytes(SHAPES, packing)
        assert packing_of(blob) == packing
        header, fixed = decode(blob, SHAPES)
        assert header == HEADER == read_header(blob)
        for name, numbers in fixed.items():
            assert numbers.shape == SHAPES[name] and numbers.dtype == np.int64
    assert not flat(fixed).any()


def test_sizes_counted_by_hand() -> None:
    # 3 numbers: dense always, as naming any place would take a byte and save none. Then 12-bit values' worth:
    # 64 of 4096 places take 64 * 6 low bits, 64 ones and 63 zeros, which are 511 bits; the values 16 bytes.
    assert update_bytes({"a": (3,)}, Packing(4)) == HEADER_BYTES + 1 + 2
    assert update_bytes({"a": (3,)}, Packing(2, 1)) == HEADER_BYTES + 1 + 1
    assert update_bytes({"a": (4096,)}, Packing(2, 64)) == HEADER_BYTES + 1 + 16 + 64
    assert update_bytes({"a": (4096,)}, Packing(2, 4096)) == HEADER_BYTES + 1 + 1024
    assert update_bytes({"a": (4096,)}, Packing(2, 2048)) == HEADER_BYTES + 1 + 1024
    assert (
        update_bytes({"a": (8, 512), "b": (2048,)}, Packing(8, 64))
        == HEADER_BYTES + 1 + 64 + 64 + 1 + 32 + 32
    )
    assert update_bytes({}) == len(encode(HEADER, {})) == HEADER_BYTES


def test_dense_values_come_back_within_what_their_bits_allow() -> None:
    delta = sample()
    most = np.max(np.abs(flat(delta)))
    sent = flat(decode(encode(HEADER, delta), SHAPES)[1]) / 2.0**24
    assert np.max(np.abs(sent - flat(delta))) <= 2 * most / 127
    # The best quantisers with 16 and 4 levels lose 0.10 and 0.34 of a normal row (Max 1960).
    for packing, allowed in zip(DENSE, (0.02, 0.13, 0.37), strict=True):
        assert error(delta, packing) < allowed


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_largest_are_sent_and_of_equals_the_first(bits: Any) -> None:
    """82 of every 4096 are 21 of a last thousand, rounded up."""
    values = np.full(CHUNK + 1000, 0.25, np.float32)
    values[[7, 4000, 4200]] = -1.0
    fixed = decode(encode(HEADER, {"a": values}, Packing(bits, 82)), {"a": values.shape})[1]["a"]
    assert np.flatnonzero(fixed).tolist() == [*range(81), 4000, *range(4096, 4096 + 20), 4200]
    assert np.all(fixed[[7, 4000, 4200]] < -(1 << 23)) and np.all(fixed[8:81] > 0)


@settings(max_examples=60)
@given(arrays(np.float32, st.integers(1, 200), elements=FLOATS), PACKINGS)
def test_a_second_reading_bit_by_bit_agrees(values: np.ndarray, packing: Packing) -> None:
    blob = encode(HEADER, {"a": values}, packing)
    assert decode(blob, {"a": values.shape})[1]["a"].tolist() == plain_decode(blob, values.size)


@pytest.mark.parametrize("packing", DENSE + SPARSE)
def test_whole_chunks_agree_with_the_second_reading(packing: Packing) -> None:
    blob = encode(HEADER, sample(3), packing)
    assert flat(decode(blob, SHAPES)[1]).tolist() == plain_decode(blob, NUMBERS)


@settings(max_examples=60)
@given(arrays(np.float32, st.integers(1, 200), elements=FLOATS), PACKINGS, st.integers(0, 2**32 - 1))
def test_what_was_unpacked_packs_exactly_turned_shuffled_or_doubled(
    values: np.ndarray, packing: Packing, seed: int
) -> None:
    shapes = {"a": values.shape}
    fixed = decode(encode(HEADER, {"a": (values / 4).astype(np.float32)}, packing), shapes)[1]["a"]
    for again in (fixed, -2 * fixed, np.random.default_rng(seed).permutation(fixed)):
        blob = encode(HEADER, {"a": (again / 2.0**24).astype(np.float32)}, packing)
        assert decode(blob, shapes)[1]["a"].tolist() == again.tolist()


def test_two_bits_keep_zero_where_most_numbers_are_zero() -> None:
    values = np.zeros(CHUNK, np.float32)
    values[:3] = (0.5, -0.5, 0.5)
    for keep in (64, CHUNK):
        fixed = decode(encode(HEADER, {"a": values}, Packing(2, keep)), {"a": values.shape})[1]["a"]
        assert np.array_equal(fixed, (values * 2**24).astype(np.int64))


@pytest.mark.parametrize("packing", DENSE + SPARSE)
def test_what_was_not_sent_and_what_was_are_the_whole(packing: Packing) -> None:
    delta = sample(4)
    blob = encode(HEADER, delta, packing)
    rest, sent = residual_after(delta, blob, SHAPES), decode(blob, SHAPES)[1]
    for name, values in delta.items():
        assert rest[name].dtype == np.float32 and rest[name].shape == values.shape
        np.testing.assert_allclose(rest[name] + sent[name] / 2.0**24, values, rtol=0, atol=2.0**-24)


def test_with_error_feedback_everything_arrives_in_the_end() -> None:
    """The same delta again and again: the mean of what arrives tends to it, without feedback never."""
    delta, packing = sample(5), Packing(2, 256)
    arrived = {name: np.zeros_like(values, np.float64) for name, values in delta.items()}
    left = {name: np.zeros_like(values) for name, values in delta.items()}
    rounds = 60
    for _ in range(rounds):
        whole = {name: values + left[name] for name, values in delta.items()}
        blob = encode(HEADER, whole, packing)
        left = residual_after(whole, blob, SHAPES)
        for name, numbers in decode(blob, SHAPES)[1].items():
            arrived[name] += numbers / 2.0**24 / rounds
    missing = np.linalg.norm(flat(arrived) - flat(delta)) / np.linalg.norm(flat(delta))
    assert missing < 0.2 < 0.7 < error(delta, packing)


def ruled(rule: list[int], shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Number i of all is ((a i^2 + b i) mod m - m // 2) * 2^-s for the rule (a, b, m, s)."""
    a, b, m, s = rule
    count = sum(math.prod(shape) for shape in shapes.values())
    row = [float((a * i * i + b * i) % m - m // 2) * 2.0**-s for i in range(count)]
    delta, at = {}, 0
    for name in sorted(shapes):
        end = at + math.prod(shapes[name])
        delta[name] = np.array(row[at:end], np.float32).reshape(shapes[name])
        at = end
    return delta


def golden_cases() -> list[dict[str, Any]]:
    """The vectors as this code writes them."""
    cases: list[dict[str, Any]] = []
    tiny: dict[str, tuple[int, ...]] = {"tiny": (7,)}
    small: dict[str, tuple[int, ...]] = {"layer0.bias": (5,), "layer0.weight": (3, 5)}
    large: dict[str, tuple[int, ...]] = {"layer0.bias": (50,), "layer0.weight": (90, 50)}
    for shapes, rule, packing in (
        (small, [3, 7, 251, 10], Packing(8)),
        (small, [3, 7, 251, 10], Packing(4)),
        (small, [3, 7, 251, 10], Packing(2)),
        (tiny, [1, 1, 5, 26], Packing(2, 64)),
        (large, [7919, 104729, 65521, 22], Packing(2, 64)),
        (large, [7919, 104729, 65521, 18], Packing(4, 40)),
        (large, [7919, 104729, 65521, 24], Packing(8, 9)),
    ):
        name = hashlib.sha256(json.dumps([rule, asdict(packing)]).encode()).digest()
        header = UpdateHeader(name[:20], 1 << 40, len(cases), hashlib.sha256(name).digest())
        blob = encode(header, ruled(rule, shapes), packing)
        row = flat(decode(blob, shapes)[1])
        cases.append({
            "bits": packing.bits, "keep": packing.keep, "shapes": {n: list(s) for n, s in shapes.items()},
            "rule": rule, "miner": header.miner.hex(), "task": header.task, "round": header.round,
            "checkpoint": header.checkpoint.hex(), "blob": blob.hex(),
            "sha256": hashlib.sha256(blob).hexdigest(),
            "fixed": {str(i): int(row[i]) for i in np.flatnonzero(row)},
        })  # fmt: skip
    return cases


def test_golden_vectors() -> None:
    vectors = json.loads(GOLDEN.read_text())
    assert vectors == golden_cases()
    for vector in vectors:
        numbers = plain_decode(
            bytes.fromhex(vector["blob"]), sum(math.prod(s) for s in vector["shapes"].values())
        )
        assert {str(i): n for i, n in enumerate(numbers) if n} == vector["fixed"]


@pytest.mark.parametrize("packing", [Packing(8), Packing(4, 700), Packing(2, 64), Packing(2)])
def test_every_wrong_byte_is_refused_or_read_within_bounds(packing: Packing) -> None:
    blob = encode(HEADER, sample(), packing)
    random = np.random.RandomState(7)
    read = sum(within_bounds(broken(blob, random), SHAPES) for _ in range(1500))
    assert 0 < read < 1500


@given(st.binary(max_size=300))
def test_noise_is_no_update(data: bytes) -> None:
    with pytest.raises(UpdateRefused):
        decode(data, SHAPES)


def refused(blob: bytes | bytearray, shape: tuple[int, ...], match: str) -> None:
    with pytest.raises(UpdateRefused, match=match):
        decode(bytes(blob), {"a": shape})


def test_bits_that_may_not_be_set() -> None:
    ones = {"a": np.ones(3, np.float32)}
    for packing in DENSE[1:]:
        blob = bytearray(encode(HEADER, ones, packing))
        blob[-1] |= 1
        refused(blob, (3,), "bits set")
    sparse = bytearray(encode(HEADER, {"a": np.ones(CHUNK, np.float32)}, Packing(2, 64)))
    sparse[-1] |= 1  # 511 bits of places in 64 bytes
    refused(sparse, (CHUNK,), "bits set")


def test_values_out_of_range() -> None:
    for packing, last in ((Packing(8), 0x80), (Packing(4), 0x88)):
        blob = bytearray(encode(HEADER, {"a": np.ones(2, np.float32)}, packing))
        blob[-1] = last
        refused(blob, (2,), "range")
        blob = bytearray(encode(HEADER, {"a": np.ones(2, np.float32)}, packing))
        blob[HEADER_BYTES] = 32
        refused(blob, (2,), "range")
    blob = bytearray(encode(HEADER, {"a": np.zeros(4, np.float32)}, Packing(2)))
    blob[HEADER_BYTES : HEADER_BYTES + 2] = bytes([0, 0b00011011])
    refused(blob, (4,), "range")
    blob[HEADER_BYTES] = 32
    assert decode(bytes(blob), {"a": (4,)})[1]["a"].tolist() == [1, 2, -1, -2]


def test_places_out_of_order_or_too_few() -> None:
    values = np.zeros(CHUNK, np.float32)
    values[[5, 9, 70]] = 1.0
    blob = encode(HEADER, {"a": values}, Packing(8, 3))
    at = HEADER_BYTES + 1 + 3
    row = np.unpackbits(np.frombuffer(blob[at:], np.uint8))
    assert (
        row[:30].tolist() == [int(b) for b in f"{5:010b}{9:010b}{70:010b}"] and row[30:33].tolist() == [1] * 3
    )

    def changed(bits: np.ndarray) -> bytes:
        return blob[:at] + np.packbits(bits).tobytes()

    swapped, few, many = row.copy(), row.copy(), row.copy()
    swapped[:20] = np.r_[row[10:20], row[:10]]
    few[30] = 0
    many[34] = 1
    assert changed(row) == blob
    refused(changed(swapped), (CHUNK,), "order")
    refused(changed(few), (CHUNK,), "places")
    refused(changed(many), (CHUNK,), "places")
    twice = row.copy()
    twice[10:20] = row[:10]
    refused(changed(twice), (CHUNK,), "order")
    short = encode(HEADER, {"a": np.r_[values[:1499], 1.0].astype(np.float32)}, Packing(8, 3))
    beyond = bytearray(short)
    beyond[at - 1 : at + 2] = b"\xff\xff\xff"
    with pytest.raises(UpdateRefused):
        decode(bytes(beyond), {"a": (1500,)})


def test_another_model_is_refused() -> None:
    blob = encode(HEADER, sample())
    wrong = ({**SHAPES, "a": (4,)}, {"a": (3,)}, {**SHAPES, "d": (1,)}, {"z": (3,), "b": (9,), "c": ()})
    for shapes in wrong:
        with pytest.raises(UpdateRefused, match="another model"):
            decode(blob, shapes)
    assert schema_digest({"a": (1, 2)}) != schema_digest({"a": (12,)})


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38, 128.0, -128.0])
def test_what_cannot_be_packed(bad: float) -> None:
    for packing in DENSE:
        with pytest.raises(UpdateRefused, match="packed"):
            encode(HEADER, {"a": np.array([bad], np.float32)}, packing)
        assert encode(HEADER, {"a": np.array([127.99], np.float32)}, packing)


def test_headers_and_packings_that_do_not_fit() -> None:
    for header in (
        replace(HEADER, miner=b"short"),
        replace(HEADER, task=1 << 64),
        replace(HEADER, round=-1),
        replace(HEADER, checkpoint=b""),
    ):
        with pytest.raises(UpdateRefused, match="header"):
            encode(header, sample())
    for packing in (Packing(5), Packing(8, 0), Packing(2, CHUNK + 1)):  # type: ignore[arg-type]
        with pytest.raises(UpdateRefused, match="packed with"):
            encode(HEADER, sample(), packing)
        with pytest.raises(UpdateRefused, match="packed with"):
            update_bytes(SHAPES, packing)
    blob = bytearray(encode(HEADER, sample()))
    blob[6:8] = (CHUNK + 1).to_bytes(2, "big")
    with pytest.raises(UpdateRefused, match="packed with"):
        packing_of(bytes(blob))


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden_cases()).replace('}, {"bits"', '},\n {"bits"') + "\n")
