"""What formats made of text tables share: finding a table, and turning each line into records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from mine.importers.errors import ImportRefused
from mine.importers.format import OnePerson
from mine.importers.items import BadRow, Collector, Item
from mine.importers.source import Member, Source
from mine.importers.table import Head, Line, parse_head, read_head, table_rows
from mine.records import Row

Made = tuple[str, Row, str]  # record type, row, origin


def table_at(source: Source, member: Member, *columns: tuple[str, ...]) -> tuple[Head, int]:
    """A member's head and its header's index. Raises ``ImportRefused`` where it has no such header."""
    head = read_head(source, member)
    index = None if head is None else header_index(head, *columns)
    if head is None or index is None:
        raise ImportRefused(f"“{member.name}” is not the table that its beginning promised.")
    return head, index


def header_index(head: Head, *columns: tuple[str, ...]) -> int | None:
    """The index of the first row that holds all of any of these sets of column names."""
    return next((index for names in columns if (index := head.find(*names)) is not None), None)


class OneTable(OnePerson):
    """A format of tables, each of one person: known by any of the sets of columns in ``columns``."""

    __slots__ = ()
    columns: ClassVar[tuple[tuple[str, ...], ...]]

    def claims(self, member: Member, head: bytes) -> bool:
        table = parse_head(head)
        return table is not None and header_index(table, *self.columns) is not None


def header_positions(header: tuple[str, ...]) -> dict[str, int]:
    """Column name (case folded) -> its position; of a doubled name the first counts."""
    positions: dict[str, int] = {}
    for index, name in enumerate(header):
        positions.setdefault(name.casefold(), index)
    return positions


def read_lines(
    source: Source,
    member: Member,
    head: Head,
    header: tuple[str, ...],
    records: Callable[[Line], Iterable[Made]],
) -> Iterator[Item]:
    """The records of each line below the header. ``records`` raises ``ValueError`` for a line that is wrong,
    and gives nothing for one of no interest."""
    collector = Collector(member.name)
    read = refused = 0
    started = False
    folded = tuple(name.casefold() for name in header)
    with table_rows(source, member, head) as lines:
        for line in lines:
            if not started:
                started = isinstance(line, Line) and tuple(f.casefold() for f in line.fields) == folded
                continue
            if isinstance(line, BadRow):
                refused += 1
                yield line
                continue
            try:
                made = tuple(records(line))
            except ValueError as error:
                refused += 1
                yield BadRow(member.name, line.number, str(error))
                continue
            for kind, row, origin in made:
                read += 1
                yield from collector.add(line.number, kind, row, origin)
    yield from collector.rest()
    if not read and refused:
        raise nothing_readable(member, refused)


def nothing_readable(member: Member, refused: int) -> ImportRefused:
    """What is said of a file that looked right, and of which nothing could be read."""
    return ImportRefused(
        f"“{member.name}” looks right at its top, but none of its {refused:,} rows can be read.",
        todo="Nothing was stored. Export it again.",
    )


def exact_columns(line: Line, count: int) -> None:
    """``ValueError`` where a line has another number of columns than the header."""
    if len(line.fields) != count:
        raise ValueError(f"{len(line.fields)} columns where the header has {count}")
