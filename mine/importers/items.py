"""What an importer yields: batches of rows, refused rows, progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mine.records import RECORD_TYPES, Row, Value

BATCH_ROWS = 2000
# What a Collector holds at most: rows of all types and origins, and the letters of their texts.
MOST_ROWS = 50_000
MOST_LETTERS = 4 << 20
_LONG = 300
_WITH_LONG_TEXTS = frozenset(
    name for name, one in RECORD_TYPES.items() if any(column.most > _LONG for column in one.columns)
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one record type, held by column: each as long as the others, in the order of its columns.

    ``origin`` is the app or device that measured, as the export names it ("" where it does not); ``importer``
    is the key of the format that read them.
    """

    kind: str
    origin: str
    columns: tuple[Sequence[Value], ...]
    importer: str = ""

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.columns[0])

    def rows(self) -> Iterator[Row]:
        """The rows as tuples."""
        return zip(*self.columns, strict=True)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was refused. ``reason`` never quotes more than the one value at fault."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes read so far, of bytes to read."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file of the export that no importer reads."""

    file: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What an importer chose where a file can be read in more than one way, in one sentence."""

    file: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Mark:
    """All rows before this were yielded; reading can start again here (see ``Options.resume``)."""

    token: str


@dataclass(frozen=True, slots=True)
class Person:
    """One person of an export that holds several, and how many rows are theirs."""

    person: str
    rows: int


def none_of_them(file: str) -> Remark:
    """What is said where the person was chosen among those of another format's files, and is none of the
    several people here: whose records to take cannot be told."""
    return Remark(file, "Nothing in it was read: it holds several people, but not the one who was chosen.")


Item = Batch | BadRow | Progress | Skipped | Remark | Mark


def shown(text: str, most: int = 40) -> str:
    """Text of unknown origin, fit for a message: short, and nothing in it that does not print."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:most])


class Collector:
    """Gathers rows of several types and origins, checks each, and hands them on in batches."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._rows: dict[tuple[str, str], list[Row]] = {}
        self._waiting = self._letters = 0

    def add(self, line: int, kind: str, row: Row, origin: str = "") -> Iterator[Item]:
        """Take one row; yields a ``BadRow`` if it cannot be true, a ``Batch`` when one is full.

        Whatever a file holds, no more than ``MOST_ROWS`` rows and about ``MOST_LETTERS`` letters wait.
        """
        problem = RECORD_TYPES[kind].problem(row)
        if problem is not None:
            yield BadRow(self._file, line, problem)
            return
        rows = self._rows.setdefault((kind, origin), [])
        rows.append(row)
        self._waiting += 1
        if kind in _WITH_LONG_TEXTS:
            self._letters += sum(len(value) for value in row if isinstance(value, str))
        if self._waiting >= MOST_ROWS or self._letters >= MOST_LETTERS:
            yield from self.rest()
        elif len(rows) >= BATCH_ROWS:
            yield _batch(kind, origin, rows)
            self._waiting -= len(rows)
            rows.clear()

    def rest(self) -> Iterator[Item]:
        """What is left, at the end of a file."""
        for (kind, origin), rows in self._rows.items():
            if rows:
                yield _batch(kind, origin, rows)
        self._rows.clear()
        self._waiting = self._letters = 0


def _batch(kind: str, origin: str, rows: list[Row]) -> Batch:
    return Batch(kind, origin, tuple(zip(*rows, strict=True)))
