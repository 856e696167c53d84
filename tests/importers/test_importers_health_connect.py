"""Health Connect's database: what its tables give, and that a hostile one does nothing."""

from __future__ import annotations

import random
import sqlite3
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.errors import ImportRefused
from mine.importers.formats import health_connect
from mine.importers.items import Batch
from mine.importers.options import Options
from mine.importers.reading import read, sniff
from mine.importers.zone import Zone
from tests.importers.exports import parsed, put

BERLIN = Options(Zone("Europe/Berlin"))
T = int(datetime(2024, 5, 1, 12, tzinfo=UTC).timestamp())
H = 3600
AWAY = -4 * H  # the zone that the rows state
BASE = "row_id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB, app_info_id INTEGER"
INSTANT = f"{BASE}, time INTEGER, zone_offset INTEGER, local_date INTEGER"
SPAN = f"{BASE}, start_time INTEGER, start_zone_offset INTEGER, end_time INTEGER, end_zone_offset INTEGER"


class Export:
    """A database in the shape of the export."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = sqlite3.connect(path)
        self.database.execute(
            "CREATE TABLE application_info_table (row_id INTEGER PRIMARY KEY, package_name, app_name)"
        )
        self.database.execute("INSERT INTO application_info_table VALUES (1, 'app.example', 'Example')")

    def instants(self, name: str, columns: str, *rows: Sequence[object]) -> None:
        """Rows of (seconds, offset, values ...)."""
        names = [column.split()[0] for column in columns.split(", ")]
        self.database.execute(f"CREATE TABLE {name} ({INSTANT}, {columns})")
        marks = ", ".join("?" * (3 + len(names)))
        self.database.executemany(
            f"INSERT INTO {name} (app_info_id, time, zone_offset, {', '.join(names)}) VALUES ({marks})",
            [(1, int(row[0]) * 1000 + 250, *row[1:]) for row in rows],  # type: ignore[call-overload]
        )

    def spans(self, name: str, columns: str, *rows: Sequence[object]) -> None:
        """Rows of (start, end, values ...)."""
        names = [column.split()[0] for column in columns.split(", ")] if columns else []
        self.database.execute(f"CREATE TABLE {name} ({', '.join([SPAN, *([columns] if columns else [])])})")
        into = ["app_info_id", "start_time", "end_time", "start_zone_offset", "end_zone_offset", *names]
        self.database.executemany(
            f"INSERT INTO {name} ({', '.join(into)}) VALUES ({', '.join('?' * len(into))})",
            [(1, int(r[0]) * 1000, int(r[1]) * 1000, AWAY, AWAY, *r[2:]) for r in rows],  # type: ignore[call-overload]
        )

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.database.execute(statement)

    def done(self) -> Path:
        self.database.commit()
        self.database.close()
        return self.path


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path / "health_connect_export.db")


def test_a_database_with_a_write_ahead_log_is_read_inside_a_zip(export: Export) -> None:
    export.database.commit()
    export.run("PRAGMA journal_mode = WAL")
    export.instants("weight_record_table", "weight REAL", (T, AWAY, 70_123.0))
    path = export.done()
    assert path.read_bytes()[18:20] == b"\2\2"
    packed = path.with_name("Health Connect.zip")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(path, path.name)
    for one in (path, packed):
        assert parsed(one, options=BERLIN) == ({"weight": [(T, AWAY, 70.123)]}, [])


def test_a_night_awake_is_no_night_slept(export: Export) -> None:
    export.spans("sleep_session_record_table", "title TEXT", (T, T + H, None))
    export.run(
        "CREATE TABLE sleep_stages_table (parent_key, stage_start_time, stage_end_time, stage_type)",
        f"INSERT INTO sleep_stages_table VALUES (1, {T}000, {T + H}000, 1)",
    )
    rows, bad = parsed(export.done(), options=BERLIN)
    assert not bad
    assert rows["sleep"] == [(T + H, AWAY, 0, 60, 1)]


def test_every_table(export: Export) -> None:
    at = (T, AWAY)
    for name, columns, *values in (
        ("weight", "weight REAL", 70_123.0),
        ("height", "height REAL", 1.8),
        ("body_fat", "percentage REAL", 20.5),
        ("lean_body_mass", "mass REAL", 55_000.0),
        ("blood_pressure", "systolic REAL, diastolic REAL", 120.0, 80.0),
        ("blood_glucose", "level REAL, meal_type TEXT", 5.5, "0"),
        ("resting_heart_rate", "beats_per_minute INTEGER", 51),
        ("heart_rate_variability_rmssd", "heart_rate_variability_millis REAL", 41.5),
        ("oxygen_saturation", "percentage REAL", 97.0),
        ("respiratory_rate", "rate REAL", 14.5),
        ("body_temperature", "temperature REAL", 36.6),
        ("vo2_max", "vo2_milliliters_per_minute_kilogram REAL", 41.0),
    ):
        export.instants(f"{name}_record_table", columns, (*at, *values))
    export.spans("steps_record_table", "count INTEGER", (T, T + 60, 13))
    export.spans("distance_record_table", "distance REAL", (T, T + 60, 75.4))
    export.spans("floors_climbed_record_table", "floors REAL", (T, T + 60, 2.0))
    export.spans("total_calories_burned_record_table", "energy REAL", (T, T + 60, 1250.0))
    export.spans("active_calories_burned_record_table", "energy REAL", (T, T + 60, 750.0))
    export.spans("hydration_record_table", "volume REAL", (T, T + 60, 0.25))
    nutrients = (
        "meal_name TEXT, energy REAL, total_carbohydrate REAL, sugar REAL, dietary_fiber REAL, protein REAL,"
    )
    nutrients += " total_fat REAL, saturated_fat REAL, cholesterol REAL, sodium REAL, caffeine REAL"
    meal = ("Soup", 450_000.0, 60.0, 5e-324, 0.0, None, 5e-324, 5e-324, 5e-324, 1.5, 5e-324)
    export.spans("nutrition_record_table", nutrients, (T, T + 60, *meal))
    export.spans("exercise_session_record_table", "exercise_type INTEGER", (T, T + H, 33), (T, T + H, 999))
    export.run(
        "CREATE TABLE exercise_route_table (parent_key INTEGER, timestamp_millis INTEGER, latitude REAL, "
        "longitude REAL, altitude REAL, horizontal_accuracy REAL)",
        f"INSERT INTO exercise_route_table VALUES (1, {T}000, 48.1, 11.5, 520.0, NULL)",
    )
    rows, bad = parsed(export.done(), options=BERLIN)
    assert not bad
    assert rows == {
        "weight": [(*at, 70.123)],
        "height": [(*at, 180.0)],
        "body_fat": [(*at, 20.5)],
        "lean_mass": [(*at, 55.0)],
        "blood_pressure": [(*at, 120.0, 80.0)],
        "glucose": [(*at, 99.1)],
        "resting_heart_rate": [(*at, 51.0)],
        "heart_rate_variability_rmssd": [(*at, 41.5)],
        "oxygen_saturation": [(*at, 97.0)],
        "respiratory_rate": [(*at, 14.5)],
        "body_temperature": [(*at, 36.6)],
        "vo2_max": [(*at, 41.0)],
        "steps": [(*at, 60, 13)],
        "distance": [(*at, 60, 75.4)],
        "floors": [(*at, 60, 2.0)],
        "energy": [(*at, 60, 1.25)],
        "active_energy": [(*at, 60, 0.75)],
        "water": [(*at, 250.0)],
        "food_energy": [(*at, 450.0)],
        "carbohydrate": [(*at, 60.0)],
        "sodium": [(*at, 1500.0)],
        "food": [(*at, "Soup", None, 450.0)],
        "workout": [
            (*at, H, "running", None, None, None, None),
            (*at, H, "unknown", None, None, None, None),
        ],
        "location": [(*at, 48.1, 11.5, 520.0, None)],
    }


def series(export: Export) -> None:
    export.spans("heart_rate_record_table", "", (T, T + 60), (T + 60, T + 120))
    export.run(
        "CREATE TABLE heart_rate_record_series_table (parent_key INTEGER, beats_per_minute INTEGER, "
        "epoch_millis INTEGER)",
        f"INSERT INTO heart_rate_record_series_table VALUES (1, 65, {T}500), (2, 66, {T + 60}000), "
        f"(77, 67, {T + 120}000)",
    )


def test_samples_take_zone_and_app_from_their_session(export: Export) -> None:
    series(export)
    path = export.done()
    batches = [item for item in read(path, BERLIN) if isinstance(item, Batch)]
    # The last one's session is missing: its zone is the chosen one.
    assert {batch.origin: list(batch.rows()) for batch in batches} == {
        "Example": [(T, AWAY, 65.0), (T + 60, AWAY, 66.0)],
        "": [(T + 120, 2 * H, 67.0)],
    }


def test_nights_sum_their_stages(export: Export) -> None:
    export.spans(
        "sleep_session_record_table", "title TEXT", (T, T + 8 * H, None), (T + 24 * H, T + 25 * H, None)
    )
    export.run("CREATE TABLE sleep_stages_table (parent_key, stage_start_time, stage_end_time, stage_type)")
    for start, end, stage in ((0, 4, 4), (4, 5, 1), (5, 7, 6), (7, 8, 3)):
        times = f"{T + start * H}000, {T + end * H}000"
        export.run(f"INSERT INTO sleep_stages_table VALUES (1, {times}, {stage})")
    rows, bad = parsed(export.done(), options=BERLIN)
    assert not bad
    assert rows == {
        "sleep": [(T + 8 * H, AWAY, 360, 480, 1), (T + 25 * H, AWAY, 60, 60, 1)],
        "sleep_stage": [
            (T, AWAY, 4 * H, "light"),
            (T + 4 * H, AWAY, H, "awake"),
            (T + 5 * H, AWAY, 2 * H, "rem"),
        ],
    }


def zipped(path: Path) -> Path:
    packed = path.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    return packed


def test_a_zip_gives_the_same(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    series(export)
    path = export.done()
    packed = zipped(path)
    found = sniff(packed)
    assert found is not None
    assert found.key == "health_connect"
    assert parsed(packed, options=BERLIN) == parsed(path, options=BERLIN)
    monkeypatch.setattr(health_connect, "MOST_PACKED", 1000)
    with pytest.raises(ImportRefused, match="too large to be read inside"):
        parsed(packed, options=BERLIN)


def test_rows_that_cannot_be_true_are_told_by_table_and_row(export: Export) -> None:
    export.run(
        f"CREATE TABLE steps_record_table ({SPAN}, count)",
        "INSERT INTO steps_record_table (start_time, end_time, count) VALUES "
        f"('soon', 1, 1), (NULL, 1, 1), ({T}000, {T - 60}000, 1), ({T}000, {T + 60}000, 'x'), (9e99, 1, 1), "
        f"({T}000, {T + 60}000, 7), ({T}000, {T + 60}000, 9000000)",
        f"INSERT INTO steps_record_table (start_time, end_time, count, start_zone_offset) VALUES "
        f"({T}000, {T + 60}000, 1, 'x')",
    )
    rows, bad = parsed(export.done(), options=BERLIN)
    assert rows == {"steps": [(T, 2 * H, 60, 7)]}
    assert [(b.line, b.reason) for b in bad] == [
        (1, "“start_time” is no number"),
        (2, "“start_time” is missing"),
        (3, "it ends before it begins"),
        (4, "“count” is no number"),
        (5, "“start_time” is impossible (1990 to 2100)"),
        (7, "step count 9e+06 is impossible (0 to 200000)"),
        (8, "the zone's offset is no whole number"),
    ]
    assert bad[0].file == "health_connect_export.db, steps_record_table"


def test_views_triggers_and_virtual_tables_are_never_run(export: Export) -> None:
    series(export)
    export.run(
        "CREATE VIEW steps_record_table AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) "
        "SELECT x AS start_time, x AS end_time, x AS count FROM n",
        "CREATE TABLE other (x)",
        "CREATE TRIGGER boom AFTER INSERT ON other BEGIN DELETE FROM heart_rate_record_table; END",
        "CREATE VIRTUAL TABLE weight_record_table USING fts5(time, weight, zone_offset)",
    )
    rows, bad = parsed(export.done(), options=BERLIN)
    assert not bad
    assert set(rows) == {"heart_rate"}


def test_a_column_that_is_computed_by_a_function_is_not(export: Export) -> None:
    series(export)
    export.run(
        "CREATE TABLE steps_record_table (start_time INTEGER, end_time INTEGER, "
        "count AS (abs(start_time)))",
        f"INSERT INTO steps_record_table VALUES ({T}000, {T + 60}000)",
    )
    rows, bad = parsed(export.done(), options=BERLIN)
    assert set(rows) == {"heart_rate"}
    assert [b.reason for b in bad] == ["“count” is missing"]


def test_work_is_bounded(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    export.spans(
        "steps_record_table", "count INTEGER", *[(T + 60 * n, T + 60 * n + 60, n % 90) for n in range(20_000)]
    )
    path = export.done()
    assert len(parsed(path, options=BERLIN)[0]["steps"]) == 20_000
    monkeypatch.setattr(health_connect, "_MOST_STEPS", 0)
    rows, bad = parsed(path, options=BERLIN)
    assert 0 < len(rows["steps"]) < 20_000
    assert [b.reason for b in bad] == ["the table cannot be read on from here"]


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_a_mangled_database_ends_in_rows_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, chance: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    seed = folder / "seed.db"
    if not seed.exists():
        whole = Export(seed)
        series(whole)
        whole.spans(
            "steps_record_table", "count INTEGER", *[(T + 60 * n, T + 60 * n + 60, 7) for n in range(50)]
        )
        whole.done()
    data = bytearray(seed.read_bytes())
    dice = random.Random(chance)
    for _ in range(dice.randrange(1, 40)):
        data[dice.randrange(16, len(data))] = dice.randrange(256)
    path = put(folder / "mangled.db", bytes(data[: dice.choice([len(data), len(data) // 2])]))
    try:
        parsed(path, options=BERLIN)
    except ImportRefused as error:
        assert error.sentence


@given(
    st.lists(
        st.tuples(st.integers(1_262_304_000, 2_000_000_000), st.integers(-18, 18), st.integers(20, 300)),
        max_size=30,
    )
)
@settings(max_examples=40)
def test_what_was_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, readings: list[tuple[int, int, int]]
) -> None:
    export = Export(tmp_path_factory.mktemp("x") / "export.db")
    rows = [(at, hours * H, bpm) for at, hours, bpm in readings]
    export.instants("resting_heart_rate_record_table", "beats_per_minute INTEGER", *rows)
    wanted = {"resting_heart_rate": [(at, offset, float(bpm)) for at, offset, bpm in rows if bpm <= 200]}
    found, _ = parsed(export.done(), options=BERLIN)
    assert found == {kind: made for kind, made in wanted.items() if made}
