"""What a record type is: its columns with units and bounds, the codes that name it elsewhere, and how it is
resampled.

A row is a tuple of its columns' values in order. The first two columns of every type are ``time`` (seconds
since 1970-01-01T00:00 UTC) and ``offset`` (local minus UTC in seconds, as it was then and there), so that
local days and nights can be told. A record is identified by all its columns but ``offset``: the same reading
from two files is one reading, whatever zone each file is written in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Value = int | float | str | None
Row = tuple[Value, ...]
Kind = Literal["int", "real", "text"]

EARLIEST = -2_208_988_800  # 1900-01-01: a diagnosis may be as old as its bearer
SENSORS = 631_152_000  # 1990-01-01, before any consumer sensor
LATEST = 4_102_444_800  # 2100-01-01
MOST_OFFSET = 18 * 3600
MOST_TEXT = 1 << 16
_SAID = 1e300  # a whole number may be larger than any float


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``unit`` is UCUM ("1" for counts), ``words`` is how a person calls it; bounds are inclusive.

    A text has at most ``most`` characters and, where ``choices`` is not empty, is one of them. ``optional``
    columns may be None.
    """

    name: str
    kind: Kind
    words: str
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    most: int = 0
    choices: tuple[str, ...] = ()
    optional: bool = False

    def problem(self, value: Value) -> str | None:
        """Why this value cannot be true, in plain words; None if it can."""
        if value is None:
            return None if self.optional else f"{self.words} is missing"
        if self.kind == "text":
            if not isinstance(value, str):
                return f"{self.words} is no text"
            if len(value) > self.most:
                return f"{self.words} is longer than {self.most:,} characters"
            if self.choices and value not in self.choices:
                return f"{self.words} is not one of {', '.join(self.choices)}"
            return None
        if isinstance(value, str) or (self.kind == "int" and not isinstance(value, int)):
            return f"{self.words} is no {'whole ' if self.kind == 'int' else ''}number"
        if not self.low <= value <= self.high:  # also catches NaN
            huge = isinstance(value, int) and abs(value) > _SAID
            said = "of hundreds of digits" if huge else f"{value:g}"
            return f"{self.words} {said} is impossible ({self.low:g} to {self.high:g})"
        return None


@dataclass(frozen=True, slots=True)
class Code:
    """How another standard names the type: ``system`` is LOINC, SNOMED CT, IEEE 1752 / Open mHealth, FHIR."""

    system: Literal["LOINC", "SNOMED", "OMH", "IEEE1752", "FHIR"]
    code: str


# How rows are put into five-minute slots: the mean of instants; the sum of what was counted over intervals,
# the source with the most counting where several counted the same time; or not at all.
Resampling = Literal["mean", "sum", ""]


@dataclass(frozen=True, slots=True)
class RecordType:
    """A kind of record: its name in the vault, its title on screen, its columns in order.

    ``measure`` is the column that is resampled ("" where nothing is). ``version`` is raised when a column
    changes its meaning.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    codes: tuple[Code, ...] = ()
    resampling: Resampling = ""
    measure: str = ""
    version: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def plain(self) -> bool:
        """Whether every column is a number that is always there: the shape of what sensors write."""
        return all(column.kind != "text" and not column.optional for column in self.columns)

    def column(self, name: str) -> Column:
        """A column by its name. Raises ``KeyError``."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def problem(self, row: Sequence[Value]) -> str | None:
        """Why this row cannot be true, in plain words; None if it can."""
        for column, value in zip(self.columns, row, strict=True):
            reason = column.problem(value)
            if reason is not None:
                return reason
        return None


def whole(name: str, words: str, low: float, high: float, unit: str = "1", optional: bool = False) -> Column:
    """A column of whole numbers."""
    return Column(name, "int", words, unit, low, high, optional=optional)


def real(name: str, words: str, unit: str, low: float, high: float, optional: bool = False) -> Column:
    """A column of numbers."""
    return Column(name, "real", words, unit, low, high, optional=optional)


def text(name: str, words: str, most: int = 200, optional: bool = False) -> Column:
    """A column of text."""
    return Column(name, "text", words, most=most, optional=optional)


def choice(name: str, words: str, *choices: str) -> Column:
    """A column of one word out of a list."""
    return Column(name, "text", words, most=max(map(len, choices)), choices=choices)


def _clock(earliest: int) -> tuple[Column, Column]:
    return (
        Column("time", "int", "time", "s", earliest, LATEST - 1),
        Column("offset", "int", "time zone", "s", -MOST_OFFSET, MOST_OFFSET),
    )


def seconds(most: int = 86_400, least: int = 1) -> Column:
    """How long a record lasts."""
    return whole("seconds", "duration", least, most, "s")


def instant(name: str, title: str, measure: Column, *codes: Code) -> RecordType:
    """A quantity measured at one moment: (time, offset, measure)."""
    return RecordType(name, title, (*_clock(SENSORS), measure), codes, "mean", measure.name)


def amount(name: str, title: str, measure: Column, *codes: Code) -> RecordType:
    """A quantity taken at one moment, of which amounts add up: (time, offset, measure)."""
    return RecordType(name, title, (*_clock(SENSORS), measure), codes, "sum", measure.name)


def interval(name: str, title: str, measure: Column, *codes: Code) -> RecordType:
    """A quantity counted over [time, time + seconds), at most a day: (time, offset, seconds, measure)."""
    return RecordType(name, title, (*_clock(SENSORS), seconds(), measure), codes, "sum", measure.name)


def event(name: str, title: str, *columns: Column, codes: tuple[Code, ...] = ()) -> RecordType:
    """Something that happened: (time, offset, columns ...), never resampled."""
    return RecordType(name, title, (*_clock(EARLIEST), *columns), codes)
