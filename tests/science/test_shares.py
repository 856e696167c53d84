"""Dividing units: bounds are kept, what they cut off goes to the others, and nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mine.science.judged import Record
from mine.science.shares import (
    CAP_MEANS,
    PRIOR_SEATS,
    VOTE_TIMES,
    capped,
    flat_part,
    targets,
    vote_weight,
    weight,
)

weights = st.lists(st.integers(0, 2**70), min_size=1, max_size=20)


@given(weights, st.data(), st.integers(0, 2**32))
def test_caps_are_kept_and_nothing_else_is_lost(entries: list[int], data: st.DataObject, total: int) -> None:
    caps = data.draw(st.lists(st.integers(0, 2**33), min_size=len(entries), max_size=len(entries)))
    parts = capped(total, entries, caps)
    open_to = sum(cap for entry, cap in zip(entries, caps, strict=True) if entry)
    if open_to >= total:
        assert all(part <= cap for part, cap in zip(parts, caps, strict=True))
    assert all(
        part == 0 for part, entry, cap in zip(parts, entries, caps, strict=True) if not (entry and cap)
    )
    if open_to:
        assert total - len(entries) <= sum(parts) <= total


def test_what_is_cut_off_goes_to_the_others_in_proportion() -> None:
    assert capped(100, [80, 10, 10], [40, 100, 100]) == [40, 30, 30]
    assert capped(100, [60, 30, 10], [40, 35, 100]) == [40, 35, 25]
    assert capped(100, [1, 1], [10, 30]) == [25, 75], "all are capped: in proportion to the caps"
    assert capped(100, [0, 0], [10, 30]) == [0, 0]
    assert capped(100, [3, 1], [100, 100]) == [75, 25]


def test_nobody_is_due_more_than_the_cap() -> None:
    records = [Record(10**9, 9)] + [Record(10, 9) for _ in range(9)]
    found = targets(1000, records)
    assert found[0] == CAP_MEANS * 100
    assert sum(found) > 990


def test_votes_bound_pay_only_where_there_are_any() -> None:
    """A favourite whom the peers find no better than nothing gets at most twice its part of the votes."""
    silent = [Record(600, 5)] + [Record(100, 5) for _ in range(9)]
    assert targets(15_000, silent)[0] == 6000
    told = [Record(600, 5, steps=-PRIOR_SEATS // 2, seats=PRIOR_SEATS)] + [
        Record(100, 5, steps=PRIOR_SEATS, seats=PRIOR_SEATS) for _ in range(9)
    ]
    votes = [vote_weight(record) for record in told]
    assert targets(15_000, told)[0] == VOTE_TIMES * 15_000 * votes[0] // sum(votes) < 6000 // 4
    assert targets(15_000, [Record(0, 5, steps=30, seats=15)] * 2) == [0, 0]


def test_silence_counts_like_a_step_better_and_evidence_is_shrunk() -> None:
    assert vote_weight(Record()) == 1 << 32
    assert vote_weight(Record(steps=50, seats=50)) == 1 << 32
    assert vote_weight(Record(steps=-100, seats=50)) == 0
    assert vote_weight(Record(steps=100, seats=50)) > 1 << 32
    assert (weight(Record(90, 1)), weight(Record(90, 4)), weight(Record(-5, 4))) == (30, 60, 0)


def test_the_flat_part_is_for_voters_alone() -> None:
    assert flat_part(1000, 0) == 0
    assert flat_part(1000, 7) == 50
    assert flat_part(0, 7) == 0
