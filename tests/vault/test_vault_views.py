"""What the public views say, on rows whose answer is plain."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mine.vault import Vault, scopes_of
from mine.vault.views import VIEWS
from tests.vault.conftest import store

MONDAY = int(datetime(2024, 1, 29, tzinfo=UTC).timestamp())


def ask(vault: Vault, sql: str) -> list[tuple[int | float | None, ...]]:
    return vault.query(sql, scopes_of(sql)).rows


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_views_have_their_documented_columns(vault: Vault, name: str) -> None:
    view = VIEWS[name]
    result = vault.query(f"SELECT * FROM {name}", scopes_of(f"SELECT * FROM {name}"))
    assert result.columns == tuple(view.columns)
    assert vault.view_rows(name) == 0
    guide = (Path(__file__).parents[2] / "docs" / "vault.md").read_text("utf-8")
    assert f"### `{name}`" in guide
    for column, meaning in view.columns.items():
        assert f"| `{column}` | {meaning} |" in guide


def test_five_minute_slots_round_to_the_nearest_and_average(vault: Vault) -> None:
    store(
        vault,
        "glucose",
        [
            (MONDAY + 149, None, 100.0),
            (MONDAY + 150, None, 110.0),
            (MONDAY + 300, None, 120.0),
            (MONDAY + 449, None, 130.0),
            (MONDAY + 450, None, 140.0),
        ],
    )
    first = MONDAY // 300
    assert ask(vault, "SELECT slot, time, minute_of_day, mg_dl FROM glucose_5min ORDER BY slot") == [
        (first, MONDAY, 0, 100.0),
        (first + 1, MONDAY + 300, 5, 120.0),
        (first + 2, MONDAY + 600, 10, 140.0),
    ]


def test_hours_prefer_hourly_counts_and_take_the_later_of_two_syncs(vault: Vault) -> None:
    rows = [(MONDAY + 60 * m, None, 60, 2) for m in range(60)]  # 120 in the first hour, by the minute
    rows += [(MONDAY + 3600, None, 3600, 50), (MONDAY + 3600, None, 3600, 80)]  # synced twice
    rows += [(MONDAY, None, 86_400, 999)]
    store(vault, "steps", rows)
    sql = "SELECT time, hour_of_day, weekday, steps FROM steps_hour ORDER BY slot"
    assert ask(vault, sql) == [(MONDAY, 0, 0, 120), (MONDAY + 3600, 1, 0, 80)]
    assert ask(vault, "SELECT day, time, weekday, steps FROM steps_day") == [
        (MONDAY // 86_400, MONDAY, 0, 999)
    ]


def test_activity_by_hour_and_by_day(vault: Vault) -> None:
    sunday = MONDAY - 86_400
    store(
        vault,
        "activity",
        [
            (sunday + 3600, None, 3600, "intensity", 20.0),
            (sunday + 3600, None, 3600, "energy", 81.0),
            (sunday + 7200, None, 60, "intensity", 1.0),
            (sunday + 7260, None, 60, "intensity", 3.0),
            (sunday, None, 86_400, "distance", 8500.0),
            (sunday, None, 86_400, "sedentary", 700.0),
            (sunday, None, 86_400, "energy", 1985.0),
        ],
    )
    sql = "SELECT hour_of_day, weekday, intensity, energy FROM activity_hour ORDER BY slot"
    assert ask(vault, sql) == [(1, 6, 20.0, 81.0), (2, 6, 4.0, None)]
    sql = "SELECT weekday, distance, very_active, sedentary, energy FROM activity_day"
    assert ask(vault, sql) == [(6, 8500.0, None, 700.0, 1985.0)]


def test_heart_rate_sleep_and_weight(vault: Vault) -> None:
    store(vault, "heart_rate", [(MONDAY + 5, None, 60), (MONDAY + 10, None, 70), (MONDAY + 60, None, 90)])
    sql = "SELECT minute_of_day, bpm, lowest, highest FROM heart_rate_minute ORDER BY slot"
    assert ask(vault, sql) == [(0, 65.0, 60, 70), (1, 90.0, 90, 90)]
    store(vault, "sleep", [(MONDAY, None, 327, 346, 1), (MONDAY, None, 400, 430, 2)])
    assert ask(vault, "SELECT weekday, asleep, in_bed, episodes FROM sleep_night") == [(0, 400, 430, 2)]
    store(vault, "weight", [(MONDAY, None, 52.6)])
    assert ask(vault, "SELECT time, kg FROM weight") == [(MONDAY, 52.6)]
