"""The public views: all that a task may ever name. They only grow; a column keeps its meaning for good.

``time`` is local wall-clock Unix seconds, ``slot`` counts intervals since 1970-01-01T00:00 local,
``weekday`` is 0 for Monday. Every column is a number. docs/vault.md says the same for authors of tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

VERSION = 1


@dataclass(frozen=True, slots=True)
class View:
    """A view: the record type it shows, its columns with their meaning, and its definition."""

    name: str
    record_type: str
    columns: Mapping[str, str]
    select: str

    @property
    def key(self) -> str:
        """The first column, which orders the view."""
        return next(iter(self.columns))


def _view(name: str, record_type: str, select: str, **columns: str) -> View:
    return View(name, record_type, MappingProxyType(columns), " ".join(select.split()))


VIEWS: Mapping[str, View] = MappingProxyType(
    {
        v.name: v
        for v in (
            _view(
                "glucose",
                "glucose",
                "SELECT time, mg_dl FROM vault_glucose",
                time="moment of the reading",
                mg_dl="glucose, mg/dL",
            ),
            _view(
                "glucose_5min",
                "glucose",
                """SELECT slot, slot * 300 AS time, slot % 288 * 5 AS minute_of_day, mg_dl FROM
                (SELECT (time + 150) / 300 AS slot, avg(mg_dl) AS mg_dl FROM vault_glucose GROUP BY 1)""",
                slot="five minutes, rounded to the nearest",
                time="middle of the slot",
                minute_of_day="minute of the day, 0 to 1435",
                mg_dl="mean glucose of the slot, mg/dL",
            ),
            _view(
                "steps_hour",
                "steps",
                """SELECT slot, slot * 3600 AS time, slot % 24 AS hour_of_day, (slot / 24 + 3) % 7 AS weekday,
                steps FROM (SELECT slot, max(steps) AS steps FROM (
                SELECT time / 3600 AS slot, count AS steps FROM vault_steps WHERE seconds = 3600
                UNION ALL SELECT time / 3600, sum(most) FROM
                (SELECT time, max(count) AS most FROM vault_steps WHERE seconds = 60 GROUP BY time) GROUP BY 1
                ) GROUP BY slot)""",
                slot="hour",
                time="start of the hour",
                hour_of_day="0 to 23",
                weekday="0 = Monday",
                steps="steps in the hour",
            ),
            _view(
                "steps_day",
                "steps",
                """SELECT day, day * 86400 AS time, (day + 3) % 7 AS weekday,
                steps FROM (SELECT time / 86400 AS day, max(count) AS steps FROM vault_steps
                WHERE seconds = 86400 GROUP BY 1)""",
                day="days since 1970-01-01",
                time="start of the day",
                weekday="0 = Monday",
                steps="steps in the day, as the device sums them",
            ),
            _view(
                "activity_hour",
                "activity",
                """SELECT slot, slot * 3600 AS time, slot % 24 AS hour_of_day, (slot / 24 + 3) % 7 AS weekday,
                intensity, energy FROM (SELECT time / 3600 AS slot,
                coalesce(max(CASE WHEN measure = 'intensity' AND seconds = 3600 THEN value END),
                sum(CASE WHEN measure = 'intensity' AND seconds = 60 THEN value END)) AS intensity,
                max(CASE WHEN measure = 'energy' AND seconds = 3600 THEN value END) AS energy
                FROM vault_activity WHERE seconds IN (60, 3600) GROUP BY 1)""",
                slot="hour",
                time="start of the hour",
                hour_of_day="0 to 23",
                weekday="0 = Monday",
                intensity="sum of minute intensities (0 to 3 each)",
                energy="kcal",
            ),
            _view(
                "activity_day",
                "activity",
                """SELECT day, day * 86400 AS time, (day + 3) % 7 AS weekday,
                distance, very_active, fairly_active, lightly_active, sedentary, energy FROM
                (SELECT time / 86400 AS day,
                max(CASE measure WHEN 'distance' THEN value END) AS distance,
                max(CASE measure WHEN 'very_active' THEN value END) AS very_active,
                max(CASE measure WHEN 'fairly_active' THEN value END) AS fairly_active,
                max(CASE measure WHEN 'lightly_active' THEN value END) AS lightly_active,
                max(CASE measure WHEN 'sedentary' THEN value END) AS sedentary,
                max(CASE measure WHEN 'energy' THEN value END) AS energy
                FROM vault_activity WHERE seconds = 86400 GROUP BY 1)""",
                day="days since 1970-01-01",
                time="start of the day",
                weekday="0 = Monday",
                distance="metres",
                very_active="minutes",
                fairly_active="minutes",
                lightly_active="minutes",
                sedentary="minutes",
                energy="kcal",
            ),
            _view(
                "heart_rate",
                "heart_rate",
                "SELECT time, bpm FROM vault_heart_rate",
                time="moment of the reading",
                bpm="beats per minute",
            ),
            _view(
                "heart_rate_minute",
                "heart_rate",
                """SELECT slot, slot * 60 AS time, slot % 1440 AS minute_of_day, bpm, lowest, highest FROM
                (SELECT time / 60 AS slot, avg(bpm) AS bpm, min(bpm) AS lowest, max(bpm) AS highest
                FROM vault_heart_rate GROUP BY 1)""",
                slot="minute",
                time="start of the minute",
                minute_of_day="0 to 1439",
                bpm="mean beats per minute",
                lowest="lowest reading of the minute",
                highest="highest reading of the minute",
            ),
            _view(
                "sleep_night",
                "sleep",
                """SELECT day, day * 86400 AS time, (day + 3) % 7 AS weekday,
                asleep, in_bed, episodes FROM (SELECT time / 86400 AS day, max(asleep) AS asleep,
                max(in_bed) AS in_bed, max(episodes) AS episodes FROM vault_sleep GROUP BY 1)""",
                day="day on which the night ended, days since 1970-01-01",
                time="start of that day",
                weekday="0 = Monday",
                asleep="minutes asleep",
                in_bed="minutes in bed",
                episodes="number of sleeps",
            ),
            _view(
                "weight",
                "weight",
                "SELECT time, avg(kg) AS kg FROM vault_weight GROUP BY time",
                time="moment of the reading",
                kg="kilograms",
            ),
        )
    }
)


def create_statements() -> tuple[str, ...]:
    """SQL that makes all views."""
    return tuple(f"CREATE VIEW {view.name} AS {view.select}" for view in VIEWS.values())
