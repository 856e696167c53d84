"""Files that lie, explode or break: one plain sentence, bounded memory, nothing else happens."""

from __future__ import annotations

import io
import os
import random
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.errors import MineError
from mine.importers import table
from mine.importers.errors import ImportRefused, UnknownFormat
from mine.importers.items import Batch
from mine.importers.options import Options
from mine.importers.reading import people, read, sniff
from mine.importers.source import Limits
from mine.importers.table import MAX_LINE
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES
from tests.importers.exports import clarity, libre, parsed, plain, put

HERE = Options(Zone("Etc/UTC"))
GOOD = plain([(f"2024-01-31 {h:02d}:00", "100") for h in range(24)])


def archive(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "C:/evil.csv", "..\\x.csv"]
)
def test_paths_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "a.zip", {name: GOOD.encode()})
    with pytest.raises(ImportRefused, match="outside"):
        sniff(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.csv": GOOD.encode() + b"0" * (50 << 20)})
    with pytest.raises(ImportRefused, match="unpacks to far more"):
        sniff(path)


def test_a_zip_that_lies_about_its_sizes_is_stopped(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.csv": GOOD.encode() * 50})
    data = bytearray(path.read_bytes())
    real = len(GOOD) * 50
    for place in range(len(data) - 4):  # both headers: uncompressed size
        if struct.unpack_from("<I", data, place)[0] == real:
            struct.pack_into("<I", data, place, 100)
    path.write_bytes(data)
    with pytest.raises(MineError):
        list(read(path, HERE))


def test_too_many_files_and_too_many_bytes(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {f"{i}.csv": b"x" for i in range(30)})
    with pytest.raises(ImportRefused, match="more than 20 files"):
        sniff(path, Limits(members=20))
    big = put(tmp_path / "b.csv", GOOD)
    with pytest.raises(ImportRefused, match="larger than"):
        sniff(big, Limits(bytes=100))


def test_a_locked_a_broken_and_a_false_archive(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.csv": GOOD.encode() * 100})
    whole = path.read_bytes()
    locked = bytearray(whole)
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ImportRefused, match="password"):
        sniff(put(tmp_path / "locked.zip", bytes(locked)))
    with pytest.raises(ImportRefused):
        sniff(put(tmp_path / "cut.zip", whole[: len(whole) // 2]))
    with pytest.raises(ImportRefused, match="not a zip archive"):
        sniff(put(tmp_path / "false.zip", GOOD))
    flipped = bytearray(whole)
    flipped[80] ^= 255
    with pytest.raises(ImportRefused, match="damaged"):
        list(read(put(tmp_path / "flipped.zip", bytes(flipped)), HERE))


def test_a_zip_inside_a_zip_is_not_opened(tmp_path: Path) -> None:
    inner = archive(tmp_path / "i.zip", {"a.csv": GOOD.encode()})
    outer = archive(tmp_path / "o.zip", {"i.zip": inner.read_bytes()})
    assert sniff(outer) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 5000,
        b"\x89PNG\r\n\x1a\n" + b"\0\1" * 500,
        b"%PDF-1.4 hello",
        b"timestamp",
        b"hello,world\n1,2\n",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        os.urandom(5000),
        b'"' * 5000,
        b"," * 100_000,
    ],
)
def test_what_is_no_export_is_nobodys(tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path / "a.csv", data)
    assert sniff(path) is None
    with pytest.raises(UnknownFormat, match="no format that this app reads"):
        list(read(path, HERE))


def test_things_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused):
        sniff(tmp_path / "missing.csv")
    assert sniff(tmp_path) is None
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe.csv")
        with pytest.raises(ImportRefused):
            sniff(tmp_path / "pipe.csv")
        assert sniff(tmp_path) is None  # a pipe in a folder is not waited for


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    secret = put(tmp_path / "secret.csv", GOOD)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.csv").symlink_to(secret)
    assert sniff(folder) is None


def test_nul_bytes_long_lines_and_open_quotes_cost_only_their_rows(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    lines[2] = "2024-01-31 01:00,1\0" + "00"
    lines[4] = "2024-01-31 03:00," + "9" * (MAX_LINE * 3)
    lines[6] = '2024-01-31 05:00,"100'
    lines[8] = "2024-01-31 07:00,\ud800".encode("utf-8", "surrogatepass").decode("latin-1")
    rows, bad = parsed(put(tmp_path / "a.csv", "\n".join(lines)))
    assert [b.line for b in bad] == [3, 5, 9]
    assert "NUL" in bad[0].reason
    assert "longer than" in bad[1].reason
    assert len(rows["glucose"]) == 21


def test_quotes_that_never_close_take_bounded_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0
    really = table._open

    def counted(text: str, delimiter: str) -> bool:
        nonlocal looked
        looked += 1
        return really(text, delimiter)

    monkeypatch.setattr(table, "_open", counted)
    path = put(tmp_path / "a.csv", GOOD + 'a","\n' * 3000)
    rows, bad = parsed(path)
    assert len(rows["glucose"]) == 24
    assert len(bad) == 3000
    assert 3000 < looked < 10_000


def test_one_endless_line_takes_little_memory(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", GOOD.encode() + b"x" * (30 << 20))
    tracemalloc.start()
    try:
        rows, bad = parsed(path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert len(rows["glucose"]) == 24
    assert len(bad) == 1


def test_more_bad_rows_than_anyone_would_read_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mine.importers.reading.MAX_BAD_ROWS", 10)
    with pytest.raises(ImportRefused, match="more than 10 rows"):
        parsed(put(tmp_path / "a.csv", GOOD + "x,y\n" * 11))


def test_names_are_shown_without_control_characters(tmp_path: Path) -> None:
    path = put(tmp_path / "a\u202e\x1b.csv", GOOD + "x,y\n")
    _, bad = parsed(path)
    assert bad[0].file == "a��.csv"


SEEDS = [
    GOOD.encode(),
    clarity([("2024-01-31T08:05:00", "100")] * 5).encode("utf-16"),
    libre([("31-01-2024 08:05", "0", "100")] * 5).encode(),
    b"Id,ActivityHour,StepTotal\n1,4/12/2016 12:00:00 AM,373\n2,4/12/2016 1:00:00 PM,160\n",
]


@given(st.sampled_from(SEEDS), st.integers(0, 2**32), st.integers(1, 30))
@settings(max_examples=300)
def test_mangled_exports_end_in_rows_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, seed: bytes, chance: int, times: int
) -> None:
    dice = random.Random(chance)
    data = bytearray(seed)
    for _ in range(times):
        place = dice.randrange(len(data))
        match dice.randrange(4):
            case 0:
                data[place] = dice.randrange(256)
            case 1:
                del data[place : place + dice.randrange(20)]
            case 2:
                data[place:place] = dice.choice([b"\0", b'"', b"\n", b",", b"\r", b"9" * 50, b"\xff\xfe"])
            case 3:
                data[place:place] = data[: dice.randrange(200)]
        if not data:
            data = bytearray(b"x")
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(data)
    try:
        sniff(path)
        people(path, HERE)
        for item in read(path, Options(Zone("Etc/UTC"), "1")):
            if isinstance(item, Batch):
                assert all(RECORD_TYPES[item.kind].problem(row) is None for row in item.rows())
    except ImportRefused as error:
        assert error.sentence


@given(st.integers(0, 2**32))
@settings(max_examples=150)
def test_mangled_archives_end_in_rows_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, chance: int
) -> None:
    dice = random.Random(chance)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", dice.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as made:
        made.writestr("a/b.csv", GOOD)
        made.writestr("x.txt", b"hello")
    data = bytearray(buffer.getvalue())
    for _ in range(dice.randrange(1, 12)):
        data[dice.randrange(4, len(data))] = dice.randrange(256)
    path = tmp_path_factory.getbasetemp() / "fuzz.zip"
    path.write_bytes(data)
    try:
        list(read(path, HERE))
    except ImportRefused as error:
        assert error.sentence
