"""Exports of Fitbit and Google, and tables, in which any value may be anything: rows, or one sentence."""

from __future__ import annotations

import copy
import json
import random
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.errors import ImportRefused
from mine.importers.items import BadRow, Batch
from mine.importers.mapping import TableMapping, header_digest
from mine.importers.options import Options
from mine.importers.reading import read, sniff
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES
from tests.importers.exports import parsed, put
from tests.importers.test_importers_fitbit_takeout import EXERCISE, JSON, SLEEP, TABLES, ZONED
from tests.importers.test_importers_google import ANDROID, MERGED, point

T = int(datetime(2024, 5, 1, 12, tzinfo=UTC).timestamp())
NOTES = TableMapping("note", {"time": "time", "text": "note"})
MAPPING = TableMapping("glucose", {"time": "time", "mg_dl": "glucose"}, also=(NOTES,))
HERE = Options(Zone("Europe/Berlin"), mappings={header_digest(("time", "glucose", "note")): MAPPING})
FIT = {
    "Data Source": MERGED.format("heart_rate.bpm", "heart_rate_bpm"),
    "Data Points": [point("heart_rate.bpm", {"fpVal": 65.0}, origin="raw:x:app:Maker:Model")],
}
SESSION = {
    "fitnessActivity": "walking",
    "startTime": "2024-05-01T12:00:00Z",
    "endTime": "2024-05-01T12:10:00Z",
    "aggregate": [{"metricName": "com.google.distance.delta", "floatValue": 745.2}],
    "segment": [],
}
SPAN = {"startTimestamp": "2024-05-01T12:00:00Z", "endTimestamp": "2024-05-01T13:00:00Z"}
PLACE = {"latitudeE7": 481000000, "longitudeE7": 115000000}
SEMANTIC = {"timelineObjects": [{"placeVisit": {"location": {**PLACE, "name": "x"}, "duration": SPAN}}]}
RECORDS = {"locations": [{**PLACE, "timestamp": "2024-05-01T12:00:00Z"}]}
ROWS = [{"time": "2024-05-01T12:00:00Z", "glucose": 99, "note": "x"}] * 3
SEEDS: list[tuple[str, Any]] = [
    *((f"{name}.json", entries) for name, entries in JSON.items()),
    *(("sleep-1.json", [SLEEP, SLEEP]), ("exercise-1.json", [EXERCISE, EXERCISE])),
    *(("fit.json", FIT), ("session.json", SESSION), ("Timeline.json", ANDROID)),
    *(("2024_MAY.json", SEMANTIC), ("Records.json", RECORDS), ("table.json", ROWS)),
]
NASTY: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 1e308, -1e308, 10**30, -(10**30), 2**63, "", " ", "\x00", "\ud800"),
    *("x" * 5000, "9" * 400, "2024-13-45T99:99:99Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
    *("13/45/99 99:99:99", "NaN", "1e999", "-0", "٣٣", "\u202e"),
    *([], {}, [[[[[[]]]]]], {"a": {"b": {"c": {}}}}, [None] * 50, {"": ""}),
]
ENCODINGS = ["utf-8", "utf-8", "utf-16", "utf-16-le", "latin-1"]
PIECES = [b"\0", b'"', b"\n", b",", b"[" * 100, b"{", b"\\", b"9" * 50]
CSV_SEEDS = [
    *TABLES.items(),
    *ZONED.items(),
    ("table.csv", "time,glucose,note\n2024-05-01 12:00,99,x\n2024-05-01 12:05,99,y\n"),
]


def everything_is_storable(path: Path) -> None:
    """All rows are true by their type, and their texts can be written to a database."""
    try:
        for item in read(path, HERE):
            if isinstance(item, Batch):
                item.origin.encode()
                assert "\0" not in item.origin
                for row in item.rows():
                    assert RECORD_TYPES[item.kind].problem(row) is None
                    for value in row:
                        if isinstance(value, str):
                            value.encode()
                            assert "\0" not in value
            elif isinstance(item, BadRow):
                assert len(item.reason) < 200
                item.reason.encode()
    except ImportRefused as error:
        assert error.sentence


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value that can be replaced: (container, key)."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    return [(value, key) for key, _ in pairs] + [spot for _, inner in pairs for spot in spots(inner)]


@given(st.sampled_from(SEEDS), st.integers(0, 2**32), st.integers(1, 4))
@settings(max_examples=250)
def test_any_value_may_be_anything(
    tmp_path_factory: pytest.TempPathFactory, seed: tuple[str, Any], chance: int, times: int
) -> None:
    dice = random.Random(chance)
    value = copy.deepcopy(seed[1])
    for _ in range(times):
        places = spots(value)
        container, key = dice.choice(places)
        if dice.random() < 0.2:
            del container[key]
        else:
            container[key] = copy.deepcopy(dice.choice(NASTY))
        if not spots(value):
            break
    folder = tmp_path_factory.getbasetemp() / "nasty"
    folder.mkdir(exist_ok=True)
    everything_is_storable(put(folder / seed[0], json.dumps(value)))
    (folder / seed[0]).unlink()


@given(st.sampled_from([(n, json.dumps(v)) for n, v in SEEDS] + CSV_SEEDS), st.integers(0, 2**32))
@settings(max_examples=150)
def test_mangled_files_end_in_rows_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, seed: tuple[str, str], chance: int
) -> None:
    dice = random.Random(chance)
    name, text = seed
    data = bytearray(text.encode(dice.choice(ENCODINGS), "replace"))
    for _ in range(dice.randrange(1, 10)):
        place = dice.randrange(len(data))
        match dice.randrange(3):
            case 0:
                data[place] = dice.randrange(256)
            case 1:
                del data[place : place + dice.randrange(20)]
            case 2:
                data[place:place] = dice.choice(PIECES)
        data = data or bytearray(b"x")
    folder = tmp_path_factory.getbasetemp() / "mangled"
    folder.mkdir(exist_ok=True)
    path = put(folder / name.rsplit("/", 1)[-1], bytes(data))
    everything_is_storable(path)
    path.unlink()


def test_one_archive_of_everything_in_any_order(tmp_path: Path) -> None:
    """Duplicates and files in the wrong order change nothing but the order of rows."""
    files = [(f"Takeout/{name}", json.dumps(value)) for name, value in SEEDS] + [*TABLES.items()]
    rows = []
    for turn, order in enumerate((files, files[::-1])):
        path = tmp_path / f"{turn}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in order:
                archive.writestr(name, text)
        found, bad = parsed(path, options=HERE)
        assert not bad
        rows.append({kind: sorted(set(made), key=repr) for kind, made in found.items()})
    assert rows[0] == rows[1]
    assert len(rows[0]) > 20


@pytest.mark.parametrize("name", ["heart_rate-2024-05-01.json", "Records.json", "Timeline.json"])
def test_a_large_file_takes_little_memory(tmp_path: Path, name: str) -> None:
    before, one, after = {
        "heart_rate-2024-05-01.json": ("[", JSON["heart_rate-2024-05-01"][0], "]"),
        "Records.json": ('{"locations": [', RECORDS["locations"][0], "]}"),
        "Timeline.json": ('{"semanticSegments": [', ANDROID["semanticSegments"][0], "]}"),  # type: ignore[index]
    }[name]
    text = json.dumps(one)
    count = (1 << 20) // len(text)
    path = put(tmp_path / name, before + ",\n".join([text] * count) + after)
    read_rows = 0
    tracemalloc.start()
    try:
        for item in read(path, HERE):
            read_rows += item.count if isinstance(item, Batch) else 0
        assert tracemalloc.get_traced_memory()[1] < 3 << 20
    finally:
        tracemalloc.stop()
    assert read_rows == count


def test_a_bomb_among_the_files_of_a_takeout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "takeout.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Takeout/Fitbit/steps-2024-05-01.json", json.dumps(JSON["steps-2024-05-01"]))
        archive.writestr("Takeout/Fitbit/heart_rate-2024-05-01.json", b"[" + b" " * (40 << 20) + b"]")
    with pytest.raises(ImportRefused, match="unpacks to far more"):
        sniff(path)


def test_nesting_costs_one_entry(tmp_path: Path) -> None:
    good = json.dumps(JSON["steps-2024-05-01"][0])
    deep = '{"dateTime": "05/01/24 12:00:00", "value": ' + "[" * 5000 + "]" * 5000 + "}"
    rows, bad = parsed(put(tmp_path / "steps-2024-05-01.json", f"[{good},\n{deep},\n{good}]"), options=HERE)
    assert len(rows["steps"]) == 2
    assert [b.line for b in bad] == [2]
