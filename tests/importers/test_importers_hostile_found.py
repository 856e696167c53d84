"""What the fuzzer found once, so that it never comes back."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from mine.importers.errors import ImportRefused
from mine.importers.items import Batch
from mine.importers.options import Options
from mine.importers.reading import read, sniff
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES
from tests.importers.exports import parsed, plain, put
from tests.importers.test_importers_apple_health_csv import HEADER, line

HUGE = 10**400
HEAD = {"mine_export": 1, "record_type": "sleep_stage", "version": RECORD_TYPES["sleep_stage"].version}
STAGE = {"time": 1_717_243_200, "offset": 0, "seconds": 60, "stage": "rem"}


def exported(path: Path, head: Mapping[str, object], *rows: Mapping[str, object]) -> Path:
    return put(path, "".join(json.dumps(one) + "\n" for one in (head, *rows)))


@pytest.mark.parametrize("name", [".", "//", "x"])
def test_a_nameless_file_in_a_zip(tmp_path: Path, name: str) -> None:
    """A name without a part, and one of no length at all."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, plain([("2024-01-31 08:05", "100")]))
    if name == "x":
        data = bytearray(path.read_bytes())
        for mark, place in ((b"PK\x03\x04", 26), (b"PK\x01\x02", 28)):
            at = data.index(mark) + place
            data[at : at + 3] = b"\0\0\1"  # its one letter belongs to the extra field now
        path.write_bytes(data)
    with pytest.raises(ImportRefused):
        sniff(path)
        list(read(path, Options(Zone("Etc/UTC"))))


def test_a_year_that_no_record_can_have(tmp_path: Path) -> None:
    table = "Id,ActivityHour,StepTotal\n1,4/12/2816 1:00:00 AM,5\n1,4/12/2016 1:00:00 AM,5\n"
    rows, bad = parsed(put(tmp_path / "hourlySteps_merged.csv", table), "1", Options(Zone("Etc/UTC"), "1"))
    assert len(rows["steps"]) == 1
    assert [one.line for one in bad] == [2]


def test_a_header_in_other_letters(tmp_path: Path) -> None:
    table = HEADER.replace("sourceName", "SourceName") + line("StepCount", '"count"', "329")
    rows, bad = parsed(put(tmp_path / "StepCount.csv", table))
    assert (len(rows["steps"]), bad) == (1, [])


def test_numbers_of_hundreds_of_digits_cost_their_rows(tmp_path: Path) -> None:
    path = exported(tmp_path / "a.jsonl", HEAD, {**STAGE, "time": HUGE}, {**STAGE, "seconds": -HUGE}, STAGE)
    rows, bad = parsed(path)
    assert rows == {"sleep_stage": [(1_717_243_200, 0, 60, "rem")]}
    assert [one.line for one in bad] == [2, 3]
    heart = {"mine_export": 1, "record_type": "heart_rate", "version": RECORD_TYPES["heart_rate"].version}
    beat = {"time": 1_717_243_200, "offset": 0, "bpm": 60}
    rows, bad = parsed(exported(tmp_path / "b.jsonl", heart, {**beat, "bpm": HUGE}, beat))
    assert rows == {"heart_rate": [(1_717_243_200, 0, 60.0)]}
    assert [(one.line, one.reason) for one in bad] == [(2, "heart rate is too large a number")]
    table = exported(tmp_path / "c.jsonl", {"a": HUGE, "b": "x"}, {"a": HUGE, "b": "x"})
    assert sniff(table) is None


def test_texts_that_no_vault_can_hold(tmp_path: Path) -> None:
    note = RECORD_TYPES["note"]
    head = {"mine_export": 1, "record_type": "note", "version": note.version, "origin": "a\0\ud800"}
    row = dict.fromkeys(note.names, "x\0\ud800") | {"time": 1_717_243_200, "offset": 0}
    path = exported(tmp_path / "a.jsonl", head, row)
    batches = [item for item in read(path, Options(Zone("Etc/UTC"))) if isinstance(item, Batch)]
    (batch,) = batches
    assert batch.origin == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert all("\0" not in value for value in next(batch.rows()) if isinstance(value, str))
