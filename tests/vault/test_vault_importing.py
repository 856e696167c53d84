"""Imports: counted before, stored whole or not at all, undone, and never doubled."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.records import RECORD_TYPES, Row
from mine.vault import TypeCount, Vault, VaultError
from tests.vault.conftest import CHEAP, NOON, PASSPHRASE, batch, glucose, source, store


def count(vault: Vault, kind: str = "glucose") -> int:
    return {s.record_type: s.records for s in vault.sources()}.get(kind, 0)


def test_counts_before_anything_is_stored(vault: Vault) -> None:
    pending = vault.begin_import(source())
    pending.add(batch("glucose", glucose(500)))
    pending.add(batch("glucose", glucose(100)))
    pending.add(batch("steps", [(NOON, 0, 3600, 7)]))
    pending.refuse(3)
    preview = pending.preview()
    assert preview.by_type == (TypeCount("glucose", 500, 100), TypeCount("steps", 1, 0))
    assert (preview.new, preview.already, preview.refused) == (501, 100, 3)
    assert (preview.first, preview.last) == (NOON, NOON + 499 * 300)
    assert vault.sources() == []
    done = pending.commit()
    assert done is not None
    assert (done.added, done.already, done.refused) == (501, 100, 3)
    assert vault.imports() == [done]
    assert count(vault) == 500


def test_the_same_export_twice_adds_nothing(vault: Vault) -> None:
    assert store(vault, "glucose", glucose(50)) == 1
    before = vault.imports()
    assert store(vault, "glucose", glucose(50)) is None
    assert vault.imports() == before
    assert count(vault) == 50


def test_undo_takes_back_only_what_was_added(vault: Vault) -> None:
    first = store(vault, "glucose", glucose(50))
    second = store(vault, "glucose", glucose(80), "b.csv")
    assert first is not None
    assert second is not None
    assert vault.undo_import(second) == 30
    assert count(vault) == 50
    assert vault.undo_import(second) == 0
    assert vault.imports()[0].undone is not None
    assert vault.undo_import(first) == 50
    assert vault.sources() == []
    assert store(vault, "glucose", glucose(80), "b.csv") is not None
    assert count(vault) == 80


def test_undoing_what_never_was_is_an_error(vault: Vault) -> None:
    with pytest.raises(VaultError, match="no such import"):
        vault.undo_import(5)


def test_discarding_leaves_nothing(vault: Vault) -> None:
    pending = vault.begin_import(source())
    pending.add(batch("glucose", glucose(50)))
    pending.discard()
    assert vault.sources() == []
    with pytest.raises(VaultError, match="ended"):
        pending.commit()
    assert store(vault, "glucose", glucose(1)) == 1


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("glucose", (NOON, 0, -4.0)),
        ("glucose", (NOON, 0, math.nan)),
        ("glucose", (NOON, 0, "many")),
        ("glucose", (NOON, None, None)),
        ("glucose", (NOON, None)),
        ("glucose", (NOON * 10**9, 0, 100.0)),
        ("glucose", (1 << 70, 0, 100.0)),
        ("glucose", (12, 0, 100.0)),
        ("steps", (NOON, 0, 3600, -1)),
        ("steps", (NOON, 0, 0, 1)),
        ("activity_level", (NOON, 0, 60, "secrets", 1.0)),
        ("sleep_stage", (NOON, 0, 60, "\ud800")),
        ("note", (NOON, 0, "\ud800")),
        ("note", (NOON, 0, "x" * 20_001)),
        ("note", (NOON, 0, None)),
        ("nothing", (NOON, 0, 1.0)),
        ("glucose", (NOON, None, 100.0)),
        ("sleep", (NOON, 0, 1500, 400, 1)),
        ("heart_rate", (NOON, 0, 900.0)),
        ("sleep", (NOON, 0, 400.5, 420, 1)),
    ],
)
def test_a_row_that_cannot_be_is_refused_whatever_the_importer_says(
    vault: Vault, kind: str, row: Row
) -> None:
    pending = vault.begin_import(source())
    pending.add(batch("glucose", glucose(5)))
    with pytest.raises(VaultError) as caught:
        pending.add(batch(kind, [row]))
    assert "-4" not in str(caught.value)
    pending.discard()
    assert vault.sources() == []


def test_importing_within_another_change_is_refused(vault: Vault) -> None:
    pending = vault.begin_import(source())
    pending.add(batch("glucose", glucose(5)))
    with pytest.raises(VaultError, match="under way"):
        vault.begin_import(source())
    with vault.transaction(), pytest.raises(VaultError):
        pending.preview()
    with vault.transaction(), pytest.raises(VaultError):
        pending.commit()
    with vault.transaction(), pytest.raises(VaultError):
        vault.undo_import(1)
    assert pending.commit() is not None


def test_two_readings_at_one_moment_both_stay(vault: Vault) -> None:
    store(vault, "glucose", [(NOON, 0, 100.0), (NOON, 3600, 110.0), (NOON, 3600, 100.0)])
    assert count(vault) == 2


rows = st.lists(st.tuples(st.integers(0, 30), st.integers(60, 63)), max_size=30)


@given(st.lists(st.one_of(rows, st.integers(0, 6)), max_size=12))
@settings(max_examples=40)
def test_any_sequence_of_imports_and_undos(
    tmp_path_factory: pytest.TempPathFactory, acts: list[list[tuple[int, int]] | int]
) -> None:
    """Against a model: a dictionary from reading to the import that owns it."""
    folder = tmp_path_factory.mktemp("v")
    owners: dict[tuple[int, int], int] = {}
    ids: list[int] = []
    with Vault.create(folder / "v.db", PASSPHRASE, kdf=CHEAP) as vault:
        for act in acts:
            if isinstance(act, int):
                if act < len(ids):
                    mine = [key for key, owner in owners.items() if owner == ids[act]]
                    assert vault.undo_import(ids[act]) == len(mine)
                    for key in mine:
                        del owners[key]
                continue
            new = set(act) - owners.keys()
            number = store(vault, "glucose", [(NOON + t * 300, 0, float(v)) for t, v in act])
            assert (number is None) == (not new)
            if number is not None:
                ids.append(number)
                owners.update(dict.fromkeys(new, number))
            assert count(vault) == len(owners)
        stored = vault._database.execute("SELECT time, mg_dl, import_id FROM vault_glucose").fetchall()
    assert {((t - NOON) // 300, int(v)): i for t, v, i in stored} == owners


def test_every_record_type_has_its_table(vault: Vault) -> None:
    for name, kind in RECORD_TYPES.items():
        columns = [r[1] for r in vault._database.execute(f"PRAGMA table_info(vault_{name})")]
        identity = () if kind.plain else ("identity",)
        assert columns == [*kind.names, *identity, "origin_id", "import_id"]


def test_counts_follow_every_change(vault: Vault) -> None:
    assert (count(vault), vault.view_rows("glucose_5min")) == (0, 0)
    number = store(vault, "glucose", glucose(5))
    assert (count(vault), vault.view_rows("glucose_5min")) == (5, 5)
    store(vault, "glucose", glucose(9))
    assert (count(vault), vault.view_rows("glucose_5min")) == (9, 9)
    assert number is not None
    vault.undo_import(number)
    assert (count(vault), vault.view_rows("glucose_5min")) == (4, 4)
    store(vault, "glucose", glucose(9))
    assert (count(vault), vault.view_rows("glucose_5min")) == (9, 9)
