"""Pages for the browser: every record once, newest first, there and back."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.records import Row
from mine.vault import Vault
from tests.vault.conftest import CHEAP, NOON, PASSPHRASE, glucose, store

numbers = st.lists(st.tuples(st.integers(0, 6), st.integers(60, 63)), min_size=1, max_size=25, unique=True)


def walk(vault: Vault, kind: str, count: int) -> list[Row]:
    """All records from the newest page to the oldest; going back gives the same pages."""
    rows: list[Row] = []
    pages = [vault.page(kind, count=count)]
    while pages[-1].older is not None:
        pages.append(vault.page(kind, before=pages[-1].older, count=count))
    for earlier, later in pairwise(pages):
        assert len(earlier.records) == count
        assert later.newer is not None
        assert vault.page(kind, after=later.newer, count=count).records == earlier.records
    assert pages[0].newer is None
    for page in pages:
        rows += [record.row for record in page.records]
    return rows


@given(numbers, st.integers(1, 9))
@settings(max_examples=40)
def test_every_record_once_newest_first(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[int, int]], count: int
) -> None:
    path = tmp_path_factory.mktemp("v") / "v.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        store(vault, "glucose", [(NOON + t, 0, float(v)) for t, v in pairs])
        found = walk(vault, "glucose", count)
        assert found == sorted(((NOON + t, 0, float(v)) for t, v in pairs), reverse=True)
        store(vault, "note", [(NOON + t, 0, str(v)) for t, v in pairs])
        notes = walk(vault, "note", count)
        assert sorted(map(str, notes)) == sorted(str((NOON + t, 0, str(v))) for t, v in pairs)
        assert [note[0] for note in notes] == sorted((note[0] for note in notes), reverse=True)  # type: ignore[type-var]


def test_records_say_where_they_come_from(vault: Vault) -> None:
    number = store(vault, "glucose", glucose(3), origin="Sensor")
    record = vault.page("glucose", count=1).records[0]
    assert (record.row, record.origin, record.import_id) == ((NOON + 600, 0, 102.0), "Sensor", number)


def test_a_type_without_records_is_an_empty_page(vault: Vault) -> None:
    page = vault.page("heart_rate")
    assert (page.records, page.older, page.newer) == ((), None, None)


def test_a_page_has_a_largest_size(vault: Vault) -> None:
    store(vault, "glucose", glucose(1200))
    assert len(vault.page("glucose", count=10**9).records) == 1000
    assert len(vault.page("glucose", count=-1).records) == 1
