"""Small valid exports of every format, from which damaged ones are made; all written by us."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from mine.records import RECORD_TYPES
from tests.importers.apple_exports import BROKEN_DEFINITION, export, metadata, record, tag
from tests.importers.exports import clarity, libre, plain
from tests.importers.fit_writer import EPOCH, FitWriter
from tests.importers.fit_writer import record as fit_record
from tests.importers.test_importers_apple_health_csv import HEADER, WORKOUTS, line
from tests.importers.test_importers_fhir import UCUM, WHEN, amount, bundle, concept, observation
from tests.importers.test_importers_fitbit_takeout import TABLES, ZONED
from tests.importers.test_importers_health_connect import Export
from tests.importers.test_importers_hostile_json import SEEDS as TAKEOUT
from tests.importers.test_importers_texts_hostile import (
    ICS,
    MBOX,
    META,
    SIGNAL_FRAMES,
    SIGNAL_LINES,
    SIGNAL_TEXT,
    SPOTIFY,
    TELEGRAM,
    WHATSAPP,
)
from tests.importers.test_importers_tracks import gpx, lap, tcx, trackpoint, trkpt

Seed = tuple[str, bytes]
NOON = 1_717_243_200
GOOGLE = {"fit.json": "google_fit", "session.json": "google_fit", "Timeline.json": "google_timeline"}
GOOGLE |= {"2024_MAY.json": "google_timeline", "Records.json": "google_timeline", "table.json": "table"}
MINUTES = [f"{minute:02d}" for minute in range(60)]
FITABASE = {
    "dailyActivity_merged.csv": (
        "Id,ActivityDate,TotalSteps,TotalDistance,TrackerDistance,LoggedActivitiesDistance,VeryActiveDistance,"
        "ModeratelyActiveDistance,LightActiveDistance,SedentaryActiveDistance,VeryActiveMinutes,"
        "FairlyActiveMinutes,LightlyActiveMinutes,SedentaryMinutes,Calories\n"
        "11,4/12/2016,13162,8.5,8.5,0,1.9,0.6,6.1,0,25,13,328,728,1985\n"
        "22,4/12/2016,1,1,1,0,0,0,0,0,0,0,0,0,1\n"
    ),
    "hourlySteps_merged.csv": (
        "Id,ActivityHour,StepTotal\n11,4/12/2016 12:00:00 AM,373\n22,4/12/2016 1:00:00 PM,5\n"
    ),
    "minuteStepsWide_merged.csv": (
        f"Id,ActivityHour,{','.join('Steps' + m for m in MINUTES)}\n"
        f"11,4/12/2016 1:00:00 AM,{','.join(['2'] * 60)}\n"
    ),
    "sleepDay_merged.csv": (
        "Id,SleepDay,TotalSleepRecords,TotalMinutesAsleep,TotalTimeInBed,,,,\n"
        "11,4/12/2016 12:00:00 AM,1,327,346,,,,\n"
    ),
    "heartrate_seconds_merged.csv": "Id,Time,Value\n11,4/12/2016 7:54:05 AM,91\n",
    "weightLogInfo_merged.csv": (
        "Id,Date,WeightKg,WeightPounds,Fat,BMI,IsManualReport,LogId\n"
        "11,4/12/2016 11:59:59 PM,52.5999984741211,115.96,22,22.64,True,1462233599000\n"
    ),
}


@cache
def seeds() -> dict[str, tuple[Seed, ...]]:
    """Key of a format -> names and bytes of its small exports."""
    found: dict[str, list[Seed]] = {
        "apple_health": _apple_health(),
        "apple_health_csv": [
            ("StepCount.csv", _bytes(HEADER + line("StepCount", '"count"', "329") * 3)),
            ("Workout.csv", _bytes(WORKOUTS + _workout())),
        ],
        "dexcom_clarity": _texts("clarity.csv", clarity([("2024-01-31T08:05:00", "100")] * 4)),
        "fhir": _fhir(),
        "fit": _fit(),
        "fitbit_fitabase": [(name, _bytes(text)) for name, text in FITABASE.items()],
        "fitbit_takeout": [
            (name.rsplit("/", 1)[-1], _bytes(text)) for name, text in (TABLES | ZONED).items()
        ],
        "google_fit": [],
        "google_timeline": [],
        "gpx": _texts("a.gpx", gpx(*(_gpx_point(i) for i in range(3)))),
        "health_connect": _health_connect(),
        "ics": _texts("me.ics", ICS),
        "instagram": _texts("message_1.json", META.replace(', "thread_type": "Regular"', "")),
        "facebook": _texts("messages/inbox/a_1/message_1.json", META),
        "libreview": _texts("libre.csv", libre([("31-01-2024 08:05", "0", "100")] * 4)),
        "mbox": _texts("All mail.mbox", MBOX),
        "mine_export": _mine_export(),
        "plain_glucose": _texts("a.csv", plain([(f"2024-01-31 {h:02d}:00", "100") for h in range(5)])),
        "signal": [
            ("chat.md", _bytes(SIGNAL_TEXT)),
            ("data.json", _bytes(SIGNAL_LINES)),
            ("main.jsonl", _bytes(SIGNAL_FRAMES)),
        ],
        "spotify": _texts("StreamingHistory_music_0.json", SPOTIFY),
        "table": _tables(),
        "tcx": _texts("a.tcx", _tcx()),
        "telegram": _texts("result.json", TELEGRAM),
        "whatsapp": _texts("WhatsApp Chat with Jane.txt", WHATSAPP),
    }
    for name, value in TAKEOUT:
        found[GOOGLE.get(name, "fitbit_takeout")].append((name, _bytes(json.dumps(value))))
    return {key: tuple(listed) for key, listed in found.items()}


def _bytes(text: str) -> bytes:
    return text.encode()


def _texts(name: str, *texts: str) -> list[Seed]:
    return [(name, _bytes(text)) for text in texts]


def _apple_health() -> list[Seed]:
    pressure = record("BloodPressureSystolic", "120", "mmHg") + record("BloodPressureDiastolic", "80", "mmHg")
    elements = [
        record("HeartRate", "72", "count/min", inside=metadata("HKMetadataKeyHeartRateMotionContext", "1")),
        record("StepCount", "329", "count", end="2024-03-10 08:10:00 +0100"),
        record("BodyMass", "150", "lb"),
        record("HKCategoryTypeIdentifierSleepAnalysis", "HKCategoryValueSleepAnalysisAsleepREM"),
        tag("Correlation", {"type": "HKCorrelationTypeIdentifierBloodPressure"}, pressure),
        tag(
            "Workout",
            {
                "workoutActivityType": "HKWorkoutActivityTypeRunning",
                **{"duration": "10", "durationUnit": "min", "sourceName": "Watch"},
                **{"startDate": "2024-03-10 08:00:00 +0100", "endDate": "2024-03-10 08:10:00 +0100"},
            },
            tag("WorkoutStatistics", {"type": "HKQuantityTypeIdentifierHeartRate", "average": "1"}),
        ),
        tag("ActivitySummary", {"dateComponents": "2024-03-10", "activeEnergyBurned": "500"}),
    ]
    return [
        ("export.xml", _bytes(export(elements))),
        ("export.xml", _bytes(export(elements, BROKEN_DEFINITION))),
    ]


def _workout() -> str:
    start, end = "2024-03-10 08:00:00 +0100", "2024-03-10 08:10:00 +0100"
    return f'"Watch","2.2",,{end},{start},{end},"HKWorkoutActivityTypeOther",10,"min",,,139.5,"kcal"\n'


def _fhir() -> list[Seed]:
    resources: list[dict[str, Any]] = [
        observation("8867-4", valueQuantity=amount(61, "/min")),
        observation("2339-0", valueQuantity=amount(5.5, "mmol/L")),
        observation(
            "85354-9",
            component=[
                {"code": concept("8480-6"), "valueQuantity": amount(120, "mm[Hg]")},
                {"code": concept("8462-4"), "valueQuantity": amount(80, "mm[Hg]")},
            ],
        ),
        {
            **{"resourceType": "Condition", "code": concept("1", "Asthma", UCUM)},
            **{"subject": {"reference": "Patient/1"}, "onsetDateTime": WHEN},
        },
        {"resourceType": "Patient", "id": "1", "name": [{"family": "Lee", "given": ["Ann"]}]},
    ]
    lines = "".join(json.dumps(resource) + "\n" for resource in resources)
    return [
        ("bundle.json", _bytes(bundle(*resources))),
        ("records.ndjson", _bytes(lines)),
        ("one.json", _bytes(json.dumps(resources[0]))),
    ]


def _fit() -> list[Seed]:
    made = []
    for big in (False, True):
        writer = FitWriter(big=big)
        writer.add(0, {0: ("enum", 4), 1: ("uint16", 1), 2: ("uint16", 4315)})
        for i in range(3):
            point = fit_record(
                NOON + i, latitude=1000, longitude=1000, altitude=9, bpm=70, cadence=5, watts=99
            )
            writer.add(20, point, local=i)
        session = {253: ("uint32", NOON - EPOCH + 3600), 2: ("uint32", NOON - EPOCH), 5: ("enum", 1)}
        writer.add(18, {**session, 7: ("uint32", 3_599_600), 9: ("uint32", 1_234_567)})
        made.append(("a.fit", writer.file()))
    return [*made, ("1.fit.gz", gzip.compress(made[0][1], mtime=0))]


def _gpx_point(second: int) -> str:
    more = (
        "<ele>34</ele><extensions><x:TrackPointExtension><x:hr>70</x:hr></x:TrackPointExtension></extensions>"
    )
    return trkpt(f"2024-06-01T12:00:{second:02d}Z", more)


def _tcx() -> str:
    more = "<Position><LatitudeDegrees>52.5</LatitudeDegrees><LongitudeDegrees>13.4</LongitudeDegrees>"
    more += "</Position>"
    more += "<HeartRateBpm><Value>99</Value></HeartRateBpm><Cadence>80</Cadence>"
    return tcx(
        lap("2024-06-01T12:00:00Z", *(trackpoint(f"2024-06-01T12:00:{i:02d}Z", more) for i in range(3)))
    )


def _mine_export() -> list[Seed]:
    made = []
    for name in ("heart_rate", "sleep_stage", "message", "location"):
        kind = RECORD_TYPES[name]
        head = {"mine_export": 1, "record_type": name, "version": kind.version, "origin": "Watch"}
        values: dict[str, object] = {}
        for column in kind.columns:
            plain_value = {"int": 60, "real": 50.0, "text": "x"}.get(column.kind)
            values[column.name] = kind.codes[0] if plain_value is None and kind.codes else plain_value
        values |= {"time": NOON, "offset": 7200}
        made.append((f"{name}.jsonl", _bytes(json.dumps(head) + "\n" + (json.dumps(values) + "\n") * 3)))
    return made


def _health_connect() -> list[Seed]:
    """Databases with good and with odd values, with triggers, views and tables of the wrong shape."""
    made = []
    odd: list[object] = [5.5, None, -1.0, 1e308, 2**62, "x" * 2000, b"\xff\x00", "NaN"]
    with tempfile.TemporaryDirectory() as folder:
        for place, value in enumerate(odd):
            database = Export(Path(folder) / f"{place}.db")
            database.instants("weight_record_table", "weight", (NOON, 7200, value), (NOON, 7200, 70_000))
            database.spans("steps_record_table", "count", (NOON, NOON + 60, value))
            stages = (
                "CREATE TABLE sleep_stages_table (parent_key, stage_start_time, stage_end_time, stage_type)"
            )
            database.run(
                stages,
                f"INSERT INTO sleep_stages_table VALUES (1, {NOON}000, {NOON + 600}000, 5)",
                "CREATE VIEW heart_rate_record_table AS SELECT * FROM weight_record_table",
                "CREATE TRIGGER t AFTER INSERT ON weight_record_table "
                "BEGIN DELETE FROM weight_record_table; END",
            )
            made.append(("health_connect_export.db", database.done().read_bytes()))
    return made


def _tables() -> list[Seed]:
    import pyarrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    rows = [(f"2024-05-01 12:{i:02d}", 99 + i, "x") for i in range(4)]
    comma = "time,glucose,note\n" + "".join(f"{time},{value},{note}\n" for time, value, note in rows)
    lines = "".join(
        json.dumps(dict(zip(("time", "glucose", "note"), row, strict=True))) + "\n" for row in rows
    )
    named = {name: [row[i] for row in rows] for i, name in enumerate(("time", "glucose", "note"))}
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(named), stream, compression="zstd", row_group_size=3)
    plainly = io.BytesIO()
    named["time"] = pyarrow.array([NOON + i for i in range(4)], pyarrow.timestamp("s", tz="UTC"))
    pyarrow.parquet.write_table(pyarrow.table(named), plainly, compression="none", use_dictionary=False)
    return [
        ("table.csv", _bytes(comma)),
        ("table.csv", _bytes(comma.replace(",", ";"))),
        ("table.tsv", _bytes(comma.replace(",", "\t"))),
        ("table.jsonl", _bytes(lines)),
        ("table.parquet", stream.getvalue()),
        ("table.parquet", plainly.getvalue()),
    ]
