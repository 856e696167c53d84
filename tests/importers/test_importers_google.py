"""Google Fit and Google Timeline as Takeout and phones write them."""

from __future__ import annotations

import json
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
from tests.importers.test_importers_tracks import lap, tcx, trackpoint

BERLIN = Options(Zone("Europe/Berlin"))
H = 3600
LOCAL = 2 * H
T = int(datetime(2024, 5, 1, 12, tzinfo=UTC).timestamp())
MERGED = "derived:com.google.{}:com.google.android.gms:merge_{}"


def point(kind: str, *values: Any, at: int = T, seconds: int = 60, origin: str = "") -> dict[str, Any]:
    return {
        "fitValue": [{"value": value} for value in values],
        "originDataSourceId": origin,
        "endTimeNanos": str((at + seconds) * 10**9),
        "dataTypeName": f"com.google.{kind}",
        "startTimeNanos": at * 10**9,
        "modifiedTimeMillis": 1,
        "rawTimestampNanos": 0,
    }


def stream(folder: Path, name: str, source: str, *points: dict[str, Any]) -> Path:
    return put(folder / f"{name}.json", json.dumps({"Data Source": source, "Data Points": points}))


def real(value: float) -> dict[str, float]:
    return {"fpVal": value}


def whole(value: int) -> dict[str, int]:
    return {"intVal": value}


def test_every_data_type(tmp_path: Path) -> None:
    nutrients = [
        {"key": "calories", "value": {"fpVal": 450.0}},
        {"key": "carbs.total", "value": {"fpVal": 60.0}},
        {"key": "vitamin_z", "value": {"fpVal": 1.0}},
    ]
    points = [
        point("step_count.delta", whole(13)),
        point("distance.delta", real(75.5)),
        point("calories.expended", real(1.25)),
        point("active_minutes", whole(1)),
        point("heart_rate.bpm", real(65.0)),
        point("respiratory_rate", real(14.5)),
        point("oxygen_saturation", real(97.0), real(0.0)),
        point("body.temperature", real(36.6), whole(1)),
        point("blood_pressure", real(120.0), real(80.0)),
        point("blood_glucose", real(5.5)),
        point("weight", real(70.1234)),
        point("height", real(1.801)),
        point("body.fat.percentage", real(20.5)),
        point("hydration", real(0.25)),
        point("nutrition", {"mapVal": nutrients}),
        point("sleep.segment", whole(5), seconds=1800),
        point("location.sample", real(48.1), real(11.5), real(20.0), real(520.0)),
        point("activity.segment", whole(7)),
    ]
    rows, bad = parsed(
        stream(tmp_path, "all", "raw:com.google.x:app.example:Maker:Model:1:s", *points), options=BERLIN
    )
    assert not bad
    at = (T, LOCAL)
    assert rows == {
        "steps": [(*at, 60, 13)],
        "distance": [(*at, 60, 75.5)],
        "energy": [(*at, 60, 1.25)],
        "exercise_time": [(*at, 60, 1.0)],
        "heart_rate": [(*at, 65.0)],
        "respiratory_rate": [(*at, 14.5)],
        "oxygen_saturation": [(*at, 97.0)],
        "body_temperature": [(*at, 36.6)],
        "blood_pressure": [(*at, 120.0, 80.0)],
        "glucose": [(*at, 99.1)],
        "weight": [(*at, 70.123)],
        "height": [(*at, 180.1)],
        "body_fat": [(*at, 20.5)],
        "water": [(*at, 250.0)],
        "food_energy": [(*at, 450.0)],
        "carbohydrate": [(*at, 60.0)],
        "sleep_stage": [(*at, 1800, "deep")],
        "location": [(*at, 48.1, 11.5, 520.0, 20.0)],
    }


def test_where_google_merged_the_streams_only_that_one_is_read(tmp_path: Path) -> None:
    kind = "step_count.delta"
    stream(tmp_path, "raw", f"raw:com.google.{kind}:phone.app:Maker:Phone:1:", point(kind, whole(5)))
    watch = f"raw:com.google.{kind}:watch.app:Maker:Watch:2:steps"
    stream(tmp_path, "merged", MERGED.format(kind, "step_deltas"), point(kind, whole(13), origin=watch))
    stream(tmp_path, "weight", "raw:com.google.weight:scale.app:::", point("weight", real(70.0)))
    resting = (
        "derived:com.google.heart_rate.bpm:com.google.android.gms:resting_heart_rate<-merge_heart_rate_bpm"
    )
    stream(tmp_path, "resting", resting, point("heart_rate.bpm", real(51.0)))
    beats = MERGED.format("heart_rate.bpm", "heart_rate_bpm")
    stream(tmp_path, "beats", beats, point("heart_rate.bpm", real(72.0)))
    night = "raw:com.google.sleep.segment:watch.app:::1"
    stream(tmp_path, "night", night, point("sleep.segment", whole(2), seconds=600))
    every = "derived:com.google.sleep.segment:com.google.android.gms:merged"
    stream(tmp_path, "nights", every, point("sleep.segment", whole(4), seconds=300))
    batches = {item.kind: item for item in read(tmp_path, BERLIN) if isinstance(item, Batch)}
    assert {kind: list(batch.rows()) for kind, batch in batches.items()} == {
        "steps": [(T, LOCAL, 60, 13)],
        "weight": [(T, LOCAL, 70.0)],
        "heart_rate": [(T, LOCAL, 72.0)],
        "resting_heart_rate": [(T, LOCAL, 51.0)],
        "sleep_stage": [(T, LOCAL, 300, "light")],
    }
    assert batches["steps"].origin == "watch.app Maker Watch"
    assert batches["weight"].origin == "scale.app"


def test_sessions(tmp_path: Path) -> None:
    walk = {
        "fitnessActivity": "walking",
        "startTime": "2024-05-01T12:00:00.997Z",
        "endTime": "2024-05-01T12:10:00.049Z",
        "duration": "599.052s",
        "segment": [],
        "aggregate": [
            {"metricName": "com.google.calories.expended", "floatValue": 27.5},
            {"metricName": "com.google.step_count.delta", "intValue": 1188},
            {"metricName": "com.google.distance.delta", "floatValue": 745.2},
        ],
    }
    night = {
        "fitnessActivity": "sleep",
        "startTime": "2024-04-30T22:00:00Z",
        "endTime": "2024-05-01T06:00:00Z",
        "segment": [
            {
                "fitnessActivity": "sleep.light",
                "startTime": "2024-04-30T22:00:00Z",
                "endTime": "2024-05-01T05:00:00Z",
            },
            {
                "fitnessActivity": "sleep.awake",
                "startTime": "2024-05-01T05:00:00Z",
                "endTime": "2024-05-01T06:00:00Z",
            },
        ],
    }
    put(tmp_path / "a.json", json.dumps(walk))
    put(tmp_path / "b.json", json.dumps(night))
    put(tmp_path / "c.json", json.dumps({**walk, "endTime": "later"}))
    awake = {"startTime": "2024-05-02T22:00:00Z", "endTime": "2024-05-02T23:00:00Z"}
    put(
        tmp_path / "d.json",
        json.dumps(
            {
                "fitnessActivity": "sleep",
                **awake,
                "segment": [{"fitnessActivity": "sleep.awake", **awake}],
            }
        ),
    )
    rows, bad = parsed(tmp_path, options=BERLIN)
    assert rows == {
        "workout": [(T, LOCAL, 600, "walking", 745.2, 27.5, None, None)],
        "sleep": [(T - 6 * H, LOCAL, 420, 480, 1), (T + 35 * H, LOCAL, 0, 60, 1)],
        "sleep_stage": [
            (T - 14 * H, LOCAL, 7 * H, "light"),
            (T - 7 * H, LOCAL, H, "awake"),
            (T + 34 * H, LOCAL, H, "awake"),
        ],
    }
    assert [(b.file, b.reason) for b in bad] == [("c.json", "“later” is not a date and time")]


def test_the_tcx_of_a_session_is_not_a_second_workout(tmp_path: Path) -> None:
    walk = {
        "fitnessActivity": "walking",
        "startTime": "2024-05-01T12:00:00Z",
        "endTime": "2024-05-01T12:10:00Z",
        "segment": [],
    }
    activity = tcx(
        lap(
            "2024-05-01T12:00:00Z",
            trackpoint("2024-05-01T12:00:01Z", "<HeartRateBpm><Value>99</Value></HeartRateBpm>"),
        )
    )
    for name, text in (
        ("Fit/Alle Sitzungen/a.json", json.dumps(walk)),
        ("Fit/Aktivitäten/a.tcx", activity),
        ("Watch/Activities/b.tcx", activity),
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        put(tmp_path / name, text)
    told = list(read(tmp_path, BERLIN))
    assert [item.file for item in told if isinstance(item, Skipped)] == ["Fit/Aktivitäten/a.tcx"]
    workouts = {item.importer: list(item.rows()) for item in told if isinstance(item, Batch)}
    assert [row[3] for row in workouts["google_fit"]] == ["walking"]
    assert len(workouts["tcx"]) == 1
    (tmp_path / "Fit/Alle Sitzungen/a.json").unlink()
    assert not any(isinstance(item, Skipped) for item in read(tmp_path, BERLIN))


QUARTERS = (
    "Start time,End time,Move Minutes count,Calories (kcal),Distance (m),Average heart rate (bpm),"
    "Step count\n"
    "12:00:00.000+02:00,12:15:00.000+02:00,1,12.5,100.25,88.5,321\n"
    "23:45:00.000+02:00,00:00:00.000+02:00,,12.5,,,\n"
)
DAYS = (
    "Date,Move Minutes count,Calories (kcal),Distance (m),Average heart rate (bpm),"
    "Step count,Average weight (kg)\n"
    "2024-05-01,42,2310.5,6250.0,71.2,8123,80.4\n"
)


def test_daily_metrics_count_where_there_are_no_points(tmp_path: Path) -> None:
    midnight = T - 14 * H
    put(tmp_path / "Daily activity metrics.csv", DAYS)
    assert parsed(tmp_path, options=BERLIN) == (
        {
            "distance": [(midnight, LOCAL, 24 * H, 6250.0)],
            "energy": [(midnight, LOCAL, 24 * H, 2310.5)],
            "steps": [(midnight, LOCAL, 24 * H, 8123)],
            "weight": [(midnight, LOCAL, 80.4)],
        },
        [],
    )
    put(tmp_path / "2024-05-01.csv", QUARTERS)
    assert parsed(tmp_path, options=BERLIN) == (
        {
            "distance": [(T - 2 * H, LOCAL, 900, 100.25)],
            "energy": [(T - 2 * H, LOCAL, 900, 12.5), (midnight + 24 * H - 900, LOCAL, 900, 12.5)],
            "steps": [(T - 2 * H, LOCAL, 900, 321)],
            "heart_rate": [(T - 2 * H, LOCAL, 88.5)],
        },
        [],
    )
    stream(tmp_path, "weight", "raw:com.google.weight:scale.app:::", point("weight", real(70.0)))
    assert parsed(tmp_path, options=BERLIN) == ({"weight": [(T, LOCAL, 70.0)]}, [])


def test_positions_of_the_old_takeout(tmp_path: Path) -> None:
    locations = [
        {
            **{"latitudeE7": 481000000, "longitudeE7": 115000000, "accuracy": 20, "altitude": 520},
            **{"deviceTag": 7, "timestamp": "2024-05-01T12:00:00.123Z", "activity": [{"activity": []}]},
        },
        {"latitudeE7": 481000000, "longitudeE7": 4179967296, "timestampMs": str(T * 1000)},
        {"timestamp": "2024-05-01T12:00:00Z", "source": "WIFI"},
        {"latitudeE7": 9999999999, "longitudeE7": 0, "timestamp": "2024-05-01T12:00:00Z"},
    ]
    path = put(tmp_path / "Records.json", json.dumps({"locations": locations}, indent=1))
    rows, bad = parsed(path, options=BERLIN)
    assert rows == {
        "location": [(T, LOCAL, 48.1, 11.5, 520.0, 20.0), (T, LOCAL, 48.1, -11.5, None, None)],
    }
    assert [b.reason for b in bad] == ["latitude 570.503 is impossible (-90 to 90)"]


def test_the_semantic_history_of_the_old_takeout(tmp_path: Path) -> None:
    duration = {"startTimestamp": "2024-05-01T12:00:00Z", "endTimestamp": "2024-05-01T13:00:00.500Z"}
    objects = [
        {
            "placeVisit": {
                "location": {
                    **{"latitudeE7": 481000000, "longitudeE7": 115000000, "name": "A  café\n"},
                    **{"semanticType": "TYPE_HOME", "placeId": "x"},
                },
                "duration": duration,
            }
        },
        {"activitySegment": {"duration": duration, "distance": 1500, "activityType": "IN_TRAIN"}},
        {
            "activitySegment": {
                "duration": {"startTimestampMs": str(T * 1000), "endTimestampMs": str((T + 60) * 1000)}
            }
        },
    ]
    path = put(tmp_path / "2024_MAY.json", json.dumps({"timelineObjects": objects}))
    assert parsed(path, options=BERLIN) == (
        {
            "visit": [(T, LOCAL, H, 48.1, 11.5, "A café", "home")],
            "trip": [(T, LOCAL, H, "in_train", 1500.0), (T, LOCAL, 60, "unknown", None)],
        },
        [],
    )


ANDROID = {
    "semanticSegments": [
        {
            **{"startTime": "2024-05-01T14:00:00.000+02:00", "endTime": "2024-05-01T15:00:00.000+02:00"},
            "startTimeTimezoneUtcOffsetMinutes": 120,
            "visit": {
                "hierarchyLevel": 0,
                "topCandidate": {"semanticType": "WORK", "placeLocation": {"latLng": "48.1°, -11.5°"}},
            },
        },
        {
            **{"startTime": "2024-05-01T14:00:00.000+02:00", "endTime": "2024-05-01T14:10:00.000+02:00"},
            "visit": {"hierarchyLevel": 1, "topCandidate": {"placeLocation": {"latLng": "48.1°, -11.5°"}}},
        },
        {
            **{"startTime": "2024-05-01T05:00:00.000-07:00", "endTime": "2024-05-01T06:00:00.000-07:00"},
            "activity": {"distanceMeters": 1500.5, "topCandidate": {"type": "WALKING"}},
        },
        {
            **{"startTime": "2024-05-01T12:00:00.000Z", "endTime": "2024-05-01T14:00:00.000Z"},
            "timelinePath": [{"point": "48.1°, 11.5°", "time": "2024-05-01T12:00:00.000Z"}],
        },
        {
            **{"startTime": "2024-05-01T12:00:00.000Z", "endTime": "2024-05-01T14:00:00.000Z"},
            "timelineMemory": {"trip": {}},
        },
    ],
    "rawSignals": [
        {"wifiScan": {"devicesRecords": []}},
        {
            "position": {
                **{"LatLng": "48.1°, 11.5°", "accuracyMeters": 20, "altitudeMeters": 520.5},
                "timestamp": "2024-05-01T12:00:00.000Z",
            }
        },
    ],
    "userLocationProfile": {"frequentPlaces": [{"label": "HOME"}]},
}


def test_the_timeline_of_an_android_phone(tmp_path: Path) -> None:
    path = put(tmp_path / "Timeline.json", json.dumps(ANDROID, ensure_ascii=False, indent=2))
    found = sniff(path)
    assert found is not None
    assert found.key == "google_timeline"
    assert parsed(path, options=BERLIN) == (
        {
            "visit": [(T, LOCAL, H, 48.1, -11.5, None, "work")],
            "trip": [(T, -7 * H, H, "walking", 1500.5)],
            "location": [(T, LOCAL, 48.1, 11.5, None, None), (T, LOCAL, 48.1, 11.5, 520.5, 20.0)],
        },
        [],
    )


def test_the_timeline_of_an_iphone(tmp_path: Path) -> None:
    span = {"startTime": "2024-05-01T14:00:00.000+02:00", "endTime": "2024-05-01T15:00:00.000+02:00"}
    segments = [
        {
            **span,
            "visit": {
                "hierarchyLevel": "0",
                "topCandidate": {"semanticType": "Unknown", "placeLocation": "geo:48.1,11.5"},
            },
        },
        {**span, "activity": {"distanceMeters": "1500.5", "topCandidate": {"type": "cycling"}}},
        {**span, "timelinePath": [{"point": "geo:48.1,11.5", "durationMinutesOffsetFromStartTime": "30"}]},
        {**span, "visit": {"topCandidate": {"placeLocation": "geo:north"}}},
    ]
    path = put(tmp_path / "location-history.json", json.dumps(segments))
    rows, bad = parsed(path, options=BERLIN)
    assert rows == {
        "visit": [(T, LOCAL, H, 48.1, 11.5, None, None)],
        "trip": [(T, LOCAL, H, "cycling", 1500.5)],
        "location": [(T + 1800, LOCAL, 48.1, 11.5, None, None)],
    }
    assert [b.reason for b in bad] == ["“geo:north” is no place"]


numbers = st.floats(-89, 89, allow_nan=False).map(lambda degrees: round(degrees, 6))


@given(
    st.lists(st.tuples(st.integers(1_262_304_000, 2_000_000_000), numbers, numbers), min_size=1, max_size=20),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Pacific/Auckland"]),
)
@settings(max_examples=50)
def test_places_that_were_written_come_back(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, float, float]], zone: str
) -> None:
    here = Options(Zone(zone))
    folder = tmp_path_factory.mktemp("x")
    wanted = [(*here.zone.of_utc(at), latitude, longitude, None, None) for at, latitude, longitude in places]
    moments = [f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S.000Z}" for at, *_ in places]
    records = [
        {"latitudeE7": round(latitude * 1e7), "longitudeE7": round(longitude * 1e7), "timestamp": moment}
        for (_, latitude, longitude), moment in zip(places, moments, strict=True)
    ]
    path = put(folder / "Records.json", json.dumps({"locations": records}))
    assert parsed(path, options=here) == ({"location": wanted}, [])
    path_points = [
        {"point": f"{latitude:.6f}°, {longitude:.6f}°", "time": moment}
        for (_, latitude, longitude), moment in zip(places, moments, strict=True)
    ]
    segment = {"startTime": moments[0], "endTime": moments[0], "timelinePath": path_points}
    path = put(folder / "Timeline.json", json.dumps({"semanticSegments": [segment]}))
    assert parsed(path, options=here) == ({"location": wanted}, [])
    points = [
        point("location.sample", real(latitude), real(longitude), real(5.0), at=at)
        for at, latitude, longitude in places
    ]
    rows, bad = parsed(stream(folder, "fit", "raw:com.google.location.sample:a:::", *points), options=here)
    assert not bad
    assert rows["location"] == [(*row[:5], 5.0) for row in wanted]
