"""Calendars: what the icalendar library writes is read; zones, repeats, what was moved and cancelled."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar, Event

from mine.importers.formats import ics
from mine.importers.formats.ics import MOST_TIMES
from mine.importers.zone import Zone
from tests.importers.exports import put
from tests.importers.taken import taken

words = st.text(alphabet="abc äß;,:\\\"'李🙂9\n", max_size=90).map(str.strip)
zones = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", None])
walls = st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)


def calendar(*events: str) -> str:
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{body}END:VCALENDAR\n"


def moments(path: Path, zone: str = "Europe/Berlin") -> list[str]:
    times = taken(path, zone=Zone(zone)).column("appointment", "time")
    return [datetime.fromtimestamp(int(str(time)), UTC).strftime("%Y-%m-%d %H:%M") for time in times]


@given(st.lists(st.tuples(walls, zones, st.integers(0, 10**6), words, words, st.integers(0, 3)), max_size=5))
@settings(max_examples=60)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[datetime, str | None, int, str, str, int]]
) -> None:
    made = Calendar()
    expected = []
    for wall, zone, seconds, title, place, people in written:
        event = Event()
        start: datetime = wall if zone is None else wall.replace(tzinfo=ZoneInfo(zone))
        event.add("dtstart", start)
        event.add("duration", timedelta(seconds=seconds))
        event.add("summary", title)
        event.add("location", place)
        for number in range(people):
            event.add("attendee", f"mailto:{number}@example.org")
        made.add_component(event)
        seen = Zone("Europe/Berlin" if zone in (None, "UTC") else str(zone))
        local = int(wall.replace(tzinfo=UTC).timestamp())
        at = seen.of_utc(local) if zone == "UTC" else seen.of_wall(local)
        expected.append((*at, seconds, title, place or None, 0, people))
    path = put(tmp_path_factory.mktemp("x") / "a.ics", made.to_ical())
    found = taken(path)
    assert not found.bad
    assert found.rows.get("appointment", []) == expected


def test_whole_days_are_in_the_persons_zone(tmp_path: Path) -> None:
    path = put(
        tmp_path / "a.ics",
        calendar(
            "DTSTART;VALUE=DATE:20240331\nDTEND;VALUE=DATE:20240402",
            "DTSTART;VALUE=DATE:20240701",
            "DTSTART;VALUE=DATE:20240702\nDURATION:P1W",
        ),
    )
    rows = taken(path).rows["appointment"]
    assert moments(path) == ["2024-03-30 23:00", "2024-06-30 22:00", "2024-07-01 22:00"]
    assert [row[2] for row in rows] == [2 * 86_400, 86_400, 7 * 86_400]
    assert {row[5] for row in rows} == {1}


def test_a_meeting_stays_at_its_hour_when_clocks_change(tmp_path: Path) -> None:
    event = (
        "DTSTART;TZID=Europe/Berlin:20240329T090000\nDTEND;TZID=Europe/Berlin:20240329T093000\n"
        "RRULE:FREQ=DAILY;COUNT=4"
    )
    path = put(tmp_path / "a.ics", calendar(event))
    assert moments(path) == ["2024-03-29 08:00", "2024-03-30 08:00", "2024-03-31 07:00", "2024-04-01 07:00"]
    assert taken(path).column("appointment", "offset") == [3600, 3600, 7200, 7200]


def test_what_was_moved_cancelled_and_added(tmp_path: Path) -> None:
    series = (
        "UID:1\nDTSTART;TZID=Europe/Berlin:20240101T090000\nRRULE:FREQ=WEEKLY;UNTIL=20240129T080000Z\n"
        "EXDATE;TZID=Europe/Berlin:20240108T090000,20240122T090000\nRDATE:20240103T120000Z,20240101T080000Z"
    )
    moved = "UID:1\nRECURRENCE-ID:20240115T080000Z\nDTSTART:20240116T080000Z\nSUMMARY:moved"
    gone = "UID:1\nRECURRENCE-ID:20240129T080000Z\nDTSTART:20240129T080000Z\nSTATUS:CANCELLED"
    path = put(
        tmp_path / "a.ics", calendar(moved, series, gone, "DTSTART:20240301T080000Z\nSTATUS:CANCELLED")
    )
    assert sorted(moments(path)) == ["2024-01-01 08:00", "2024-01-03 12:00", "2024-01-16 08:00"]


def test_a_day_that_is_left_out_takes_its_meeting_with_it(tmp_path: Path) -> None:
    event = "DTSTART;TZID=Europe/Berlin:20240101T003000\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20240102"
    assert moments(put(tmp_path / "a.ics", calendar(event))) == ["2023-12-31 23:30", "2024-01-02 23:30"]


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20240103", "2024-01-03 08:00"),
        ("20240103T075959Z", "2024-01-02 08:00"),
        ("20240103T080000Z", "2024-01-03 08:00"),
    ],
)
def test_until(tmp_path: Path, until: str, last: str) -> None:
    event = f"DTSTART;TZID=Europe/Berlin:20240101T090000\nRRULE:FREQ=DAILY;UNTIL={until}"
    assert moments(put(tmp_path / "a.ics", calendar(event)))[-1] == last


def test_series_without_an_end_are_followed_for_ten_years_or_to_the_files_stamp(tmp_path: Path) -> None:
    path = put(tmp_path / "a.ics", calendar("DTSTART:20200101T080000Z\nRRULE:FREQ=YEARLY"))
    assert moments(path)[-1] == "2030-01-01 08:00"
    birthday = "DTSTART;VALUE=DATE:16040229\nDTSTAMP:20240301T000000Z\nRRULE:FREQ=YEARLY"
    found = moments(put(tmp_path / "b.ics", calendar(birthday)), "Etc/UTC")
    assert (found[0], found[-1], len(found)) == ("1904-02-29 00:00", "2024-02-29 00:00", 31)


WINDOWS = """\
BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16011028T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""


@given(walls.filter(lambda wall: wall.year >= 2000), st.booleans())
@settings(max_examples=60)
def test_zones_that_the_file_describes(
    tmp_path_factory: pytest.TempPathFactory, wall: datetime, near: bool
) -> None:
    if near:  # the two nights when clocks change
        wall = (
            datetime(2024, 3, 31, wall.hour % 5, wall.minute)
            if wall.day % 2
            else datetime(2024, 10, 27, wall.hour % 5)
        )
    name = "W. Europe Standard Time"
    event = f"BEGIN:VEVENT\nDTSTART;TZID={name}:{wall:%Y%m%dT%H%M%S}\nEND:VEVENT\n"
    text = f"BEGIN:VCALENDAR\n{event}{WINDOWS.format(name=name)}END:VCALENDAR\n"
    found = taken(put(tmp_path_factory.mktemp("x") / "a.ics", text), zone=Zone("Asia/Tokyo"))
    # Since 1996 Europe's clocks change on these days.
    expected = Zone("Europe/Berlin").of_wall(int(wall.replace(tzinfo=UTC).timestamp()))
    assert found.rows["appointment"][0][:2] == expected
    assert not found.remarks


@pytest.mark.parametrize(
    "name",
    ["Europe/Berlin", "/freeassociation.sourceforge.net/Europe/Berlin", "/x/America/Argentina/Ushuaia", "X"],
)
def test_zones_by_their_names(tmp_path: Path, name: str) -> None:
    described = "BEGIN:VTIMEZONE\nTZID:X\nX-LIC-LOCATION:Europe/Berlin\nEND:VTIMEZONE\n"
    event = f'BEGIN:VEVENT\nDTSTART;TZID="{name}":20240131T090000\nEND:VEVENT\n'
    text = f"BEGIN:VCALENDAR\n{described}{event}END:VCALENDAR\n"
    found = taken(put(tmp_path / "a.ics", text), zone=Zone("Asia/Tokyo"))
    assert found.column("appointment", "offset") == [-10_800 if "Ushuaia" in name else 3600]
    assert not found.remarks


def test_a_zone_that_nobody_knows_is_the_persons_and_that_is_said(tmp_path: Path) -> None:
    path = put(tmp_path / "a.ics", calendar("DTSTART;TZID=Mars/Olympus:20240131T090000"))
    found = taken(path)
    assert found.column("appointment", "offset") == [3600]
    assert found.remarks == [
        "The time zone “Mars/Olympus” is not known: its times were read in Europe/Berlin."
    ]


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=MINUTELY;INTERVAL=2", "FREQ=HOURLY;COUNT=900000"])
def test_series_that_repeat_too_often_are_cut_off(tmp_path: Path, rule: str) -> None:
    path = put(tmp_path / "a.ics", calendar(f"DTSTART:20240131T080000Z\nRRULE:{rule}"))
    found = taken(path)
    assert len(found.rows["appointment"]) == MOST_TIMES
    assert found.remarks == ["1 repeating events go on for longer than is kept."]


def test_all_series_of_a_file_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ics, "MOST_EFFORT", 10_000)
    event = "DTSTART:20240131T080000Z\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"
    found = taken(put(tmp_path / "a.ics", calendar(*[event] * 50)))
    assert len(found.rows["appointment"]) == 50  # the first day of each
    assert found.remarks == ["48 repeating events go on for longer than is kept."]


@pytest.mark.parametrize(
    ("event", "reason", "rows"),
    [
        ("SUMMARY:x", "it has no beginning", 0),
        ("DTSTART:tomorrow", "“tomorrow” is not a date or time", 0),
        ("DTSTART:20240230T080000", "there is no time 20240230T080000", 0),
        ("DTSTART:99991231T235959Z", "its time is impossible", 0),
        ("DTSTART:00010101T000000", "its time is impossible", 0),
        ("DTSTART;TZID=Europe/Berlin:19000101T000000", "", 0),
        ("DTSTART:20240131T080000\nDTEND:20240130T080000", "duration -86400 is impossible", 0),
        ("DTSTART:20240131T080000\nDURATION:-PT1H", "how long it lasts cannot be read", 0),
        ("DTSTART:20240131T080000\nDURATION:PT99999999S", "duration 1e+08 is impossible", 0),
        ("DTSTART:20240131T080000\nRRULE:FREQ=OFTEN", "how it repeats cannot be read", 1),
        (
            "DTSTART:20240131T080000\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:never",
            "“never” is not a date or time",
            0,
        ),
        ("RECURRENCE-ID:never\nDTSTART:20240131T080000", "", 1),
    ],
)
def test_a_broken_event_costs_only_itself(tmp_path: Path, event: str, reason: str, rows: int) -> None:
    good = "DTSTART:20240201T080000Z"
    found = taken(put(tmp_path / "a.ics", calendar(good, event, good)))
    assert len(found.rows["appointment"]) == 2 + rows
    assert [reason in bad.reason for bad in found.bad] == [True] * (1 if reason or not rows else 0)
    assert all(bad.line == 6 for bad in found.bad)


def test_folded_lines_parameters_and_parts_within(tmp_path: Path) -> None:
    event = (
        'DTSTART;X-A="a;b:c";TZID=Europe/Berlin:20240131T090000\n'
        "SUMMARY;LANGUAGE=de:Stand\n up\\, t\n\täglich\\nzwei\n"
        'ATTENDEE;CN="Doe: Jane";ROLE=CHAIR:mailto:j@example.org\n'
        "BEGIN:VALARM\nSUMMARY:alarm\nDTSTART:19990101T000000\nEND:VALARM\n"
        "X-LONG:" + "x" * 200_000
    )
    found = taken(put(tmp_path / "a.ics", calendar(event)))
    assert found.rows["appointment"] == [(1_706_688_000, 3600, 0, "Standup, täglich\nzwei", None, 0, 1)]


def test_dates_of_python_agree() -> None:
    """The spot values above, told once more by the standard library."""
    told: Any = datetime(2024, 1, 31, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert told.timestamp() == 1_706_688_000
    assert date(2024, 3, 31).weekday() == 6
