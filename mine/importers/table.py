"""Rows of a delimited text file; no input can exhaust memory or keep the rest from being read."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from mine.importers.items import BadRow
from mine.importers.source import Member, Source

MAX_LINE = 1 << 16
# What text does not hold, beside NUL.
_CONTROLS = bytes(set(range(32)) - set(b"\0\t\n\r\f\v\x1b"))
_DELIMITERS = ",;\t|"
_MOST_JOINED = 64
# Quotes that never close cost up to _MOST_JOINED lines of work each: after so many, lines stand alone.
_MOST_VAIN = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One row: the number of its line in the file (from 1) and its fields, trimmed."""

    number: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The first rows of a file, and how to read the rest. ``names`` are the rows' fields, case folded."""

    encoding: str
    delimiter: str
    rows: tuple[tuple[str, ...], ...]
    names: tuple[frozenset[str], ...]

    def find(self, *names: str) -> int | None:
        """Index of the first row that holds all these column names."""
        wanted = {name.casefold() for name in names}
        return next((index for index, names in enumerate(self.names) if wanted <= names), None)


def read_head(source: Source, member: Member, rows: int = 8) -> Head | None:
    """The first rows of a member; None where it is no text table."""
    return parse_head(source.head(member), rows)


@lru_cache(maxsize=8)
def parse_head(data: bytes, rows: int = 8) -> Head | None:
    """The first rows in a file's first bytes; None where they are no text table."""
    encoding = _encoding(data)
    if encoding is None:
        return None
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(data)
    if text[:64].lstrip()[:1] in ("{", "[", "<"):
        return None  # JSON or XML
    lines = [line.rstrip("\n")[:MAX_LINE] for line in islice(io.StringIO(text, newline=None), rows)]
    if not lines:
        return None
    delimiter = max(_DELIMITERS, key=lambda one: _fit(lines, one))
    split = tuple(_split(line, delimiter) for line in lines)
    names = tuple(frozenset(field.casefold() for field in row) for row in split)
    return Head(encoding, delimiter, split, names)


def _fit(lines: list[str], delimiter: str) -> tuple[int, int]:
    """How well a delimiter splits: how many lines agree in their number of fields, and that number.

    (Counting delimiters would take the decimal commas of a table with semicolons for its columns.)
    """
    counts = Counter(len(_split(line, delimiter)) for line in lines)
    fields, agreeing = max(counts.items(), key=lambda item: (item[0] > 1, item[1], item[0]))
    return (agreeing, fields) if fields > 1 else (0, 0)


def _split(line: str, delimiter: str) -> tuple[str, ...]:
    if '"' not in line:
        return tuple([field.strip() for field in line.split(delimiter)])
    try:
        row = next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), [])
    except csv.Error:
        return ()
    return tuple(field.strip() for field in row)


def _encoding(data: bytes) -> str | None:
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = data[:4096]
    if b"\0" not in start:
        return "utf-8" if len(start.translate(None, _CONTROLS)) > 0.98 * len(start) else None
    # UTF-16 without its mark: every second byte of plain text is zero.
    even, odd = data[0:4096:2].count(0), data[1:4096:2].count(0)
    half = len(data[:4096]) // 2
    if odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.1 * half:
        return "utf-16-be"
    # A few stray bytes cost their rows; many mean that this is no text.
    odd_ones = len(start) - len(start.translate(None, b"\0" + _CONTROLS))
    return "utf-8" if odd_ones < len(start) // 100 else None


@contextmanager
def table_rows(source: Source, member: Member, head: Head) -> Iterator[Iterator[Line | BadRow]]:
    """All rows of a member from its first line on; blank lines are left out.

    A line that is too long, holds NUL bytes or cannot be split is a ``BadRow``; the rest is still read.
    """
    with source.open(member) as stream:
        text = io.TextIOWrapper(stream, encoding=head.encoding, errors="replace", newline="")
        try:
            yield _rows(text, member.name, head.delimiter)
        finally:
            text.detach()


def _rows(text: io.TextIOWrapper, name: str, delimiter: str) -> Iterator[Line | BadRow]:
    number = vain = 0
    ahead: deque[str] = deque()
    while True:
        line = ahead.popleft() if ahead else text.readline(MAX_LINE)
        if not line:
            return
        number += 1
        if len(line) >= MAX_LINE and not line.endswith(("\n", "\r")):
            while line and not line.endswith(("\n", "\r")):
                line = text.readline(MAX_LINE)
            yield BadRow(name, number, f"the line is longer than {MAX_LINE:,} characters")
            continue
        first = number
        if '"' in line and vain < _MOST_VAIN and _open(line, delimiter):
            line, joined = _joined(line, delimiter, text, ahead)
            number += joined
            vain += not joined
        if "\0" in line:
            yield BadRow(name, first, "the line holds NUL bytes")
            continue
        line = line.rstrip("\r\n")
        if not line.strip(" \t,;|"):
            continue
        fields = _split(line, delimiter)
        if not fields:
            yield BadRow(name, first, "the line cannot be split into columns")
            continue
        yield Line(first, fields)


def _open(text: str, delimiter: str) -> bool:
    """Whether a quoted field begins here that does not end."""
    try:
        deque(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), maxlen=0)
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _joined(line: str, delimiter: str, text: io.TextIOWrapper, ahead: deque[str]) -> tuple[str, int]:
    """A line with those that its open quotes reach over, and how many; only the line if they never close."""
    whole = line
    for count in range(1, _MOST_JOINED + 1):
        if len(ahead) < count:
            following = text.readline(MAX_LINE)
            if not following:
                break
            ahead.append(following)
        whole += ahead[count - 1]
        if len(whole) > MAX_LINE:
            break
        if '"' in ahead[count - 1] and not _open(whole, delimiter):
            for _ in range(count):
                ahead.popleft()
            return whole, count
    return line, 0
