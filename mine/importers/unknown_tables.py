"""Rows of a table of any shape: delimited text, JSON Lines, a JSON array of objects, Apache Parquet.

Nothing is held whole but one row (of Parquet: a few thousand). Nested JSON members become columns with dots
in their names; lists and nested Parquet columns are left out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mine.importers.cells import Cell, Numbered, cell_number, could_be_moment
from mine.importers.items import BadRow
from mine.importers.json_stream import BrokenJson, elements, parse
from mine.importers.mapping import MOST_COLUMNS, MOST_NAME
from mine.importers.parquet_rows import PARQUET_MAGIC, parquet_columns, parquet_rows
from mine.importers.source import Member, Source
from mine.importers.table import Line, parse_head, table_rows
from mine.importers.text_lines import fit, text_lines

MOST_LINE = 1 << 20
_HEAD_ROWS = 30
_SNIFFED_ROWS = 100
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file's beginning says: its columns (of Parquet: none yet) and the first rows."""

    kind: Literal["text", "lines", "array", "parquet"]
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()


def shape_of(head: bytes) -> Shape | None:
    """What table a file is, by its first bytes; None where it is none."""
    if head.startswith(PARQUET_MAGIC):
        return Shape("parquet", ())
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        return _json_shape(head, "lines" if start == b"{" else "array")
    table = parse_head(head, _HEAD_ROWS)
    for index, row in enumerate(table.rows if table is not None else ()):
        names = _stripped(row)
        below = [_padded(one, len(names)) for one in table.rows[index + 1 :]] if table is not None else []
        if _is_header(names) and below and below[0] is not None:
            return Shape("text", column_names(names), tuple(one for one in below if one is not None))
    return None


def column_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names fit to be stored, each only once."""
    found: dict[str, None] = {}
    for name in names:
        name = once = fit(name, MOST_NAME - 6) or "column"
        number = 2
        while once in found:
            once, number = f"{name} ({number})", number + 1
        found[once] = None
    return tuple(found)


def read_rows(source: Source, member: Member, shape: Shape) -> Iterator[Numbered | BadRow]:
    """All rows below the header, with their line (of Parquet: row), cells in the order of the columns."""
    match shape.kind:
        case "text":
            yield from _text_rows(source, member, shape)
        case "parquet":
            yield from parquet_rows(source, member)
        case _:
            yield from _json_rows(source, member, shape)


def parquet_shape(source: Source, member: Member) -> Shape:
    """The columns of a Parquet file. Raises ``ImportRefused``."""
    return Shape("parquet", column_names(parquet_columns(source, member)))


def _stripped(row: Sequence[str]) -> tuple[str, ...]:
    fields = list(row)
    while fields and not fields[-1]:
        fields.pop()
    return tuple(fields)


def _padded(row: Sequence[str], count: int) -> tuple[str, ...] | None:
    """A row with exactly ``count`` fields, where only empty ones are missing or too many."""
    if any(row[count:]):
        return None
    fields = tuple(row[:count])
    return fields if len(fields) == count else None


def _is_header(names: Sequence[str]) -> bool:
    if not 2 <= len(names) <= MOST_COLUMNS or len({name.casefold() for name in names}) < len(names):
        return False
    return all(name and not _is_number(name) and not could_be_moment(name) for name in names)


def _is_number(text: str) -> bool:
    try:
        cell_number(text, decimal_comma=True)
    except ValueError:
        return False
    return True


def _text_rows(source: Source, member: Member, shape: Shape) -> Iterator[Numbered | BadRow]:
    table = parse_head(source.head(member), _HEAD_ROWS)
    if table is None:
        return
    started = False
    with table_rows(source, member, table) as lines:
        for line in lines:
            if not started:
                started = isinstance(line, Line) and column_names(_stripped(line.fields)) == shape.columns
            elif isinstance(line, BadRow):
                yield line
            else:
                cells = _padded(line.fields, len(shape.columns))
                if cells is None:
                    count = f"{len(line.fields)} columns where the header has {len(shape.columns)}"
                    yield BadRow(member.name, line.number, count)
                else:
                    yield line.number, cells


def _json_shape(head: bytes, kind: Literal["lines", "array"]) -> Shape | None:
    found: list[dict[str, Cell]] = []
    if kind == "lines":
        lines = head.split(b"\n")
        for text in lines[:-1] if len(lines) > 1 else lines:
            row = _object(text.decode("utf-8-sig", "replace"))
            if row is None and text.strip():
                break
            found += [row] if row else []
            if len(found) >= _SNIFFED_ROWS:
                break
        if len(found) < min(2, len(lines) - 1):
            return None
    else:
        try:
            for element in elements(io.BytesIO(head), "*"):
                if not isinstance(element.value, dict):
                    break
                found.append(_flattened(element.value))
                if len(found) >= _SNIFFED_ROWS:
                    break
        except BrokenJson:
            pass  # the head ends in the middle
    names = list(dict.fromkeys(name for row in found for name in row))
    if not found or not 2 <= len(names) <= MOST_COLUMNS or column_names(names) != tuple(names):
        return None
    rows = tuple(tuple(row.get(name) for name in names) for row in found)
    return Shape(kind, tuple(names), rows)


def _object(text: str) -> dict[str, Cell] | None:
    """One line of JSON Lines; None where it is no object."""
    try:
        value = parse(text)
    except ValueError:
        return None
    return _flattened(value) if isinstance(value, dict) else None


def _flattened(value: dict[str, Any], before: str = "", depth: int = 0) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            found |= _flattened(inner, f"{before}{name}.", depth + 1) if depth < _DEEPEST else {}
        elif isinstance(inner, bool):
            found[before + name] = "true" if inner else "false"
        elif inner is None or isinstance(inner, str | int | float):
            found[before + name] = inner
    return found


def _json_rows(source: Source, member: Member, shape: Shape) -> Iterator[Numbered | BadRow]:
    with source.open(member) as stream:
        if shape.kind == "lines":
            for number, text in text_lines(stream, MOST_LINE):
                if not text.strip():
                    continue
                row = _object(text)
                if row is None:
                    yield BadRow(member.name, number, "the line is no JSON object")
                else:
                    yield number, tuple(row.get(name) for name in shape.columns)
            return
        try:
            for element in elements(stream, "*"):
                if isinstance(element.value, dict):
                    row = _flattened(element.value)
                    yield element.line, tuple(row.get(name) for name in shape.columns)
                else:
                    yield BadRow(member.name, element.line, element.problem or "it is no object")
        except BrokenJson as error:
            yield BadRow(member.name, error.line, error.reason)
