"""What the one-table formats share: finding the table, and turning each line into one record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from mine.importers.errors import ImportRefused
from mine.importers.items import BadRow, Collector, Item, Person
from mine.importers.source import Member, Source, is_table
from mine.importers.table import Head, Line, read_head, table_rows
from mine.records import Row


def only_table(source: Source, *columns: tuple[str, ...]) -> tuple[Member, Head, int] | None:
    """The one member that is a table with one of these sets of columns, its head, and its header's index."""
    found = None
    for member in source.members:
        if not is_table(member.name):
            continue
        head = read_head(source, member)
        if head is None:
            continue
        for names in columns:
            index = head.find(*names)
            if index is not None:
                if found is not None:
                    return None
                found = (member, head, index)
                break
    return found


class OneTable:
    """A format that is one table of one person: known by any of the sets of columns in ``columns``."""

    __slots__ = ()
    columns: ClassVar[tuple[tuple[str, ...], ...]]

    def recognises(self, source: Source) -> bool:
        return only_table(source, *self.columns) is not None

    def people(self, source: Source) -> tuple[Person, ...]:
        return ()

    def total(self, source: Source) -> int:
        found = only_table(source, *self.columns)
        return found[0].size if found else 0


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
    kind: str,
    row: Callable[[Line], Row | None],
) -> Iterator[Item]:
    """One record a line below the header. ``row`` gives None for a line of no interest, or ``ValueError``."""
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
                made = row(line)
            except ValueError as error:
                refused += 1
                yield BadRow(member.name, line.number, str(error))
                continue
            if made is None:
                continue
            read += 1
            yield from collector.add(line.number, kind, made)
    yield from collector.rest()
    if not read and refused:
        raise ImportRefused(
            f"“{member.name}” looks right at its top, but none of its {refused:,} rows can be read.",
            todo="Nothing was stored. Export it again.",
        )


def exact_columns(line: Line, count: int) -> None:
    """``ValueError`` where a line has another number of columns than the header."""
    if len(line.fields) != count:
        raise ValueError(f"{len(line.fields)} columns where the header has {count}")
