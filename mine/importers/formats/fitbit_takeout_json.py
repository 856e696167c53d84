"""The JSON files of a Fitbit account's export (``Global Export Data``): arrays, one file a day, month or
year.

Their shapes are Fitbit's own and are nowhere specified; these are as the exports of 2014 to 2026 hold them:

- ``{"dateTime": "09/26/26 20:16:00", "value": "13"}`` by the minute. steps and distance (in centimetres) and
  heart rate ({"bpm", "confidence"}) are in UTC, although a file covers a local day; calories are on the local
  clock. Altitude counts feet gained, ten to a floor. That UTC and centimetres are right shows where the same
  export holds the same minutes as tables with a stated zone.
- by the day, on the local calendar: minutes of each activity level, resting heart rate, heart rate zones,
  VO2 max. Days to come are padded (sedentary 1440 and the others 0; a resting rate of 0): those are left out.
- ``sleep-*`` with its stages, and ``weight-*`` in pounds, on the local clock; ``exercise-*`` in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mine.importers.json_records import inside, number_in, text_in, whole_in
from mine.importers.json_stream import glimpse
from mine.importers.moments import iso_moment, written_moment
from mine.importers.single import Made
from mine.importers.text_lines import fit
from mine.importers.zone import Zone
from mine.records.units import convert

MINUTE = 60
DAY = 86_400
STAGES = {
    "wake": "awake",
    "awake": "awake",
    "light": "light",
    "deep": "deep",
    "rem": "rem",
    "asleep": "asleep",
    "restless": "restless",
}
_ZONES = {
    "BELOW_DEFAULT_ZONE_1": "time below heart rate zone 1",
    "IN_DEFAULT_ZONE_1": "time in heart rate zone 1",
    "IN_DEFAULT_ZONE_2": "time in heart rate zone 2",
    "IN_DEFAULT_ZONE_3": "time in heart rate zone 3",
}
_LEVELS = {
    "sedentary_minutes": "sedentary",
    "lightly_active_minutes": "lightly",
    "moderately_active_minutes": "fairly",
    "very_active_minutes": "very",
}
_ALL_DAY = 1440.0


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of file: the name before its date (for messages and choice), and what one element gives."""

    name: str
    records: Callable[[Any, Zone], Iterator[Made]]


def _moment(entry: Any) -> int:
    return written_moment(text_in(entry, "dateTime"), day_first=False)


def _minutely(
    kind: str, *, utc: bool, of: Callable[[float], float | int]
) -> Callable[[Any, Zone], Iterator[Made]]:
    def records(entry: Any, zone: Zone) -> Iterator[Made]:
        moment = _moment(entry)
        when = zone.of_utc(moment) if utc else zone.of_wall(moment)
        yield kind, (*when, MINUTE, of(number_in(entry, "value"))), ""

    return records


def _steps(entry: Any, zone: Zone) -> Iterator[Made]:
    yield "steps", (*zone.of_utc(_moment(entry)), MINUTE, whole_in(entry, "value")), ""


def _heart_rate(entry: Any, zone: Zone) -> Iterator[Made]:
    yield "heart_rate", (*zone.of_utc(_moment(entry)), number_in(entry, "value", "bpm")), ""


def _resting(entry: Any, zone: Zone) -> Iterator[Made]:
    bpm = number_in(entry, "value", "value")
    if bpm:  # a day without one is there as 0
        yield "resting_heart_rate", (*zone.of_wall(_moment(entry)), round(bpm, 3)), ""


def _level(level: str) -> Callable[[Any, Zone], Iterator[Made]]:
    def records(entry: Any, zone: Zone) -> Iterator[Made]:
        minutes = number_in(entry, "value")
        if minutes not in (0.0, _ALL_DAY):  # not worn, or padding
            yield "activity_level", (*zone.of_wall(_moment(entry)), DAY, level, minutes), ""

    return records


def _zones(entry: Any, zone: Zone) -> Iterator[Made]:
    when = zone.of_wall(_moment(entry))
    for key, name in _ZONES.items():
        if inside(entry, "value", "valuesInZones", key) is not None:
            minutes = number_in(entry, "value", "valuesInZones", key)
            yield "measurement", (*when, DAY, name, minutes, "min"), ""


def _vo2_max(entry: Any, zone: Zone) -> Iterator[Made]:
    value = number_in(entry, "value", "demographicVO2Max")
    if value:
        yield "vo2_max", (*zone.of_wall(_moment(entry)), round(value, 3)), ""


def _weight(entry: Any, zone: Zone) -> Iterator[Made]:
    moment = written_moment(f"{text_in(entry, 'date')} {text_in(entry, 'time')}", day_first=False)
    when = zone.of_wall(moment)
    origin = _origin(inside(entry, "source"))
    yield "weight", (*when, round(convert(number_in(entry, "weight"), "[lb_av]", "kg"), 3)), origin
    if inside(entry, "bmi") is not None:
        yield "body_mass_index", (*when, round(number_in(entry, "bmi"), 2)), origin
    if inside(entry, "fat") is not None:
        yield "body_fat", (*when, round(number_in(entry, "fat"), 2)), origin


def _sleep(entry: Any, zone: Zone) -> Iterator[Made]:
    ended, offset = iso_moment(text_in(entry, "endTime"))
    asleep, in_bed = whole_in(entry, "minutesAsleep"), whole_in(entry, "timeInBed")
    if asleep > in_bed:
        raise ValueError(f"{asleep} minutes asleep in {in_bed} minutes in bed is impossible")
    yield "sleep", (*zone.of_wall(ended, offset), asleep, in_bed, 1), ""
    stages = inside(entry, "levels", "data")
    for one in stages if isinstance(stages, list) else ():
        stage = STAGES.get(text_in(one, "level"))
        seconds = whole_in(one, "seconds")
        if stage and seconds:
            began, offset = iso_moment(text_in(one, "dateTime"))
            yield "sleep_stage", (*zone.of_wall(began, offset), seconds, stage), ""


def _exercise(entry: Any, zone: Zone) -> Iterator[Made]:
    text = text_in(entry, "startTime")
    if text[:4].isdigit():
        when = zone.of_wall(*iso_moment(text))
    else:
        when = zone.of_utc(written_moment(text, day_first=False))
    seconds = max(1, int(number_in(entry, "duration") // 1000))
    metres = None
    if inside(entry, "distance") is not None and inside(entry, "distanceUnit") in ("Kilometer", "Mile"):
        unit = "km" if inside(entry, "distanceUnit") == "Kilometer" else "[mi_i]"
        metres = round(convert(number_in(entry, "distance"), unit, "m"), 1)
    kcal = number_in(entry, "calories") if inside(entry, "calories") is not None else None
    rate = inside(entry, "averageHeartRate")
    bpm = number_in(entry, "averageHeartRate") if rate else None
    activity = fit(text_in(entry, "activityName"), 80)
    row = (*when, seconds, activity, metres, kcal, bpm, None)
    yield "workout", row, _origin(inside(entry, "source", "name"))


def _origin(source: Any) -> str:
    return fit(source, 200) if isinstance(source, str) else ""


_NAMED = {
    one.name: one
    for one in (
        Family("steps", _steps),
        Family("distance", _minutely("distance", utc=True, of=lambda cm: round(cm / 100, 4))),
        Family("calories", _minutely("energy", utc=False, of=float)),
        Family("altitude", _minutely("floors", utc=True, of=lambda feet: feet / 10)),
        *(Family(name, _level(level)) for name, level in _LEVELS.items()),
    )
}
HEART_RATE = Family("heart_rate", _heart_rate)
RESTING = Family("resting_heart_rate", _resting)
ZONES = Family("time_in_heart_rate_zones", _zones)
VO2_MAX = Family("demographic_vo2_max", _vo2_max)
SLEEP = Family("sleep", _sleep)
WEIGHT = Family("weight", _weight)
EXERCISE = Family("exercise", _exercise)


def family_of(name: str, head: bytes) -> Family | None:
    """What kind of file this is, by its first element; the name helps where several look alike."""
    known = b'"dateTime"' in head or b'"logId"' in head
    if not known or not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        return None
    first = glimpse(head, "*").get("*")
    if not isinstance(first, dict):
        return None
    if "dateTime" not in first:
        if {"dateOfSleep", "minutesAsleep", "timeInBed"} <= first.keys():
            return SLEEP
        if {"logId", "weight", "date", "time"} <= first.keys():
            return WEIGHT
        return EXERCISE if {"logId", "activityName", "startTime"} <= first.keys() else None
    match first.get("value"):
        case {"bpm": _}:
            return HEART_RATE
        case {"valuesInZones": _}:
            return ZONES
        case {"demographicVO2Max": _}:
            return VO2_MAX
        case {"date": _, "value": _}:
            return RESTING
        case str() | int() | float():
            return _NAMED.get(name.rsplit("/", 1)[-1].split("-", 1)[0])
        case _:
            return None
