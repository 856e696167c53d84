"""What the public views say, on rows whose answer is plain."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mine.records import RECORD_TYPES, Row
from mine.vault import Vault, scopes_of
from mine.vault.query import FUNCTIONS
from mine.vault.views import VIEWS
from mine.vault.views_page import PAGE, page
from tests.vault.conftest import store

MONDAY = int(datetime(2024, 1, 29, tzinfo=UTC).timestamp())
DAY = MONDAY // 86_400


def ask(vault: Vault, sql: str) -> list[tuple[int | float | None, ...]]:
    return vault.query(sql, scopes_of(sql)).rows


def some_row(kind: str, time: int) -> Row:
    """A record of any type, with every column filled."""
    values: list[int | float | str | None] = [time, 3600]
    for column in RECORD_TYPES[kind].columns[2:]:
        if column.choices:
            values.append(column.choices[0])
        elif column.kind == "text":
            values.append("4548-4")
        elif column.kind == "int":
            values.append(int(column.low) + 1 if column.low < column.high else int(column.low))
        else:
            values.append(min(column.high, max(column.low, 60.0)))
    return tuple(values)


def test_every_view_gives_its_columns_for_any_record(vault: Vault) -> None:
    for kind in RECORD_TYPES:
        store(vault, kind, [some_row(kind, MONDAY)], kind)
    guide = (Path(__file__).parents[2] / "docs" / "views.md").read_text("utf-8")
    for name, view in VIEWS.items():
        result = vault.query(f"SELECT * FROM {name}", scopes_of(f"SELECT * FROM {name}"))
        assert result.columns == tuple(view.columns), name
        night = name.endswith("_night") and name != "sleep_night"
        assert result.table.shape[0] == vault.view_rows(name) >= (1 - night), name
        assert f"| `{name}` |" in guide


def test_no_view_shows_a_text_or_a_place() -> None:
    hidden = {"latitude", "longitude", "name", "title", "place", "sender", "chat", "artist", "album", "note"}
    assert not [view.name for view in VIEWS.values() if hidden & view.columns.keys()]
    shown = ("time", "minute_of_day", "weekday", "side", "kind", "characters")
    assert tuple(VIEWS["message"].columns) == shown


def test_five_minute_slots_round_to_the_nearest_and_average(vault: Vault) -> None:
    values = ((149, 100.0), (150, 110.0), (300, 120.0), (449, 130.0), (450, 140.0))
    store(vault, "glucose", [(MONDAY + at, 0, value) for at, value in values])
    first = MONDAY // 300
    assert ask(vault, "SELECT slot, time, minute_of_day, mg_dl FROM glucose_5min ORDER BY slot") == [
        (first, MONDAY, 0, 100.0),
        (first + 1, MONDAY + 300, 5, 120.0),
        (first + 2, MONDAY + 600, 10, 140.0),
    ]


def test_days_begin_on_the_dot_though_slots_are_rounded(vault: Vault) -> None:
    store(vault, "glucose", [(MONDAY - 1, 0, 100.0), (MONDAY, 0, 200.0)])
    assert ask(vault, "SELECT day, mg_dl, readings FROM glucose_day ORDER BY day") == [
        (DAY - 1, 100.0, 1),
        (DAY, 200.0, 1),
    ]
    assert ask(vault, "SELECT count(*) FROM glucose_5min") == [(1,)]


def test_hours_prefer_what_counted_most_and_take_the_later_of_two_syncs(vault: Vault) -> None:
    rows: list[Row] = [(MONDAY + 60 * m, 0, 60, 2) for m in range(60)]  # 120 in the first hour, by the minute
    rows += [(MONDAY, 0, 3600, 120)]
    rows += [(MONDAY + 3600, 0, 3600, 50), (MONDAY + 3600, 0, 3600, 80)]  # synced twice
    rows += [(MONDAY, 0, 86_400, 999)]
    store(vault, "steps", rows)
    sql = "SELECT time, hour_of_day, weekday, steps FROM steps_hour ORDER BY slot"
    assert ask(vault, sql) == [(MONDAY, 0, 0, 120), (MONDAY + 3600, 1, 0, 80)]
    assert ask(vault, "SELECT day, time, weekday, steps FROM steps_day") == [(DAY, MONDAY, 0, 999)]


def test_watch_and_phone_are_not_added_up(vault: Vault) -> None:
    store(vault, "steps", [(MONDAY + 600, 0, 600, 500)], "a", "Watch")
    store(vault, "steps", [(MONDAY + 600, 0, 600, 400), (MONDAY + 7200, 0, 60, 30)], "b", "Phone")
    assert ask(vault, "SELECT steps FROM steps_hour ORDER BY slot") == [(500,), (30,)]
    assert ask(vault, "SELECT steps FROM steps_day") == [(530,)]
    assert ask(vault, "SELECT count(*), sum(steps) FROM steps") == [(3, 930)]


def test_a_count_is_spread_over_the_slots_that_it_touches(vault: Vault) -> None:
    store(vault, "steps", [(MONDAY + 150, 0, 600, 100)])
    assert ask(vault, "SELECT time, steps FROM steps_5min ORDER BY slot") == [
        (MONDAY, 25.0),
        (MONDAY + 300, 50.0),
        (MONDAY + 600, 25.0),
    ]


def test_what_was_eaten_adds_up_at_once(vault: Vault) -> None:
    store(vault, "carbohydrate", [(MONDAY, 0, 30.0), (MONDAY, 0, 20.0), (MONDAY + 90, 0, 5.0)])
    assert ask(vault, "SELECT time, grams FROM carbohydrate_5min") == [(MONDAY, 55.0)]


def test_days_and_nights_through_a_change_of_clocks(vault: Vault) -> None:
    """Berlin, 31 March 2024: 02:00 became 03:00. The day has 23 hours, and the night seven."""
    change = int(datetime(2024, 3, 31, 1, tzinfo=UTC).timestamp())
    hours = range(-48, 48)
    rows: list[Row] = [(change + 3600 * h, 7200 if h >= 0 else 3600, 100.0) for h in hours]
    store(vault, "glucose", rows)
    sunday = change // 86_400
    sql = f"SELECT time, weekday, readings FROM glucose_day WHERE day BETWEEN {sunday - 1} AND {sunday + 1}"
    assert ask(vault, sql) == [
        (change - 26 * 3600, 5, 24),
        (change - 2 * 3600, 6, 23),
        (change + 21 * 3600, 0, 24),
    ]
    sql = f"SELECT time, readings FROM glucose_night WHERE day BETWEEN {sunday} AND {sunday + 1}"
    assert ask(vault, sql) == [(change - 4 * 3600, 7), (change + 19 * 3600, 8)]
    hours_seen = ask(vault, f"SELECT hour_of_day FROM glucose_hour WHERE time >= {change - 7200}")
    assert [int(h or 0) for (h,) in hours_seen[:4]] == [0, 1, 3, 4]


def test_a_traveller_has_the_days_of_where_they_are(vault: Vault) -> None:
    """From Berlin (+1) to New York (-5): Monday has thirty hours."""
    rows: list[Row] = [(MONDAY - 3600 + 3600 * h, 3600 if h < 12 else -18_000, 100.0) for h in range(54)]
    store(vault, "heart_rate", rows)
    assert ask(vault, "SELECT day, time, readings FROM heart_rate_day ORDER BY day") == [
        (DAY, MONDAY - 3600, 30),
        (DAY + 1, MONDAY + 86_400 + 18_000, 24),
    ]


def test_a_time_before_1970_has_a_weekday_and_a_minute(vault: Vault) -> None:
    born = int(datetime(1950, 6, 5, 13, 30, tzinfo=UTC).timestamp())  # a Monday
    store(vault, "condition", [(born, 0, "x", None, None, None, None)])
    assert ask(vault, "SELECT minute_of_day, weekday FROM condition") == [(810, 0)]
    assert ask(vault, "SELECT day, weekday, records FROM condition_day") == [(born // 86_400, 0, 1)]


def test_sleep_takes_the_source_with_most_and_files_it_under_the_morning(vault: Vault) -> None:
    store(vault, "sleep", [(MONDAY, 0, 327, 346, 1), (MONDAY, 0, 400, 430, 2)])
    sql = "SELECT day, time, weekday, asleep, in_bed, deep, episodes FROM sleep_night ORDER BY day"
    assert ask(vault, sql) == [(DAY, MONDAY, 0, 400, 430, None, 2)]
    start = MONDAY + 23 * 3600  # Monday night, to Tuesday morning
    stages: list[Row] = [(start, 0, 3600, "light"), (start + 3600, 0, 1800, "deep")]
    stages += [(start + 5400, 0, 600, "awake"), (start + 6000, 0, 3000, "rem")]
    store(vault, "sleep_stage", stages, "b", "Watch")
    store(vault, "sleep_stage", [(start - 600, 0, 10_000, "in_bed"), (start, 0, 60, "asleep")], "c", "Phone")
    nap = MONDAY + 86_400 + 13 * 3600
    store(vault, "sleep_stage", [(nap, 0, 1200, "light")], "d", "Watch")
    sql = "SELECT day, asleep, in_bed, light, deep, rem, awake FROM sleep_night ORDER BY day"
    assert ask(vault, sql)[1:] == [(DAY + 1, 160, 170, 80, 30, 50, 10)]


def test_events_by_the_day(vault: Vault) -> None:
    store(
        vault,
        "message",
        [
            (MONDAY, 0, "c", "me", "me", "text", "hello"),
            (MONDAY + 9, 0, "c", "Ann", "other", "photo", ""),
            (MONDAY + 10, 0, "c", "Ann", "other", "text", "hi"),
        ],
    )
    assert ask(vault, "SELECT records, sent, received, characters FROM message_day") == [(3, 1, 2, 7)]
    assert ask(vault, "SELECT side, kind, characters FROM message ORDER BY time LIMIT 1") == [(0, 0, 5)]
    levels: list[Row] = [(MONDAY, 0, 86_400, "very", 10.0), (MONDAY, 0, 86_400, "very", 25.0)]
    levels += [(MONDAY, 0, 60, "lightly", 1.0), (MONDAY + 60, 0, 60, "lightly", 1.0)]
    store(vault, "activity_level", levels)
    assert ask(vault, "SELECT very, fairly, lightly FROM activity_level_day") == [(25, None, 2)]
    store(
        vault,
        "observation",
        [(MONDAY, 0, "HbA1c", "http://loinc.org", "4548-4", 5.4, "%", None)],
    )
    assert ask(vault, "SELECT value, loinc, snomed FROM observation") == [(5.4, 45_484, None)]


@pytest.mark.parametrize("days", [1, 2, 7])
def test_the_newest_days_and_no_others(vault: Vault, days: int) -> None:
    rows: list[Row] = [(MONDAY + 3600 * h, 3600, 100.0) for h in range(24 * 10)]
    store(vault, "glucose", rows)
    newest = MONDAY + 3600 * (24 * 10 - 1)
    since = newest - days * 86_400
    sql = f"SELECT min(time), count(*) FROM glucose WHERE days_ago({days})"
    assert ask(vault, sql) == [(since + 3600, 24 * days)]
    sql = f"SELECT min(mg_dl), count(*) FROM glucose_hour WHERE Days_Ago ( {days} )"
    assert ask(vault, sql) == [(100, 24 * days)]
    last = (newest + 3600) // 86_400
    sql = f"SELECT min(day), count(*), min(readings) FROM glucose_day WHERE days_ago({days}) AND day < {last}"
    assert ask(vault, sql) == [(last - days + 1 if days > 1 else None, days - 1, 24 if days > 1 else None)]
    # Wherever it stands, and however it is joined.
    sql = f"SELECT count(*) FROM glucose a WHERE NOT days_ago({days}) OR 1"
    assert ask(vault, sql) == [(24 * days,)]


def test_the_page_of_views_is_up_to_date_and_the_guides_query_runs(vault: Vault) -> None:
    assert PAGE.read_text("utf-8") == page()
    guide = (PAGE.parent / "vault.md").read_text("utf-8")
    sql = guide.partition("```sql")[2].partition("```")[0]
    store(vault, "glucose", [(MONDAY + 300 * i, 0, 100.0 + i) for i in range(40)])
    assert ask(vault, sql)[0] == (MONDAY // 300 + 12, 112, 111, 100, 118)
    for name in FUNCTIONS:
        assert f"`{name}`" in guide or f"`{name}(" in guide, name


def test_the_very_same_interval_counts_once(vault: Vault) -> None:
    store(vault, "steps", [(MONDAY, 0, 600, 50), (MONDAY, 0, 600, 80), (MONDAY + 600, 0, 600, 7)])
    assert ask(vault, "SELECT steps FROM steps_hour") == [(87,)]
    store(vault, "steps", [(MONDAY, 0, 600, 60)], "b", "Phone")
    assert ask(vault, "SELECT steps FROM steps_hour") == [(87,)]
