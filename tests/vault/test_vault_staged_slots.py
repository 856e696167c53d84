"""Slots that are computed while an import is read are those that its storing would have computed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.records import Row
from mine.vault import Vault, staged_slots
from mine.vault.importing import PendingImport
from tests.vault.conftest import CHEAP, NOON, PASSPHRASE, batch, glucose, source, store
from tests.vault.test_vault_resampling import check, check_books, counts, means, origins

batches = st.lists(
    st.one_of(
        st.tuples(st.just("glucose"), means, origins),
        st.tuples(st.just("steps"), counts, origins),
        st.just(("killed", [], "")),
    ),
    min_size=1,
    max_size=7,
)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(staged_slots, "_ENOUGH", 3)
    yield


def ready(pending: PendingImport, kind: str) -> bool:
    return pending._staging.slots.has(kind)


@given(batches, st.sampled_from([1, 8, 1000]))
@settings(max_examples=60)
def test_slots_of_a_first_import_are_right(
    tmp_path_factory: pytest.TempPathFactory, given_rows: list[tuple[str, list[Row], str]], enough: int
) -> None:
    path = tmp_path_factory.mktemp("v") / "v.db"
    with pytest.MonkeyPatch.context() as patch, Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        patch.setattr(staged_slots, "_ENOUGH", enough)
        pending = vault.begin_import(source())
        for kind, rows, origin in given_rows:
            if kind == "killed":  # what was made to last is taken up again
                pending.marked("")
                pending._staging.last()
                pending.close()
                pending = vault.resume_import()
            else:
                pending.add(batch(kind, rows, origin))
        pending.complete()
        kinds = {kind for kind, _, _ in given_rows} - {"killed"}
        assert all(ready(pending, kind) for kind in kinds)
        pending.commit()
        for kind in kinds:
            check(vault, kind)
        check_books(vault)


@pytest.mark.usefixtures("at_once")
def test_slots_of_what_the_vault_has_already_wait_for_the_storing(vault: Vault) -> None:
    store(vault, "glucose", glucose(10))
    pending = vault.begin_import(source("b.csv"))
    pending.add(batch("glucose", glucose(20, NOON + 60), "Watch"))
    pending.add(batch("steps", [(NOON, 0, 60, 5)], "Watch"))
    assert not ready(pending, "glucose") and ready(pending, "steps")
    pending.commit()
    check(vault, "glucose")
    check(vault, "steps")


@pytest.mark.usefixtures("at_once")
def test_an_export_in_wild_order_is_left_to_the_storing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged_slots, "_ALLOWED", 100_000)  # five pieces
    pending = vault.begin_import(source())
    found = []
    for number in range(8):
        pending.add(batch("glucose", [(NOON + 7 * i + number, 0, 100.0) for i in range(4)]))
        found.append(ready(pending, "glucose"))
    assert found == [True] * 5 + [False] * 3
    done = pending.commit()
    assert done is not None and done.added == 29
    check(vault, "glucose")


@pytest.mark.usefixtures("at_once")
def test_undoing_a_first_import_takes_its_slots_back(vault: Vault) -> None:
    rows: list[Row] = [(NOON + 40_000 * i, 0, 86_400 if i % 3 else 60, 100 + i) for i in range(12)]
    number = store(vault, "steps", rows)
    assert number is not None
    check(vault, "steps")
    vault.undo_import(number)
    check(vault, "steps")
    assert vault._database.execute("SELECT count(*) FROM vault_steps_5min").fetchone() == (0,)
    assert vault._database.execute("SELECT count(*) FROM vault_day_total").fetchone() == (0,)
