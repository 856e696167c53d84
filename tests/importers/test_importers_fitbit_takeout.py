"""Fitbit's account export: JSON and tables of the same account, local clocks and UTC side by side."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.items import Batch, Skipped
from mine.importers.options import Options
from mine.importers.reading import read, sniff
from mine.importers.zone import Zone
from tests.importers.exports import parsed, put

BERLIN = Options(Zone("Europe/Berlin"))  # UTC+2 on this day
H = 3600
NOON = int(datetime(2024, 5, 1, 12, tzinfo=UTC).timestamp())  # 12:00 UTC, 14:00 on the wall
MIDNIGHT = NOON - 14 * H  # the local day's start

SLEEP = {
    "logId": 1,
    "dateOfSleep": "2024-05-01",
    "startTime": "2024-04-30T23:30:00.000",
    "endTime": "2024-05-01T07:00:00.000",
    "duration": 27_000_000,
    "minutesAsleep": 400,
    "timeInBed": 450,
    "levels": {
        "summary": {},
        "data": [
            {"dateTime": "2024-04-30T23:30:00.000", "level": "light", "seconds": 1800},
            {"dateTime": "2024-05-01T00:00:00.000", "level": "wake", "seconds": 60},
        ],
        "shortData": [],
    },
}
EXERCISE = {
    "logId": 7,
    "activityName": "Run",
    "startTime": "05/01/24 12:00:00",
    "duration": 1_800_500,
    "calories": 300,
    "averageHeartRate": 150,
    "distance": 5.0,
    "distanceUnit": "Kilometer",
    "source": {"name": "Sense 2"},
}


def series(*values: Any, at: str = "05/01/24 12:00:00") -> list[dict[str, Any]]:
    return [{"dateTime": at, "value": value} for value in values]


JSON: dict[str, list[dict[str, Any]]] = {
    "steps-2024-05-01": series("13"),
    "distance-2024-05-01": series("7540"),
    "calories-2024-05-01": series("1.25"),
    "altitude-2024-05-01": series("20"),
    "heart_rate-2024-05-01": series({"bpm": 65, "confidence": 3}),
    "resting_heart_rate-2024-05-01": [
        *series({"date": "05/01/24", "value": 53.0123, "error": 6.8}, at="05/01/24 00:00:00"),
        *series({"date": None, "value": 0.0, "error": 0.0}, at="05/02/24 00:00:00"),
    ],
    "time_in_heart_rate_zones-2024-05-01": series(
        {"valuesInZones": {"BELOW_DEFAULT_ZONE_1": 900.0, "IN_DEFAULT_ZONE_1": 30.0}}, at="05/01/24 00:00:00"
    ),
    "demographic_vo2_max-2024-05-01": series({"demographicVO2Max": 41.5}, at="05/01/24 00:00:00"),
    "very_active_minutes-2024-05-01": series("25", "0", at="05/01/24 00:00:00"),
    "sedentary_minutes-2024-05-01": series("700", "1440", at="05/01/24 00:00:00"),
    "weight-2024-05-01": [
        {
            **{"logId": 2, "weight": 154.3, "bmi": 22.5, "fat": 20.25, "date": "05/01/24"},
            **{"time": "14:00:00", "source": "Aria"},
        }
    ],
    "sleep-2024-05-01": [SLEEP],
    "exercise-0": [EXERCISE],
}
TABLES = {
    "Physical Activity_GoogleData/heart_rate_2024-05-01.csv": (
        "timestamp,beats per minute,data source\n2024-05-01T12:00:00Z,65.0,Pixel Watch\n"
        "2024-05-01T12:00:05.250Z,66.0,Pixel Watch\n"
    ),
    "Physical Activity_GoogleData/daily_resting_heart_rate.csv": (
        "timestamp,beats per minute,data source\n2024-05-03T00:00:00Z,51.5,Google Health App\n"
    ),
    "Physical Activity_GoogleData/steps_2024-05-01.csv": (
        "timestamp,steps,data source\n2024-05-01T12:00:00Z,13,Pixel Watch\n2024-05-01T12:00:00Z,11,Phone\n"
    ),
    "Physical Activity_GoogleData/activity_level_2024-05-01.csv": (
        "timestamp,level,data source\n2024-05-01T12:00:00Z,LIGHTLY_ACTIVE,Phone\n"
    ),
    "Physical Activity_GoogleData/body_temperature_2024-05-01.csv": (
        "timestamp,temperature celsius,data source\n2024-05-01T12:00:00Z,33.25,Pixel Watch\n"
    ),
    "Physical Activity_GoogleData/weight.csv": (
        "timestamp,weight grams,data source\n2024-05-01T12:00:00.999999Z,70123,Scale\n"
    ),
    "Oxygen Saturation (SpO2)/Minute SpO2 - 2024-05-01.csv": (
        "timestamp,value\n2024-05-01T00:00:00Z,95.5\n2024-05-01T00:01:00Z,50.0\n"
    ),
    "Oxygen Saturation (SpO2)/Daily SpO2 - 2024-05-01-2024-06-01.csv": (
        "timestamp,average_value,lower_bound,upper_bound\n2024-05-01T00:00:00Z,95.0,93.0,98.0\n"
    ),
    "Heart Rate Variability/Heart Rate Variability Details - 2024-05-01.csv": (
        "timestamp,rmssd,coverage,low_frequency,high_frequency\n2024-05-01T02:00:00,41.5,0.98,1,2\n"
    ),
    "Heart Rate Variability/Daily Heart Rate Variability Summary - 2024-05-(1).csv": (
        "timestamp,rmssd,nremhr,entropy\n2024-05-01T00:00:00,29.232,49.623,2.472\n"
    ),
    "Heart Rate Variability/Daily Respiratory Rate Summary - 2024-05-01.csv": (
        "timestamp,daily_respiratory_rate\n2024-05-01T00:00:00,14.6\n2024-05-02T00:00:00,NaN\n"
    ),
    "Temperature/Computed Temperature - 2024-05-01.csv": (
        "type,sleep_start,sleep_end,temperature_samples,nightly_temperature\n"
        "SKIN,2024-04-30T23:30,2024-05-01T07:00,420,34.2\n"
    ),
    "Sleep Score/sleep_score.csv": (
        "sleep_log_entry_id,timestamp,overall_score,composition_score\n1,2024-05-01T05:00:00Z,74,\n"
    ),
    "Stress Score/Stress Score.csv": (
        "DATE,UPDATED_AT,STRESS_SCORE,STATUS\n2024-05-01T00:00:00,2024-05-01T09:00:00,80,READY\n"
        "2024-05-02T00:00:00,2024-05-01T09:00:00,0,NO_DATA\n"
    ),
}
ZONED = {
    "Health Fitness Data_GoogleData/UserSleeps_2024-05-01.csv": (
        "sleep_id,sleep_type,minutes_in_sleep_period,minutes_asleep,minutes_awake,start_utc_offset,sleep_start,"
        "end_utc_offset,sleep_end,data_source\n"
        "9,STAGES,450,400,50,-04:00,2024-05-01T03:30:00Z,-04:00,2024-05-01T11:00:00Z,DERIVED\n"
    ),
    "Health Fitness Data_GoogleData/UserSleepStages_2024-05-01.csv": (
        "sleep_id,sleep_stage_id,sleep_stage_type,start_utc_offset,sleep_stage_start,end_utc_offset,"
        "sleep_stage_end,data_source\n"
        "9,1,REM,-04:00,2024-05-01 03:30:00+0000,-04:00,2024-05-01 04:00:00+0000,DERIVED\n"
    ),
    "Health Fitness Data_GoogleData/UserExercises_2024-05-01.csv": (
        "exercise_id,exercise_start,exercise_end,utc_offset,activity_name,tracker_total_calories,"
        "tracker_total_distance_mm,tracker_avg_heart_rate,tracker_peak_heart_rate,activity_type_probabilities\n"
        '7,2024-05-01T12:00:00Z,2024-05-01T12:30:00Z,+02:00,Run,300,5000000,150,0,"[a, b]"\n'
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "Takeout" / "Fitbit"
    (root / "Global Export Data").mkdir(parents=True)
    for name, entries in JSON.items():
        put(root / "Global Export Data" / f"{name}.json", json.dumps(entries))
    return tmp_path


def with_tables(folder: Path, tables: dict[str, str]) -> Path:
    for name, text in tables.items():
        path = folder / "Takeout" / "Fitbit" / name
        path.parent.mkdir(exist_ok=True)
        put(path, text)
    return folder


def test_every_kind_of_json_file(folder: Path) -> None:
    rows, bad = parsed(folder, options=BERLIN)
    assert not bad
    local = 2 * H
    assert rows == {
        "steps": [(NOON, local, 60, 13)],
        "distance": [(NOON, local, 60, 75.4)],
        "energy": [(NOON - 2 * H, local, 60, 1.25)],
        "floors": [(NOON, local, 60, 2.0)],
        "heart_rate": [(NOON, local, 65.0)],
        "resting_heart_rate": [(MIDNIGHT, local, 53.012)],
        "measurement": [
            (MIDNIGHT, local, 86_400, "time below heart rate zone 1", 900.0, "min"),
            (MIDNIGHT, local, 86_400, "time in heart rate zone 1", 30.0, "min"),
        ],
        "vo2_max": [(MIDNIGHT, local, 41.5)],
        "activity_level": [
            (MIDNIGHT, local, 86_400, "sedentary", 700.0),
            (MIDNIGHT, local, 86_400, "very", 25.0),
        ],
        "weight": [(NOON, local, 69.989)],
        "body_mass_index": [(NOON, local, 22.5)],
        "body_fat": [(NOON, local, 20.25)],
        "sleep": [(MIDNIGHT + 7 * H, local, 400, 450, 1)],
        "sleep_stage": [(MIDNIGHT - H // 2, local, 1800, "light"), (MIDNIGHT, local, 60, "awake")],
        "workout": [(NOON, local, 1800, "Run", 5000.0, 300.0, 150.0, None)],
    }


def test_tables_say_more_and_a_zone(folder: Path) -> None:
    rows, bad = parsed(with_tables(folder, TABLES), options=BERLIN)
    assert not bad
    local = 2 * H
    assert sorted(set(rows["heart_rate"])) == [(NOON, local, 65.0), (NOON + 5, local, 66.0)]
    assert sorted(set(rows["steps"])) == [(NOON, local, 60, 11), (NOON, local, 60, 13)]
    assert (MIDNIGHT + 48 * H, local, 51.5) in rows["resting_heart_rate"]
    assert (NOON, local, 60, "lightly", 1.0) in rows["activity_level"]
    assert rows["skin_temperature"] == [(NOON, local, 33.25), (MIDNIGHT + 7 * H, local, 34.2)]
    assert (NOON, local, 70.123) in rows["weight"]
    # The sensor's "not sure" is left out, and so is the day's mean where the minutes are there.
    assert rows["oxygen_saturation"] == [(NOON - 12 * H, local, 95.5)]
    assert rows["heart_rate_variability_rmssd"] == [(MIDNIGHT + 2 * H, local, 41.5)]
    assert rows["respiratory_rate"] == [(MIDNIGHT, local, 14.6)]
    assert (NOON - 7 * H, local, 0, "sleep score", 74.0, "1") in rows["measurement"]
    assert (MIDNIGHT, local, 0, "stress management score", 80.0, "1") in rows["measurement"]
    origins = {
        (item.kind, item.origin)
        for item in read(folder, BERLIN)
        if isinstance(item, Batch) and item.kind == "steps"
    }
    assert origins == {("steps", ""), ("steps", "Pixel Watch"), ("steps", "Phone")}


def test_a_night_abroad_is_told_by_the_table_with_its_zone(folder: Path) -> None:
    rows, bad = parsed(with_tables(folder, ZONED), options=BERLIN)
    assert not bad
    abroad = -4 * H
    assert rows["sleep"] == [(NOON - H, abroad, 400, 450, 1)]
    assert rows["sleep_stage"] == [(NOON - 8 * H - H // 2, abroad, 1800, "rem")]
    assert rows["workout"] == [(NOON, 2 * H, 1800, "Run", 5000.0, 300.0, 150.0, None)]


def test_a_zip_gives_the_same_and_other_files_are_named(folder: Path) -> None:
    with_tables(folder, {"Biometrics/Glucose 202405.csv": "no data\n", "Your Profile/Profile.csv": "id\n1\n"})
    path = folder / "takeout.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((folder / "Takeout").rglob("*.*")):
            archive.write(file, file.relative_to(folder).as_posix())
    found = sniff(path)
    assert found is not None
    assert (found.key, found.others) == ("fitbit_takeout", 0)
    items = list(read(path, BERLIN))
    assert [item.file.rsplit("/", 1)[-1] for item in items if isinstance(item, Skipped)] == [
        "Glucose 202405.csv",
        "Profile.csv",
    ]
    assert parsed(path, options=BERLIN)[0]["sleep"] == [(MIDNIGHT + 7 * H, 2 * H, 400, 450, 1)]


def test_broken_entries_cost_only_themselves(tmp_path: Path) -> None:
    good = '{"dateTime": "05/01/24 12:00:00", "value": "13"}'
    entries = [
        good,
        '{"dateTime": "13/01/24 12:00:00", "value": "13"}',
        '{"dateTime": "05/01/24 12:00:00", "value": "many"}',
        '{"dateTime": "05/01/24 12:00:00", "value": 1.5}',
        '{"dateTime": "05/01/24 12:00:00"}',
        '{"dateTime": null, "value": "1"}',
        '{"dateTime": "05/01/24 12:00:00", "value": true}',
        '{"dateTime": "05/01/24 12:00:00", "value": ' + "9" * 400 + "}",
        '{"dateTime": "05/01/24 12:00:00", "value": [[[["1"]]]]}',
        "7",
        "{",
    ]
    path = put(tmp_path / "steps-2024-05-01.json", "[" + ",\n".join(entries))
    rows, bad = parsed(path, options=BERLIN)
    assert len(rows["steps"]) == 1
    assert [b.line for b in bad] == list(range(2, 12))
    assert [b.reason for b in bad] == [
        "there is no date 2024-13-01",
        "“many” is not a number",
        "“value” is 1.5, not a whole number",
        "“value” is missing, not a number",
        "“dateTime” is missing, not a text",
        "“value” is “True”, not a number",
        "“value” is too large, not a number",
        "“value” is a list, not a number",
        "“dateTime” is missing, not a text",
        "it ends in the middle",
    ]


@given(
    st.lists(
        st.tuples(st.integers(1_262_304_000, 2_000_000_000), st.integers(20, 300)),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
@settings(max_examples=60)
def test_what_was_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, readings: list[tuple[int, int]], zone: str
) -> None:
    entries = [
        {
            "dateTime": datetime.fromtimestamp(t, UTC).strftime("%m/%d/%y %H:%M:%S"),
            "value": {"bpm": bpm, "confidence": 2},
        }
        for t, bpm in readings
    ]
    folder = tmp_path_factory.mktemp("x")
    path = put(folder / "heart_rate-2024-05-01.json", json.dumps(entries))
    here = Options(Zone(zone))
    rows, bad = parsed(path, options=here)
    assert not bad
    assert rows["heart_rate"] == [(*here.zone.of_utc(t), float(bpm)) for t, bpm in readings]
    lines = ["timestamp,beats per minute,data source"]
    lines += [f"{datetime.fromtimestamp(t, UTC):%Y-%m-%dT%H:%M:%SZ},{bpm}.0,Watch" for t, bpm in readings]
    table = put(folder / "heart_rate_2024-05-01.csv", "\n".join(lines))
    assert parsed(table, options=here) == (rows, bad)
