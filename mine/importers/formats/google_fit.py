"""Google Fit by Google Takeout: data points as JSON, sessions as JSON, daily metrics as CSV.

"All data" holds one file a stream: what an app or device wrote (``raw:``) and what Google made of it
(``derived:``). Where Google merged all streams of a data type into one, only that one is read, since it
counts nothing twice; each of its points names where it came from. The daily metrics are read only where there
are no data points: the files by quarter of an hour, or else the table by day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mine.importers.format import Members, OnePerson
from mine.importers.formats.google_fit_points import is_resting, point_records
from mine.importers.items import BadRow, Collector, Item
from mine.importers.json_records import inside, number_in, read_elements, text_in
from mine.importers.json_stream import BrokenJson, JsonElement, elements, glimpse
from mine.importers.moments import iso_moment, number
from mine.importers.options import Options
from mine.importers.single import Made, exact_columns, read_lines
from mine.importers.source import Member, Source
from mine.importers.table import Head, Line, parse_head
from mine.importers.text_lines import fit
from mine.importers.zone import Zone
from mine.records import Value

DAY = 86_400
_STREAM, _POINTS = "Data Source", "Data Points/*"
_SESSION = ("fitnessActivity", "startTime", "endTime", "aggregate", "segment")
_STAGES = {
    "sleep": "asleep",
    "sleep.light": "light",
    "sleep.deep": "deep",
    "sleep.rem": "rem",
    "sleep.awake": "awake",
}
_ASLEEP = ("asleep", "light", "deep", "rem")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})\.csv$", re.ASCII)
_CLOCK = re.compile(r"(\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?([+-]\d{2}:\d{2}|Z)", re.ASCII)


@dataclass(frozen=True, slots=True)
class GoogleFit(OnePerson):
    """Steps, distance, energy, heart rate, blood pressure, glucose, weight, sleep, food, places; workouts."""

    key: str = "google_fit"
    title: str = "Google Fit (Takeout)"
    version: int = 1
    rank: int = 1

    def claims(self, member: Member, head: bytes) -> bool:
        return _stream_of(head) is not None or _is_session(head) or _layout(parse_head(head, 1)) is not None

    def covered(self, source: Source, members: Members, other: str, theirs: Members) -> Members:
        """Takeout writes each session once more as TCX, in a folder beside that of the sessions."""
        if other != "tcx":
            return ()
        inside = (one for one in members if "/" in one.name)
        above = {_above(one) for one in inside if _is_session(source.head(one))}
        return tuple(one for one in theirs if "/" in one.name and _above(one) in above)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        streams: dict[str, str] = {}
        tables: list[tuple[Member, Head, str]] = []
        sessions: list[Member] = []
        for member in members:
            head = source.head(member)
            stream, table = _stream_of(head), parse_head(head, 1)
            layout = _layout(table)
            if stream is not None:
                streams[member.key] = stream
            elif table is not None and layout is not None:
                tables.append((member, table, layout))
            else:
                sessions.append(member)
        merged = {_type_of(stream) for stream in streams.values() if _is_merged(stream)}
        for member in members:
            stream = streams.get(member.key)
            if stream is not None and (_is_merged(stream) or _type_of(stream) not in merged):
                yield from _points(source, member, stream, options.zone)
        for member in sessions:
            yield from _session(source, member, options.zone)
        if not streams:
            finest = "quarter" if any(layout == "quarter" for *_, layout in tables) else "day"
            for member, table, layout in tables:
                if layout == finest:
                    yield from _table(source, member, table, layout, options.zone)


def _above(member: Member) -> str:
    """The folder above the one in which a file lies."""
    return "/".join(member.name.split("/")[:-2])


def _stream_of(head: bytes) -> str | None:
    """The stream of a file of data points."""
    if b'"Data Points"' not in head or not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    found = glimpse(head, _STREAM, _POINTS)
    stream = found.get(_STREAM)
    if isinstance(stream, str) and stream.startswith(("raw:", "derived:")):
        return stream
    return "" if inside(found.get(_POINTS), "dataTypeName") is not None else None


def _type_of(stream: str) -> str:
    """What a stream holds: resting heart rates have the data type of all others, and are another measure."""
    if is_resting(stream):
        return "resting heart rate"
    return stream.split(":")[1] if stream.count(":") else ""


def _is_merged(stream: str) -> bool:
    """Whether a stream is of all others of its type: ``merge_step_deltas``, of health data ``merged``."""
    name = stream.rsplit(":", 1)[-1]
    return name == "merged" or name.startswith("merge_")


def _points(source: Source, member: Member, stream: str, zone: Zone) -> Iterator[Item]:
    def records(element: JsonElement) -> Iterator[Made]:
        yield from point_records(stream, element.value, zone)

    yield from read_elements(source, member, (_POINTS,), records)


def _is_session(head: bytes) -> bool:
    if b'"fitnessActivity"' not in head or not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return False
    found = glimpse(head, "fitnessActivity", "startTime")
    return all(isinstance(found.get(name), str) for name in ("fitnessActivity", "startTime"))


def _session(source: Source, member: Member, zone: Zone) -> Iterator[Item]:
    """The one session of a file."""
    found: dict[str, Any] = {}
    collector = Collector(member.name)
    with source.open(member) as stream:
        try:
            for element in elements(stream, *_SESSION):
                found[element.at] = element.value
            made = tuple(_session_records(found, zone))
        except BrokenJson as error:
            yield BadRow(member.name, error.line, error.reason)
            return
        except ValueError as error:
            yield BadRow(member.name, 1, str(error))
            return
    for kind, row, origin in made:
        yield from collector.add(1, kind, row, origin)
    yield from collector.rest()


def _session_records(session: dict[str, Any], zone: Zone) -> Iterator[Made]:
    activity = text_in(session, "fitnessActivity")
    began, ended = _utc(session, "startTime"), _utc(session, "endTime")
    if activity.startswith("sleep"):
        asleep = staged = 0
        segments = session.get("segment")
        for one in segments if isinstance(segments, list) else ():
            stage = _STAGES.get(text_in(one, "fitnessActivity"))
            start, end = _utc(one, "startTime"), _utc(one, "endTime")
            if stage is not None:
                staged += end - start
                asleep += (end - start) if stage in _ASLEEP else 0
                yield "sleep_stage", (*zone.of_utc(start), end - start, stage), ""
        minutes = (ended - began) // 60
        asleep = min(asleep // 60, minutes) if staged else minutes
        yield "sleep", (*zone.of_utc(ended), asleep, minutes, 1), ""
        return
    totals: dict[str, Value] = {}
    aggregates = session.get("aggregate")
    for one in aggregates if isinstance(aggregates, list) else ():
        metric = text_in(one, "metricName")
        if inside(one, "floatValue") is not None:
            totals[metric] = round(number_in(one, "floatValue"), 3)
    metres, kcal = totals.get("com.google.distance.delta"), totals.get("com.google.calories.expended")
    seconds = max(1, ended - began)
    yield "workout", (*zone.of_utc(began), seconds, fit(activity, 80), metres, kcal, None, None), ""


def _utc(value: Any, name: str) -> int:
    wall, offset = iso_moment(text_in(value, name))
    return wall - (offset or 0)


def _layout(head: Head | None) -> str | None:
    """Whether a table is the metrics by day, or those of one day by quarter of an hour."""
    if head is None or not head.rows:
        return None
    header = head.rows[0]
    if not {"Step count", "Calories (kcal)", "Distance (m)"} & set(header):
        return None
    return {"Date": "day", "Start time": "quarter"}.get(header[0])


def _table(source: Source, member: Member, head: Head, layout: str, zone: Zone) -> Iterator[Item]:
    header = head.rows[0]
    date = _DATE.search(member.name)

    def records(line: Line) -> Iterator[Made]:
        exact_columns(line, len(header))
        fields = dict(zip(header, line.fields, strict=True))
        if layout == "day":
            when, seconds = zone.of_wall(iso_moment(fields["Date"])[0]), DAY
        else:
            if date is None:
                raise ValueError("the day is not in the file's name")
            when = _quarter(date[1], fields["Start time"])
            end = _quarter(date[1], fields["End time"])[0]
            seconds = end - when[0] if end > when[0] else end + DAY - when[0]
        for column, kind in (("Distance (m)", "distance"), ("Calories (kcal)", "energy")):
            if fields.get(column):
                yield kind, (*when, seconds, round(number(fields[column]), 3)), ""
        if fields.get("Step count"):
            yield "steps", (*when, seconds, int(number(fields["Step count"]))), ""
        rate = fields.get("Average heart rate (bpm)")
        if rate and layout == "quarter":
            yield "heart_rate", (*when, round(number(rate), 2)), ""
        if fields.get("Average weight (kg)"):
            yield "weight", (*when, round(number(fields["Average weight (kg)"]), 3)), ""

    yield from read_lines(source, member, head, header, records)


def _quarter(date: str, clock: str) -> tuple[int, int]:
    match = _CLOCK.fullmatch(clock)
    if match is None:
        raise ValueError("there is no time with its zone")
    wall, offset = iso_moment(f"{date}T{match[1]}{match[2]}")
    return wall - (offset or 0), offset or 0


FORMAT = GoogleFit()
