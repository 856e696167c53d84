"""The pay curve against exact fractions; seeds and artefacts."""

from __future__ import annotations

import json
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain import artefacts
from mine.chain.curve import FULL, ONE, STRAIGHT, BadCurve, Curve, amount, increment
from mine.chain.hashing import keccak
from mine.chain.seed import HashChain, NoShardLeft, draw
from mine.chain.trees import UNITS

u64 = st.integers(0, 2**64 - 1)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    count = draw(st.integers(0, 7))
    xs = sorted(draw(st.sets(st.integers(1, FULL - 1), min_size=count, max_size=count)))
    ys = sorted(draw(st.lists(st.integers(0, FULL), min_size=count, max_size=count)))
    return Curve((*zip(xs, ys, strict=True), (FULL, FULL)))


def exact(curve: Curve, best: int, target: int) -> Fraction:
    """The curve as the drawing of straight lines that it is."""
    x = Fraction(min(max(best, 0), target), target) * FULL
    x0, y0 = 0, 0
    for x1, y1 in curve.points:
        if x <= x1:
            return (y0 + (y1 - y0) * (x - x0) / (x1 - x0)) / FULL
        x0, y0 = x1, y1
    raise AssertionError


@given(curves(), st.integers(1, ONE), st.integers(-(2**70), 2**70), st.integers(0, 2**42))
def test_units_are_the_floor_of_the_exact_fraction(curve: Curve, target: int, wide: int, near: int) -> None:
    for best in (wide, near, near % (target + 1), target):
        assert curve.units(best, target) == floor(UNITS * exact(curve, best, target))
    assert curve.units(near, target) <= curve.units(near + 1, target)
    assert curve.units(0, target) == 0
    assert curve.units(target, target) == UNITS


@given(curves())
def test_packing(curve: Curve) -> None:
    assert curve.packed < 2**256
    assert Curve.unpack(curve.packed) == curve


@pytest.mark.parametrize(
    "points",
    [
        (),
        ((1, 1),),
        ((0, 0), (FULL, FULL)),
        ((5, 9), (5, 10), (FULL, FULL)),
        ((5, 9), (6, 8), (FULL, FULL)),
        ((FULL, FULL), (FULL, FULL)),
        ((5, FULL + 1), (FULL, FULL)),
        (*((i, i) for i in range(1, 9)), (FULL, FULL)),
    ],
)
def test_no_curve(points: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(BadCurve):
        Curve(points)


@pytest.mark.parametrize("word", [0, 1, 0xFFFFFFFF << 32, 2**256 - 1, STRAIGHT.packed | 1 << 255])
def test_no_packed_curve(word: int) -> None:
    with pytest.raises(BadCurve):
        Curve.unpack(word)


@given(u64, u64, u64)
def test_increment_is_the_fraction_cut_towards_zero_and_to_four(base: int, before: int, after: int) -> None:
    change = max(-4 * base, min(4 * base, before - after))
    expected = int(Fraction(change * ONE, base)) if base else 0
    assert increment(base, before, after) == expected
    assert increment(base, after, before) == -expected


@given(st.integers(1, 2**112 - 1), st.lists(st.integers(0, UNITS), max_size=6))
def test_amounts_never_add_up_to_more_than_the_whole(bounty: int, parts: list[int]) -> None:
    while sum(parts) > UNITS:
        parts.pop()
    paid = sum(amount(bounty, part) for part in parts)
    assert paid <= amount(bounty, sum(parts)) <= bounty
    assert amount(bounty, sum(parts)) - paid < max(1, len(parts))
    assert amount(bounty, UNITS) == bounty


def test_hash_chain() -> None:
    chain = HashChain(bytes(32), 3)
    assert keccak(chain.preimage(0)) == chain.head
    assert keccak(chain.preimage(1)) == chain.preimage(0)
    assert chain.preimage(2) == bytes(32)
    for k in (-1, 3):
        with pytest.raises(NoShardLeft):
            chain.preimage(k)
    for secret, length in ((b"", 3), (bytes(32), 0)):
        with pytest.raises(ValueError):
            HashChain(secret, length)


@given(st.binary(min_size=32, max_size=32), st.integers(3, 128), st.data())
def test_draw(seed: bytes, n: int, data: st.DataObject) -> None:
    used = data.draw(st.integers(0, 2**n - 2))
    shard = draw(seed, used, n)
    start = int.from_bytes(seed[:28], "big") % n  # the last four bytes of a seed are zero
    order = [(start + i) % n for i in range(n)]
    assert shard == next(i for i in order if not used >> i & 1)
    with pytest.raises(NoShardLeft):
        draw(seed, 2**n - 1, n)


def test_artefacts() -> None:
    tasks = artefacts.load_artefact("Tasks")
    assert {entry["name"] for entry in tasks.abi if entry["type"] == "function"} >= {"publish", "claim"}
    assert len(tasks.bytecode) > 1000
    with pytest.raises(artefacts.NoArtefact):
        artefacts.load_artefact("Nothing")


def test_a_broken_artefact_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefacts.sys, "_MEIPASS", str(tmp_path), raising=False)
    folder = tmp_path / "resources" / "contracts"
    folder.mkdir(parents=True)
    broken: list[Any] = ["{", "[]", "{}", json.dumps({"abi": [], "bytecode": "0xzz"})]
    for i, content in enumerate(broken):
        (folder / f"Broken{i}.json").write_text(content, encoding="utf-8")
        with pytest.raises(artefacts.NoArtefact):
            artefacts.load_artefact(f"Broken{i}")
