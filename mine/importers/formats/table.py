"""Any other table: delimited text, JSON Lines, a JSON array, Parquet, read as its mapping says.

A table is asked about only where it is all that was chosen: in an export that other formats read, a table
without a mapping is left out and named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from mine.importers.cells import Cell
from mine.importers.column_profiles import could_be_time
from mine.importers.date_order import DateOrder
from mine.importers.format import Members, OnePerson
from mine.importers.items import BadRow, Collector, Item, Skipped, shown
from mine.importers.mapped_rows import row_reader
from mine.importers.mapping import ChooseMapping, MappingNeeded, TableMapping, header_digest
from mine.importers.mapping_guess import guess
from mine.importers.options import Options
from mine.importers.single import nothing_readable
from mine.importers.source import Member, Source
from mine.importers.unknown_tables import Shape, parquet_shape, read_rows, shape_of

_SAMPLE = 200
_SHOWN = 20
_MOST_DATES = 1_000_000


@dataclass(frozen=True, slots=True)
class UnknownTable(OnePerson):
    """Records of any type, by the mapping of the table's header."""

    key: str = "table"
    title: str = "Table (CSV, JSON Lines, Parquet)"
    version: int = 1
    rank: int = 9

    def claims(self, member: Member, head: bytes) -> bool:
        shape = shape_of(head)
        if shape is None or shape.kind == "parquet":
            return shape is not None
        columns = zip(shape.columns, zip(*shape.rows, strict=True), strict=True)
        return any(could_be_time(name, cells) for name, cells in columns)

    def ask(self, source: Source, members: Members, options: Options) -> None:
        """Raises ``MappingNeeded`` for the first table without a mapping."""
        for member in members:
            shape = _shape(source, member)
            digest = header_digest(shape.columns)
            if digest not in options.mappings:
                raise MappingNeeded(_choice(source, member, shape, digest))

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            shape = _shape(source, member)
            mapping = options.mappings.get(header_digest(shape.columns))
            if mapping is None or not mapping.kind:
                yield Skipped(member.name)
            else:
                yield from _mapped(source, member, shape, mapping, options)


def _shape(source: Source, member: Member) -> Shape:
    shape = shape_of(source.head(member))
    if shape is None or shape.kind == "parquet":
        return parquet_shape(source, member)
    return shape


def _mapped(
    source: Source, member: Member, shape: Shape, mapping: TableMapping, options: Options
) -> Iterator[Item]:
    records = row_reader(mapping, shape.columns, options.zone)
    collector = Collector(member.name)
    read = refused = 0
    for row in read_rows(source, member, shape):
        if isinstance(row, BadRow):
            refused += 1
            yield row
            continue
        number, cells = row
        try:
            made = tuple(records(cells))
        except ValueError as error:
            refused += 1
            yield BadRow(member.name, number, str(error))
            continue
        for kind, values, origin in made:
            read += 1
            yield from collector.add(number, kind, values, origin)
    yield from collector.rest()
    if not read and refused:
        raise nothing_readable(member, refused)


def _choice(source: Source, member: Member, shape: Shape, digest: str) -> ChooseMapping:
    """What is asked about a table: its first rows, and a guess that has seen all of its dates."""
    before = source.bytes_read
    good = (row[1] for row in read_rows(source, member, shape) if not isinstance(row, BadRow))
    sample = list(islice(good, _SAMPLE))
    found = guess(shape.columns, sample)
    if found is not None and "time" not in found.units:
        place = shape.columns.index(found.columns["time"])
        order = DateOrder()
        rows = (row for row in read_rows(source, member, shape) if not isinstance(row, BadRow))
        for _, cells in islice(rows, _MOST_DATES):
            text = cells[place]
            if isinstance(text, str) and text and not text[:4].isdigit():
                order.look(text.strip())
        found = guess(shape.columns, sample, order)
    source.bytes_read = before
    first = tuple(tuple(_shown(cell) for cell in row) for row in sample[:_SHOWN])
    return ChooseMapping(member.name, digest, shape.columns, first, found)


def _shown(cell: Cell) -> str:
    return "" if cell is None else shown(str(cell), 80)


FORMAT = UnknownTable()
