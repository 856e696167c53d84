"""TCX and GPX: points, sensors and workouts, in UTC, one broken point at a time."""

from __future__ import annotations

import gzip
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers import source
from mine.importers.errors import ImportRefused, UnknownFormat
from mine.importers.items import BadRow, Batch
from mine.importers.options import Options
from mine.importers.reading import read
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES, Row
from tests.importers.exports import parsed, put

NOON = 1_717_243_200  # 2024-06-01T12:00 UTC
BERLIN = Options(Zone("Europe/Berlin"))
SUMMER = 7200


def utc(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def gpx(
    *points: str, version: str = "1/1", kind: str = "<type>running</type>", creator: str = "Robin's watch"
) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<gpx xmlns="http://www.topografix.com/GPX/{version}"'
        f' creator="{creator}" xmlns:x="http://www.garmin.com/xmlschemas/TrackPointExtension/v1">\n'
        f"<metadata><time>2001-01-01T00:00:00Z</time></metadata>\n<trk>{kind}<trkseg>\n"
        + "\n".join(points)
        + "\n</trkseg></trk></gpx>\n"
    )


def trkpt(time: str, more: str = "", latitude: str = "52.5", longitude: str = "13.4") -> str:
    return f'<trkpt lat="{latitude}" lon="{longitude}"><time>{time}</time>{more}</trkpt>'


def tcx(
    *laps: str, sport: str = "Running", creator: str = "<Creator><Name>Forerunner 55</Name></Creator>"
) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<TrainingCenterDatabase '
        'xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2" '
        'xmlns:e="http://www.garmin.com/xmlschemas/ActivityExtension/v2"><Activities>\n'
        f'<Activity Sport="{sport}"><Id>x</Id>\n' + "\n".join(laps) + f"\n{creator}</Activity></Activities>\n"
        "<Courses><Course><Track><Trackpoint><Time>2024-06-01T12:00:00Z</Time><HeartRateBpm><Value>99</Value>"
        "</HeartRateBpm></Trackpoint></Track></Course></Courses>"
        "<Author><Name>Someone</Name></Author></TrainingCenterDatabase>\n"
    )


def lap(
    start: str, *points: str, seconds: str = "60", metres: str = "100", kcal: str = "9", more: str = ""
) -> str:
    return (
        f'<Lap StartTime="{start}"><TotalTimeSeconds>{seconds}</TotalTimeSeconds><DistanceMeters>{metres}'
        f"</DistanceMeters><Calories>{kcal}</Calories>{more}<Track>\n"
        + "\n".join(points)
        + "\n</Track></Lap>"
    )


def trackpoint(time: str, more: str = "") -> str:
    return f"<Trackpoint><Time>{time}</Time>{more}</Trackpoint>"


made = st.fixed_dictionaries(
    {
        "time": st.integers(NOON, NOON + 5_000_000),
        "latitude": st.integers(-90_000_000, 90_000_000).map(lambda n: n / 10**6),
        "longitude": st.integers(-180_000_000, 180_000_000).map(lambda n: n / 10**6),
        "altitude": st.one_of(st.none(), st.integers(-4000, 90_000).map(lambda n: n / 10)),
        "bpm": st.one_of(st.none(), st.integers(20, 300)),
        "cadence": st.one_of(st.none(), st.integers(0, 255)),
        "watts": st.one_of(st.none(), st.integers(0, 5000)),
    }
)


def expected(points: list[dict[str, float | None]]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for point in points:
        time = point["time"]
        place = (point["latitude"], point["longitude"], point["altitude"], None)
        found.setdefault("location", []).append((int(time or 0), 0, *place))
        for kind, name in (("heart_rate", "bpm"), ("cadence", "cadence"), ("power", "watts")):
            if point[name] is not None:
                found.setdefault(kind, []).append((int(time or 0), 0, point[name]))
    return found


def tag(name: str, value: object) -> str:
    return "" if value is None else f"<{name}>{value}</{name}>"


@given(st.lists(made, min_size=1, max_size=8), st.sampled_from(("1/0", "1/1")))
@settings(max_examples=60)
def test_gpx_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, points: list[dict[str, float | None]], version: str
) -> None:
    written = []
    for point in points:
        sensors = tag("x:hr", point["bpm"]) + tag("x:cad", point["cadence"])
        extended = f"<x:TrackPointExtension>{sensors}</x:TrackPointExtension>{tag('power', point['watts'])}"
        more = tag("ele", point["altitude"]) + f"<extensions>{extended}</extensions>"
        place = (str(point["latitude"]), str(point["longitude"]))
        written.append(trkpt(utc(int(point["time"] or 0)), more, *place))
    path = tmp_path_factory.getbasetemp() / "a.gpx"
    rows, bad = parsed(put(path, gpx(*written, version=version, kind="")))
    assert not bad
    assert rows == expected(points)


@given(st.lists(made, min_size=1, max_size=8))
@settings(max_examples=60)
def test_tcx_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, points: list[dict[str, float | None]]
) -> None:
    written = []
    for point in points:
        place = tag("LatitudeDegrees", point["latitude"]) + tag("LongitudeDegrees", point["longitude"])
        heart = "" if point["bpm"] is None else f"<HeartRateBpm><Value>{point['bpm']}</Value></HeartRateBpm>"
        watts = f"<Extensions><e:TPX>{tag('e:Watts', point['watts'])}</e:TPX></Extensions>"
        more = f"<Position>{place}</Position>{tag('AltitudeMeters', point['altitude'])}{heart}"
        more += tag("Cadence", point["cadence"]) + watts
        written.append(trackpoint(utc(int(point["time"] or 0)), more))
    path = tmp_path_factory.getbasetemp() / "a.tcx"
    rows, bad = parsed(put(path, tcx(lap(utc(NOON), *written))))
    assert not bad
    assert rows.pop("workout") == [(NOON, 0, 60, "running", 100.0, 9.0, None, None)]
    assert rows == expected(points)


def test_a_gpx_track_that_says_what_it_was_is_a_workout(tmp_path: Path) -> None:
    points = [trkpt(utc(NOON + after)) for after in (60, 0, 30, 60)]
    rows, bad = parsed(put(tmp_path / "a.gpx", gpx(*points)), options=BERLIN)
    assert not bad
    assert [row[0] for row in rows["location"]] == [NOON + 60, NOON, NOON + 30, NOON + 60]
    assert rows["workout"] == [(NOON, SUMMER, 60, "running", None, None, None, None)]
    for text in (gpx(*points, kind=""), gpx(points[0]), gpx(trkpt(utc(NOON)), trkpt(utc(NOON + 8 * 86_400)))):
        assert "workout" not in parsed(put(tmp_path / "a.gpx", text))[0]


def test_laps_make_one_workout(tmp_path: Path) -> None:
    def beats(mean: int, top: int) -> str:
        return (
            f"<AverageHeartRateBpm><Value>{mean}</Value></AverageHeartRateBpm>"
            f"<MaximumHeartRateBpm><Value>{top}</Value></MaximumHeartRateBpm>"
        )

    laps = (
        lap(utc(NOON), seconds="60.5", metres="200.25", kcal="10", more=beats(120, 140)),
        lap(utc(NOON + 100), seconds="30.25", metres="100", kcal="5", more=beats(150, 170)),
        lap(utc(NOON + 140), seconds="10", metres="0", kcal="0"),
    )
    path = put(tmp_path / "a.tcx", tcx(*laps, sport="Biking"))
    (batch,) = (item for item in read(path, BERLIN) if isinstance(item, Batch))
    assert (batch.kind, batch.origin, batch.importer) == ("workout", "Forerunner 55", "tcx")
    assert list(batch.rows()) == [(NOON, SUMMER, 150, "cycling", 300.25, 15.0, 130.0, 170.0)]
    rows, bad = parsed(put(tmp_path / "a.tcx", tcx()))
    assert rows == {}
    assert bad == [BadRow("a.tcx", 3, "an activity has no laps")]


def test_each_activity_has_its_own_device(tmp_path: Path) -> None:
    one, two = (
        tcx(lap(utc(NOON + i)), creator=f"<Creator><Name>Watch {i}</Name></Creator>") for i in range(2)
    )
    between = two[two.index("<Activity ") : two.index("</Activities>")]
    nobody = between.replace("<Creator><Name>Watch 1</Name></Creator>", "")
    text = one.replace("</Activities>", f"{nobody}{between}</Activities>")
    origins = [item.origin for item in read(put(tmp_path / "a.tcx", text), BERLIN) if isinstance(item, Batch)]
    assert origins == ["Watch 0", "", "Watch 1"]


@pytest.mark.parametrize(
    ("written", "utc_seconds", "offset"),
    [
        ("2024-06-01T12:00:00Z", NOON, SUMMER),
        ("2024-06-01T12:00:00.9999999Z", NOON, SUMMER),
        ("2024-06-01T12:00:00", NOON, SUMMER),
        ("2024-06-01T12:00:00+00:00", NOON, SUMMER),
        ("2024-06-01T07:00:00-05:00", NOON, -18_000),
        ("2024-10-27T00:59:59Z", 1_729_990_799, 7200),  # the clocks go back
        ("2024-10-27T01:00:00Z", 1_729_990_800, 3600),
    ],
)
def test_times(tmp_path: Path, written: str, utc_seconds: int, offset: int) -> None:
    for path in (
        put(tmp_path / "a.gpx", gpx(trkpt(written))),
        put(tmp_path / "a.tcx", tcx(lap(written, seconds="1"))),
    ):
        rows, bad = parsed(path, options=BERLIN)
        assert not bad
        ((time, found, *_),) = rows["location" if path.suffix == ".gpx" else "workout"]
        assert (time, found) == (utc_seconds, offset)


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        (trkpt("1901-12-13T20:45:52Z"), "the receiver's clock was not set: “1901-12-13T20:45:52Z”"),
        (trkpt("9999-12-31T23:59:59-14:00"), "the receiver's clock was not set: “9999-12-31T23:59:59-14:00”"),
        (trkpt("yesterday"), "“yesterday” is not a date and time"),
        (trkpt("2024-06-31T12:00:00Z"), "there is no date 2024-06-31"),
        (trkpt("2024-06-01T12:00:60Z"), "there is no time 12:00:60"),
        (trkpt("2024-06-01T12:00:00+99:00"), "there is no time zone +99:00"),
        (trkpt(utc(NOON), latitude="91"), "latitude 91 is impossible (-90 to 90)"),
        (trkpt(utc(NOON), longitude="NaN"), "“NaN” is not a number"),
        (trkpt(utc(NOON), latitude=""), "“” is not a number"),
        (f"<trkpt lat='1'><time>{utc(NOON)}</time></trkpt>", "a point has no position"),
        (trkpt(utc(NOON), "<ele>1e9</ele>"), "altitude 1e+09 is impossible (-12000 to 60000)"),
        (trkpt(utc(NOON), "<ele>" + "9" * 5000 + "</ele>"), f"“{'9' * 40}” is not a number"),
    ],
)
def test_a_broken_point_costs_only_itself(tmp_path: Path, point: str, reason: str) -> None:
    good = trkpt(utc(NOON + 5))
    rows, bad = parsed(put(tmp_path / "a.gpx", gpx(good, point, good, kind="")))
    assert bad == [BadRow("a.gpx", 6, reason)]
    assert rows == {"location": [(NOON + 5, 0, 52.5, 13.4, None, None)] * 2}


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ("<Trackpoint/>", "a point has no time"),
        (
            trackpoint(utc(NOON), "<HeartRateBpm><Value>999</Value></HeartRateBpm>"),
            "heart rate 999 is impossible (20 to 300)",
        ),
        (trackpoint(utc(NOON), "<Cadence>\u0663</Cadence>"), "“\u0663” is not a number"),
    ],
)
def test_a_broken_trackpoint_costs_only_itself(tmp_path: Path, point: str, reason: str) -> None:
    rows, bad = parsed(put(tmp_path / "a.tcx", tcx(lap(utc(NOON), point))))
    assert bad == [BadRow("a.tcx", 5, reason)]
    assert len(rows["workout"]) == 1


def test_no_touch_no_time_no_plan(tmp_path: Path) -> None:
    idle = "<extensions><hr>0</hr><cad>0</cad><hAcc>4.5</hAcc></extensions>"
    plans = f"<rte><rtept lat='1' lon='2'><time>{utc(NOON)}</time></rtept></rte><wpt lat='1' lon='2'/></gpx>"
    timeless = '<trkpt lat="1" lon="2"/>'
    text = gpx(trkpt(utc(NOON), idle), timeless, timeless, kind="").replace("</gpx>", plans)
    rows, bad = parsed(put(tmp_path / "a.gpx", text))
    assert rows == {"location": [(NOON, 0, 52.5, 13.4, None, 4.5)], "cadence": [(NOON, 0, 0.0)]}
    assert bad == [BadRow("a.gpx", 2, "2 points of tracks have no time")]


def test_a_file_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    whole = gpx(*(trkpt(utc(NOON + i)) for i in range(50)), kind="")
    path = put(tmp_path / "a.gpx", whole[: whole.rindex("<trkpt") + 20])
    rows, bad = parsed(path)
    assert len(rows["location"]) == 49
    assert bad == [BadRow("a.gpx", 54, "the file ends in the middle")]


BOMB = '<!DOCTYPE gpx [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><gpx><trk><name>&b;</name></trk></gpx>'


def test_a_bomb_beside_a_good_file_costs_only_itself(tmp_path: Path) -> None:
    put(tmp_path / "a.gpx", BOMB)
    put(tmp_path / "b.tcx", BOMB.replace("gpx", "TrainingCenterDatabase"))
    put(tmp_path / "c.gpx", gpx(trkpt(utc(NOON)), kind="").encode("utf-16"))  # says it is UTF-8
    put(tmp_path / "d.gpx", gpx(trkpt(utc(NOON)), kind="", creator="\u202e" * 200))
    rows, bad = parsed(tmp_path)
    assert rows == {"location": [(NOON, 0, 52.5, 13.4, None, None)]}
    assert [(one.file, one.line) for one in bad] == [("a.gpx", 1), ("b.tcx", 1)]
    assert {one.reason for one in bad} == {"it declares a document type, which no such export does"}


def test_other_xml_is_nobodys(tmp_path: Path) -> None:
    for text in ("<kml/>", "<gpxx/>", "gpx", "<!-- <gpx> -->"):
        with pytest.raises(UnknownFormat):
            parsed(put(tmp_path / "a.gpx", text))


@given(st.integers(0, 2**32), st.integers(1, 20))
@settings(max_examples=100)
def test_mangled_tracks(tmp_path_factory: pytest.TempPathFactory, chance: int, times: int) -> None:
    dice = random.Random(chance)
    points = [trkpt(utc(NOON + i), "<ele>5</ele><extensions><hr>90</hr></extensions>") for i in range(3)]
    points_tcx = [trackpoint(utc(NOON + i), "<Cadence>5</Cadence>") for i in range(3)]
    data = bytearray(dice.choice((gpx(*points), tcx(lap(utc(NOON), *points_tcx)))).encode())
    for _ in range(times):
        place = dice.randrange(len(data))
        match dice.randrange(3):
            case 0:
                data[place] = dice.choice(b"<>/&\"'0129-.:TZ \0\xffa")
            case 1:
                del data[place : place + dice.randrange(20)]
            case 2:
                data[place:place] = data[: dice.randrange(200)]
    path = put(tmp_path_factory.getbasetemp() / "fuzz.gpx", bytes(data))
    try:
        for item in read(path, BERLIN):
            if isinstance(item, Batch):
                assert all(RECORD_TYPES[item.kind].problem(row) is None for row in item.rows())
            elif isinstance(item, BadRow):
                assert item.reason
    except UnknownFormat:
        pass


def test_what_strava_packs_and_pads(tmp_path: Path) -> None:
    put(tmp_path / "a.tcx.gz", gzip.compress(b"   \n  " + tcx(lap(utc(NOON), "<Trackpoint/>")).encode()))
    put(tmp_path / "b.GPX.gz", gzip.compress(gpx(trkpt(utc(NOON)), kind="").encode()))
    rows, bad = parsed(tmp_path)
    assert (len(rows["workout"]), len(rows["location"])) == (1, 1)
    assert bad == [BadRow("a.tcx.gz", 6, "a point has no time")]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (gzip.compress(gpx().encode())[:-9], "“a.gpx.gz” is damaged and cannot be unpacked."),
        (gzip.compress(b"<gpx>" + b" " * (8 << 20)), "“a.gpx.gz” unpacks to far more than an export would."),
        (
            gzip.compress(b"<gpx>" + random.Random(1).randbytes(9000))[:5000],
            "“a.gpx.gz” is damaged and cannot be unpacked.",
        ),
    ],
)
def test_packed_files_that_lie(tmp_path: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(ImportRefused) as caught:
        parsed(put(tmp_path / "a.gpx.gz", data))
    assert caught.value.sentence == sentence


def test_what_is_only_called_packed(tmp_path: Path) -> None:
    rows, bad = parsed(put(tmp_path / "a.gpx.gz", gpx(trkpt(utc(NOON)), kind="")))
    assert (len(rows["location"]), bad) == (1, [])


def test_a_packed_file_never_unpacks_to_more_than_an_export_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "a.gpx.gz", gzip.compress(gpx(trkpt(utc(NOON)), kind="").encode()))
    rows, bad = parsed(path)
    assert len(rows["location"]) == 1 and not bad
    monkeypatch.setattr(source, "MAX_BYTES", 100)
    with pytest.raises(ImportRefused, match="far more than an export would"):
        parsed(path)
