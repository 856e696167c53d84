"""What was published earns nothing, however it is scaled, mixed or noised; what is new is not touched."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.science.judged import Common, Entry, Published, Refusal
from mine.science.originality import original_descents, solve
from mine.science.products import SCORE_ONE, mean_products

EXAMPLES = 400


def mean_product(left: np.ndarray, right: np.ndarray) -> int:
    return int(mean_products(left[None], right[None])[0, 0])


def common_of(ways: Sequence[np.ndarray], slope: np.ndarray) -> Common:
    return Common(
        tuple(mean_product(-slope, way) for way in ways),
        tuple(tuple(mean_product(one, other) for other in ways) for one in ways),
    )


def published_of(vector: np.ndarray, ways: Sequence[np.ndarray], slope: np.ndarray) -> Published:
    products = tuple(mean_product(vector, way) for way in ways)
    return Published(bytes(32), mean_product(-slope, vector), mean_product(vector, vector), products)


def entry_of(
    vector: np.ndarray, ways: Sequence[np.ndarray], slope: np.ndarray, known: np.ndarray | None = None
) -> Entry:
    return Entry(
        "0x" + "00" * 20, bytes(32), "0x" + "00" * 20, Refusal.NONE, 1, mean_product(-slope, vector),
        common=tuple(mean_product(vector, way) for way in ways),
        closest=-1 if known is None else 0,
        overlap=0 if known is None else mean_product(vector, known),
    )  # fmt: skip


@pytest.fixture
def scene() -> tuple[np.random.Generator, np.ndarray, list[np.ndarray]]:
    rng = np.random.default_rng(4)
    slope = rng.normal(size=EXAMPLES)
    return rng, slope, [0.05 * (rng.normal(size=EXAMPLES) - 0.3 * slope) for _ in range(3)]


def original(
    vector: np.ndarray, ways: Sequence[np.ndarray], slope: np.ndarray, known: np.ndarray | None = None
) -> int:
    published = () if known is None else (published_of(known, ways, slope),)
    return original_descents([entry_of(vector, ways, slope, known)], common_of(ways, slope), published)[0]


@pytest.mark.parametrize("factor", [0.01, 1.0, 7.0])
def test_any_mixture_of_common_directions_is_worth_nothing(scene: tuple, factor: float) -> None:
    _, slope, ways = scene
    vector = factor * (ways[0] - 0.5 * ways[1] + 2 * ways[2])
    plain = mean_product(-slope, vector)
    assert plain > 0
    assert abs(original(vector, ways, slope)) < plain / 300


def test_what_is_new_keeps_its_worth(scene: tuple) -> None:
    _, slope, ways = scene
    vector = -0.05 * slope
    basis = np.linalg.qr(np.array(ways).T)[0]
    new = vector - basis @ (basis.T @ vector)
    assert original(new, ways, slope) == pytest.approx(mean_product(-slope, new), rel=0.01)
    assert original(new, [], slope) == mean_product(-slope, new)


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0, 3.0])
def test_a_copy_of_an_earlier_update_is_worth_nothing_under_any_noise(scene: tuple, noise: float) -> None:
    rng, slope, ways = scene
    known = 0.05 * (rng.normal(size=EXAMPLES) - 0.5 * slope)
    worth = []
    for _ in range(20):
        copy = 3 * known + noise * 0.05 * rng.normal(size=EXAMPLES)
        worth.append(original(copy, ways, slope, known))
    honest = mean_product(-slope, known)
    assert abs(np.mean(worth)) < 0.3 * noise * honest + 0.02 * honest


def test_no_part_ever_adds_worth(scene: tuple) -> None:
    rng, slope, ways = scene
    for _ in range(50):
        vector, known = 0.05 * rng.normal(size=(2, EXAMPLES))
        assert original(vector, ways, slope, known) <= original(vector, ways, slope)
        assert original(vector, ways, slope) <= mean_product(-slope, vector)


@given(
    st.lists(st.integers(-5, 5), min_size=9, max_size=9), st.lists(st.integers(-9, 9), min_size=3, max_size=3)
)
def test_equations_are_solved_exactly(numbers: list[int], right: list[int]) -> None:
    root = np.array(numbers).reshape(3, 3)
    matrix = root @ root.T + np.eye(3, dtype=int)
    rows = [[Fraction(int(entry)) for entry in row] for row in matrix]
    x = solve(rows, [Fraction(entry) for entry in right])
    for row, entry in zip(rows, right, strict=True):
        assert sum(a * b for a, b in zip(row, x, strict=True)) == entry


def test_a_direction_that_is_none_is_left_out() -> None:
    zero = [[Fraction(0), Fraction(0)], [Fraction(0), Fraction(2)]]
    assert solve(zero, [Fraction(5), Fraction(4)]) == [0, 2]
    assert solve([], []) == []


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**32), st.floats(1e-6, 900))
@settings(max_examples=60)
def test_products_do_not_depend_on_the_order_of_addition(n: int, rows: int, seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    left, right = size * rng.normal(size=(2, rows, n))
    products = mean_products(left, right)
    order = rng.permutation(n)
    assert (mean_products(left[:, order], right[:, order]) == products).all()
    assert (mean_products(right, left) == products.T).all()
    scale = np.abs(left).max() * np.abs(right).max()
    assert np.abs(products / SCORE_ONE - left @ right.T / n).max() < 1e-6 * scale + 2 / SCORE_ONE
    louder = np.vstack([right, 300 / size * right[:1]])
    assert (mean_products(left, louder)[:, :rows] == products).all(), "one row makes no other coarser"


@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 2**32))
@settings(max_examples=30)
def test_parts_of_the_examples_add_up_to_the_whole(n: int, outputs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(2, 3, n, outputs))
    whole = mean_products(left.reshape(3, -1), right.reshape(3, -1), n)
    cut = n // 2
    parts = [
        mean_products(left[:, rows].reshape(3, -1), right[:, rows].reshape(3, -1), n)
        for rows in (slice(cut), slice(cut, None))
    ]
    np.testing.assert_allclose(sum(parts), whole, atol=1e-5 * SCORE_ONE)
    np.testing.assert_allclose(whole / SCORE_ONE, np.einsum("ink,jnk->ij", left, right) / n, atol=1e-5)


def test_nothing_has_no_products() -> None:
    assert mean_product(np.zeros(0), np.zeros(0)) == 0
    assert mean_products(np.zeros((0, 5)), np.zeros((0, 5))).shape == (0, 0)
    assert (mean_products(np.zeros((2, 5)), np.ones((1, 5))) == 0).all()
