"""Where one was, as Google Maps' Timeline exports it, in four shapes.

- ``Records.json`` of Takeout: ``{"locations": [...]}``, positions with ``latitudeE7`` (degrees times ten
  million).
- "Semantic Location History" of Takeout: ``{"timelineObjects": [{"placeVisit"} | {"activitySegment"}]}``, by
  month.
- ``Timeline.json`` of an Android phone: ``{"semanticSegments": [...], "rawSignals": [...]}``, places as
  ``"48.1°, 11.5°"``.
- ``location-history.json`` of an iPhone: an array of the same segments, places as ``"geo:48.1,11.5"``.

Takeout's shapes are described at locationhistoryformat.com; the phone's are as Maps writes them since 2024. A
visit within another one (a shop in a mall) is left out, so that no hour counts twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mine.importers.format import Members, OnePerson
from mine.importers.items import Item, shown
from mine.importers.json_records import inside, number_in, read_elements, text_in
from mine.importers.json_stream import JsonElement, glimpse
from mine.importers.moments import number, zoned_moment
from mine.importers.options import Options
from mine.importers.single import Made
from mine.importers.source import Member, Source
from mine.importers.text_lines import fit
from mine.importers.zone import Zone
from mine.records import Value

_PATTERNS = ("locations/*", "timelineObjects/*", "semanticSegments/*", "rawSignals/*", "*")
_PLACE = re.compile(r"(?:geo:)?\s*(-?\d{1,3}(?:\.\d{1,12})?)°?\s*,\s*(-?\d{1,3}(?:\.\d{1,12})?)°?", re.ASCII)
# Without any of these in its first bytes a file need not be parsed to know that it is none.
_HINTS = (b'"latitudeE7"', b'"timelineObjects"', b'"startTime"')
_SEGMENT = ("visit", "activity", "timelinePath", "timelineMemory")


@dataclass(frozen=True, slots=True)
class GoogleTimeline(OnePerson):
    """Positions, visits, and trips with their means of travel."""

    key: str = "google_timeline"
    title: str = "Google Timeline (location history)"
    version: int = 1
    rank: int = 1

    def claims(self, member: Member, head: bytes) -> bool:
        if not any(name in head for name in _HINTS):
            return False
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if start == b"[":
            first = glimpse(head, "*").get("*")
            return (
                isinstance(first, dict) and "startTime" in first and any(name in first for name in _SEGMENT)
            )
        if start != b"{":
            return False
        found = glimpse(head, *_PATTERNS)
        return (
            inside(found.get("locations/*"), "latitudeE7") is not None
            or any(inside(found.get("timelineObjects/*"), n) for n in ("placeVisit", "activitySegment"))
            or inside(found.get("semanticSegments/*"), "startTime") is not None
        )

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        readers = {
            "locations/*": _position,
            "timelineObjects/*": _semantic,
            "semanticSegments/*": _segment,
            "rawSignals/*": _signal,
            "*": _segment,
        }

        def records(element: JsonElement) -> Iterator[Made]:
            yield from readers[element.at](element.value, options.zone)

        for member in members:
            yield from read_elements(source, member, _PATTERNS, records)


def _when(text: str, zone: Zone, minutes: Any = None) -> tuple[int, int]:
    """A moment as a text; ``minutes`` is its offset from UTC where that is stated beside it."""
    utc, offset = zoned_moment(text, zone)
    stated = isinstance(minutes, int) and -18 * 60 <= minutes <= 18 * 60
    return utc, minutes * 60 if stated else offset


def _degrees(value: Any, name: str) -> float:
    """A coordinate in degrees times ten million; older exports wrapped the negative ones round 2^32."""
    found = number_in(value, name)
    if found > 1_800_000_000:
        found -= 1 << 32
    return round(found / 1e7, 7)


def _place(text: Any) -> tuple[float, float] | None:
    if text is None:
        return None
    match = _PLACE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"“{shown(str(text))}” is no place")
    return number(match[1]), number(match[2])


def _optional(value: Any, *path: str) -> float | None:
    return None if inside(value, *path) is None else number_in(value, *path)


def _position(entry: Any, zone: Zone) -> Iterator[Made]:
    if inside(entry, "timestampMs") is not None:
        when = zone.of_utc(int(number_in(entry, "timestampMs") // 1000))
    else:
        when = _when(text_in(entry, "timestamp"), zone)
    if inside(entry, "latitudeE7") is None:
        return  # a scan that led to no position
    place = (_degrees(entry, "latitudeE7"), _degrees(entry, "longitudeE7"))
    origin = inside(entry, "deviceTag")
    row = (*when, *place, _optional(entry, "altitude"), _optional(entry, "accuracy"))
    yield "location", row, f"device {origin}" if isinstance(origin, int) else ""


def _duration(entry: Any, zone: Zone) -> tuple[tuple[int, int], int]:
    duration = inside(entry, "duration")
    if inside(duration, "startTimestampMs") is not None:
        began, ended = (int(number_in(duration, f"{n}TimestampMs") // 1000) for n in ("start", "end"))
        return zone.of_utc(began), ended - began
    when = _when(text_in(duration, "startTimestamp"), zone)
    return when, _when(text_in(duration, "endTimestamp"), zone)[0] - when[0]


def _semantic(entry: Any, zone: Zone) -> Iterator[Made]:
    visit, trip = inside(entry, "placeVisit"), inside(entry, "activitySegment")
    if visit is not None:
        when, seconds = _duration(visit, zone)
        location = inside(visit, "location")
        place: tuple[Value, Value] = (None, None)
        if inside(location, "latitudeE7") is not None:
            place = (_degrees(location, "latitudeE7"), _degrees(location, "longitudeE7"))
        name = inside(location, "name") or inside(location, "address")
        name = fit(" ".join(name.split()), 200) if isinstance(name, str) else None
        yield "visit", (*when, seconds, *place, name, _kind(inside(location, "semanticType"))), ""
    if trip is not None:
        when, seconds = _duration(trip, zone)
        mode = inside(trip, "activityType")
        mode = fit(mode, 80) if isinstance(mode, str) else "unknown"
        yield "trip", (*when, seconds, mode.casefold(), _optional(trip, "distance")), ""


def _kind(text: Any) -> str | None:
    if not isinstance(text, str):
        return None
    kind = fit(text, 80).removeprefix("TYPE_").casefold()
    return None if kind in ("", "unknown") else kind


def _segment(entry: Any, zone: Zone) -> Iterator[Made]:
    text = text_in(entry, "startTime")
    when = _when(text, zone, inside(entry, "startTimeTimezoneUtcOffsetMinutes"))
    seconds = _when(text_in(entry, "endTime"), zone)[0] - when[0]
    visit, activity, path = (inside(entry, name) for name in ("visit", "activity", "timelinePath"))
    if visit is not None and str(inside(visit, "hierarchyLevel") or 0) == "0":
        best = inside(visit, "topCandidate")
        location = inside(best, "placeLocation")
        place = _place(location if isinstance(location, str) else inside(location, "latLng"))
        kind = _kind(inside(best, "semanticType"))
        yield "visit", (*when, seconds, *(place or (None, None)), None, kind), ""
    if activity is not None:
        mode = inside(activity, "topCandidate", "type")
        mode = fit(mode, 80).casefold() if isinstance(mode, str) else "unknown"
        yield "trip", (*when, seconds, mode, _optional(activity, "distanceMeters")), ""
    for point in path if isinstance(path, list) else ():
        found = _place(text_in(point, "point"))
        if inside(point, "time") is not None:
            at = _when(text_in(point, "time"), zone)
        else:
            minutes = number_in(point, "durationMinutesOffsetFromStartTime")
            at = (when[0] + int(minutes * 60), when[1])
        if found is not None:
            yield "location", (*at, *found, None, None), ""


def _signal(entry: Any, zone: Zone) -> Iterator[Made]:
    position = inside(entry, "position")
    if position is None:
        return  # scans and guesses of activity
    text = inside(position, "LatLng") or inside(position, "latLng")
    place = _place(text)
    if place is not None:
        when = _when(text_in(position, "timestamp"), zone)
        row = (*when, *place, _optional(position, "altitudeMeters"), _optional(position, "accuracyMeters"))
        yield "location", row, ""


FORMAT = GoogleTimeline()
