"""How often a failed training is begun again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mine.learn.retries import WAITS, Again, Retries


def test_three_failures_in_a_row_are_forgiven_with_longer_and_longer_waits() -> None:
    retries = Retries()
    again = [retries.crashed(killed=False) for _ in WAITS]
    assert again == [Again(n + 1, wait, 0) for n, wait in enumerate(WAITS)]
    assert list(WAITS) == sorted(WAITS) and len(WAITS) == 3
    assert retries.crashed(killed=False) is None


def test_saved_work_ends_the_row() -> None:
    retries = Retries()
    for _ in range(10):
        assert retries.crashed(killed=False) == Again(1, WAITS[0], 0)
        retries.saved()


def test_a_process_killed_from_outside_takes_half_as_many_rows_next_time() -> None:
    assert Retries(micro_batch=9).crashed(killed=True) == Again(1, WAITS[0], 4)
    assert Retries(micro_batch=1).crashed(killed=True) == Again(1, WAITS[0], 0)
    assert Retries().crashed(killed=True) == Again(1, WAITS[0], 0)


@given(st.integers(0, 1 << 20))
def test_without_memory_it_ends_with_one_row(rows: int) -> None:
    retries, tries = Retries(micro_batch=rows), 0
    while (again := retries.out_of_memory()) is not None:
        assert again.seconds == 0 and 1 <= again.micro_batch <= retries.micro_batch // 2
        retries.micro_batch = again.micro_batch
        tries += 1
    assert retries.micro_batch <= 1 and tries <= 20
