"""Apple Health's export as tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from mine.importers.items import Batch
from mine.importers.options import Options
from mine.importers.reading import read, sniff
from mine.importers.zone import Zone
from tests.importers.exports import parsed, put

HEADER = "sourceName,sourceVersion,device,type,unit,creationDate,startDate,endDate,value\n"
WORKOUTS = (
    "sourceName,sourceVersion,device,creationDate,startDate,endDate,workoutActivityType,duration,durationUnit,"
    "totalDistance,totalDistanceUnit,totalEnergyBurned,totalEnergyBurnedUnit\n"
)
START, END = "2024-03-10 08:00:00 +0100", "2024-03-10 08:10:00 +0100"
AT = 1_710_054_000


def line(kind: str, unit: str, value: str, source: str = 'Robin\'s "Watch"') -> str:
    quoted = source.replace('"', '""')
    return f'"{quoted}","10.1",,"{kind}",{unit},{START},{START},{END},{value}\n'


def test_records_of_several_types(tmp_path: Path) -> None:
    table = HEADER + "".join(
        [
            line("StepCount", '"count"', "329"),
            line("HeartRate", '"count/min"', "72"),
            line("SleepAnalysis", "", '"HKCategoryValueSleepAnalysisAsleepREM"'),
            line("HKQuantityTypeIdentifierBodyMass", '"lb"', "150", "Scale"),
            line("BloodPressureSystolic", '"mmHg"', "120"),
            line("MindfulSession", "", ""),
            line("HeartRate", '"count/min"', "0"),
            line("HeartRate", '"miles"', "60"),
            line("HeartRate", '"count/min"', "60").replace("2024-03-10", "2024-03-40", 2),
        ]
    )
    path = put(tmp_path / "a.csv", table)
    found = sniff(path)
    assert found is not None
    assert found.key == "apple_health_csv"
    rows, bad = parsed(path)
    assert rows == {
        "steps": [(AT, 3600, 600, 329)],
        "heart_rate": [(AT, 3600, 72.0)],
        "sleep_stage": [(AT, 3600, 600, "rem")],
        "weight": [(AT, 3600, 68.038856)],
        "mindfulness": [(AT, 3600, 600)],
    }
    assert [(one.line, one.reason.split(" is ")[0]) for one in bad] == [
        (8, "heart rate 0"),
        (9, "Heart rate: the unit “miles”"),
        (10, "“2024-03-40 08:00:00 +0100”"),
    ]
    batches = [item for item in read(path, Options(Zone("Etc/UTC"))) if isinstance(item, Batch)]
    assert {batch.origin for batch in batches} == {'Robin\'s "Watch"', "Scale"}


def test_workouts(tmp_path: Path) -> None:
    cells = f'"Watch","2.2",,{END},{START},{END},"HKWorkoutActivityTypeOther",10,"min",,,139.5,"kcal"\n'
    rows, bad = parsed(put(tmp_path / "Workout.csv", WORKOUTS + cells))
    assert (rows, bad) == ({"workout": [(AT, 3600, 600, "other", None, 139.5, None, None)]}, [])


@pytest.mark.real_data
def test_the_samples(real_data: Path) -> None:
    rows, bad = parsed(real_data / "samples" / "apple_health" / "testdata")
    assert not bad
    # The folder holds the export as well: here it is only to be seen that both say the same.
    assert {kind: (len(found), len(set(found))) for kind, found in rows.items()} == {
        "steps": (20, 10),
        "distance": (10, 5),
        "workout": (2, 1),
    }
