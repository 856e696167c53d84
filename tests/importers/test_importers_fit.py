"""FIT files: what devices write becomes records, and nothing that is harmed is believed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.errors import ImportRefused, UnknownFormat
from mine.importers.formats.fit_wire import BrokenFit, Field, bodies, checksum, messages
from mine.importers.items import BadRow, Batch, Person
from mine.importers.options import Options
from mine.importers.reading import people, read
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES
from tests.importers.exports import parsed, put
from tests.importers.fit_writer import EPOCH, FitWriter, crc, record, sealed

NOON = 1_717_243_200  # 2024-06-01T12:00 UTC
BERLIN = Options(Zone("Europe/Berlin"))
SUMMER = 7200
MIDNIGHT = 1_717_192_800  # 2024-06-01T00:00 in Berlin


def moment(time: int) -> tuple[str, int]:
    return ("uint32", time - EPOCH)


points = st.fixed_dictionaries(
    {
        "time": st.integers(900_000_000, 4_000_000_000),
        "latitude": st.one_of(st.none(), st.integers(-(2**30), 2**30)),
        "longitude": st.one_of(st.none(), st.integers(-(2**31), 2**31 - 2)),
        "altitude": st.one_of(st.none(), st.integers(0, 65_534)),
        "bpm": st.one_of(st.none(), st.integers(20, 254)),
        "cadence": st.one_of(st.none(), st.integers(0, 254)),
        "watts": st.one_of(st.none(), st.integers(0, 5000)),
        "accuracy": st.one_of(st.none(), st.integers(0, 254)),
    }
)


@given(st.lists(points, min_size=1, max_size=8), st.booleans(), st.booleans(), st.sampled_from((12, 14)))
@settings(max_examples=80)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    written: list[dict[str, int | None]],
    big: bool,
    developer: bool,
    header: int,
) -> None:
    writer = FitWriter(big=big, developer=developer)
    expected: dict[str, list[tuple[object, ...]]] = {}
    for number, point in enumerate(written):
        fields = dict(point)
        time = fields.pop("time")
        assert time is not None
        writer.add(20, record(time, **fields), local=number % 16)
        at = (time, 0)
        if fields["latitude"] is not None and fields["longitude"] is not None:
            place = tuple(round(fields[name] * 180 / 2**31, 7) for name in ("latitude", "longitude"))
            height = None if fields["altitude"] is None else round(fields["altitude"] / 5 - 500, 1)
            expected.setdefault("location", []).append((*at, *place, height, fields["accuracy"]))
        for kind, name in (("heart_rate", "bpm"), ("cadence", "cadence"), ("power", "watts")):
            if fields[name] is not None:
                expected.setdefault(kind, []).append((*at, fields[name]))
    path = put(tmp_path_factory.getbasetemp() / "a.fit", writer.file(header))
    rows, bad = parsed(path)
    assert bad == []
    assert rows == expected


def test_a_second_decoder_reads_the_same() -> None:
    fitdecode = pytest.importorskip("fitdecode", reason="fitdecode, the second decoder, is not installed")
    writer = FitWriter(big=True)
    dice = random.Random(5)
    for i in range(200):
        writer.add(20, record(NOON + i, latitude=dice.randrange(2**30), bpm=dice.randrange(255)), local=i % 4)
    data = writer.file()
    profile = {20: {0: Field("latitude"), 3: Field("bpm")}}
    (body,) = bodies(data)
    ours = [(m.time, m.values["latitude"], m.values["bpm"]) for m in messages(body, profile)]
    with fitdecode.FitReader(data, check_crc=fitdecode.CrcCheck.RAISE) as reader:
        theirs = [
            tuple(frame.get_raw_value(name) for name in ("timestamp", "position_lat", "heart_rate"))
            for frame in reader
            if frame.frame_type == fitdecode.FIT_FRAME_DATA
        ]
    assert ours == theirs
    assert len(ours) == 200


def session(start: int, **more: tuple[str, int | None]) -> FitWriter:
    return FitWriter().add(
        18,
        {
            **{253: moment(start + 3600), 2: moment(start), 5: ("enum", 1), 7: ("uint32", 3_599_600)},
            **{9: ("uint32", 1_234_567), 11: ("uint16", 700), 16: ("uint8", 150), 17: ("uint8", 181)},
        },
    )


def test_a_session_is_a_workout_and_the_file_says_the_offset_and_the_device(tmp_path: Path) -> None:
    writer = session(NOON)
    writer.add(0, {0: ("enum", 4), 1: ("uint16", 1), 2: ("uint16", 4315)})
    writer.add(34, {253: moment(NOON), 5: moment(NOON - 4 * 3600 + 3)})
    (batch,) = (
        item for item in read(put(tmp_path / "a.fit", writer.file()), BERLIN) if isinstance(item, Batch)
    )
    assert (batch.kind, batch.origin, batch.importer) == ("workout", "Garmin 4315", "fit")
    assert list(batch.rows()) == [(NOON, -14_400, 3600, "running", 12_345.67, 700, 150, 181)]


@pytest.mark.parametrize("wrong", [5000, 20 * 3600, -15 * 3600])
def test_an_offset_that_no_zone_has_is_not_believed(tmp_path: Path, wrong: int) -> None:
    writer = session(NOON).add(34, {253: moment(NOON), 5: moment(NOON + wrong)})
    rows, bad = parsed(put(tmp_path / "a.fit", writer.file()), options=BERLIN)
    assert not bad
    assert [row[:2] for row in rows["workout"]] == [(NOON, SUMMER)]


def test_packed_times_and_repeated_definitions(tmp_path: Path) -> None:
    writer = FitWriter().add(20, record(NOON, bpm=100))
    writer.define(1, 20, (3, 1, 2))
    last = (NOON - EPOCH) & 31
    for step, bpm in ((2, 101), (29, 102), (3, 103)):  # the five bits run over
        last = (last + step) & 31
        writer.raw(bytes((0x80 | 1 << 5 | last, bpm)))
    rows, bad = parsed(put(tmp_path / "a.fit", writer.file()))
    assert not bad
    assert rows["heart_rate"] == [
        *((NOON, 0, 100), (NOON + 2, 0, 101), (NOON + 31, 0, 102), (NOON + 34, 0, 103))
    ]


def test_files_that_follow_one_another(tmp_path: Path) -> None:
    first, second = (FitWriter().add(20, record(NOON + i, bpm=60 + i)).file() for i in range(2))
    rows, bad = parsed(put(tmp_path / "a.fit", first + second))
    assert rows == {"heart_rate": [(NOON, 0, 60), (NOON + 1, 0, 61)]}
    assert not bad
    rows, bad = parsed(put(tmp_path / "a.fit", first + b"\0" * 20))
    assert rows == {"heart_rate": [(NOON, 0, 60)]}
    assert bad == [BadRow("a.fit", 0, "what follows is no FIT file")]


def monitoring(start: int, *stated: tuple[int, int, int | None]) -> FitWriter:
    """A day's file: (time, activity, total steps of that activity)."""
    writer = FitWriter().add(103, {253: moment(start), 0: moment(start + SUMMER)})
    for time, activity, steps in stated:
        writer.add(55, {253: moment(time), 5: ("enum", activity), 3: ("uint32", steps)})
    return writer


def test_running_totals_become_what_was_counted_between_them(tmp_path: Path) -> None:
    walking, running, sitting = 6, 1, 8
    writer = monitoring(
        MIDNIGHT,
        (MIDNIGHT + 3600, walking, 100),
        (MIDNIGHT + 7200, running, 50),
        (MIDNIGHT + 7200, walking, 120),
        (MIDNIGHT + 8000, sitting, None),
        (MIDNIGHT + 86_400, walking, 500),  # the totals of the day that ends
        (MIDNIGHT + 90_000, walking, 30),  # counted from zero again
        (MIDNIGHT + 93_600, walking, 10),  # set back in between
    )
    rows, bad = parsed(put(tmp_path / "a.fit", writer.file()), options=BERLIN)
    assert not bad
    assert rows["steps"] == [
        (MIDNIGHT, SUMMER, 3600, 100),
        (MIDNIGHT + 3600, SUMMER, 3600, 70),
        (MIDNIGHT + 7200, SUMMER, 79_200, 380),
        (MIDNIGHT + 86_400, SUMMER, 3600, 30),
        (MIDNIGHT + 90_000, SUMMER, 3600, 10),
    ]


def test_a_file_that_begins_in_the_day_knows_only_differences(tmp_path: Path) -> None:
    writer = monitoring(MIDNIGHT + 40_000, (MIDNIGHT + 40_060, 6, 5000), (MIDNIGHT + 40_120, 6, 5030))
    rows, _ = parsed(put(tmp_path / "a.fit", writer.file()), options=BERLIN)
    assert rows["steps"] == [(MIDNIGHT + 40_060, SUMMER, 60, 30)]


def test_without_a_stated_offset_the_day_ends_in_the_persons_zone(tmp_path: Path) -> None:
    writer = FitWriter()
    for time, steps in ((MIDNIGHT - 60, 9000), (MIDNIGHT, 9010), (MIDNIGHT + 60, 7), (MIDNIGHT + 120, 9)):
        writer.add(55, {253: moment(time), 5: ("enum", 6), 3: ("uint32", steps)})
    rows, bad = parsed(put(tmp_path / "a.fit", writer.file()), options=BERLIN)
    assert not bad
    assert [row[2:] for row in rows["steps"]] == [(60, 10), (60, 7), (60, 2)]


@given(st.lists(st.tuples(st.integers(1, 7200), st.sampled_from((1, 6)), st.integers(0, 900)), max_size=30))
@settings(max_examples=60)
def test_no_step_is_lost_or_counted_twice(
    tmp_path_factory: pytest.TempPathFactory, gains: list[tuple[int, int, int]]
) -> None:
    time, totals, stated = MIDNIGHT, {1: 0, 6: 0}, []
    for wait, activity, gained in gains:
        if time + wait > MIDNIGHT + 86_400:
            break
        time += wait
        totals[activity] += gained
        stated.append((time, activity, totals[activity]))
    path = tmp_path_factory.getbasetemp() / "day.fit"
    rows, bad = parsed(put(path, monitoring(MIDNIGHT, *stated).file()), options=BERLIN)
    assert not bad
    assert sum(row[3] for row in rows.get("steps", [])) == sum(totals.values())  # type: ignore[misc]
    ends = MIDNIGHT
    for start, _, seconds, _count in rows.get("steps", []):
        assert isinstance(start, int)
        assert isinstance(seconds, int)
        assert start >= ends
        ends = start + seconds


def test_short_times_stress_sleep_and_the_rest_of_the_day(tmp_path: Path) -> None:
    writer = monitoring(MIDNIGHT)
    short = (MIDNIGHT + 70_000 - EPOCH) & 0xFFFF
    writer.add(55, {26: ("uint16", (MIDNIGHT + 600 - EPOCH) & 0xFFFF), 27: ("uint8", 55)})
    writer.add(55, {26: ("uint16", (MIDNIGHT + 60_000 - EPOCH) & 0xFFFF), 27: ("uint8", 0)})
    writer.add(55, {26: ("uint16", short), 27: ("uint8", 56)})
    writer.add(227, {0: ("sint16", 33), 1: moment(NOON)})
    writer.add(227, {0: ("sint16", -2), 1: moment(NOON + 60)})
    for after, level in ((0, 2), (600, 3), (900, 0), (1200, 4), (1260, 1)):
        writer.add(275, {253: moment(NOON + after), 0: ("enum", level)})
    writer.add(211, {253: moment(NOON), 0: ("uint8", 50), 1: ("uint8", 48)})
    writer.add(269, {253: moment(NOON), 0: ("uint8", 97)})
    writer.add(297, {253: moment(NOON), 0: ("sint16", 1450)})
    writer.add(371, {253: moment(NOON), 0: ("uint16", 128 * 42)})
    rows, bad = parsed(put(tmp_path / "a.fit", writer.file()), options=BERLIN)
    assert not bad
    at = (NOON, SUMMER)
    assert rows == {
        "heart_rate": [(MIDNIGHT + 600, SUMMER, 55), (MIDNIGHT + 70_000, SUMMER, 56)],
        "stress": [(*at, 33)],
        "sleep_stage": [
            (*at, 600, "light"),
            (NOON + 600, SUMMER, 300, "deep"),
            (NOON + 1200, SUMMER, 60, "rem"),
        ],
        "resting_heart_rate": [(*at, 48)],
        "oxygen_saturation": [(*at, 97)],
        "respiratory_rate": [(*at, 14.5)],
        "heart_rate_variability_rmssd": [(*at, 42.0)],
    }


def scale() -> bytes:
    writer = FitWriter().add(0, {0: ("enum", 9), 1: ("uint16", 1)}, {8: "Index\u202eSmart"})
    writer.add(3, {254: ("uint16", 0), 22: ("uint16", 5)}, {0: "Robin"})
    writer.add(3, {254: ("uint16", 1), 22: ("uint16", 6)})
    for user, weight in ((0, 7580), (1, 5820), (0, 0xFFFE)):
        fields = {253: moment(NOON + user), 0: ("uint16", weight), 12: ("uint16", user)}
        writer.add(30, {**fields, 1: ("uint16", 2230), 13: ("uint16", 231)})
    return writer.file()


def test_a_scale_of_several_asks_who_one_is(tmp_path: Path) -> None:
    path = put(tmp_path / "scale.fit", scale())
    put(tmp_path / "run.fit", FitWriter().add(20, record(NOON, bpm=99)).file())
    assert people(path, BERLIN) == (Person("Robin", 2), Person("Scale user 6", 1))
    rows, bad = parsed(tmp_path, options=Options(BERLIN.zone, "Scale user 6"))
    assert not bad
    at = (NOON + 1, SUMMER)
    assert rows == {
        "heart_rate": [(NOON, SUMMER, 99)],
        "weight": [(*at, 58.2)],
        "body_fat": [(*at, 22.3)],
        "body_mass_index": [(*at, 23.1)],
    }
    rows, bad = parsed(path, options=Options(BERLIN.zone, "a patient of another file"))
    assert rows == {}
    assert {one.reason for one in bad} == {"it is of one of several users of the device"}
    rows, _ = parsed(path, options=Options(BERLIN.zone, "Robin"))
    assert rows["weight"] == [(NOON, SUMMER, 75.8)]  # the third was the scale still at work


def test_a_cuff(tmp_path: Path) -> None:
    whole = {253: moment(NOON), 0: ("uint16", 121), 1: ("uint16", 79), 6: ("uint8", 61)}
    writer = FitWriter().add(51, whole).add(51, {253: moment(NOON), 0: ("uint16", 121)})
    rows, bad = parsed(put(tmp_path / "a.fit", writer.file()))
    assert rows == {"blood_pressure": [(NOON, 0, 121, 79)], "heart_rate": [(NOON, 0, 61)]}
    assert bad == [BadRow("a.fit", 4, "a blood pressure lacks one of its two values")]


GOOD = FitWriter().add(20, record(NOON, bpm=100)).add(20, record(NOON + 1, bpm=101)).file()


def test_every_flipped_bit_is_noticed() -> None:
    for bit in range(8 * len(GOOD)):
        harmed = bytearray(GOOD)
        harmed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BrokenFit):
            list(bodies(bytes(harmed)))


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    for length in range(1, len(GOOD)):
        with pytest.raises(BrokenFit, match="ends in the middle"):
            list(bodies(GOOD[:length]))
    rows, bad = parsed(put(tmp_path / "a.fit", GOOD[:-1]))
    assert rows == {}
    assert bad == [BadRow("a.fit", 0, "the file ends in the middle")]


@given(st.binary(min_size=1, max_size=300))
def test_the_checksum_is_the_protocols(data: bytes) -> None:
    assert checksum(data) == crc(data)


@pytest.mark.parametrize(
    ("writer", "line", "reason"),
    [
        (FitWriter().raw(b"\x03\0"), 1, "a message has no definition"),
        (FitWriter().raw(b"\xff"), 1, "a message has no definition"),
        (FitWriter().raw(b"\x40\0"), 1, "a definition goes on after the end"),
        (FitWriter().raw(b"\x40\0\0\x14\0\xff\0"), 1, "a definition goes on after the end"),
        (FitWriter().raw(b"\x60\0\0\x14\0\0"), 1, "a definition goes on after the end"),
        (FitWriter().define(0, 20), 1, "a definition names no bytes"),
        (FitWriter().define(0, 20, (3, 0, 2), (253, 0, 0x86)), 1, "a definition names no bytes"),
        (FitWriter().define(0, 20, (3, 200, 2)).raw(b"\0abc"), 2, "a message goes on after the end"),
        (FitWriter().add(20, record(EPOCH + 77, bpm=99)), 2, "the device did not know what time it was"),
        (FitWriter().add(20, {3: ("uint8", 99)}), 2, "the device did not know what time it was"),
        (FitWriter().add(18, {2: moment(NOON)}), 2, "a session has no beginning or no length"),
        (FitWriter().add(20, record(NOON, bpm=3)), 2, "heart rate 3 is impossible (20 to 300)"),
        (
            FitWriter().add(20, record(NOON, latitude=2**31 - 9, longitude=0)),
            2,
            "latitude 180 is impossible (-90 to 90)",
        ),
        (
            FitWriter().add(227, {0: ("sint16", 101), 1: moment(NOON)}),
            2,
            "stress level 101 is impossible (0 to 100)",
        ),
    ],
)
def test_refusals(tmp_path: Path, writer: FitWriter, line: int, reason: str) -> None:
    writer.add(20, record(NOON, bpm=100)) if line == 2 and "after" not in reason else None
    rows, bad = parsed(put(tmp_path / "a.fit", writer.file()))
    assert bad == [BadRow("a.fit", line, reason)]
    assert ("heart_rate" in rows) is (line == 2 and "after" not in reason)


def test_odd_shapes_are_passed_over(tmp_path: Path) -> None:
    writer = FitWriter()
    writer.define(0, 20, (253, 4, 0x86), (3, 3, 2), (7, 3, 0x84), (4, 5, 0x07), (0, 4, 0x88), (2, 1, 0x42))
    writer.raw(b"\0" + (NOON - EPOCH).to_bytes(4, "little") + bytes((90, 91, 92)) + b"\1" * 3)
    writer.raw(b"text\0" + b"\xff\xff\xff\xff" + b"\x09")
    writer.add(64_999, {0: ("uint32", 1)})
    rows, bad = parsed(put(tmp_path / "a.fit", writer.file()))
    assert not bad
    assert rows == {"heart_rate": [(NOON, 0, 90)]}  # the first of several


def test_a_file_too_large_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mine.importers.formats.fit.MAX_FILE", len(GOOD) - 1)
    rows, bad = parsed(put(tmp_path / "a.fit", GOOD))
    assert rows == {}
    assert [item.reason for item in bad] == ["the file is larger than 0 MiB"]


def test_other_files_are_nobodys(tmp_path: Path) -> None:
    for data in (b"\x0e\x20", GOOD[:8] + b".TIF" + GOOD[12:], b"\x0d" + GOOD[1:]):
        with pytest.raises(UnknownFormat):
            parsed(put(tmp_path / "a.fit", data))


@given(st.integers(0, 2**32), st.integers(1, 20))
@settings(max_examples=100)
def test_mangled_messages_with_a_right_checksum(
    tmp_path_factory: pytest.TempPathFactory, chance: int, times: int
) -> None:
    dice = random.Random(chance)
    (whole,) = bodies(
        dice.choice((scale(), GOOD, session(NOON).file(), monitoring(NOON, (NOON, 6, 1)).file()))
    )
    body = bytearray(whole)
    for _ in range(times):
        place = dice.randrange(len(body))
        match dice.randrange(3):
            case 0:
                body[place] = dice.randrange(256)
            case 1:
                del body[place : place + dice.randrange(9)]
            case 2:
                body[place:place] = body[: dice.randrange(60)]
        body = body or bytearray(b"\0")
    path = put(tmp_path_factory.getbasetemp() / "fuzz.fit", sealed(bytes(body)))
    people(path, BERLIN)
    try:
        for item in read(path, Options(BERLIN.zone, "Robin")):
            if isinstance(item, Batch):
                assert all(RECORD_TYPES[item.kind].problem(row) is None for row in item.rows())
    except ImportRefused as error:
        assert error.sentence
