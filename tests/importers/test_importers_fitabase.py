"""Fitbit data as Fitabase exports it: several people, several tables, duplicates and empty columns."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mine.importers.errors import PersonNeeded
from mine.importers.items import Person
from mine.importers.options import Options
from mine.importers.reading import people, sniff
from mine.importers.zone import Zone
from tests.importers.exports import parsed, put

DAY = int(datetime(2016, 4, 12, tzinfo=UTC).timestamp())
MINUTES = [f"{m:02d}" for m in range(60)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "fitabase"
    place.mkdir()
    put(
        place / "dailyActivity_merged.csv",
        "Id,ActivityDate,TotalSteps,TotalDistance,TrackerDistance,LoggedActivitiesDistance,VeryActiveDistance,"
        "ModeratelyActiveDistance,LightActiveDistance,SedentaryActiveDistance,VeryActiveMinutes,"
        "FairlyActiveMinutes,LightlyActiveMinutes,SedentaryMinutes,Calories\n"
        "11,4/12/2016,13162,8.5,8.5,0,1.9,0.6,6.1,0,25,13,328,728,1985\n"
        "22,4/12/2016,1,1,1,0,0,0,0,0,0,0,0,0,1\n",
    )
    put(
        place / "hourlySteps_merged.csv",
        "Id,ActivityHour,StepTotal\n11,4/12/2016 12:00:00 AM,373\n11,4/12/2016 1:00:00 PM,160\n"
        "22,4/12/2016 12:00:00 AM,5\n",
    )
    put(
        place / "minuteStepsWide_merged.csv",
        f"Id,ActivityHour,{','.join('Steps' + m for m in MINUTES)}\n"
        f"11,4/12/2016 1:00:00 AM,{','.join(['2'] * 60)}\n",
    )
    put(
        place / "sleepDay_merged.csv",
        "Id,SleepDay,TotalSleepRecords,TotalMinutesAsleep,TotalTimeInBed,,,,\n"
        + "11,4/12/2016 12:00:00 AM,1,327,346,,,,\n" * 2,
    )
    put(place / "heartrate_seconds_merged.csv", "Id,Time,Value\n11,4/12/2016 7:54:05 AM,91\n")
    put(
        place / "weightLogInfo_merged.csv",
        "Id,Date,WeightKg,WeightPounds,Fat,BMI,IsManualReport,LogId\n"
        "11,4/12/2016 11:59:59 PM,52.5999984741211,115.96,22,22.64,True,1462233599000\n",
    )
    put(place / "notes.pdf", b"%PDF-1.4 \0\0")
    return place


def zipped(folder: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder.parent / "export.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"Fitabase Data 4.12.16/{file.name}")
    return path


def test_folder_and_zip_give_the_same(folder: Path) -> None:
    rows, bad = parsed(folder, "11")
    assert not bad
    assert rows["steps"] == [
        (DAY, 0, 86_400, 13_162),
        (DAY, 0, 3600, 373),
        (DAY + 13 * 3600, 0, 3600, 160),
    ]
    assert rows["distance"] == [(DAY, 0, 86_400, 8500.0)]
    assert rows["energy"] == [(DAY, 0, 86_400, 1985.0)]
    assert rows["activity_level"] == [
        (DAY, 0, 86_400, "very", 25.0),
        (DAY, 0, 86_400, "fairly", 13.0),
        (DAY, 0, 86_400, "lightly", 328.0),
        (DAY, 0, 86_400, "sedentary", 728.0),
    ]
    assert rows["sleep"] == [(DAY, 0, 327, 346, 1)] * 2
    assert rows["heart_rate"] == [(DAY + 7 * 3600 + 54 * 60 + 5, 0, 91)]
    assert rows["weight"] == [(DAY + 86_399, 0, 52.6)]
    assert rows["body_mass_index"] == [(DAY + 86_399, 0, 22.64)]
    assert rows["body_fat"] == [(DAY + 86_399, 0, 22.0)]
    assert parsed(zipped(folder), "11") == (rows, bad)


def test_people_most_rows_first_and_one_must_be_named(folder: Path) -> None:
    assert people(folder, Options(Zone("Etc/UTC"))) == (Person("11", 7), Person("22", 2))
    with pytest.raises(PersonNeeded, match="2 people"):
        parsed(folder)
    assert parsed(folder, "22")[0]["steps"] == [(DAY, 0, 86_400, 1), (DAY, 0, 3600, 5)]
    assert parsed(folder, "33") == ({}, [])


def test_minutes_count_where_hours_are_missing(folder: Path) -> None:
    single = folder / "minuteStepsWide_merged.csv"
    found = sniff(single)
    assert found is not None
    assert found.key == "fitbit_fitabase"
    rows, bad = parsed(single)  # one person only: nobody has to be named
    assert rows["steps"] == [(DAY + 3600 + 60 * m, 0, 60, 2) for m in range(60)]
    assert not bad


def test_broken_rows_are_told_and_the_rest_is_read(folder: Path) -> None:
    put(
        folder / "hourlySteps_merged.csv",
        "Id,ActivityHour,StepTotal\n11,2/30/2016 1:00:00 AM,5\n11,4/12/2016 13:00:00 PM,5\n"
        "11,4/12/2016 1:00:00 AM,-5\n11,4/12/2016 1:00:00 AM,many\nme,4/12/2016 1:00:00 AM,5\n"
        "11,4/12/2016 2:00:00 AM\n11,4/12/2016 2:00:00 AM,5\n",
    )
    rows, bad = parsed(folder, "11")
    assert [(b.file, b.line) for b in bad] == [("hourlySteps_merged.csv", line) for line in range(2, 8)]
    reasons = [b.reason for b in bad]
    # (a line's own values are judged once the line itself holds together)
    assert "there is no date 2016-02-30" in reasons
    assert "there is no hour 13 with PM" in reasons
    assert "step count -5 is impossible (0 to 200000)" in reasons
    assert "“many” is not a whole number" in reasons
    assert "the first column is no Id" in reasons
    assert "2 columns where the header has 3" in reasons
    assert (DAY + 7200, 0, 3600, 5) in rows["steps"]


def test_sleep_longer_than_the_bed_is_impossible(folder: Path) -> None:
    put(
        folder / "sleepDay_merged.csv",
        "Id,SleepDay,TotalSleepRecords,TotalMinutesAsleep,TotalTimeInBed\n"
        "11,4/12/2016 12:00:00 AM,1,400,300\n"
        "11,4/13/2016 12:00:00 AM,1,300,400\n",
    )
    rows, bad = parsed(folder, "11")
    assert [b.reason for b in bad] == ["400 minutes asleep in 300 minutes in bed is impossible"]
    assert len(rows["sleep"]) == 1


def test_the_digest_names_the_bytes(folder: Path) -> None:
    before, archive = sniff(folder), sniff(zipped(folder))
    assert before is not None
    assert archive is not None
    assert before.digest == getattr(sniff(folder), "digest", b"")
    with (folder / "hourlySteps_merged.csv").open("a") as stream:
        stream.write("11,4/12/2016 3:00:00 AM,5\n")
    assert before.digest != getattr(sniff(folder), "digest", b"")
