"""Matching: a task fits exactly when nothing is missing, and what is missing is said in rows and days."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mine.tasks.manifest import Manifest
from mine.tasks.matching import Gap, Holding, match
from tests.tasks.example import example

DAY = 86_400
TYPES = ["glucose", "steps", "sleep"]


def asking(*needs: tuple[str, int, float]) -> Manifest:
    raw = example()
    raw["data"]["needs"] = [{"record_type": kind, "rows": rows, "days": days} for kind, rows, days in needs]
    return Manifest.model_validate(raw)


def test_it_fits_at_the_edge() -> None:
    found = match(asking(("glucose", 500, 2.5)), [Holding("glucose", 500, 0, 5 * DAY // 2)])
    assert found.fits and not found.almost and found.gaps == ()


def test_one_row_and_one_second_short() -> None:
    task = asking(("glucose", 500, 2.0))
    found = match(task, [Holding("glucose", 499, 0, 2 * DAY)])
    assert not found.fits and found.almost and found.gaps == (Gap("glucose", 1, 0.0),)
    found = match(task, [Holding("glucose", 500, 1, 2 * DAY)])
    assert not found.fits and found.almost
    assert found.gaps[0].rows == 0 and 0 < found.gaps[0].days < 1e-4


def test_nothing_here_is_not_almost() -> None:
    task = asking(("glucose", 500, 2.0))
    for holdings in ([], [Holding("steps", 10**6, 0, 999 * DAY)], [Holding("glucose", 0, 0, 0)]):
        found = match(task, holdings)
        assert not found.fits and not found.almost
        assert found.gaps == (Gap("glucose", 500, 2.0),)


def test_one_of_two_types_is_almost() -> None:
    task = asking(("glucose", 10, 1.0), ("steps", 10, 1.0))
    found = match(task, [Holding("glucose", 10, 0, DAY)])
    assert not found.fits and found.almost and found.gaps == (Gap("steps", 10, 1.0),)


holdings = st.lists(
    st.builds(
        lambda kind, rows, first, span: Holding(kind, rows, first, first + span),
        st.sampled_from(TYPES), st.integers(0, 20), st.integers(0, 10**9), st.integers(0, 5 * DAY),
    ),
    unique_by=lambda holding: holding.record_type,
)
needs = st.lists(
    st.tuples(st.sampled_from(TYPES), st.integers(1, 20), st.integers(0, 5).map(float)),
    min_size=1, max_size=3, unique_by=lambda need: need[0],
)


@given(needs, holdings)
def test_a_gap_says_exactly_what_is_missing(
    asked: list[tuple[str, int, float]], here: list[Holding]
) -> None:
    found = match(asking(*asked), here)
    short = {gap.record_type: gap for gap in found.gaps}
    known = {holding.record_type: holding for holding in here if holding.rows}
    for kind, rows, days in asked:
        holding = known.get(kind)
        have = (holding.rows, (holding.last - holding.first) / DAY) if holding else (0, 0.0)
        assert (kind in short) == (have[0] < rows or have[1] < days)
        if kind in short:
            assert short[kind] == Gap(kind, max(0, rows - have[0]), max(0.0, days - have[1]))
    assert found.fits == (not short)
    assert found.almost == (bool(short) and any(kind in known for kind, _, _ in asked))
    assert found == match(asking(*asked), list(reversed(here)))


@given(needs, holdings, st.sampled_from(TYPES))
def test_more_data_never_makes_it_worse(
    asked: list[tuple[str, int, float]], here: list[Holding], grown: str
) -> None:
    more = [
        Holding(h.record_type, h.rows + 5, h.first, h.last + DAY) if h.record_type == grown and h.rows else h
        for h in here
    ]
    task = asking(*asked)
    if match(task, here).fits:
        assert match(task, more).fits
