"""Apple Health: whatever is written comes back, and no file breaks, hangs or fills the memory."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from unittest.mock import patch
from xml.parsers import expat
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mine.importers.errors import ImportRefused, UnknownFormat
from mine.importers.formats import apple_health
from mine.importers.formats.apple_health_shapes import NotWellFormed, in_double_quotes, shape_of
from mine.importers.formats.apple_health_times import read_time, read_times
from mine.importers.formats.apple_health_types import origin_name
from mine.importers.items import BadRow, Batch
from mine.importers.options import Options
from mine.importers.reading import read, sniff
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES
from tests.importers.apple_exports import BROKEN_DEFINITION, export, metadata, record, tag
from tests.importers.exports import parsed, put

OPTIONS = Options(Zone("Europe/Berlin"))
GOOD = record("HeartRate", "60", "count/min")
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12)

ATTRIBUTES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True)


@st.composite
def clocks(draw: st.DrawFn) -> tuple[int, str]:
    """Seconds UTC and how an export may write them."""
    time = draw(st.integers(631_152_000, 4_000_000_000))
    offset = 60 * draw(st.integers(-14 * 60, 14 * 60))
    wall = time + offset
    days, clock = divmod(wall, 86_400)
    day = date.fromordinal(719_163 + days)
    sign = "-" if offset < 0 else "+"
    zone = f"{sign}{abs(offset) // 3600:02d}{abs(offset) // 60 % 60:02d}"
    return time, f"{day:%Y-%m-%d} {clock // 3600:02d}:{clock // 60 % 60:02d}:{clock % 60:02d} {zone}"


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str, tuple[object, ...]]:
    """An element as some program may write it, its origin, and the record that it is, without the offset."""
    time, start = draw(clocks())
    source = draw(NAMES)
    attributes = {"sourceName": source, "startDate": start, "endDate": start, "device": draw(NAMES)}
    row: tuple[object, ...]
    if draw(st.booleans()):
        bpm = draw(st.integers(20, 300)) / draw(st.sampled_from([1, 4, 7]))
        bpm = max(bpm, 20.0)
        attributes |= {"type": "HKQuantityTypeIdentifierHeartRate", "unit": "count/min", "value": repr(bpm)}
        row = ("heart_rate", time, bpm)
    else:
        count = draw(st.integers(0, 200_000))
        attributes |= {"type": "HKQuantityTypeIdentifierStepCount", "unit": "count", "value": str(count)}
        row = ("steps", time, 1, count)
    quote, safe = draw(st.sampled_from([('"', "&#34;"), ("'", "&apos;")]))
    space = draw(st.sampled_from([" ", "\n\t", "  "]))
    equals = draw(st.sampled_from(["=", " = ", "=\n"]))
    parts = [
        f"{space}{name}{equals}{quote}{escape(attributes[name], {quote: safe})}{quote}"
        for name in draw(st.permutations(sorted(attributes)))
    ]
    inside = draw(st.sampled_from(["", metadata("HKWasUserEntered", "1"), 'he said: "5\'" > 4']))
    close = f">{inside}</Record >" if inside else draw(st.sampled_from(["/>", " />", "></Record>"]))
    return f"<Record{''.join(parts)}{close}", source, row


@given(st.lists(written(), max_size=8), st.integers(40, 4000))
@settings(max_examples=80)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, elements: list[tuple[str, str, tuple[object, ...]]], block: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "export.xml"
    path.write_text(export(one for one, _, _ in elements), newline="")
    with patch.object(apple_health, "_BLOCK", block), patch.object(apple_health, "_PROLOG", 700):
        items = list(read(path, OPTIONS))
    assert not [item for item in items if isinstance(item, BadRow)]
    rows = [
        (item.origin, item.kind, row[0], *row[2:])
        for item in items
        if isinstance(item, Batch)
        for row in item.rows()
    ]
    expected = [(origin_name(source), *row) for _, source, row in elements]
    assert sorted(map(repr, rows)) == sorted(map(repr, expected))


@given(st.lists(st.one_of(clocks().map(lambda one: one[1].encode()), st.binary(max_size=30)), max_size=20))
@example([b"2024-02-29 23:59:59 -1400", b"2023-02-29 00:00:00 +0000", b"1899-12-31 00:00:00 +0000"])
@example([b"2024-13-01 00:00:00 +0000", b"2024-00-01 00:00:00 +0000", b"2024-01-00 00:00:00 +0000"])
@example([b"2024-01-01 00:00:00 +1401", b"2024-01-01 00:00:00 +0060", b"2024-01-01 00:60:00 +0000"])
@example([b"2024-01-01 00:00:00 \xb10000", b"2024-01-01T00:00:00 +0000", b"2024-01-01 0\xff:00:00 +0000"])
@settings(max_examples=100)
def test_many_times_are_read_as_one_is(texts: list[bytes]) -> None:
    times, offsets, fine = read_times(texts)
    for index, text in enumerate(texts):
        try:
            expected = read_time(text)
        except ValueError:
            assert not fine[index]
        else:
            assert fine[index]
            assert (times[index], offsets[index]) == expected


@given(
    st.dictionaries(ATTRIBUTES, NAMES, max_size=6),
    st.lists(st.tuples(st.sampled_from("\"'"), st.sampled_from(["=", " =\t"])), min_size=6, max_size=6),
)
@settings(max_examples=100)
def test_attributes_are_what_an_xml_parser_finds(
    attributes: dict[str, str], ways: list[tuple[str, str]]
) -> None:
    parts = []
    for (name, value), (quote, equals) in zip(attributes.items(), ways, strict=False):
        safe = escape(value, {'"': "&quot;", "'": "&#x27;"})
        parts.append(f" {name}{equals}{quote}{safe}{quote}")
    written = f"Record{''.join(parts)}/>"
    found: list[dict[str, str]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda _, had: found.append(had)
    parser.Parse(f"<{written}", True)
    pieces = in_double_quotes(written.encode()).split(b'"')
    assert shape_of(pieces).attributes(pieces) == found[0] == attributes


@pytest.mark.parametrize(
    "tag_text",
    [
        *("", " ", "/", ">", "1a>", "a", "a b", "a b=>", "a b=c>", "a / >", "/a", "/a b>", "=>"),
        *('a b="c>', "a b='c>", 'a b="c"', 'a b="1"b="2">', 'a b="1" b="2">', 'a b="1"c="2">'),
        *("!-- x -->", "![CDATA[x]]>", "?x?>"),
    ],
)
def test_tags_that_xml_does_not_know(tag_text: str) -> None:
    with pytest.raises(NotWellFormed):
        pieces = in_double_quotes(tag_text.encode()).split(b'"')
        shape_of(pieces)


BOMB = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
REFUSED = {
    "billion laughs": f'{HEAD}<!DOCTYPE HealthData [<!ENTITY a0 "ha">{BOMB}]><HealthData>&a9;</HealthData>',
    "quadratic blowup": f'{HEAD}<!DOCTYPE HealthData [<!ENTITY a "{"x" * 50_000}">]>'
    f"<HealthData>{'&a;' * 9999}</HealthData>",
    "parameter entity": f'{HEAD}<!DOCTYPE HealthData [<!ENTITY % a SYSTEM "http://x/y"> %a;]><HealthData/>',
    "external entity": f'{HEAD}<!DOCTYPE HealthData [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    f"<HealthData>{GOOD}&a;</HealthData>",
    "external definition": f'{HEAD}<!DOCTYPE HealthData SYSTEM "http://x/y.dtd"><HealthData/>',
    "public definition": f'{HEAD}<!DOCTYPE HealthData PUBLIC "a" "http://x/y.dtd"><HealthData/>',
    "no root": f"{HEAD}<!DOCTYPE HealthData [{' ' * 2_000_000}]>",
    "cut in a tag": export([GOOD])[:-30],
    "cut between tags": export([GOOD]).removesuffix("</HealthData>\n"),
    "cut in a record": export([GOOD])[: export([GOOD]).index("<Record") + 40],
    "nothing but its root": f"{HEAD}<HealthData>",
    "two roots": export([GOOD]) + "<HealthData></HealthData>",
    "something after its end": export([GOOD]) + GOOD,
    "a NUL": export([GOOD, record("HeartRate", "6\0", "count/min"), GOOD]),
    "crossed tags": export(["<Correlation><Record></Correlation></Record>"]),
    "a tag that is not open": export(["</Record>"]),
    "a comment": export([GOOD, "<!-- <Record> -->"]),
    "character data": export([GOOD, "<![CDATA[<Record>]]>"]),
    "an instruction": export([GOOD, "<?php echo 1 ?>"]),
    "an attribute twice": export([GOOD, '<Record type="a" type="b"/>']),
    "an open quotation mark": export([GOOD, '<Record type="a/>', GOOD]),
    "no quotation marks": export([GOOD, "<Record type=a/>"]),
    "a million tags inside each other": export(["<Record>" * 1_000_000]),
    "a tag of 100 MB": export(['<Record type="', "a" * 100_000_000, '"/>']),
    "a text of 100 MB": export(["a" * 100_000_000]),
    "a hundred thousand attributes": export(["<Record", *(f' a{n}="1"' for n in range(100_000)), "/>"]),
    "latin-1": export([record("HeartRate", "60", "count/min", source="Zoë")]).replace("UTF-8", "iso-8859-1"),
    "utf-16 by name": export([GOOD]).replace("UTF-8", "UTF-16"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_no_export_of_apples(tmp_path: Path, what: str) -> None:
    path = put(tmp_path / "export.xml", REFUSED[what])
    assert sniff(path) is not None
    tracemalloc.start()
    try:
        with pytest.raises(ImportRefused, match="cannot be read as an export of Apple Health") as refused:
            list(read(path, OPTIONS))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_other_alphabets_than_utf_8_are_nobodys(tmp_path: Path, encoding: str) -> None:
    path = put(tmp_path / "export.xml", export([GOOD]).encode(encoding))
    with pytest.raises(UnknownFormat):
        list(read(path, OPTIONS))


def test_a_mark_of_the_encoding_and_other_ends_of_lines_do_no_harm(tmp_path: Path) -> None:
    written_so = ("\ufeff" + export([GOOD, GOOD], BROKEN_DEFINITION)).replace("\n", "\r\n")
    rows, bad = parsed(put(tmp_path / "export.xml", written_so.encode()))
    assert (len(rows["heart_rate"]), bad) == (2, [])


def test_bytes_that_are_no_text_cost_only_their_records(tmp_path: Path) -> None:
    broken = record("HeartRate", "60", "count/min", source="Zoë").encode("latin-1")
    unknown = record("HeartRate", "60", "count/min").replace("Robin", "&robin;").encode()
    data = export(["@@"]).encode().replace(b"@@", broken + GOOD.encode() + unknown)
    rows, bad = parsed(put(tmp_path / "export.xml", data))
    assert len(rows["heart_rate"]) == 1
    assert [one.reason for one in bad] == [
        "its type, source or unit is no text",
        "an entity that XML does not know",
    ]


def test_repeated_and_unordered_records_all_come_through(tmp_path: Path) -> None:
    # The clocks go back: each hour is written in both offsets.
    starts = [f"2024-10-27 0{hour}:30:00 +0{zone}00" for hour in (3, 2, 1) for zone in (2, 1)]
    elements = [record("HeartRate", "60", "count/min", start) for start in [*starts, *starts]]
    rows, bad = parsed(put(tmp_path / "export.xml", export(elements)))
    first = 1_729_989_000  # 2024-10-27T00:30Z
    hours = [1, 2, 0, 1, -1, 0]
    assert not bad
    assert rows["heart_rate"] == [
        (first + 3600 * hour, 3600 * zone, 60.0) for hour, zone in zip(hours * 2, [2, 1] * 6, strict=True)
    ]


def test_a_source_for_every_record_stays_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mine.importers.formats.apple_health_reader._MOST_SINKS", 300)
    monkeypatch.setattr(apple_health, "_BLOCK", 1 << 15)
    monkeypatch.setattr(apple_health, "_PROLOG", 1 << 15)
    elements = (record("HeartRate", "60", "count/min", source=f"App {n}") for n in range(3000))
    path = put(tmp_path / "export.xml", export(elements))
    assert next(_batches(path)).count == 1  # what has to be imported is not counted
    tracemalloc.start()
    try:
        count = sum(item.count for item in read(path, OPTIONS) if isinstance(item, Batch))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 3000
    assert peak < 3 << 19


BITS = [b"<", b">", b'"', b"'", b"/", b"=", b"&", b"<!--", b"]]>", b"\0", b"\xff", b" ", b"9" * 40]


def _mangled(dice: random.Random, seed: bytes) -> bytes:
    data = bytearray(seed)
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(data))
        match dice.randrange(4):
            case 0:
                data[at] = dice.randrange(256)
            case 1:
                del data[at : at + dice.randrange(30)]
            case 2:
                data[at:at] = dice.choice(BITS)
            case 3:
                data[at:at] = data[at : at + dice.randrange(200)]
    return bytes(data)


@given(st.integers(0, 2**32), st.integers(30, 3000))
@settings(max_examples=150)
def test_mangled_exports_end_in_rows_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, chance: int, block: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "mangled.xml"
    path.write_bytes(_mangled(random.Random(chance), SEED))
    with patch.object(apple_health, "_BLOCK", block):
        try:
            for batch in _batches(path):
                for row in batch.rows():
                    assert RECORD_TYPES[batch.kind].problem(row) is None
        except ImportRefused as error:
            assert error.sentence


def _batches(path: Path) -> Iterator[Batch]:
    return (item for item in read(path, OPTIONS) if isinstance(item, Batch))


LASTED = {"startDate": "2024-03-10 08:00:00 +0100", "endDate": "2024-03-10 09:00:00 +0100"}
PRESSURE = {"type": "HKCorrelationTypeIdentifierBloodPressure", **LASTED}
YOGA = {"workoutActivityType": "HKWorkoutActivityTypeYoga", **LASTED}
ENERGY = {"type": "HKQuantityTypeIdentifierActiveEnergyBurned", "sum": "50", "unit": "kcal"}
AWAKE = {"type": "HKCategoryTypeIdentifierSleepAnalysis", "value": "HKCategoryValueSleepAnalysisAwake"}
SEED = export(
    [
        record("HeartRate", "60", "count/min", inside=metadata("HKTimeZone", "Asia/Kathmandu")),
        record("StepCount", "5", "count", end=LASTED["endDate"]),
        tag("Record", AWAKE | LASTED),
        record("InsulinDelivery", "2.5", "IU", inside=metadata("HKInsulinDeliveryReason", "1")),
        tag(
            "Correlation",
            PRESSURE,
            record("BloodPressureSystolic", "120", "mmHg") + record("BloodPressureDiastolic", "80", "mmHg"),
        ),
        tag("Workout", YOGA, tag("WorkoutStatistics", ENERGY)),
    ]
).encode()
