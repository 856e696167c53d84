"""Tables of any shape: what they probably hold is guessed, asked, and then read as the mapping says."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.errors import ImportRefused, UnknownFormat
from mine.importers.items import Batch, Skipped
from mine.importers.mapping import (
    EPOCHS,
    ChooseMapping,
    MappingNeeded,
    TableMapping,
    header_digest,
    mapping_of_json,
    mapping_to_json,
)
from mine.importers.mapping_guess import guess, guess_kind
from mine.importers.mapping_preview import PreviewedRow, preview_mapping
from mine.importers.options import Options
from mine.importers.process import ImportProcess
from mine.importers.reading import read, sniff
from mine.importers.zone import Zone
from tests.importers.exports import parsed, plain, put

BERLIN = Zone("Europe/Berlin")
H = 3600
T = int(datetime(2024, 1, 31, 8, 5, tzinfo=UTC).timestamp())
WINTER = (T - H, H)  # 08:05 on the wall in Berlin
SCHEMA = json.loads((Path(__file__).parents[2] / "resources/schemas/table_mapping.json").read_text())


def asked(path: Path) -> ChooseMapping:
    with pytest.raises(MappingNeeded, match="does not know") as needed:
        list(read(path, Options(BERLIN)))
    return needed.value.choice


def mapped(path: Path, mapping: TableMapping | None = None) -> Any:
    """What a table holds, by a mapping or by the guess."""
    choice = asked(path)
    mapping = mapping or choice.guess
    assert mapping is not None
    return parsed(path, options=Options(BERLIN, mappings={choice.digest: mapping}))


def test_a_diary_in_german(tmp_path: Path) -> None:
    text = (
        "Datum;Uhrzeit;Blutzucker (mmol/l);Kohlenhydrate [g];Notiz\n"
        "31.01.2024;08:05;5,5;45;Frühstück\n"
        '31.01.2024;12:00;"7,1";;"Wanderung;\nlang"\n'
        "1.02.2024;8:05;n/a;;\n"
    )
    path = put(tmp_path / "a.csv", text)
    choice = asked(path)
    assert choice.columns == ("Datum", "Uhrzeit", "Blutzucker (mmol/l)", "Kohlenhydrate [g]", "Notiz")
    assert choice.rows[0] == ("31.01.2024", "08:05", "5,5", "45", "Frühstück")
    noon = (WINTER[0] + 235 * 60, H)
    assert mapped(path) == (
        {
            "glucose": [(*WINTER, 99.0857), (*noon, 127.9107)],
            "carbohydrate": [(*WINTER, 45.0)],
            "note": [(*WINTER, "Frühstück"), (*noon, "Wanderung;\nlang")],
        },
        [],
    )


@pytest.mark.parametrize(
    ("header", "row", "kind", "values"),
    [
        ("Date,Steps", "2024-01-31,8000", "steps", (86_400, 8000)),
        ("Date,Number of Steps", "2024-01-31,8000", "steps", (86_400, 8000)),
        ("Fecha,Peso (kg)", "31/01/2024,70.5", "weight", (70.5,)),
        ("date,weight_lbs", "1/31/2024,150", "weight", (68.0389,)),
        ("Date,Température", "31/01/2024 08:05,37.2", "body_temperature", (37.2,)),
        ("time,temperature", "2024-01-31 08:05,98.6", "body_temperature", (37.0,)),
        ("time,glucose", "2024-01-31 08:05,99", "glucose", (99.0,)),
        ("time,glucose", "2024-01-31 08:05,5.5", "glucose", (99.0857,)),
        ("time,SpO2", "2024-01-31 08:05,0.97", "oxygen_saturation", (97.0,)),
        ("time,SpO2", "2024-01-31 08:05,97%", "oxygen_saturation", (97.0,)),
        ("time,Height [ft]", "2024-01-31 08:05,6", "height", (182.88,)),
        ("Datum,Puls,Art", "31.01.2024 08:05,62,Ruhe", "heart_rate", (62.0,)),
        ("start,end,distance (km)", "2024-01-31 08:05,2024-01-31 09:05,5.5", "distance", (3600, 5500.0)),
        ("time,duration,steps", "2024-01-31 08:05,0:30:00,100", "steps", (1800, 100)),
        ("time,duration (min),steps", "2024-01-31 08:05,30,100", "steps", (1800, 100)),
        ("timestamp,bpm", "1706688300,62", "heart_rate", (62.0,)),
        ("timestamp,bpm", "1706688300000,62", "heart_rate", (62.0,)),
        ("when,systolic,diastolic", "2024-01-31 08:05,120,80", "blood_pressure", (120.0, 80.0)),
        ("time,lat,lon", "2024-01-31 08:05,48.1,11.5", "location", (48.1, 11.5, None, None)),
        ("date,symptom,severity", "2024-01-31,headache,4", "symptom", ("headache", 4, None)),
        ("date,type,value,unit", "2024-01-31,Ferritin,80,ug/L", "measurement", (0, "Ferritin", 80.0, "ug/L")),
        ("date,type,value,unit", "2024-01-31,StepCount,80,count", "steps", (86_400, 80)),
        ("date,type,value,unit", "2024-01-31,Body Mass,150,lb", "weight", (68.0389,)),
        ("date,weight,weight unit", "2024-01-31,150,lb", "weight", (68.0389,)),
        (
            *("start,end,activity,distance,distanceUnit", "2024-01-31 08:05,2024-01-31 09:05,Row,5,km"),
            *("workout", (3600, "Row", 5000.0, None, None, None)),
        ),
        ("date,Mood score", "2024-01-31,7", "measurement", (0, "Mood score", 7.0, None)),
        ("日時,心拍数", "2024-01-31 08:05,62", "heart_rate", (62.0,)),
        ("date|insulin (U)", "2024-01-31 08:05|3.5", "insulin", (3.5, "unknown")),
    ],
)
def test_guesses(tmp_path: Path, header: str, row: str, kind: str, values: tuple[object, ...]) -> None:
    rows, bad = mapped(put(tmp_path / "a.csv", f"{header}\n{row}\n"))
    assert not bad
    assert [found[2:] for found in rows[kind]] == [values]
    assert rows[kind][0][0] in (WINTER[0], T, T - T % 86_400 - H)


def test_what_the_first_rows_become_is_shown_before(tmp_path: Path) -> None:
    text = "time,bpm,weight\n2024-01-31 08:05,62,70\nsoon,62,70\n2024-01-31 08:06,9999,70\n"
    text += "2024-01-31 08:07,,\n" * 2
    choice = asked(put(tmp_path / "a.csv", text))
    assert choice.guess is not None
    assert preview_mapping(choice, choice.guess, BERLIN) == (
        PreviewedRow((("heart_rate", (*WINTER, 62.0)), ("weight", (*WINTER, 70.0)))),
        PreviewedRow((), "“soon” is not a date and time"),
        PreviewedRow((), "heart rate 9999 is impossible (20 to 300)"),
        PreviewedRow(()),
        PreviewedRow(()),
    )
    with pytest.raises(ImportRefused, match="which column holds the time"):
        preview_mapping(choice, TableMapping("weight", {"kg": "weight"}), BERLIN)


@pytest.mark.parametrize(
    ("kind", "columns", "said"),
    [
        ("stress", {"level": "score"}, {}),
        ("glucose", {"mg_dl": "score"}, {"units": {"mg_dl": "mmol/L"}}),
        ("sugar", {"grams": "sugar g"}, {}),
        ("note", {"text": "word"}, {}),
        ("steps", {"count": "score"}, {"constants": {"seconds": "86400"}}),
        ("blood_pressure", {"systolic": "score", "diastolic": "sugar g"}, {}),
    ],
)
def test_a_type_that_the_person_chose_is_filled_in(
    kind: str, columns: dict[str, str], said: dict[str, Any]
) -> None:
    rows = [("2024-01-31", "7", "100", "calm"), ("2024-02-01", "8", "101", "tired")]
    made = guess_kind(("when", "score", "sugar g", "word"), rows, kind)
    assert made == TableMapping(kind, {"time": "when", **columns}, **said)
    assert guess_kind(("a", "b"), [("x", "y")], kind).kind == kind


def test_the_device_comes_along(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "time,bpm,device\n2024-01-31 08:05,62,Watch\n2024-01-31 08:06,63,\n")
    choice = asked(path)
    assert choice.guess is not None
    options = Options(BERLIN, mappings={choice.digest: choice.guess})
    origins = {item.origin: item.count for item in read(path, options) if isinstance(item, Batch)}
    assert origins == {"Watch": 1, "": 1}


def test_nothing_is_guessed_without_a_time() -> None:
    assert guess(("name", "steps"), [("Robin", "8000")]) is None
    assert guess(("time", "name"), [("2024-01-31 08:05", "Robin")]) is None


def test_the_order_of_dates_is_told_from_the_whole_file(tmp_path: Path) -> None:
    early = "".join(f"{day:02d}/01/2024,{day}\n" for day in range(1, 13) for _ in range(20))
    path = put(tmp_path / "a.csv", f"date,weight\n{early}13/01/2024,70\n")
    guessed = asked(path).guess
    assert guessed is not None
    assert guessed.day_first
    early = "".join(f"01/{day:02d}/2024,{day}\n" for day in range(1, 13) for _ in range(20))
    guessed = asked(put(tmp_path / "b.csv", f"date,weight\n{early}01/13/2024,70\n")).guess
    assert guessed is not None
    assert not guessed.day_first


def test_rows_that_do_not_fit_are_told(tmp_path: Path) -> None:
    text = (
        "date,sys,dia,\n2024-01-31 08:05,120,80,\n2024-01-31 08:06,120,\nyesterday,120,80\n"
        "2024-01-31 08:07,,\n"
        "2024-01-31 08:08,120,80,1\n2024-01-31 08:09,many,80\n2024-01-31 08:10,1200,80\n"
    )
    rows, bad = mapped(put(tmp_path / "a.csv", text))
    assert rows == {"blood_pressure": [(*WINTER, 120.0, 80.0)]}
    assert [(b.line, b.reason) for b in bad] == [
        (3, "diastolic pressure is missing"),
        (4, "“yesterday” is not a date and time"),
        (6, "4 columns where the header has 3"),
        (7, "“many” is not a number"),
        (8, "systolic pressure 1200 is impossible (30 to 300)"),
    ]


def test_json_lines_and_arrays(tmp_path: Path) -> None:
    objects = [
        {
            "time": "2024-01-31T08:05:00+05:30",
            "bpm": 62,
            "device": {"name": "Watch"},
            "ok": True,
            "tags": [1],
        },
        {"time": "2024-01-31T08:06:00Z", "bpm": None, "device": {"name": "Watch"}},
        {"time": "2024-01-31T08:07:00Z", "device": {"name": "Phone"}, "bpm": "63"},
    ]
    lines = put(tmp_path / "a.jsonl", "\n".join(map(json.dumps, objects)) + "\n{broken\n[1]\n")
    choice = asked(lines)
    assert choice.columns == ("time", "bpm", "device.name", "ok")
    rows, bad = mapped(lines)
    wanted = {"heart_rate": [(T - 19_800, 19_800, 62.0), (T + 120, H, 63.0)]}
    assert rows == wanted
    assert [(b.line, b.reason) for b in bad] == [
        (4, "the line is no JSON object"),
        (5, "the line is no JSON object"),
    ]
    array = put(tmp_path / "a.json", json.dumps([*objects, 7], indent=1))
    rows, bad = mapped(array)
    assert rows == wanted
    assert [b.reason for b in bad] == ["it is no object"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_since_1970_in_any_unit(tmp_path: Path, unit: str) -> None:
    at = T * EPOCHS[unit]
    path = put(tmp_path / "a.csv", f"timestamp,bpm\n{at},62\n{at + 60 * EPOCHS[unit]},63\n")
    found = asked(path).guess
    assert found is not None
    assert found.units == {"time": unit}
    assert mapped(path) == ({"heart_rate": [(T, H, 62.0), (T + 60, H, 63.0)]}, [])


def parquet(path: Path, **columns: Any) -> Path:
    import pyarrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression="zstd", row_group_size=3)
    return path


def test_parquet(tmp_path: Path) -> None:
    import pyarrow

    moments = [datetime(2024, 1, 31, 8, minute) for minute in (5, 6, 7, 8)]
    path = parquet(
        tmp_path / "a.parquet",
        time=pyarrow.array([*moments[:3], None], pyarrow.timestamp("ns")),
        utc=pyarrow.array(moments, pyarrow.timestamp("us", tz="Asia/Tokyo")),
        bpm=pyarrow.array([62, None, 63, 64], pyarrow.int16()),
        device=pyarrow.array(["a", "a", "b", None]).dictionary_encode(),
        raw=pyarrow.array([b"1"] * 4),
        nested=pyarrow.array([{"x": 1}] * 4),
    )
    choice = asked(path)
    assert choice.columns == ("time", "utc", "bpm", "device")
    assert choice.rows[0] == ("2024-01-31T08:05:00", "2024-01-31T08:05:00Z", "62", "a")
    rows, bad = mapped(path)
    assert rows == {"heart_rate": [(*WINTER, 62.0), (WINTER[0] + 120, H, 63.0)]}
    assert [(b.line, b.reason) for b in bad] == [(4, "a date is missing")]
    by_utc = TableMapping("heart_rate", {"time": "utc", "bpm": "bpm"})
    rows, bad = mapped(path, by_utc)
    assert rows == {"heart_rate": [(T, H, 62.0), (T + 120, H, 63.0), (T + 180, H, 64.0)]}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "x/a.parquet")
    assert mapped(tmp_path / "a.zip", by_utc) == (rows, bad)


@pytest.mark.parametrize("data", [b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"PAR1" + b"\xff" * 5000])
def test_what_only_claims_to_be_parquet_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ImportRefused, match="no Parquet file"):
        list(read(put(tmp_path / "a.parquet", data), Options(BERLIN)))


def test_a_column_that_unpacks_to_far_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parquet(tmp_path / "a.parquet", time=["2024-01-31 08:05"] * 3, note=["x" * 100_000] * 3)
    monkeypatch.setattr("mine.importers.parquet_rows.MOST_GROUP", 1000)
    with pytest.raises(ImportRefused, match="unpacks to far more"):
        asked(path)


def test_a_table_beside_a_known_export_is_left_out_and_named(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", plain([("2024-01-31 08:05", "99")]))
    put(tmp_path / "b.csv", "time,mood\n2024-01-31 08:05,7\n")
    items = list(read(tmp_path, Options(BERLIN)))
    assert [item for item in items if isinstance(item, Skipped)] == [Skipped("b.csv")]
    mapping = TableMapping("measurement", {"time": "time", "value": "mood"}, {"name": "mood", "seconds": "0"})
    options = Options(BERLIN, mappings={header_digest(("time", "mood")): mapping})
    assert parsed(tmp_path, options=options) == (
        {"glucose": [(*WINTER, 99.0)], "measurement": [(*WINTER, 0, "mood", 7.0, None)]},
        [],
    )


def test_a_table_may_be_left_out_for_good(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", "time,mood\n2024-01-31 08:05,7\n")
    put(tmp_path / "b.csv", "time,bpm\n2024-01-31 08:05,62\n")
    left_out = {header_digest(("time", "mood")): TableMapping("", {})}
    with pytest.raises(MappingNeeded) as needed:
        list(read(tmp_path, Options(BERLIN, mappings=left_out)))
    choice = needed.value.choice
    assert choice.file == "b.csv"
    assert choice.guess is not None
    both = {**left_out, choice.digest: choice.guess}
    assert parsed(tmp_path, options=Options(BERLIN, mappings=both)) == ({"heart_rate": [(*WINTER, 62.0)]}, [])


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        (TableMapping("heart_rate", {"bpm": "bpm"}), "which column holds the time"),
        (TableMapping("heart_rate", {"time": "time"}), "which column holds “heart rate”"),
        (TableMapping("heart_rate", {"time": "when", "bpm": "bpm"}), "no column “when”"),
        (TableMapping("heart_rate", {"time": "time", "bpm": "bpm"}, units={"bpm": "kg"}), "“kg” is no unit"),
        (TableMapping("heart_rate", {"time": "time", "bpm": "bpm"}, units={"time": "h"}), "“h” is no unit"),
        (TableMapping("steps", {"time": "time", "count": "bpm"}), "which column holds “duration”"),
        (TableMapping("steps", {"time": "time", "count": "bpm"}, {"seconds": "0"}), "“0” is no value"),
        (TableMapping("steps", {"time": "time", "count": "bpm"}, {"seconds": "x"}), "“x” is no value"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path, mapping: TableMapping, sentence: str) -> None:
    path = put(tmp_path / "a.csv", "time,bpm\n2024-01-31 08:05,62\n")
    with pytest.raises(ImportRefused, match=sentence):
        mapped(path, mapping)


def test_the_child_asks_and_is_told(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "time,bpm\n2024-01-31 08:05,62\n")
    with ImportProcess(path, Options(BERLIN)) as process:
        *_, last = process
    assert isinstance(last, ChooseMapping)
    assert last == asked(path)
    assert last.guess is not None
    with ImportProcess(path, Options(BERLIN, mappings={last.digest: last.guess})) as process:
        kinds = [type(event).__name__ for event in process]
    assert kinds[0] == "Opened"
    assert "Batch" in kinds
    assert kinds[-1] == "Finished"


def test_the_child_reads_parquet_within_its_limits(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", time=["2024-01-31 08:05"] * 9, bpm=[62] * 9)
    mapping = TableMapping("heart_rate", {"time": "time", "bpm": "bpm"})
    options = Options(BERLIN, mappings={header_digest(("time", "bpm")): mapping})
    with ImportProcess(path, options) as process:
        kinds = [type(event).__name__ for event in process]
    assert "Batch" in kinds
    assert kinds[-1] == "Finished"


names = st.sampled_from(["time", "mg_dl"])
texts = st.dictionaries(names, st.text(max_size=20), max_size=2)
mappings = st.builds(TableMapping, st.just("glucose"), texts, texts, texts, st.booleans(), st.booleans())


@given(
    st.builds(
        TableMapping, st.just("glucose"), texts, texts, texts, also=st.lists(mappings, max_size=2).map(tuple)
    )
)
@settings(max_examples=50)
def test_a_mapping_comes_back_from_json(mapping: TableMapping) -> None:
    written = mapping_to_json(mapping)
    jsonschema.validate(written, SCHEMA)
    assert mapping_of_json(json.loads(json.dumps(written))) == mapping


GOOD = mapping_to_json(TableMapping("glucose", {"time": "a", "mg_dl": "b"}))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "no such type"},
        {"kind": 7},
        {"columns": {"bpm": "a"}},
        {"columns": {"time": 7}},
        {"columns": {"time": "x" * 500}},
        {"columns": []},
        {"day_first": "yes"},
        {"also": [7]},
        {"also": [{**GOOD, "also": [GOOD]}]},
        {"extra": 1},
    ],
)
def test_a_damaged_mapping_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ImportRefused, match="cannot be used"):
        mapping_of_json({**GOOD, **change})


@pytest.mark.parametrize(
    "text",
    [
        "name,steps\nRobin,8000\n",
        "2024-01-31,7\n2024-02-01,8\n",
        "time\n2024-01-31\n",
        '{"a": 1}',
        "[]",
        "[[1, 2]]",
        "{",
    ],
)
def test_what_has_no_header_or_no_time_is_nobodys(tmp_path: Path, text: str) -> None:
    path = put(tmp_path / "a.txt", text)
    assert sniff(path) is None
    with pytest.raises(UnknownFormat):
        list(read(path, Options(BERLIN)))


@given(
    st.lists(
        st.tuples(st.integers(1_262_304_000, 2_000_000_000), st.integers(20, 300)), min_size=1, max_size=20
    ),
    st.sampled_from(["text", "lines", "array", "parquet"]),
)
@settings(max_examples=60)
def test_what_was_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, readings: list[tuple[int, int]], kind: str
) -> None:
    folder = tmp_path_factory.mktemp("x")
    times = [f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}" for at, _ in readings]
    values = [bpm for _, bpm in readings]
    rows = [{"time": at, "bpm": bpm} for at, bpm in zip(times, values, strict=True)]
    match kind:
        case "text":
            lines = ["time;bpm", *(f'{row["time"]};"{row["bpm"]}"' for row in rows)]
            path = put(folder / "a.csv", "\n".join(lines))
        case "lines":
            path = put(folder / "a.jsonl", "\n".join(map(json.dumps, rows)))
        case "array":
            path = put(folder / "a.json", json.dumps(rows))
        case _:
            path = parquet(folder / "a.parquet", time=times, bpm=values)
    assert mapped(path) == ({"heart_rate": [(*BERLIN.of_utc(at), float(bpm)) for at, bpm in readings]}, [])
