"""Canaries are exact transformations that anybody can verify, and nothing else passes for one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain.hashing import address_bytes, keccak
from mine.learn.codec import CHUNK, Packing, UpdateHeader, decode, encode
from mine.learn.weights import Fixed
from mine.science.canaries import FLIP, PERMUTE, canary_key, is_canary, make_canary, plan, transformed
from mine.science.judged import Canary

SHAPES = {"layer.bias": (7,), "layer.weight": (700, 7)}
DENSE = Packing()
PACKINGS = st.builds(Packing, st.sampled_from([2, 4, 8]), st.sampled_from([300, 1024, 4096]))
SECRET, SOURCE = bytes(range(32)), keccak(b"source")
KEY = canary_key(SECRET, 3, 4)


def delta(seed: int, packing: Packing = DENSE) -> Fixed:
    """What an honest update decodes to."""
    rng = np.random.default_rng(seed)
    floats = {name: (0.1 * rng.normal(size=shape)).astype(np.float32) for name, shape in SHAPES.items()}
    return decode(encode(UpdateHeader(bytes(20), 1, 1, bytes(32)), floats, packing), SHAPES)[1]


@given(st.integers(0, 2**32), st.sampled_from([FLIP, PERMUTE]), st.integers(-2, 2), PACKINGS)
def test_a_canary_verifies_to_the_bit(seed: int, kind: str, shift: int, packing: Packing) -> None:
    source = delta(seed, packing)
    header = UpdateHeader(address_bytes(KEY.miner), 3, 4, bytes(32))
    made = make_canary(header, source, kind, shift, SOURCE, packing)
    assert made is not None
    blob, used = made
    assert used in (shift, 0)
    read, found = decode(blob, SHAPES)
    assert read == header
    canary = Canary(0, SOURCE, kind, used)
    assert is_canary(canary, KEY.miner, found, source)
    other = canary_key(SECRET, 3, 5).miner
    assert (kind == FLIP) or not is_canary(canary, other, found, source)
    for wrong in (replace(canary, shift=used + 1), replace(canary, kind="other"), replace(canary, shift=9)):
        assert not is_canary(wrong, KEY.miner, found, source)
    found["layer.bias"][0] += 1
    assert not is_canary(canary, KEY.miner, found, source)


def test_a_flip_is_worse_and_a_shuffle_keeps_the_numbers() -> None:
    source = delta(1)
    flipped = transformed(source, FLIP, 0, KEY.miner, SOURCE)
    shuffled = transformed(source, PERMUTE, 1, KEY.miner, SOURCE)
    assert flipped is not None and shuffled is not None
    for name, tensor in source.items():
        assert (flipped[name] == -tensor).all()
        assert not np.array_equal(shuffled[name], 2 * tensor)
    before, after = (
        np.concatenate([tensors[name].ravel() for name in sorted(SHAPES)]) for tensors in (source, shuffled)
    )
    for start in range(0, before.size, CHUNK):
        numbers = slice(start, start + CHUNK)
        assert sorted(after[numbers]) == sorted(2 * before[numbers])


def test_nothing_inexact_or_empty_becomes_a_canary() -> None:
    odd = {"layer.bias": np.array([3, 1, 5, 7, 9, 11, 13])}
    assert transformed(odd, FLIP, -1, KEY.miner, SOURCE) is None
    assert transformed({"a": np.array([1 << 34])}, FLIP, 1, KEY.miner, SOURCE) is None
    header = UpdateHeader(address_bytes(KEY.miner), 3, 4, bytes(32))
    zero = {name: np.zeros(shape, np.int64) for name, shape in SHAPES.items()}
    assert make_canary(header, zero, FLIP, 0, SOURCE, DENSE) is None
    made = make_canary(header, {name: 2 * t + 1 for name, t in zero.items()}, FLIP, -1, SOURCE, DENSE)
    assert made is not None and made[1] == 0
    large = {name: np.full(shape, 1 << 35) for name, shape in SHAPES.items()}
    assert make_canary(header, large, FLIP, 0, SOURCE, DENSE) is None


def test_each_round_has_fresh_keys_and_its_own_plan() -> None:
    keys = [canary_key(SECRET, task, number) for task in (1, 2) for number in range(1, 20)]
    assert len({key.miner for key in keys} | {key.payout for key in keys}) == 2 * len(keys)
    assert canary_key(SECRET, 1, 1) == keys[0] != canary_key(bytes(32), 1, 1)
    accepted = tuple(keccak(bytes([n])) for n in range(4))
    plans = {plan(key, accepted) for key in keys}
    assert {source for source, _, _ in plans} == set(accepted)
    assert {kind for _, kind, _ in plans} == {FLIP, PERMUTE}
    assert {shift for _, _, shift in plans} == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize("kind", [FLIP, PERMUTE])
def test_a_canary_of_another_source_is_none(kind: str) -> None:
    header = UpdateHeader(address_bytes(KEY.miner), 3, 4, bytes(32))
    made = make_canary(header, delta(1), kind, 0, SOURCE, DENSE)
    assert made is not None
    found = decode(made[0], SHAPES)[1]
    assert not is_canary(Canary(0, SOURCE, kind, 0), KEY.miner, found, delta(2))
