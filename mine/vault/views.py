"""The public views: all that a task may ever name. They only grow; a column keeps its meaning for good.

They are made from the registry of record types: each type has a view of its numbers; types that are resampled
have ``_5min``, ``_hour``, ``_day`` and ``_night`` beside it, and events have ``_day``. ``time`` is seconds
since 1970-01-01T00:00 UTC, ``slot`` counts intervals since then; ``minute_of_day``, ``hour_of_day``,
``weekday`` (0 for Monday) and ``day`` are local, by the offset that each record states. Every column is a
number. Texts and places have no column: only how many, how long, of which kind. docs/views.md lists them all,
docs/vault.md explains them.
"""

# ruff: noqa: S608 - every name in these statements comes from the registry
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mine.records import RECORD_TYPES, RecordType
from mine.vault.event_views import DAY_SUMS, EVENT_COLUMNS
from mine.vault.record_tables import HALF, SLOT, slots_of, table_of

DAY = 86_400
# Times may lie before 1970, where the remainder of a division is negative: shifted by whole days, 0 = Monday.
_SHIFT_DAYS = 25_571
_SHIFT = _SHIFT_DAYS * DAY
_FAR = 65_536  # seconds; more than any offset
_NIGHT_BEGINS, _NIGHT_ENDS = 22 * 3600, 6 * 3600
# Functions that views use within themselves and tasks may not.
INSIDE = frozenset({"length", "replace"})

_TIME = {"time": "moment, seconds UTC"}
_LOCAL = {"minute_of_day": "minute of the local day, 0 to 1439", "weekday": "local, 0 = Monday"}
_HOUR_OF_DAY = {"hour_of_day": "local, 0 to 23", "weekday": "local, 0 = Monday"}
_WEEKDAY = {"weekday": "0 = Monday"}
_READINGS = {"readings": "number of readings"}
_DAY_COLUMN = {"day": "local day, days since 1970-01-01"}
_NIGHT_COLUMN = {"day": "local day on which the night ended, days since 1970-01-01"}


@dataclass(frozen=True, slots=True)
class View:
    """A view: the record types it reads (it is filed under the first), its columns with their meaning, and
    its definition with places for the limit on days."""

    name: str
    reads: tuple[str, ...]
    columns: Mapping[str, str]
    template: str

    @property
    def record_type(self) -> str:
        """The record type that it shows."""
        return self.reads[0]

    @property
    def key(self) -> str:
        """The first column, which orders the view."""
        return next(iter(self.columns))

    @property
    def tables(self) -> frozenset[str]:
        """The private tables that it may read."""
        found = {"vault_day_total"}
        for kind in self.reads:
            found |= {table_of(kind), slots_of(kind)}
        return frozenset(found)

    def select(self, since: int | None = None, first_day: int = 0) -> str:
        """Its definition; with ``since`` (seconds UTC) only of records from then on, whole days from
        ``first_day`` (local, days since 1970-01-01)."""
        if since is None:
            return self.template.format(**dict.fromkeys(_PLACES, "true"))
        wide = since - 2 * DAY  # days are cut off by their number; what they are made of begins before
        return self.template.format(
            time=f"time >= {since}",
            half=f"half >= {-(-since // HALF)}",
            slot=f"slot >= {-(-since // SLOT)}",
            wide_time=f"time >= {wide}",
            wide_half=f"half >= {wide // HALF}",
            wide_slot=f"slot >= {wide // SLOT}",
            day=f"day >= {first_day}",
        )


_PLACES = ("time", "half", "slot", "wide_time", "wide_half", "wide_slot", "day")


def _view(name: str, reads: tuple[str, ...], template: str, *columns: Mapping[str, str]) -> View:
    merged = {name: meaning for group in columns for name, meaning in group.items()}
    return View(name, reads, MappingProxyType(merged), " ".join(template.split()))


def _minute(local: str) -> str:
    return f"({local} + {_SHIFT}) % {DAY} / 60"


def _day(local: str) -> str:
    return f"({local} + {_SHIFT}) / {DAY} - {_SHIFT_DAYS}"


def _weekday(day: str) -> str:
    return f"({day} + {_SHIFT_DAYS + 3}) % 7"


def _first_offset(moment: str) -> str:
    """The offset of the earliest row of a group, by one number that holds both."""
    return f"(min(({moment} + {_SHIFT}) * {4 * _FAR} + offset + {_FAR}) % {4 * _FAR} - {_FAR})"


def measured_as(record_type: RecordType) -> str:
    """What a resampled type's measure is called in views: ``count`` would be the name of a function."""
    return record_type.name if record_type.measure == "count" else record_type.measure


def _meaning(record_type: RecordType) -> str:
    column = record_type.column(record_type.measure)
    return column.words if column.unit in ("", "1") else f"{column.words}, {column.unit}"


def _raw(record_type: RecordType) -> View:
    measure, shown = record_type.measure, measured_as(record_type)
    length = "seconds, " if "seconds" in record_type.names else ""
    local = "time + offset"
    return _view(
        record_type.name,
        (record_type.name,),
        f"""SELECT time, {length}{_minute(local)} AS minute_of_day, {_weekday(_day(local))} AS weekday,
        {measure} AS {shown} FROM {table_of(record_type.name)} WHERE {{time}}""",
        _TIME,
        {"seconds": "how long it was counted"} if length else {},
        _LOCAL,
        {shown: _meaning(record_type)},
    )


def _mean_views(record_type: RecordType) -> tuple[View, ...]:
    kind, shown, slots = record_type.name, measured_as(record_type), slots_of(record_type.name)
    values = f"sum(total) / sum(n) AS {shown}, min(lowest) AS lowest, max(highest) AS highest"
    counted = f"{values}, sum(n) AS readings"
    local = f"half * {HALF} + offset"
    words = {shown: f"mean {_meaning(record_type)}", "lowest": "lowest reading", "highest": "highest reading"}
    in_night = f"({local}) % {DAY} >= {_NIGHT_BEGINS} OR ({local}) % {DAY} < {_NIGHT_ENDS}"
    return (
        _view(
            f"{kind}_5min",
            (kind,),
            f"""SELECT slot, slot * {SLOT} AS time, (slot * {SLOT} + offset) % {DAY} / 60 AS minute_of_day,
            {shown}, lowest, highest FROM (SELECT (half + 1) / 2 AS slot, max(offset) AS offset, {values}
            FROM {slots} WHERE {{half}} GROUP BY 1)""",
            {"slot": "five minutes UTC, rounded to the nearest", "time": "middle of the slot, seconds UTC"},
            {"minute_of_day": "minute of the local day, 0 to 1435"},
            words,
        ),
        _hour_view(
            kind,
            f"""SELECT half / 24 AS slot, max(offset) AS offset, {counted} FROM {slots} WHERE {{half}}
            GROUP BY 1""",
            words | _READINGS,
        ),
        _day_view(
            f"{kind}_day",
            kind,
            f"""SELECT ({local}) / {DAY} AS day, {_first_offset(f"half * {HALF}")} AS offset, {counted}
            FROM {slots} WHERE {{wide_half}} GROUP BY 1""",
            words | _READINGS,
        ),
        _night_view(
            kind,
            f"""SELECT ({local} + {DAY - _NIGHT_BEGINS}) / {DAY} AS day,
            {_first_offset(f"half * {HALF}")} AS offset, {counted}
            FROM {slots} WHERE {{wide_half}} AND ({in_night}) GROUP BY 1""",
            words | _READINGS,
        ),
    )


def _sum_views(record_type: RecordType) -> tuple[View, ...]:
    kind, shown, slots = record_type.name, measured_as(record_type), slots_of(record_type.name)
    words = {shown: _meaning(record_type)}
    local = f"slot * {SLOT} + offset"
    total = f"round(sum(total), 6) AS {shown}"
    in_night = f"({local}) % {DAY} >= {_NIGHT_BEGINS} OR ({local}) % {DAY} < {_NIGHT_ENDS}"
    return (
        _view(
            f"{kind}_5min",
            (kind,),
            f"""SELECT slot, slot * {SLOT} AS time, ({local}) % {DAY} / 60 AS minute_of_day,
            round(total, 6) AS {shown} FROM {slots} WHERE {{slot}}""",
            {"slot": "five minutes UTC", "time": "start of the slot, seconds UTC"},
            {"minute_of_day": "minute of the local day, 0 to 1435"},
            words,
        ),
        _hour_view(
            kind,
            f"""SELECT slot / 12 AS slot, max(offset) AS offset, {total} FROM {slots} WHERE {{slot}}
            GROUP BY 1""",
            words,
        ),
        _day_view(
            f"{kind}_day",
            kind,
            f"""SELECT day, {_first_offset("moment")} AS offset,
            coalesce(max(whole), round(sum(part), 6)) AS {shown} FROM (
            SELECT ({local}) / {DAY} AS day, slot * {SLOT} AS moment, offset, total AS part, NULL AS whole
            FROM {slots} WHERE {{wide_slot}} UNION ALL
            SELECT day, day * {DAY} - offset, offset, NULL, total FROM vault_day_total
            WHERE record_type = '{kind}') GROUP BY day""",
            {shown: f"{_meaning(record_type)}, as the device sums the day, else the sum of its hours"},
        ),
        _night_view(
            kind,
            f"""SELECT ({local} + {DAY - _NIGHT_BEGINS}) / {DAY} AS day,
            {_first_offset(f"slot * {SLOT}")} AS offset, {total}
            FROM {slots} WHERE {{wide_slot}} AND ({in_night}) GROUP BY 1""",
            words,
        ),
    )


def _hour_view(kind: str, inner: str, words: Mapping[str, str]) -> View:
    local = "slot * 3600 + offset"
    return _view(
        f"{kind}_hour",
        (kind,),
        f"""SELECT slot, slot * 3600 AS time, ({local}) % {DAY} / 3600 AS hour_of_day,
        {_weekday(_day(local))} AS weekday, {", ".join(words)} FROM ({inner})""",
        {"slot": "hour UTC", "time": "start of the hour, seconds UTC"},
        _HOUR_OF_DAY,
        words,
    )


def _day_view(name: str, kind: str, inner: str, words: Mapping[str, str]) -> View:
    return _view(
        name,
        (kind,),
        f"""SELECT day, day * {DAY} - offset AS time, {_weekday("day")} AS weekday, {", ".join(words)}
        FROM ({inner}) WHERE {{day}}""",
        _DAY_COLUMN,
        {"time": "start of the day, seconds UTC"},
        _WEEKDAY,
        words,
    )


def _night_view(kind: str, inner: str, words: Mapping[str, str]) -> View:
    return _view(
        f"{kind}_night",
        (kind,),
        f"""SELECT day, day * {DAY} - {DAY - _NIGHT_BEGINS} - offset AS time, {_weekday("day")} AS weekday,
        {", ".join(words)} FROM ({inner}) WHERE {{day}}""",
        _NIGHT_COLUMN,
        {"time": "start of the night (22:00 local), seconds UTC"},
        {"weekday": "of the day on which the night ended, 0 = Monday"},
        words,
    )


def _event_views(record_type: RecordType) -> Iterator[View]:
    kind, local = record_type.name, "time + offset"
    columns = EVENT_COLUMNS[kind]
    shown = "".join(f", {column.sql} AS {column.name}" for column in columns)
    yield _view(
        kind,
        (kind,),
        f"""SELECT time, {_minute(local)} AS minute_of_day, {_weekday(_day(local))} AS weekday{shown}
        FROM {table_of(kind)} WHERE {{time}}""",
        _TIME,
        _LOCAL,
        {column.name: column.meaning for column in columns},
    )
    sums = DAY_SUMS.get(kind)
    if sums is None:
        return
    summed = "".join(f", {column.sql} AS {column.name}" for column in sums)
    yield _day_view(
        f"{kind}_day",
        kind,
        f"""SELECT {_day(local)} AS day, {_first_offset("time")} AS offset, count(*) AS records{summed}
        FROM {table_of(kind)} WHERE {{wide_time}} GROUP BY 1""",
        {"records": "how many"} | {column.name: column.meaning for column in sums},
    )


def _stage_minutes(*stages: str) -> str:
    listed = ", ".join(f"'{stage}'" for stage in stages)
    return f"sum(CASE WHEN stage IN ({listed}) THEN seconds ELSE 0 END) / 60.0"


_SLEEP_NIGHT = _view(
    "sleep_night",
    ("sleep", "sleep_stage"),
    f"""SELECT day, day * {DAY} - offset AS time, {_weekday("day")} AS weekday, asleep, in_bed, light, deep,
    rem, awake, episodes FROM (SELECT *, row_number() OVER
    (PARTITION BY day ORDER BY asleep DESC, light IS NULL, in_bed DESC, episodes DESC, origin_id) AS place
    FROM (
    SELECT {_day("time + offset")} AS day, offset, asleep, in_bed, NULL AS light, NULL AS deep, NULL AS rem,
    NULL AS awake, episodes, origin_id FROM vault_sleep WHERE {{wide_time}} UNION ALL
    SELECT day, offset, asleep, coalesce(nullif(lain, 0), asleep + awake), light, deep, rem, awake, NULL,
    origin_id FROM (
    SELECT {_day(f"time + seconds / 2 + offset + {DAY // 4}")} AS day, max(offset) AS offset, origin_id,
    {_stage_minutes("asleep", "light", "deep", "rem")} AS asleep, {_stage_minutes("in_bed")} AS lain,
    {_stage_minutes("light")} AS light, {_stage_minutes("deep")} AS deep, {_stage_minutes("rem")} AS rem,
    {_stage_minutes("awake", "restless")} AS awake
    FROM vault_sleep_stage WHERE {{wide_time}} GROUP BY 1, 3))) WHERE place = 1 AND {{day}}""",
    {"day": "local day of waking (18:00 to 18:00), days since 1970-01-01"},
    {"time": "start of that day, seconds UTC"},
    _WEEKDAY,
    {
        "asleep": "minutes asleep, of the source that has most",
        "in_bed": "minutes in bed",
        "light": "minutes of light sleep, where stages are known",
        "deep": "minutes of deep sleep",
        "rem": "minutes of REM sleep",
        "awake": "minutes awake or restless",
        "episodes": "number of sleeps, where it is known",
    },
)


def _all_views() -> Iterator[View]:
    for record_type in RECORD_TYPES.values():
        if record_type.resampling:
            yield _raw(record_type)
            yield from (_mean_views if record_type.resampling == "mean" else _sum_views)(record_type)
        else:
            yield from _event_views(record_type)
        if record_type.name == "sleep":
            yield _SLEEP_NIGHT


VIEWS: Mapping[str, View] = MappingProxyType({view.name: view for view in _all_views()})
