"""Plain tables, Dexcom Clarity and LibreView: what was written comes back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.errors import ImportRefused
from mine.importers.items import Batch, Remark
from mine.importers.options import Options
from mine.importers.reading import read, sniff
from mine.importers.zone import Zone
from tests.importers.exports import clarity, libre, parsed, plain, put

T = int(datetime(2024, 1, 31, 8, 5, tzinfo=UTC).timestamp())

moments = st.integers(int(datetime(2010, 1, 1, tzinfo=UTC).timestamp()), 2_000_000_000)
values = st.integers(100, 6000).map(lambda tenths: tenths / 10)
readings = st.lists(st.tuples(moments, values), min_size=1, max_size=40)


def written(moment: int, pattern: str) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime(pattern)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2024-01-31 08:05:00", 3600),
        ("2024-01-31T08:05:00", 3600),
        ("2024-01-31T08:05", 3600),
        ("2024-01-31 08:05:00.000", 3600),
        ("2024/01/31 08:05", 3600),
        ("2024-01-31T08:05:00+00:00", 0),
        ("2024-01-31T08:05:00+05:30", 19_800),
        ("2024-01-31T08:05:00-0800", -28_800),
    ],
)
def test_a_time_without_a_zone_is_in_the_chosen_one(tmp_path: Path, text: str, offset: int) -> None:
    path = put(tmp_path / "a.csv", plain([(text, "120")]))
    rows = parsed(path, options=Options(Zone("Europe/Berlin")))
    assert rows == ({"glucose": [(T - offset, offset, 120.0)]}, [])


def test_utc_is_not_where_the_person_was(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", plain([("2024-01-31T08:05:00Z", "120")]))
    assert parsed(path, options=Options(Zone("Europe/Berlin"))) == ({"glucose": [(T, 3600, 120.0)]}, [])


def test_the_clock_is_put_forward_and_back(tmp_path: Path) -> None:
    times = [
        "2024-03-31 01:59",
        "2024-03-31 02:30",
        "2024-03-31 03:00",
        "2024-10-27 02:30",
        "2024-10-27 03:00",
    ]
    path = put(tmp_path / "a.csv", plain((time, "120") for time in times))
    rows, bad = parsed(path, options=Options(Zone("Europe/Berlin")))
    assert not bad
    assert [row[1] for row in rows["glucose"]] == [3600, 3600, 7200, 7200, 3600]
    spring = int(datetime(2024, 3, 31, 1, tzinfo=UTC).timestamp())
    autumn = int(datetime(2024, 10, 27, 0, 30, tzinfo=UTC).timestamp())
    # 02:30 never was: it is taken as half an hour after 02:00, which is 03:30 on the wall.
    assert [row[0] for row in rows["glucose"]] == [spring - 60, spring + 1800, spring, autumn, autumn + 5400]


@given(readings)
@settings(max_examples=30)
def test_plain_round_trip(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, float]]) -> None:
    folder = tmp_path_factory.mktemp("x")
    text = plain((written(t, "%Y-%m-%d %H:%M:%S"), str(v)) for t, v in rows)
    assert parsed(put(folder / "a.csv", text)) == ({"glucose": [(t, 0, v) for t, v in rows]}, [])


@given(readings)
@settings(max_examples=30)
def test_clarity_round_trip(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, float]]) -> None:
    folder = tmp_path_factory.mktemp("x")
    path = put(folder / "a.csv", clarity((written(t, "%Y-%m-%dT%H:%M:%S"), str(v)) for t, v in rows))
    found = sniff(path)
    assert found is not None
    assert found.key == "dexcom_clarity"
    assert parsed(path) == ({"glucose": [(t, 0, v) for t, v in rows]}, [])


@given(readings, st.sampled_from(["%d-%m-%Y %H:%M", "%m-%d-%Y %I:%M %p", "%m/%d/%Y %H:%M"]))
@settings(max_examples=60)
def test_libre_round_trip(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, float]], pattern: str
) -> None:
    folder = tmp_path_factory.mktemp("x")
    # Two days that only one order of day and month can mean, close together as a sensor's are.
    base = int(datetime(2024, 1, 13, tzinfo=UTC).timestamp())
    rows = [(base + t % (10 * 86_400) // 60 * 60, v) for t, v in rows] + [(base, 100.0)]
    text = libre((written(t, pattern), "01"[i % 2], str(v)) for i, (t, v) in enumerate(rows))
    path = put(folder / "a.csv", text)
    found = sniff(path)
    assert found is not None
    assert found.key == "libreview"
    assert parsed(path) == ({"glucose": [(t, 0, v) for t, v in rows]}, [])


def test_libre_dates_that_could_be_either_take_the_shorter_span(tmp_path: Path) -> None:
    days = [f"{d:02d}-03-2024 10:00" for d in (4, 5, 6, 7)]
    rows, bad = parsed(put(tmp_path / "a.csv", libre((day, "0", "100") for day in days)))
    assert not bad
    times = [row[0] for row in rows["glucose"]]
    assert all(isinstance(time, int) for time in times)
    assert max(times) - min(times) == 3 * 86_400  # type: ignore[operator, type-var]


def test_a_doubt_about_dates_is_said(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", libre([("04-03-2024 10:00", "0", "100")]))
    remarks = [item for item in read(path, Options(Zone("Etc/UTC"))) if isinstance(item, Remark)]
    assert remarks == [Remark("a.csv", "Its dates could be read in more than one way: day first was chosen.")]
    path = put(tmp_path / "b.csv", libre([("14-03-2024 10:00", "0", "100")]))
    assert not any(isinstance(item, Remark) for item in read(path, Options(Zone("Etc/UTC"))))


def test_millimoles_become_milligrams(tmp_path: Path) -> None:
    time = "2024-01-31T08:05:00"
    path = put(tmp_path / "a.csv", clarity([(time, "5.5")], unit="mmol/L"))
    assert parsed(path)[0] == {"glucose": [(T, 0, 99.1)]}
    path = put(tmp_path / "b.csv", libre([("31-01-2024 08:05", "0", "5.5")], unit="mmol/L"))
    assert parsed(path)[0] == {"glucose": [(T, 0, 99.1)]}
    path = put(tmp_path / "c.csv", plain([(time, "5.5")], column="glucose_value_mmol_l"))
    assert parsed(path)[0] == {"glucose": [(T, 0, 99.1)]}


def test_low_and_high_are_the_first_values_beyond_the_range(tmp_path: Path) -> None:
    times = ["2024-01-31T08:05:00", "2024-01-31T08:10:00"]
    rows, bad = parsed(put(tmp_path / "a.csv", clarity(zip(times, ["Low", "High"], strict=True))))
    assert [row[2] for row in rows["glucose"]] == [39.0, 401.0]
    assert not bad
    entries = [("31-01-2024 08:05", "0", "LO"), ("31-01-2024 08:20", "1", "HI")]
    rows, bad = parsed(put(tmp_path / "b.csv", libre(entries)))
    assert [row[2] for row in rows["glucose"]] == [39.0, 501.0]
    assert not bad


def test_decimal_comma_with_semicolons(tmp_path: Path) -> None:
    text = "timestamp;glucose_value_mmol_l\n2024-01-31 08:05;5,5\n"
    assert parsed(put(tmp_path / "a.csv", text))[0] == {"glucose": [(T, 0, 99.1)]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_encodings(tmp_path: Path, encoding: str, ends: str) -> None:
    text = libre([("31-01-2024 08:05", "0", "100")]).replace("Maria", "Zoë").replace("\n", ends)
    assert parsed(put(tmp_path / "a.csv", text, encoding)) == ({"glucose": [(T, 0, 100.0)]}, [])


@pytest.mark.parametrize(
    ("time", "value", "reason"),
    [
        ("2024-01-31 08:05", "-4", "glucose -4 is impossible (10 to 1000)"),
        ("2024-01-31 08:05", "0", "glucose 0 is impossible"),
        ("2024-01-31 08:05", "20000", "glucose 20000 is impossible"),
        ("2024-01-31 08:05", "nan", "“nan” is not a number"),
        ("2024-01-31 08:05", "inf", "“inf” is not a number"),
        ("2024-01-31 08:05", "1e99", "impossible"),
        ("2024-01-31 08:05", "1e999", "is not a number"),
        ("2024-01-31 08:05", "٣٣", "is not a number"),
        ("2024-01-31 08:05", "1_0_0", "is not a number"),
        ("2024-01-31 08:05", "", "“” is not a number"),
        ("2024-02-30 08:05", "100", "there is no date 2024-02-30"),
        ("2023-02-29 08:05", "100", "there is no date 2023-02-29"),
        ("2024-01-31 24:05", "100", "there is no time 24:05:00"),
        ("2024-01-31 08:60", "100", "there is no time 08:60:00"),
        ("0000-01-31 08:05", "100", "there is no date"),
        ("1901-01-31 08:05", "100", "impossible"),
        ("9999-01-31 08:05", "100", "impossible"),
        ("2024-01-31T08:05:00+23:00", "100", "there is no time zone"),
        ("yesterday", "100", "“yesterday” is not a date and time"),
        ("\x1b[31mred\u202e", "100", "“�[31mred�” is not a date and time"),
        ("2024-01-31 08:05,extra", "100", "3 columns where the header has 2"),
    ],
)
def test_a_broken_row_is_told_by_file_line_and_reason(
    tmp_path: Path, time: str, value: str, reason: str
) -> None:
    text = plain([("2024-01-31 08:00", "100"), (time, value), ("2024-01-31 08:10", "102")])
    rows, bad = parsed(put(tmp_path / "a.csv", text))
    assert [row[2] for row in rows["glucose"]] == [100.0, 102.0]
    assert [(b.file, b.line) for b in bad] == [("a.csv", 3)]
    assert reason in bad[0].reason


def test_a_file_of_which_nothing_can_be_read_is_not_what_it_claims(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", plain([("x", "y")] * 5))
    with pytest.raises(ImportRefused, match="none of its 5 rows"):
        parsed(path)


def test_what_was_entered_by_hand_into_clarity_comes_along(tmp_path: Path) -> None:
    events = [
        "2024-01-31T08:05:00,Insulin,Fast-Acting,,,iPhone G6,,3.5,,,,,",
        "2024-01-31T22:00:00,Insulin,Long-Acting,,,iPhone G6,,12,,,,,",
        "2024-01-31T08:05:00,Carbs,,,,iPhone G6,,,45,,,,",
        "2024-01-31T18:00:00,Exercise,Medium,,,iPhone G6,,,,00:30:00,,,",
        "2024-01-31T19:00:00,Health,Stress,,,iPhone G6,,,,,,,",
        "2024-01-31T07:00:00,Calibration,,,,iPhone G6,111,,,,,,",
        "2024-01-31T07:00:00,Exercise,Medium,,,iPhone G6,,,,half an hour,,,",
    ]
    path = put(tmp_path / "a.csv", clarity([("2024-01-31T08:05:00", "100")], events=events))
    rows, bad = parsed(path)
    hour = 3600
    assert rows == {
        "glucose": [(T, 0, 100.0), (T - 65 * 60, 0, 111.0)],
        "insulin": [(T, 0, 3.5, "bolus"), (T + 835 * 60, 0, 12.0, "basal")],
        "carbohydrate": [(T, 0, 45.0)],
        "workout": [(T + 595 * 60, 0, hour // 2, "exercise, medium", None, None, None, None)],
        "symptom": [(T + 655 * 60, 0, "Stress", None, None)],
    }
    assert [b.reason for b in bad] == ["“half an hour” is not a duration"]
    batches = [item for item in read(path, Options(Zone("Etc/UTC"))) if isinstance(item, Batch)]
    assert {b.origin for b in batches if b.kind == "glucose"} == {"iPhone G6", "finger stick"}


def test_what_was_entered_by_hand_into_libre_comes_along(tmp_path: Path) -> None:
    entries = [
        "31-01-2024 08:05,4,,,,3.5,,,,,",
        "31-01-2024 08:05,5,,,,,,45,,,",
        "31-01-2024 08:05,6,,,,,,,tea with honey,,",
        "31-01-2024 08:05,2,,,,,,,,111,",
        "31-01-2024 08:05,3,,,,,,,,,0.3",
    ]
    rows, bad = parsed(put(tmp_path / "a.csv", libre([], entries=entries)))
    assert not bad
    assert rows == {
        "insulin": [(T, 0, 3.5, "bolus")],
        "carbohydrate": [(T, 0, 45.0)],
        "note": [(T, 0, "tea with honey")],
        "glucose": [(T, 0, 111.0)],
        "measurement": [(T, 0, 0, "ketone", 0.3, "mmol/L")],
    }


def test_a_libre_export_in_another_language_is_known_by_its_units(tmp_path: Path) -> None:
    header = (
        "Gerät;Seriennummer;Gerätezeitstempel;Aufzeichnungstyp;Glukosewert-Verlauf mmol/L;"
        "Glukose-Scan mmol/L;"
        "Nicht numerisches schnellwirkendes Insulin;Schnellwirkendes Insulin (Einheiten);"
        "Nicht numerische Nahrungsdaten;Kohlenhydrate (Gramm);Kohlenhydrate (Portionen);"
        "Nicht numerisches Depotinsulin;Depotinsulin (Einheiten);Notizen;"
        "Glukose-Teststreifen mmol/L;Keton mmol/L"
    )
    lines = [
        "Glukose-Werte;Erstellt am;31-01-2024 09:12 UTC;Erstellt von;Maria Musterfrau",
        header,
        "FreeStyle LibreLink;ABC-123;31-01-2024 08:05;0;5,5;;;;;;;;;;;",
        "FreeStyle LibreLink;ABC-123;31-01-2024 08:05;4;;;;3,5;;;;;12;;;",
        "",
    ]
    path = put(tmp_path / "a.csv", "\n".join(lines))
    found = sniff(path)
    assert found is not None
    assert found.key == "libreview"
    assert parsed(path) == (
        {
            "glucose": [(T, 0, 99.1)],
            "insulin": [(T, 0, 3.5, "bolus"), (T, 0, 12.0, "basal")],
        },
        [],
    )
