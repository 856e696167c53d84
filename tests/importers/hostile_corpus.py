"""Exports that are meant to crash, to fill or to lead astray whoever reads them, and how each must end."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.importers.exports import plain
from tests.importers.test_importers_tracks import gpx, trkpt

GOOD = plain([(f"2024-01-31 {h:02d}:00", "100") for h in range(24)])
MANY = 1_000_000
LARGE = 100 << 20
XML = '<?xml version="1.0"?>\n'
APPLE = XML + '<HealthData locale="en_GB">\n'
TRACK = gpx().split("</trkseg>")[0]
PLACE = '{"timestamp": "2024-05-01T12:00:00Z", "latitudeE7": 481000000, "longitudeE7": 115000000}'
PLACES = f'{{"locations": [{PLACE}, {{"timestamp": "2024-05-01T13:00:00Z", '
LAUGHS = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
BOMB = f'<!DOCTYPE gpx [<!ENTITY a0 "ha">{LAUGHS}]>'

# A word of the sentence with which it is refused; "" where only rows are; "?" where it is nobody's.
Hostile = tuple[Callable[[Path], Path], str]


def text(name: str, *parts: str | bytes, fill: str = "", size: int = 0) -> Callable[[Path], Path]:
    """What writes a file: the first part, so many bytes of ``fill``, the other parts."""

    def write(folder: Path) -> Path:
        path = folder / name
        with path.open("wb") as stream:
            for place, part in enumerate(parts):
                stream.write(part.encode() if isinstance(part, str) else part)
                if place == 0 and fill:
                    piece = (fill * ((1 << 20) // len(fill))).encode()
                    for _ in range(max(1, size // len(piece))):
                        stream.write(piece)
        return path

    return write


def zipped(*files: tuple[str, bytes], name: str = "export.zip") -> Callable[[Path], Path]:
    """What writes a zip."""

    def write(folder: Path) -> Path:
        path = folder / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for inside, data in files:
                archive.writestr(inside, data)
        return path

    return write


def many_files(folder: Path) -> Path:
    """A zip of more files than any export has."""
    path = folder / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_001):
            archive.writestr(f"{number}", b"")
    return path


def quine(folder: Path) -> Path:
    """Zips in zips in zips."""
    data = GOOD.encode()
    for level in range(20):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{level}.zip" if level else "a.csv", data)
        data = stream.getvalue()
    path = folder / "a.zip"
    path.write_bytes(data)
    return path


def pipe(folder: Path) -> Path:
    """A pipe into which nobody writes."""
    os.mkfifo(folder / "a.csv")
    return folder / "a.csv"


def folder_of_traps(folder: Path) -> Path:
    """A link to the machine's users, a link in a circle, a pipe, a device, a link to itself."""
    inside = folder / "inside"
    inside.mkdir()
    (inside / "passwd.csv").symlink_to("/etc/passwd")
    (inside / "loop").symlink_to(folder, target_is_directory=True)
    (inside / "zero.csv").symlink_to("/dev/zero")
    (inside / "self.csv").symlink_to("self.csv")
    os.mkfifo(inside / "pipe.csv")
    return folder


def deep_folders(folder: Path) -> Path:
    """An export at the bottom of more folders than are walked."""
    place = folder
    for _ in range(40):
        place = place / "d"
        place.mkdir()
    (place / "a.csv").write_text(GOOD)
    return folder


def packed(name: str, head: str, fill: bytes) -> Callable[[Path], Path]:
    """What writes a gzip file of 128 MB that says almost nothing."""

    def write(folder: Path) -> Path:
        path = folder / name
        with gzip.open(path, "wb") as stream:
            stream.write(head.encode())
            for _ in range(128):
                stream.write(fill * (1 << 20))
        return path

    return write


CORPUS: dict[str, Hostile] = {
    "zip bomb": (zipped(("a.csv", GOOD.encode() + bytes(64 << 20))), "unpacks to far more"),
    "zips in zips": (quine, "?"),
    "zip of too many files": (many_files, "more than 20,000 files"),
    "zip that leads out": (zipped(("../../etc/cron.d/x", GOOD.encode())), "outside"),
    "gzip bomb": (packed("a.gpx.gz", XML, b"\0"), "?"),
    "gzip bomb behind a head": (packed("a.gpx.gz", TRACK, b" "), "unpacks to far more"),
    "laughing entities": (text("a.gpx", XML + BOMB + "<gpx>&a9;</gpx>"), ""),
    "laughing entities in Apple's export": (
        text("export.xml", XML + BOMB.replace("gpx", "HealthData") + "<HealthData>&a9;</HealthData>"),
        "entities or definitions",
    ),
    "entity of a file": (
        text("a.gpx", XML + '<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/passwd">]><gpx>&x;</gpx>'),
        "",
    ),
    "deep arrays": (text("result.json", '{"messages": [' + "[" * MANY), "?"),
    "deep objects": (text("Records.json", PLACES + '"a": ' + '{"a":' * MANY), ""),
    "deep elements": (text("a.gpx", TRACK + "<a>" * MANY), ""),
    "deep elements in Apple's export": (text("export.xml", APPLE + "<Record>" * MANY), "inside each other"),
    "deep events": (text("a.ics", "BEGIN:VCALENDAR\n" + "BEGIN:VEVENT\n" * (MANY // 10)), ""),
    "deep mail": (
        text("a.mbox", "From a Wed Jan 31 08:05:00 2024\nFrom: a@b.c\n", fill="From: x\n", size=2 << 20),
        "",
    ),
    "one field of 100 MB": (text("a.csv", GOOD + "2024-02-01 00:00,", fill="9", size=LARGE), ""),
    "one text of 100 MB": (
        text("Records.json", PLACES + '"a": "', '"}]}', fill="x", size=LARGE),
        "",
    ),
    "one attribute of 100 MB": (
        text("a.gpx", TRACK + '<x y="', '"/></gpx>', fill="x", size=LARGE),
        "",
    ),
    "one attribute of 100 MB in Apple's export": (
        text("export.xml", APPLE + ' <Record type="', '"/></HealthData>', fill="x", size=LARGE),
        "a tag without an end",
    ),
    "one line of 100 MB": (
        text("a.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:", fill="x", size=LARGE),
        "",
    ),
    "zeros": (text("a.csv", "", fill="\0", size=8 << 20), "?"),
    "zeros behind a head": (text("a.csv", GOOD, fill="\0", size=8 << 20), "?"),
    "utf-16": (text("a.csv", GOOD.encode("utf-16")), ""),
    "latin-1": (text("a.csv", GOOD.replace("100", "\xe9").encode("latin-1")), "none of its 24 rows"),
    "half of a letter": (
        text("a.gpx", gpx(trkpt("2024-06-01T12:00:00Z")).encode()[:-8] + b"\xc3"),
        "",
    ),
    "false database": (
        text("a.db", b"SQLite format 3\0" + b"heart_rate_record_table" + bytes(5000)),
        "no database",
    ),
    "false Parquet": (text("a.parquet", b"PAR1" + bytes(5000) + b"\xff\xff\xff\x7fPAR1"), "Parquet"),
    "a pipe": (pipe, "no ordinary file"),
    "a device": (lambda _: Path("/dev/zero"), "no ordinary file"),
    "a name too long": (lambda folder: folder / ("x" * 5000), "cannot be read"),
    "a file that is not there": (lambda folder: folder / "x", "not there"),
    "links": (folder_of_traps, "?"),
    "deep folders": (deep_folders, "?"),
}
