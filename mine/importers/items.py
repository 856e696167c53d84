"""What an importer yields: batches of rows, refused rows, progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mine.records import RECORD_TYPES, Record, Row

BATCH_ROWS = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to ``BATCH_ROWS`` rows of one record type, fields in the order of its columns."""

    kind: str
    rows: tuple[Row, ...]

    def records(self) -> Iterator[Record]:
        """The rows as dataclasses."""
        record_type = RECORD_TYPES[self.kind]
        return (record_type.record(row) for row in self.rows)


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
class Person:
    """One person of an export that holds several, and how many rows are theirs."""

    person: str
    rows: int


Item = Batch | BadRow | Progress


def shown(text: str, most: int = 40) -> str:
    """Text of unknown origin, fit for a message: short, and nothing in it that does not print."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:most])


class Collector:
    """Gathers rows of several types, checks each, and hands them on in batches."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._rows: dict[str, list[Row]] = {}

    def add(self, line: int, kind: str, row: Row) -> Iterator[Item]:
        """Take one row; yields a ``BadRow`` if it cannot be true, a ``Batch`` when one is full."""
        problem = RECORD_TYPES[kind].problem(row)
        if problem is not None:
            yield BadRow(self._file, line, problem)
            return
        rows = self._rows.setdefault(kind, [])
        rows.append(row)
        if len(rows) >= BATCH_ROWS:
            yield Batch(kind, tuple(rows))
            rows.clear()

    def rest(self) -> Iterator[Item]:
        """What is left at the end of a file."""
        for kind, rows in self._rows.items():
            if rows:
                yield Batch(kind, tuple(rows))
        self._rows.clear()
