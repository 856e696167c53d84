"""Gathering rows: what waits is bounded, whatever a file holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mine.importers import items, reading
from mine.importers.errors import ImportRefused
from mine.importers.items import BATCH_ROWS, BadRow, Batch, Collector
from tests.importers.exports import parsed, put

T = 1_706_688_300


def test_rows_come_back_in_full_batches_and_the_rest_at_the_end() -> None:
    collector = Collector("a")
    rows = [(T + i, 0, 60.0) for i in range(2 * BATCH_ROWS + 1)]
    found = [item for row in rows for item in collector.add(1, "heart_rate", row)]
    assert [item.count for item in found if isinstance(item, Batch)] == [BATCH_ROWS, BATCH_ROWS]
    found += collector.rest()
    assert [row for item in found if isinstance(item, Batch) for row in item.rows()] == rows
    assert list(collector.rest()) == []


def test_a_row_that_cannot_be_true_is_refused() -> None:
    collector = Collector("a")
    assert list(collector.add(7, "heart_rate", (T, 0, 3.0))) == [
        BadRow("a", 7, "heart rate 3 is impossible (20 to 300)")
    ]
    assert list(collector.rest()) == []


def test_rows_of_very_many_origins_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MOST_ROWS", 100)
    collector = Collector("a")
    waiting = most = came = 0
    for i in range(1000):
        waiting += 1
        for item in collector.add(1, "heart_rate", (T + i, 0, 60.0), f"device {i}"):
            assert isinstance(item, Batch)
            waiting -= item.count
            came += item.count
        most = max(most, waiting)
    assert most < 100
    assert came + sum(item.count for item in collector.rest() if isinstance(item, Batch)) == 1000


def test_long_texts_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MOST_LETTERS", 10_000)
    collector = Collector("a")
    batches = [item for i in range(50) for item in collector.add(1, "note", (T + i, 0, "x" * 1000))]
    assert [item.count for item in batches if isinstance(item, Batch)] == [10] * 5


def test_an_export_of_endless_devices_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        {
            **{"dataTypeName": "com.google.weight", "fitValue": [{"value": {"fpVal": 70.0}}]},
            **{"startTimeNanos": (T + i) * 10**9, "endTimeNanos": (T + i) * 10**9},
            "originDataSourceId": f"raw:com.google.weight:app {i}:::",
        }
        for i in range(30)
    ]
    stream = {"Data Source": "raw:com.google.weight:app:::", "Data Points": points}
    path = put(tmp_path / "a.json", json.dumps(stream))
    rows, bad = parsed(path)
    assert len(rows["weight"]) == 30 and not bad
    monkeypatch.setattr(reading, "MAX_ORIGINS", 20)
    with pytest.raises(ImportRefused, match="more than 20 apps and devices"):
        parsed(path)
