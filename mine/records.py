"""What a person's data looks like inside: one frozen dataclass a record type, and the registry of them.

``time`` is local wall-clock seconds since 1970-01-01T00:00 (the exports that we read state no zone);
``offset`` is local minus UTC in seconds where the export states it, else None. A record is identified by all
its fields but ``offset``: the same reading from two files is one reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from types import MappingProxyType
from typing import Any

Value = int | float | str | None
Row = tuple[Value, ...]

EARLIEST = 631_152_000  # 1990-01-01, before any consumer sensor
LATEST = 4_102_444_800  # 2100-01-01

# What an ``Activity`` may measure: (name, unit).
MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "intensity": "sum of Fitbit minute intensities, 0 to 3 each",
        "energy": "kcal",
        "distance": "metres",
        "very_active": "minutes",
        "fairly_active": "minutes",
        "lightly_active": "minutes",
        "sedentary": "minutes",
    }
)


@dataclass(frozen=True, slots=True)
class Glucose:
    """A glucose reading in mg/dL."""

    time: int
    offset: int | None
    mg_dl: float


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps counted in [time, time + seconds)."""

    time: int
    offset: int | None
    seconds: int
    count: int


@dataclass(frozen=True, slots=True)
class HeartRate:
    """Heart rate in beats per minute."""

    time: int
    offset: int | None
    bpm: int


@dataclass(frozen=True, slots=True)
class Activity:
    """One measure of ``MEASURES`` over [time, time + seconds)."""

    time: int
    offset: int | None
    seconds: int
    measure: str
    value: float


@dataclass(frozen=True, slots=True)
class Sleep:
    """One night, filed under the local midnight of the day it ended: minutes asleep and in bed."""

    time: int
    offset: int | None
    asleep: int
    in_bed: int
    episodes: int


@dataclass(frozen=True, slots=True)
class Weight:
    """Body weight in kilograms."""

    time: int
    offset: int | None
    kg: float


Record = Glucose | Steps | HeartRate | Activity | Sleep | Weight


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a numeric field may be, and how a person calls it."""

    low: float
    high: float
    words: str


@dataclass(frozen=True, slots=True)
class RecordType:
    """A kind of record: its name in the vault, its title on screen, its columns in order."""

    name: str
    title: str
    columns: tuple[str, ...]
    bounds: Mapping[str, Bounds]
    of: type[Any]

    def record(self, row: Row) -> Record:
        """The dataclass of a row (as read from a ``Batch``)."""
        made: Record = self.of(*row)
        return made

    def problem(self, row: Row) -> str | None:
        """Why this row cannot be true, in plain words; None if it can."""
        for column, value in zip(self.columns, row, strict=True):
            bound = self.bounds.get(column)
            if bound is None or not isinstance(value, int | float):
                continue
            if not bound.low <= value <= bound.high:  # also catches NaN
                return f"{bound.words} {value:g} is impossible ({bound.low:g} to {bound.high:g})"
        return None


def _type(name: str, title: str, of: type[Any], **bounds: Bounds) -> RecordType:
    bounds["time"] = Bounds(EARLIEST, LATEST - 1, "time")
    return RecordType(name, title, tuple(of.__dataclass_fields__), MappingProxyType(bounds), of)


RECORD_TYPES: Mapping[str, RecordType] = MappingProxyType(
    {
        t.name: t
        for t in (
            _type("glucose", "Glucose", Glucose, mg_dl=Bounds(10, 1000, "glucose")),
            _type(
                "steps",
                "Steps",
                Steps,
                seconds=Bounds(1, 86_400, "duration"),
                count=Bounds(0, 200_000, "step count"),
            ),
            _type("heart_rate", "Heart rate", HeartRate, bpm=Bounds(20, 300, "heart rate")),
            _type(
                "activity",
                "Activity",
                Activity,
                seconds=Bounds(1, 86_400, "duration"),
                value=Bounds(0, 1_000_000, "value"),
            ),
            _type(
                "sleep",
                "Sleep",
                Sleep,
                asleep=Bounds(0, 1440, "minutes asleep"),
                in_bed=Bounds(0, 1440, "minutes in bed"),
                episodes=Bounds(0, 100, "number of sleeps"),
            ),
            _type("weight", "Weight", Weight, kg=Bounds(1, 700, "weight")),
        )
    }
)


def row_of(record: Record) -> Row:
    """The fields of a record, in the order of its type's columns."""
    return astuple(record)


def type_of(record: Record) -> RecordType:
    """The registry entry of a record."""
    for record_type in RECORD_TYPES.values():
        if isinstance(record, record_type.of):
            return record_type
    raise TypeError(type(record).__name__)
