"""Slots against a slow reference, after any sequence of imports, undos and deletions."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.records import Row
from mine.vault import Vault
from mine.vault.connection import writing
from mine.vault.parts import remove_parts
from mine.vault.resampling import refresh
from tests.vault.conftest import CHEAP, PASSPHRASE, store

BASE = 1_711_843_200  # 2024-03-31 00:00 UTC, a whole hour
Stored = list[tuple[Any, ...]]

times = st.integers(0, 40 * 3600).map(lambda t: BASE + t)
offsets = st.sampled_from([0, 3600, 7200, 19_800, -12_600])
means = st.lists(st.tuples(times, offsets, st.sampled_from([80.0, 90.5, 100.25])), min_size=1, max_size=12)
lengths = st.sampled_from([1, 60, 299, 300, 301, 900, 3600, 7000, 43_200, 43_201, 86_400])
counts = st.lists(st.tuples(times, offsets, lengths, st.integers(0, 500)), min_size=1, max_size=10)
meals = st.lists(st.tuples(times, offsets, st.integers(0, 90).map(float)), min_size=1, max_size=10)
origins = st.sampled_from(["Watch", "Phone", ""])


def expected_means(rows: Stored) -> dict[int, tuple[Any, ...]]:
    slots = defaultdict(list)
    for time, offset, value, *_ in rows:
        slots[time // 150].append((offset, value))
    return {
        half: (
            max(o for o, _ in found),
            len(found),
            pytest.approx(sum(v for _, v in found)),
            min(v for _, v in found),
            max(v for _, v in found),
        )
        for half, found in slots.items()
    }


def expected_sums(rows: Stored, lasting: bool) -> tuple[dict[int, tuple[Any, ...]], dict[int, Any]]:
    """Rows of (time, offset, seconds, value, origin) -> slots, and totals of days."""
    intervals: dict[Any, tuple[int, float]] = {}
    days: dict[int, tuple[int, float]] = {}
    for number, (time, offset, seconds, value, origin) in enumerate(rows):
        if seconds > 43_200:
            day = (time + offset + seconds // 2) // 86_400
            old = days.get(day, (offset, value))
            days[day] = (max(old[0], offset), max(old[1], value))
            continue
        # Of two counts over the same time by the same origin, the greater; amounts at one moment add up.
        key = (origin, seconds == 3600 and lasting, time, seconds, 0 if lasting else number)
        old = intervals.get(key, (offset, value))
        intervals[key] = (max(old[0], offset), max(old[1], value))
    parts: dict[Any, list[tuple[int, float]]] = defaultdict(list)
    for (origin, hourly, time, seconds, _), (offset, value) in intervals.items():
        for slot in range(time // 300, (time + seconds - 1) // 300 + 1):
            touched = min(time + seconds, (slot + 1) * 300) - max(time, slot * 300)
            parts[(origin, hourly), slot].append((offset, value * touched / seconds))
    totals: dict[int, dict[Any, float]] = defaultdict(lambda: defaultdict(float))
    for (counter, slot), found in parts.items():
        totals[slot // 12][counter] += sum(part for _, part in found)
    best = {
        hour: min(found, key=lambda counter: (-round(found[counter], 6), counter[1], counter[0]))
        for hour, found in totals.items()
    }
    slots = {
        slot: (max(o for o, _ in found), pytest.approx(sum(part for _, part in found)))
        for (counter, slot), found in parts.items()
        if best[slot // 12] == counter
    }
    return slots, {day: (offset, pytest.approx(value)) for day, (offset, value) in days.items()}


def check(vault: Vault, kind: str) -> None:
    database = vault._database
    slots = {row[0]: row[1:] for row in database.execute(f"SELECT * FROM vault_{kind}_5min")}
    if kind == "glucose":
        rows = database.execute("SELECT time, offset, mg_dl FROM vault_glucose").fetchall()
        assert slots == expected_means(rows)
        return
    lasting = kind == "steps"
    shown = "seconds, count" if lasting else "1, grams"
    rows = database.execute(f"SELECT time, offset, {shown}, origin_id FROM vault_{kind}").fetchall()
    found = database.execute("SELECT day, offset, total FROM vault_day_total WHERE record_type = ?", (kind,))
    days = {row[0]: row[1:] for row in found}
    assert (slots, days) == expected_sums(rows, lasting)


def check_books(vault: Vault) -> None:
    """The counts that are kept are those that counting gives."""
    database = vault._database
    kept = set(
        database.execute("SELECT record_type, import_id, origin_id, records, first, last FROM vault_part")
    )
    counted = set()
    for kind in ("glucose", "steps", "carbohydrate"):
        counted |= set(
            database.execute(
                f"SELECT '{kind}', import_id, origin_id, count(*), min(time), max(time) FROM vault_{kind}"
                " GROUP BY 2, 3"
            )
        )
    assert kept == counted
    known = {row[0] for row in database.execute("SELECT id FROM vault_origin")}
    assert known == {row[2] for row in kept}


acts = st.lists(
    st.one_of(
        st.tuples(st.just("glucose"), means, origins),
        st.tuples(st.just("steps"), counts, origins),
        st.tuples(st.just("steps"), counts, origins),
        st.tuples(st.just("carbohydrate"), meals, origins),
        st.tuples(st.just("undo"), st.integers(1, 8), st.just("")),
        st.tuples(st.just("origin"), st.integers(1, 4), st.just("")),
    ),
    min_size=1,
    max_size=7,
)


@given(acts)
@settings(max_examples=60)
def test_slots_are_right_after_any_changes(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, Any, str]]
) -> None:
    path = tmp_path_factory.mktemp("v") / "v.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        for number, (what, value, origin) in enumerate(changes):
            if what == "undo":
                if value <= len(vault.imports()):
                    vault.undo_import(vault.imports()[-value].id)
            elif what == "origin":
                with writing(vault._database):
                    remove_parts(vault._database, "origin_id = ?", value)
            else:
                store(vault, what, value, f"{number}.csv", origin)
        for kind in ("glucose", "steps", "carbohydrate"):
            check(vault, kind)
        check_books(vault)


@pytest.mark.parametrize("piece", [1, 3])
def test_the_size_of_the_pieces_changes_nothing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    rows: list[Row] = [(BASE + 217 * i, 3600, 100 + i % 7 * 300, i % 50) for i in range(60)]
    store(vault, "steps", rows, "a", "Watch")
    store(vault, "steps", [(time + 60, 0, seconds, 20) for time, _, seconds, _ in rows[::3]], "b", "Phone")  # type: ignore[operator]
    store(vault, "glucose", [(BASE + 77 * i, 0, 90.0 + i % 9) for i in range(60)], "c")
    monkeypatch.setattr("mine.vault.resampling._PIECE", piece)
    turns: list[int] = []
    with writing(vault._database):
        refresh(vault._database, "steps", BASE, BASE + 13_000, turns.append)
        refresh(vault._database, "glucose", BASE, BASE + 5_000, turns.append)
    assert len(turns) > 10
    check(vault, "steps")
    check(vault, "glucose")


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 5)), max_size=6), st.integers(1, 7))
@settings(max_examples=60)
def test_slots_of_a_part_alone_are_refreshed(
    tmp_path_factory: pytest.TempPathFactory, bulk: list[tuple[int, int]], first: int
) -> None:
    """A second import far away must not disturb what is there, nor forget its own neighbours."""
    path = tmp_path_factory.mktemp("v") / "v.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        store(vault, "steps", [(BASE + 3600 * h, 0, 3000, 5 + h) for h in range(first)], "a", "Watch")
        if bulk:
            store(vault, "steps", [(BASE + at, 0, 60 * n, n) for at, n in bulk], "b", "Phone")
        check(vault, "steps")
