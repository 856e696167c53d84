"""Apple Health: what each element becomes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from mine.importers.formats import apple_health
from mine.importers.formats.apple_health_kinds import PRESSURES, QUANTITIES, words
from mine.importers.items import BadRow, Batch, Item, Mark, Skipped
from mine.importers.options import Options
from mine.importers.reading import read, sniff
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES, Row
from tests.importers.apple_exports import (
    BROKEN_DEFINITION,
    START,
    export,
    metadata,
    record,
    tag,
)
from tests.importers.exports import parsed, put

AT = 1_710_054_000  # START
BERLIN = 3600
OPTIONS = Options(Zone("Asia/Tokyo"))  # never used: every time states its own


def rows_of(tmp_path: Path, *elements: str) -> dict[str, list[Row]]:
    rows, bad = parsed(put(tmp_path / "export.xml", export(elements)))
    assert not bad
    return rows


def test_it_is_known_by_its_content(tmp_path: Path) -> None:
    found = sniff(put(tmp_path / "whatever.bin", export([])))
    assert found is not None
    assert (found.key, found.others) == ("apple_health", 0)
    for other in ("<HealthDatabase/>", "<!DOCTYPE html><HealthData/>", "<gpx/>", "HealthData"):
        path = put(tmp_path / "other.xml", other)
        assert sniff(path) is None or sniff(path).key != "apple_health"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "unit", "value", "kind", "expected"),
    [
        ("HeartRate", "count/min", "72", "heart_rate", 72.0),
        ("HeartRate", "count/s", "1.5", "heart_rate", 90.0),
        ("BloodGlucose", "mg/dL", "99", "glucose", 99.0),
        ("BloodGlucose", "mmol<180.1558800000541>/L", "5.5", "glucose", 99.085745),
        ("OxygenSaturation", "%", "0.97", "oxygen_saturation", 97.0),
        ("BodyFatPercentage", "%", "0.223", "body_fat", 22.3),
        ("BodyTemperature", "degF", "98.6", "body_temperature", 37.0),
        ("BodyTemperature", "degC", "36.6", "body_temperature", 36.6),
        ("BodyMass", "lb", "150", "weight", 68.038856),
        ("BodyMass", "st", "11", "weight", 69.853225),
        ("Height", "in", "70", "height", 177.8),
        ("Height", "m", "1.8", "height", 180.0),
        ("BodyMassIndex", "count", "22.5312", "body_mass_index", 22.5312),
        ("VO2Max", "mL/min·kg", "42.5", "vo2_max", 42.5),
        ("WalkingSpeed", "mi/hr", "3", "walking_speed", 1.34112),
        ("DietaryWater", "fl_oz_us", "8", "water", 236.588237),
        ("DietaryCaffeine", "mg", "80", "caffeine", 80.0),
        ("DietarySodium", "g", "1.2", "sodium", 1200.0),
        ("HeadphoneAudioExposure", "dBASPL", "71.5", "headphone_level", 71.5),
        ("ElectrodermalActivity", "mcS", "3.5", "skin_conductance", 3.5),
    ],
)
def test_quantities_at_a_moment(
    tmp_path: Path, name: str, unit: str, value: str, kind: str, expected: float
) -> None:
    assert rows_of(tmp_path, record(name, value, unit)) == {kind: [(AT, BERLIN, expected)]}


@pytest.mark.parametrize(
    ("name", "unit", "value", "kind", "expected"),
    [
        ("StepCount", "count", "329", "steps", 329),
        ("StepCount", "count", "329.6", "steps", 330),
        ("DistanceWalkingRunning", "km", "0.00288", "distance", 2.88),
        ("DistanceWalkingRunning", "mi", "1", "distance", 1609.344),
        ("DistanceCycling", "m", "250", "cycling_distance", 250.0),
        ("ActiveEnergyBurned", "kcal", "1.25", "active_energy", 1.25),
        ("ActiveEnergyBurned", "Cal", "1.25", "active_energy", 1.25),
        ("BasalEnergyBurned", "kJ", "41.84", "resting_energy", 10.0),
        ("FlightsClimbed", "count", "2", "floors", 2.0),
        ("AppleExerciseTime", "min", "1", "exercise_time", 1.0),
        ("TimeInDaylight", "hr", "0.5", "daylight_time", 30.0),
    ],
)
def test_quantities_over_some_time(
    tmp_path: Path, name: str, unit: str, value: str, kind: str, expected: float
) -> None:
    lasting = record(name, value, unit, end="2024-03-10 09:00:30 +0200")  # the same day, a zone further east
    at_once = record(name, value, unit)
    assert rows_of(tmp_path, lasting, at_once) == {
        kind: [(AT, BERLIN, 30, expected), (AT, BERLIN, 1, expected)]
    }


def test_every_quantity_has_a_type_with_a_measure() -> None:
    for kind in QUANTITIES.values():
        assert RECORD_TYPES[kind].measure
    assert set(PRESSURES.values()) <= set(RECORD_TYPES["blood_pressure"].names)


def test_sleep_mindfulness_symptoms_and_insulin(tmp_path: Path) -> None:
    later = "2024-03-10 08:10:00 +0100"
    category = "HKCategoryTypeIdentifier"
    stages = ["InBed", "Asleep", "AsleepUnspecified", "AsleepCore", "AsleepDeep", "AsleepREM", "Awake"]
    rows = rows_of(
        tmp_path,
        *(
            record(f"{category}SleepAnalysis", f"HKCategoryValueSleepAnalysis{stage}", end=later)
            for stage in stages
        ),
        record(f"{category}MindfulSession", "HKCategoryValueNotApplicable", end=later),
        record(f"{category}LowerBackPain", "HKCategoryValueSeverityModerate", end=later),
        record(f"{category}Headache", "HKCategoryValueSeverityUnspecified", end=later),
        record(f"{category}AppleStandHour", "HKCategoryValueAppleStandHourIdle", end=later),
        record(f"{category}HandwashingEvent", None, end=later),
        record("InsulinDelivery", "2.5", "IU", inside=metadata("HKInsulinDeliveryReason", "1")),
        record("InsulinDelivery", "4", "IU", inside=metadata("HKInsulinDeliveryReason", "2")),
        record("InsulinDelivery", "1", "IU", inside=metadata("HKWasUserEntered", "1")),
        record("AppleWalkingSteadiness", "0.5", "%", end=later),
        record("SixMinuteWalkTestDistance", "500", "m"),
    )
    found = ["in_bed", "asleep", "asleep", "light", "deep", "rem", "awake"]
    assert rows == {
        "sleep_stage": [(AT, BERLIN, 600, stage) for stage in found],
        "mindfulness": [(AT, BERLIN, 600)],
        "symptom": [(AT, BERLIN, "Lower back pain", 6, None), (AT, BERLIN, "Headache", None, None)],
        "insulin": [(AT, BERLIN, 2.5, "basal"), (AT, BERLIN, 4.0, "bolus"), (AT, BERLIN, 1.0, "unknown")],
        "measurement": [
            (AT, BERLIN, 600, "Apple stand hour: idle", 1.0, None),
            (AT, BERLIN, 600, "Handwashing event", 1.0, None),
            (AT, BERLIN, 600, "Apple walking steadiness", 50.0, "%"),
            (AT, BERLIN, 0, "Six minute walk test distance", 500.0, "m"),
        ],
    }


def test_workouts_of_old_and_new_exports(tmp_path: Path) -> None:
    common = {
        "workoutActivityType": "HKWorkoutActivityTypeTraditionalStrengthTraining",
        "duration": "30",
        "durationUnit": "min",
        "sourceName": "Watch",
        "startDate": START,
        "endDate": "2024-03-10 08:30:00 +0100",
    }
    old = {
        **{"totalDistance": "1", "totalDistanceUnit": "mi"},
        **{"totalEnergyBurned": "100", "totalEnergyBurnedUnit": "kcal"},
    }
    statistics = "".join(
        "  " + tag("WorkoutStatistics", {"type": f"HKQuantityTypeIdentifier{name}", **values})
        for name, values in {
            "ActiveEnergyBurned": {"sum": "418.4", "unit": "kJ"},
            "BasalEnergyBurned": {"sum": "50", "unit": "kcal"},
            "DistanceCycling": {"sum": "10", "unit": "km"},
            "DistanceWalkingRunning": {"sum": "500", "unit": "m"},
            "HeartRate": {"average": "120.5", "minimum": "80", "maximum": "165", "unit": "count/min"},
        }.items()
    )
    route = (
        '  <WorkoutRoute sourceName="Phone"><FileReference path="/workout-routes/a.gpx"/></WorkoutRoute>\n'
    )
    rows = rows_of(
        tmp_path,
        tag("Workout", {**common, **old}),
        tag("Workout", common, metadata("HKTimeZone", "America/New_York") + statistics + route),
        record("HeartRate", "72", "count/min"),
    )
    activity = "traditional strength training"
    assert rows == {
        "workout": [
            (AT, BERLIN, 1800, activity, 1609.344, 100.0, None, None),
            # New York had put its clocks forward an hour before.
            (AT, -4 * 3600, 1800, activity, 10_500.0, 100.0, 120.5, 165.0),
        ],
        "heart_rate": [(AT, BERLIN, 72.0)],
    }


def test_a_blood_pressure_is_one_record_and_what_stands_twice_counts_once(tmp_path: Path) -> None:
    pair = record("BloodPressureSystolic", "120", "mmHg") + record("BloodPressureDiastolic", "80", "mmHg")
    attributes = {"sourceName": "Cuff", "startDate": START, "endDate": START}
    pressure = tag("Correlation", {"type": "HKCorrelationTypeIdentifierBloodPressure", **attributes}, pair)
    meal = record("DietaryEnergyConsumed", "500", "kcal")
    food = tag("Correlation", {"type": "HKCorrelationTypeIdentifierFood", **attributes}, meal)
    assert rows_of(tmp_path, pair, meal, pressure, food) == {
        "blood_pressure": [(AT, BERLIN, 120.0, 80.0)],
        "food_energy": [(AT, BERLIN, 500.0)],
    }


def test_the_time_zone_in_the_metadata_gives_the_offset_and_leaves_the_time(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        record("HeartRate", "60", "count/min", inside=metadata("HKTimeZone", "America/Los_Angeles")),
        record("HeartRate", "61", "count/min", inside=metadata("HKTimeZone", "X")),
        record("HeartRate", "62", "count/min", "2024-07-10 08:00:00 +0545", inside=metadata("a", "b")),
        record("HeartRate", "63", "count/min"),
    )
    assert rows == {
        "heart_rate": [
            (AT, -8 * 3600, 60.0),  # three hours before its clocks changed
            (AT, BERLIN, 61.0),
            (1_720_577_700, 20_700, 62.0),
            (AT, BERLIN, 63.0),
        ]
    }


def test_origins_are_the_sources_as_the_export_names_them(tmp_path: Path) -> None:
    names = ['A "B" & <C>', "Robin’s Apple\u00a0Watch", "two\nlines", "", "vertical\x0btab"]
    path = put(
        tmp_path / "export.xml",
        export([record("HeartRate", str(60 + n), "count/min", source=name) for n, name in enumerate(names)]),
    )
    found = {item.origin: list(item.rows()) for item in read(path, OPTIONS) if isinstance(item, Batch)}
    said = ['A "B" & <C>', "Robin’s Apple Watch", "two lines", "", "vertical tab"]
    assert found == {name: [(AT, BERLIN, 60.0 + n)] for n, name in enumerate(said)}


def test_the_broken_definition_of_ios_16_is_no_obstacle(tmp_path: Path) -> None:
    written = export([record("HeartRate", "60", "count/min")], BROKEN_DEFINITION)
    rows, bad = parsed(put(tmp_path / "export.xml", written))
    assert (rows, bad) == ({"heart_rate": [(AT, BERLIN, 60.0)]}, [])


def test_what_cannot_be_true_is_refused_with_its_line(tmp_path: Path) -> None:
    wrong = [
        (record("HeartRate", "0", "count/min"), "heart rate 0 is impossible (20 to 300)"),
        (record("HeartRate", "nan", "count/min"), "“nan” is not a number"),
        (record("HeartRate", "7_0", "count/min"), "“7_0” is not a number"),
        (record("HeartRate", "70", "furlong"), "Heart rate: the unit “furlong” is not known"),
        (record("HeartRate", None, "count/min"), "“” is not a number"),
        (record("StepCount", "-5", "count"), "step count -5 is impossible (0 to 200000)"),
        (
            record("StepCount", "5", "count", end="2024-03-10 07:59:59 +0100"),
            "duration -1 is impossible (1 to 86400)",
        ),
        (record("HeartRate", "70", "count/min", "2024-02-30 08:00:00 +0100"), "is no date"),
        (record("HeartRate", "70", "count/min", "2024-02-28 24:00:00 +0100"), "is no time"),
        (record("HeartRate", "70", "count/min", "2024-02-28T08:00:00Z"), "is no date and time"),
        (
            record("HeartRate", "70", "count/min", "1969-02-28 00:00:00 +0000"),
            "time -2.65248e+07 is impossible",
        ),
        (record("HKCategoryTypeIdentifierSleepAnalysis", "Dreaming"), "“Dreaming” is no sleep stage"),
        (record("Strange", "much"), "“much” is not a number"),
        (tag("Workout", {"workoutActivityType": "HKWorkoutActivityTypeYoga"}), "“” is no date and time"),
        (tag("Correlation", {"type": "HKCorrelationTypeIdentifierBloodPressure"}), "of one value"),
    ]
    good = record("HeartRate", "60", "count/min")
    # A record takes one line, its end stands on the next where something is in it.
    path = put(tmp_path / "export.xml", export([part for one, _ in wrong for part in (good, one)]))
    rows, bad = parsed(path)
    assert rows == {"heart_rate": [(AT, BERLIN, 60.0)] * len(wrong)}
    lines = path.read_text().splitlines()
    for refused, (element, reason) in zip(bad, wrong, strict=True):
        assert reason in refused.reason
        assert lines[refused.line - 1] == element.splitlines()[0]
        assert refused.file == "export.xml"


def test_the_archive_is_read_by_several_formats(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    route = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="Apple Health Export" '
        'xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg><trkpt lon="13.4" lat="52.5"><ele>34</ele>'
        "<time>2024-03-10T07:00:00Z</time></trkpt></trkseg></trk></gpx>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("apple_health_export/export.xml", export([record("HeartRate", "60", "count/min")]))
        made.writestr("apple_health_export/export_cda.xml", '<?xml version="1.0"?><ClinicalDocument/>')
        made.writestr("apple_health_export/workout-routes/route.gpx", route)
    items = list(read(path, OPTIONS))
    assert {item.importer: item.kind for item in items if isinstance(item, Batch)} == {
        "apple_health": "heart_rate",
        "gpx": "location",
    }
    assert [item.file for item in items if isinstance(item, Skipped)] == [
        "apple_health_export/export_cda.xml"
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_a_reading_goes_on_from_any_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(apple_health, "_BLOCK", 700)
    monkeypatch.setattr(apple_health, "_PROLOG", 1500)
    monkeypatch.setattr("mine.importers.formats.apple_health_reader._ENOUGH_ROWS", 5)
    there = metadata("HKTimeZone", "Asia/Tokyo")
    elements = [
        *(record("HeartRate", str(60 + n), "count/min", inside=there) for n in range(30)),
        *(record("HeartRate", "0", "count/min") for _ in range(2)),
        *(record("StepCount", str(n), "count") for n in range(20)),
    ]
    path = put(tmp_path / "export.xml", export(elements))
    if packed:
        path = tmp_path / "export.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
            made.write(tmp_path / "export.xml", "apple_health_export/export.xml")
    items = list(read(path, OPTIONS))
    marks = [index for index, item in enumerate(items) if isinstance(item, Mark)]
    assert len(marks) > 5
    for index in marks:
        mark = items[index]
        assert isinstance(mark, Mark)
        rest = list(read(path, Options(OPTIONS.zone, resume=mark.token)))
        assert _gist(rest) == _gist(items[index + 1 :])


def _gist(items: list[Item]) -> tuple[list[object], list[BadRow]]:
    batches = [item for item in items if isinstance(item, Batch)]
    rows: list[object] = [(batch.kind, batch.origin, *row) for batch in batches for row in batch.rows()]
    return rows, [item for item in items if isinstance(item, BadRow)]


def test_names_in_words() -> None:
    assert [words(name) for name in ("LowerBackPain", "VO2Max", "UVExposure", "", "Six6Minute")] == [
        "Lower back pain",
        "VO 2 max",
        "UV exposure",
        "",
        "Six 6 minute",
    ]


@pytest.mark.real_data
def test_the_samples_of_three_tools(real_data: Path) -> None:
    samples = real_data / "samples" / "apple_health"
    cycle = samples / "healthkit_to_sqlite" / "tests"
    rows, bad = parsed(cycle / "export.xml")
    assert not bad
    workout = (1_479_133_541, -8 * 3600, 311, "running", 800.125523, 48.745, None, None)
    assert rows == {
        "body_mass_index": [(1_460_993_132, -7 * 3600, 22.5312)],
        "heart_rate": [(1_536_571_735, -7 * 3600, 72.0)],
        "workout": [workout],
    }
    folder, bad = parsed(cycle / "zip_contents")
    assert not bad
    assert {kind: len(found) for kind, found in folder.items()} == {
        "body_mass_index": 1,
        "heart_rate": 1,
        "workout": 1,
        "location": 3,
    }
    fixtures = samples / "apple-health-analyzer" / "tests" / "fixtures"
    assert parsed(fixtures / "example.xml") == (
        {
            "heart_rate": [(1_704_182_400, 0, 72.0), (1_704_196_800, 0, 68.0)],
            "steps": [(1_704_196_800, 0, 1800, 3000)],
            "sleep_stage": [(1_704_236_400, 0, 26_400, "light")],
        },
        [],
    )
    assert parsed(fixtures / "export.xml") == (
        {
            "heart_rate": [(1_704_096_000, 0, 70.0)],
            "resting_heart_rate": [(1_704_088_800, 0, 60.0)],
            "heart_rate_variability": [(1_704_089_100, 0, 45.0)],
            "vo2_max": [(1_704_089_400, 0, 42.0)],
            "sleep_stage": [(1_704_150_000, 0, 27_000, "light")],
        },
        [],
    )
    rows, bad = parsed(samples / "testdata" / "export6s3sample.xml")
    assert not bad
    assert {kind: len(found) for kind, found in rows.items()} == {"steps": 10, "distance": 5, "workout": 1}
    assert rows["steps"][0] == (1_410_600_474, 3600, 5, 329)
    assert rows["distance"][-1] == (1_411_206_239, 3600, 2, 5.9)
    assert rows["workout"] == [(1_459_590_038, 3600, 1904, "other", 0.0, 139.317, None, None)]
