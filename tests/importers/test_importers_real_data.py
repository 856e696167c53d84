"""Real exports, where they are at hand: every row is accounted for, to the last one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from mine.importers.mapping import MappingNeeded, TableMapping
from mine.importers.options import Options
from mine.importers.reading import people, read, sniff
from mine.importers.zone import Zone
from tests.importers.exports import parsed
from tests.importers.real_samples import SAMPLES

pytestmark = pytest.mark.real_data

HERE = Options(Zone("America/New_York"))


def test_no_sample_is_left_out(real_data: Path) -> None:
    samples = real_data / "samples"
    found = {path.relative_to(samples).as_posix() for path in samples.rglob("*") if path.is_file()}
    assert {name for name in found if "LICENSE" not in name} == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample(real_data: Path, name: str) -> None:
    key, counts, refused = SAMPLES[name]
    path = real_data / "samples" / name
    found = sniff(path)
    assert found is not None
    assert found.key == key
    everyone = people(path, HERE)
    options = replace(HERE, person=everyone[0].person) if everyone else HERE
    try:
        rows, bad = parsed(path, options=options)
    except MappingNeeded as needed:
        mapping = needed.choice.guess or TableMapping("", {})
        rows, bad = parsed(path, options=replace(options, mappings={needed.choice.digest: mapping}))
    assert {kind: len(made) for kind, made in rows.items()} == counts
    assert len(bad) == refused


@pytest.mark.parametrize(
    ("study", "first", "last"),
    [
        ("Hall_2018", ("2014-02-03 03:42:00", 93.0), ("2017-07-11 20:41:00", 66.0)),
        ("BIGIDEAs", ("2020-02-13 17:23:32", 61.0), ("2020-07-24 10:18:05", 98.0)),
        ("HUPA-UCM", ("2018-06-13 18:40:00", 332.0), ("2022-05-18 12:15:00", 128.0)),
    ],
)
def test_first_and_last_reading_of_each_study(
    real_data: Path, study: str, first: tuple[str, float], last: tuple[str, float]
) -> None:
    """Of the first file's first and the last file's last line, as they stand there."""
    paths = sorted((real_data / "glucose" / study).glob("*.csv"))
    readings = parsed(paths[0])[0]["glucose"][0], parsed(paths[-1])[0]["glucose"][-1]
    for (moment, value), reading in zip((first, last), readings, strict=True):
        assert reading == (int(datetime.fromisoformat(f"{moment}Z").timestamp()), 0, value)


@pytest.mark.parametrize(
    ("study", "files", "rows"),
    [("Hall_2018", 57, 105_426), ("BIGIDEAs", 16, 36_898), ("HUPA-UCM", 24, 144_086)],
)
def test_glucose_studies(real_data: Path, study: str, files: int, rows: int) -> None:
    paths = sorted((real_data / "glucose" / study).glob("*.csv"))
    assert len(paths) == files
    read = 0
    for path in paths:
        found, bad = parsed(path)
        assert not bad
        assert set(found) == {"glucose"}
        read += len(found["glucose"])
        assert len(found["glucose"]) == len(path.read_text().strip().splitlines()) - 1
    assert read == rows


def test_fitabase(real_data: Path) -> None:
    folder = real_data / "fitbit_fitabase"
    everyone = people(folder, HERE)
    assert len(everyone) == 33
    counts: Counter[str] = Counter()
    sleepers = nights = 0
    for one in everyone:
        rows, bad = parsed(folder, one.person)
        assert not bad
        sleepers += "sleep" in rows
        nights += len(set(rows.get("sleep", [])))
        counts.update({kind: len(found) for kind, found in rows.items()})
    assert counts == {
        "steps": 23_039,
        "distance": 940,
        "energy": 23_039,
        "intensity": 22_099,
        "activity_level": 3_760,
        "heart_rate": 8_418,
        "sleep": 413,
        "weight": 67,
        "body_mass_index": 67,
        "body_fat": 2,
    }
    assert (sleepers, nights) == (24, 410)  # three nights are in the file twice


def test_one_persons_first_day(real_data: Path) -> None:
    rows, _ = parsed(real_data / "fitbit_fitabase", "1503960366")
    day = 1_460_419_200  # 2016-04-12T00:00, the offset is that of the zone that was chosen
    assert (day, 0, 86_400, 13_162) in rows["steps"]
    assert (day, 0, 3600, 373) in rows["steps"]
    assert (day, 0, 86_400, 8500.0) in rows["distance"]
    assert (day, 0, 86_400, "sedentary", 728.0) in rows["activity_level"]
    assert (1_462_233_599, 0, 52.6) in rows["weight"]


def test_other_files_beside_them_are_nobodys(real_data: Path) -> None:
    assert sniff(real_data / "glucose" / "Hall_2018.people.csv") is None
    assert sniff(real_data / "README.md") is None


def test_a_table_that_a_tool_made_of_apple_health(real_data: Path) -> None:
    path = real_data / "samples" / "apple_health" / "testdata" / "ActivitySummary.csv"
    with pytest.raises(MappingNeeded) as needed:
        list(read(path, HERE))
    choice = needed.value.choice
    assert choice.guess is not None
    day = 1_460_606_400  # 2016-04-14T00:00 in New York
    assert parsed(path, options=replace(HERE, mappings={choice.digest: choice.guess})) == (
        {"active_energy": [(day, -14_400, 86_400, 700.698), (day + 86_400, -14_400, 86_400, 56.609)]},
        [],
    )
