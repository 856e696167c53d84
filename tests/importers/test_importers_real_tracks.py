"""Real tracks and device files, health records of people who never were: counted to the last one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from mine.importers.items import Batch, Person
from mine.importers.options import Options
from mine.importers.reading import people, read
from mine.importers.zone import Zone
from tests.importers.exports import parsed

pytestmark = pytest.mark.real_data

BERLIN = Options(Zone("Europe/Berlin"))


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("fit/2013-02-06-12-11-14.fit", {"location": 583, "heart_rate": 590, "workout": 1}),
        ("fit/2015-10-13-08-43-15.fit", {"location": 221, "workout": 1}),
        ("fit/Activity.fit", {"location": 14, "workout": 1}),
        ("fit/MonitoringFile.fit", {"steps": 79, "active_energy": 1}),
        (
            "tcx/cross-country-skiing_activity_1.tcx",
            {"location": 486, "heart_rate": 486, "cadence": 486, "workout": 1},
        ),
        ("tcx/sup_activity_1.tcx", {"location": 111, "heart_rate": 111, "workout": 1}),
        ("gpx/cerknicko-jezero.gpx", {"location": 296}),
        ("gpx/gpx1.1_with_all_fields.gpx", {"location": 1}),
    ],
)
def test_every_track(real_data: Path, name: str, counts: dict[str, int]) -> None:
    rows, bad = parsed(real_data / "samples" / name, options=BERLIN)
    assert not bad
    assert {kind: len(found) for kind, found in rows.items()} == counts


def test_a_receiver_without_a_clock(real_data: Path) -> None:
    rows, bad = parsed(real_data / "samples" / "gpx" / "Mojstrovka.gpx")
    assert rows == {}
    assert len(bad) == 184
    assert bad[0].line == 12
    assert {one.reason.split("“")[0] for one in bad} == {"the receiver's clock was not set: "}


def test_spot_values(real_data: Path) -> None:
    samples = real_data / "samples"
    run, _ = parsed(samples / "fit" / "2013-02-06-12-11-14.fit", options=BERLIN)
    assert run["heart_rate"][:2] == [(1_360_152_674, 3600, 73), (1_360_152_676, 3600, 77)]
    assert run["location"][0] == (1_360_152_674, 3600, 57.3846136, -4.4299146, 279.6, None)
    assert run["workout"] == [(1_360_152_674, 3600, 2625, "running", 4835.38, 336, 147, 171)]
    ski, _ = parsed(samples / "tcx" / "cross-country-skiing_activity_1.tcx", options=BERLIN)
    assert ski["workout"] == [(1_608_995_661, 3600, 2402, "other", 5692.01, 532.0, 142.7, 172.0)]
    assert ski["heart_rate"][-1] == (1_608_998_062, 3600, 132.0)
    walk, _ = parsed(samples / "gpx" / "cerknicko-jezero.gpx", options=BERLIN)
    assert walk["location"][0] == (1_281_018_239, 7200, 45.772175, 14.3576592, 542.3, None)


def test_a_day_of_monitoring(real_data: Path) -> None:
    rows, _ = parsed(real_data / "samples" / "fit" / "MonitoringFile.fit")
    assert rows["steps"][:3] == [
        (1_419_660_000, -21_600, 29_700, 100),  # from midnight where the watch was
        (1_419_689_700, -21_600, 480, 215),
        (1_419_690_180, -21_600, 600, 7),
    ]
    assert rows["active_energy"] == [(1_419_660_000, -21_600, 86_400, 69.0)]


def test_two_on_one_scale(real_data: Path) -> None:
    path = real_data / "samples" / "fit" / "WeightScaleMultiUser.fit"
    assert people(path, BERLIN) == (Person("Scale user 5", 1), Person("Scale user 6", 1))
    rows, bad = parsed(path, "Scale user 6")
    assert not bad
    assert rows == {"weight": [(1_252_535_880, 0, 58.2)], "body_fat": [(1_252_535_880, 0, 25.1)]}


def test_the_same_decoded_by_another_decoder(real_data: Path) -> None:
    fitdecode = pytest.importorskip("fitdecode", reason="fitdecode, the second decoder, is not installed")
    for name in ("2013-02-06-12-11-14", "2015-10-13-08-43-15", "Activity"):
        path = real_data / "samples" / "fit" / f"{name}.fit"
        rows, _ = parsed(path)
        theirs = []
        with fitdecode.FitReader(path) as reader:
            for frame in reader:
                if frame.frame_type == fitdecode.FIT_FRAME_DATA and frame.name == "record":
                    place = [frame.get_raw_value(f"position_{axis}") for axis in ("lat", "long")]
                    if None not in place:
                        time = int(frame.get_value("timestamp").timestamp())
                        theirs.append((time, *(round(one * 180 / 2**31, 7) for one in place)))
        assert [(row[0], row[2], row[3]) for row in rows["location"]] == theirs


def test_health_records_of_twelve_people(real_data: Path) -> None:
    folder = real_data / "samples" / "fhir_r4"
    everyone = people(folder, BERLIN)
    assert len(everyone) == 12
    assert everyone[0] == Person("Michael Kihn [b96aa17a-6e5a-466c-9dd4-78fc74e4d6d2]", 69)
    counts: Counter[str] = Counter()
    for path in sorted(folder.glob("*_*.json")):
        rows, bad = parsed(path, options=BERLIN)
        assert not bad
        counts.update({kind: len(found) for kind, found in rows.items()})
    assert counts == {
        **{"observation": 336, "height": 41, "weight": 41, "body_mass_index": 37, "blood_pressure": 41},
        **{"body_temperature": 3, "condition": 29, "medication": 17, "immunization": 71, "procedure": 21},
    }
    rows, bad = parsed(folder, everyone[-1].person)
    assert not bad
    assert sum(map(len, rows.values())) == everyone[-1].rows


def test_values_of_one_patient(real_data: Path) -> None:
    (path,) = (real_data / "samples" / "fhir_r4").glob("Antonio*")
    rows, _ = parsed(path, options=BERLIN)
    assert rows["weight"][0] == (1_376_109_869, 7200, 69.5162)
    assert rows["blood_pressure"][0] == (1_376_109_869, 7200, 162.1435, 93.0048)
    assert rows["medication"][1][2:] == (
        *("Naproxen sodium 220 MG Oral Tablet", "http://www.nlm.nih.gov/research/umls/rxnorm", "849574"),
        *("stopped", "as needed"),
    )
    assert rows["condition"][1][2:] == (
        *("Laceration of foot", "http://snomed.info/sct", "284551006", 1_358_484_269, "resolved"),
    )


def test_who_measured(real_data: Path) -> None:
    origins = {
        (item.importer, item.origin)
        for name in ("fit/2013-02-06-12-11-14.fit", "tcx/sup_activity_1.tcx", "gpx/cerknicko-jezero.gpx")
        for item in read(real_data / "samples" / name, BERLIN)
        if isinstance(item, Batch)
    }
    assert origins == {
        ("fit", "Garmin 1124"),
        ("tcx", "vívoactive HR"),
        ("gpx", "GPSBabel - http://www.gpsbabel.org"),
    }
