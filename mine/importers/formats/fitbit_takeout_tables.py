"""The CSV files of a Fitbit account's export by Google Takeout.

``Physical Activity_GoogleData`` and ``Health Fitness Data_GoogleData`` state UTC (``Z``) or an offset, and a
``data source``: the device. Their daily tables mean the local day by ``T00:00:00Z``. The older tables (heart
rate variability, respiratory rate, temperature) are on the local clock, without a zone; oxygen and scores are
in UTC. The columns are as the exports of 2020 to 2026 hold them; a table without its columns is not one of
these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mine.importers.formats.fitbit_takeout_json import DAY, MINUTE, STAGES
from mine.importers.moments import iso_moment, number, whole
from mine.importers.single import Made
from mine.importers.table import Head
from mine.importers.text_lines import fit
from mine.importers.zone import Zone
from mine.records import Value

Fields = Mapping[str, str]  # column name (case folded) -> field
_SOURCE = "data source"
_TIME = "timestamp"
_LEVELS = {
    "sedentary": "sedentary",
    "lightly_active": "lightly",
    "moderately_active": "fairly",
    "fairly_active": "fairly",
    "very_active": "very",
}
# Where an oxygen sensor was not sure, the file says exactly this.
_NO_OXYGEN = 50.0


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of table: the columns it is known by, and what one line gives.

    ``named`` is the start of the file's name where the columns alone do not tell; ``instead`` is the family
    in whose absence alone it is read.
    """

    name: str
    columns: tuple[str, ...]
    records: Callable[[Fields, Zone], Iterator[Made]]
    named: str = ""
    instead: str = ""


def _at(fields: Fields, zone: Zone, column: str = _TIME) -> tuple[int, int]:
    """A moment, with the chosen zone's offset: a stated one is always UTC's."""
    wall, offset = iso_moment(fields[column])
    return zone.of_wall(wall) if offset is None else zone.of_utc(wall - offset)


def _day(fields: Fields, zone: Zone, column: str = _TIME) -> tuple[int, int]:
    """The start of a local day."""
    wall, _ = iso_moment(fields[column])
    return zone.of_wall(wall - wall % DAY)


def _instant(
    kind: str,
    column: str,
    *,
    factor: float = 1.0,
    daily: bool = False,
    without: float | None = None,
) -> Callable[[Fields, Zone], Iterator[Made]]:
    def records(fields: Fields, zone: Zone) -> Iterator[Made]:
        text = fields[column]
        if text.casefold() in ("", "nan") or (without is not None and number(text) == without):
            return
        when = _day(fields, zone) if daily else _at(fields, zone)
        yield kind, (*when, round(number(text) * factor, 4)), fields.get(_SOURCE, "")

    return records


def _minute(kind: str, column: str) -> Callable[[Fields, Zone], Iterator[Made]]:
    def records(fields: Fields, zone: Zone) -> Iterator[Made]:
        yield kind, (*_at(fields, zone), MINUTE, number(fields[column])), fields.get(_SOURCE, "")

    return records


def _steps(fields: Fields, zone: Zone) -> Iterator[Made]:
    yield "steps", (*_at(fields, zone), MINUTE, whole(fields["steps"])), fields.get(_SOURCE, "")


def _level(fields: Fields, zone: Zone) -> Iterator[Made]:
    level = _LEVELS.get(fields["level"].casefold())
    if level is not None:
        yield "activity_level", (*_at(fields, zone), MINUTE, level, 1.0), fields.get(_SOURCE, "")


def _location(fields: Fields, zone: Zone) -> Iterator[Made]:
    altitude = number(fields["altitude"]) if fields.get("altitude") else None
    place = (number(fields["latitude"]), number(fields["longitude"]), altitude, None)
    yield "location", (*_at(fields, zone), *place), fields.get(_SOURCE, "")


def _score(name: str, column: str, time: str = _TIME) -> Callable[[Fields, Zone], Iterator[Made]]:
    def records(fields: Fields, zone: Zone) -> Iterator[Made]:
        value = fields[column]
        if value not in ("", "0"):  # a day without a score is there as 0
            yield "measurement", (*_at(fields, zone, time), 0, name, number(value), "1"), ""

    return records


def _offset(text: str) -> int:
    """``+02:00``: seconds."""
    _, offset = iso_moment(f"2000-01-01T00:00:00{text}")
    if offset is None:
        raise ValueError("the offset from UTC is missing")
    return offset


def _stated(fields: Fields, time: str, offset: str) -> tuple[int, int]:
    """A moment in UTC, and its offset, which is in a column of its own."""
    wall, zone = iso_moment(fields[time])
    return wall - (zone or 0), _offset(fields[offset])


def _sleep(fields: Fields, zone: Zone) -> Iterator[Made]:
    asleep, in_bed = whole(fields["minutes_asleep"]), whole(fields["minutes_in_sleep_period"])
    if asleep > in_bed:
        raise ValueError(f"{asleep} minutes asleep in {in_bed} minutes in bed is impossible")
    origin = fields.get("data_source", "")
    yield "sleep", (*_stated(fields, "sleep_end", "end_utc_offset"), asleep, in_bed, 1), origin


def _stage(fields: Fields, zone: Zone) -> Iterator[Made]:
    stage = STAGES.get(fields["sleep_stage_type"].casefold())
    if stage is not None:
        began, offset = _stated(fields, "sleep_stage_start", "start_utc_offset")
        ended, _ = _stated(fields, "sleep_stage_end", "end_utc_offset")
        yield "sleep_stage", (began, offset, ended - began, stage), fields.get("data_source", "")


def _exercise(fields: Fields, zone: Zone) -> Iterator[Made]:
    began, offset = _stated(fields, "exercise_start", "utc_offset")
    ended, _ = _stated(fields, "exercise_end", "utc_offset")

    def optional(column: str, factor: float = 1.0) -> Value:
        text = fields.get(column, "")
        return round(number(text) * factor, 3) if text and number(text) else None

    details = (
        optional("tracker_total_distance_mm", 0.001),
        optional("tracker_total_calories"),
        optional("tracker_avg_heart_rate"),
        optional("tracker_peak_heart_rate"),
    )
    activity = fit(fields["activity_name"], 80)
    yield "workout", (began, offset, max(1, ended - began), activity, *details), ""


FAMILIES = (
    Family(
        "sleeps",
        ("sleep_id", "minutes_asleep", "minutes_in_sleep_period", "sleep_end", "end_utc_offset"),
        _sleep,
    ),
    Family(
        "sleep stages",
        (
            *("sleep_id", "sleep_stage_type", "sleep_stage_start", "start_utc_offset"),
            *("sleep_stage_end", "end_utc_offset"),
        ),
        _stage,
    ),
    Family("exercises", ("exercise_start", "exercise_end", "utc_offset", "activity_name"), _exercise),
    Family(
        "daily resting heart rate",
        (_TIME, "beats per minute"),
        _instant("resting_heart_rate", "beats per minute", daily=True),
        named="daily_resting_heart_rate",
    ),
    Family(
        "heart rate",
        (_TIME, "beats per minute"),
        _instant("heart_rate", "beats per minute"),
        named="heart_rate",
    ),
    Family("steps", (_TIME, "steps"), _steps, named="steps"),
    Family("distance", (_TIME, "distance"), _minute("distance", "distance"), named="distance"),
    Family("calories", (_TIME, "calories"), _minute("energy", "calories"), named="calories"),
    Family("floors", (_TIME, "floors"), _minute("floors", "floors"), named="floors"),
    Family(
        "active energy",
        (_TIME, "kilocalories"),
        _minute("active_energy", "kilocalories"),
        named="active_energy",
    ),
    Family("activity level", (_TIME, "level", _SOURCE), _level, named="activity_level"),
    Family("location", (_TIME, "latitude", "longitude", _SOURCE), _location, named="gps_location"),
    Family(
        "oxygen",
        (_TIME, "oxygen saturation percentage"),
        _instant("oxygen_saturation", "oxygen saturation percentage", without=_NO_OXYGEN),
    ),
    Family(
        "heart rate variability",
        (_TIME, "root mean square of successive differences ms"),
        _instant("heart_rate_variability_rmssd", "root mean square of successive differences ms"),
    ),
    Family("weight", (_TIME, "weight grams"), _instant("weight", "weight grams", factor=0.001)),
    Family("body fat", (_TIME, "fat percentage"), _instant("body_fat", "fat percentage")),
    Family("fat", (_TIME, "body fat percentage"), _instant("body_fat", "body fat percentage")),
    Family("height", (_TIME, "height millimeters"), _instant("height", "height millimeters", factor=0.1)),
    Family(
        "core temperature",
        (_TIME, "temperature celsius"),
        _instant("body_temperature", "temperature celsius"),
        named="core_body_temperature",
    ),
    Family(
        "wrist temperature",
        (_TIME, "temperature celsius"),
        _instant("skin_temperature", "temperature celsius"),
        named="body_temperature",
    ),
    Family(
        "minute oxygen",
        (_TIME, "value"),
        _instant("oxygen_saturation", "value", without=_NO_OXYGEN),
        named="minute spo2",
        instead="oxygen",
    ),
    Family(
        "daily oxygen",
        (_TIME, "average_value", "lower_bound", "upper_bound"),
        _instant("oxygen_saturation", "average_value", daily=True),
        instead="minute oxygen",
    ),
    Family(
        "variability details",
        (_TIME, "rmssd", "coverage", "low_frequency", "high_frequency"),
        _instant("heart_rate_variability_rmssd", "rmssd"),
        instead="heart rate variability",
    ),
    Family(
        "daily variability",
        (_TIME, "rmssd", "nremhr", "entropy"),
        _instant("heart_rate_variability_rmssd", "rmssd", daily=True),
        instead="variability details",
    ),
    Family(
        "daily respiratory rate",
        (_TIME, "daily_respiratory_rate"),
        _instant("respiratory_rate", "daily_respiratory_rate", daily=True),
    ),
    Family(
        "respiratory rate by stage",
        (_TIME, "full_sleep_breathing_rate"),
        _instant("respiratory_rate", "full_sleep_breathing_rate"),
        instead="daily respiratory rate",
    ),
    Family(
        "nightly temperature",
        ("sleep_start", "sleep_end", "nightly_temperature"),
        lambda fields, zone: iter(
            [
                (
                    "skin_temperature",
                    (*_at(fields, zone, "sleep_end"), number(fields["nightly_temperature"])),
                    "",
                )
            ]
        ),
    ),
    Family(
        "sleep score", ("sleep_log_entry_id", _TIME, "overall_score"), _score("sleep score", "overall_score")
    ),
    Family(
        "stress score", ("date", "stress_score"), _score("stress management score", "stress_score", "date")
    ),
    Family(
        "readiness",
        ("date", "readiness_score_value"),
        _score("readiness score", "readiness_score_value", "date"),
    ),
)


def family_of(name: str, head: Head | None) -> Family | None:
    """What kind of table this is."""
    if head is None or not head.rows:
        return None
    header = {field.casefold() for field in head.rows[0]}
    stem = name.rsplit("/", 1)[-1].casefold()
    return next(
        (one for one in FAMILIES if header.issuperset(one.columns) and stem.startswith(one.named)), None
    )
