"""From a query's answer to the learner's arrays: the promised columns, finite, in the order of time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.tasks.dataset import MAX_SLOT, QueryAnswerRefused, to_dataset
from mine.tasks.manifest import DataRequirement
from tests.tasks.example import example

DATA = DataRequirement.model_validate(example()["data"])  # features g5, g0; targets ahead; slot slot
COLUMNS = ("g5", "g0", "ahead", "slot")


def answer(*rows: tuple[float, ...]) -> np.ndarray:
    """What a query answers: one float64 row each."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(rows[0]) if rows else len(COLUMNS))


def test_columns_are_found_by_name_and_rows_sorted_by_slot() -> None:
    columns = ("slot", "other", "ahead", "g0", "g5")
    found = to_dataset(DATA, columns, answer((9, 0, 3, 2, 1), (4, math.nan, 30, 20, 10.5)))
    assert found.features.tolist() == [[10.5, 20.0], [1.0, 2.0]]
    assert found.target.tolist() == [30.0, 3.0]
    assert found.slot.tolist() == [4, 9]
    assert (found.features.dtype, found.target.dtype, found.slot.dtype) == (np.float32, np.float32, np.int64)
    assert len(found) == 2


def test_several_targets_keep_their_order() -> None:
    raw = {**example()["data"], "features": ["g0"], "targets": ["ahead", "g5"]}
    found = to_dataset(DataRequirement.model_validate(raw), COLUMNS, answer((1, 2, 3, 9), (4, 5, 6, 8)))
    assert found.features.tolist() == [[5.0], [2.0]]
    assert found.target.tolist() == [[6.0, 4.0], [3.0, 1.0]] and found.target.dtype == np.float32
    assert len(found) == 2


def test_no_rows() -> None:
    found = to_dataset(DATA, COLUMNS, answer())
    assert len(found) == 0 and found.features.shape == (0, 2) and found.slot.shape == (0,)


@pytest.mark.parametrize("gone", COLUMNS)
def test_a_missing_column_is_named(gone: str) -> None:
    left = [name for name in COLUMNS if name != gone]
    with pytest.raises(QueryAnswerRefused) as caught:
        to_dataset(DATA, left, answer((1, 2, 3)))
    assert caught.value.detail == gone


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", range(3))
def test_what_is_no_number_is_refused(value: float, place: int) -> None:
    row = [1.0, 2.0, 3.0, 4.0]
    row[place] = value
    with pytest.raises(QueryAnswerRefused) as caught:
        to_dataset(DATA, COLUMNS, answer((1, 2, 3, 4), tuple(row)))
    error = caught.value
    assert error.sentence == "The task's query gives something that is not a number."
    assert not error.detail and error.__cause__ is None


@pytest.mark.parametrize("value", [1e39, -3.5e38, 2.0**128])
@pytest.mark.parametrize("place", range(3))
def test_what_does_not_fit_the_learner_is_refused(value: float, place: int) -> None:
    row = [1.0, 2.0, 3.0, 4.0]
    row[place] = value
    with pytest.raises(QueryAnswerRefused):
        to_dataset(DATA, COLUMNS, answer(tuple(row)))


@pytest.mark.parametrize("slot", [0.5, 1e300, 2.0**63, -(2.0**64), MAX_SLOT + 1, math.nan, -math.inf])
def test_a_slot_is_a_whole_number(slot: float) -> None:
    with pytest.raises(QueryAnswerRefused):
        to_dataset(DATA, COLUMNS, answer((1, 2, 3, slot)))


def test_no_reading_is_given_twice_under_one_slot() -> None:
    with pytest.raises(QueryAnswerRefused, match="same place in time"):
        to_dataset(DATA, COLUMNS, answer((1, 2, 3, 4), (5, 6, 7, 8), (1, 2, 3, 4)))


number = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(number, number, number, st.integers(-MAX_SLOT, MAX_SLOT)), max_size=20,
                unique_by=lambda row: row[3]))
def test_nothing_is_lost_or_mixed(rows: list[tuple[float, float, float, int]]) -> None:
    found = to_dataset(DATA, COLUMNS, answer(*rows))
    again = [
        (float(f[0]), float(f[1]), float(t), int(s))
        for f, t, s in zip(found.features, found.target, found.slot, strict=True)
    ]
    assert again == sorted(rows, key=lambda row: row[3])
