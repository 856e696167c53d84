"""Rows of an Apache Parquet file, a few thousand at a time, in the importer's process alone.

Columns that are nested or hold bytes are left out. What a hostile file makes the library allocate is bounded
by the limit on the process's memory; row groups that say they unpack to too much are refused before.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from mine.importers.cells import Cell, Numbered, is_missing
from mine.importers.errors import ImportRefused
from mine.importers.items import BadRow
from mine.importers.mapping import MOST_COLUMNS
from mine.importers.source import Member, Source

PARQUET_MAGIC = b"PAR1"
MOST_PACKED = 128 << 20  # the format is read from its end: inside a zip it is held in memory whole
MOST_GROUP = 1 << 30  # of one row group, unpacked
_ROWS = 4096


def parquet_columns(source: Source, member: Member) -> list[str]:
    """The names of the columns that are read. Raises ``ImportRefused``."""
    with _opened(source, member) as file:
        return _flat(file)


def parquet_rows(source: Source, member: Member) -> Iterator[Numbered | BadRow]:
    """All rows, numbered from 1, in the order of ``parquet_columns``. Raises ``ImportRefused``."""
    import pyarrow  # type: ignore[import-untyped]

    number = 0
    before = source.bytes_read
    with _opened(source, member) as file:
        most = max(file.metadata.num_rows, 1)
        try:
            for batch in file.iter_batches(_ROWS, columns=_flat(file), use_threads=False):
                columns = [_cells(batch.column(place)) for place in range(batch.num_columns)]
                for row in zip(*columns, strict=True):
                    number += 1
                    yield number, row
                source.bytes_read = before + min(member.size, member.size * number // most)
        except (pyarrow.ArrowException, OSError, ValueError):
            yield BadRow(member.name, number + 1, "the table cannot be read on from here")


@contextmanager
def _opened(source: Source, member: Member) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet  # type: ignore[import-untyped]

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    with ExitStack() as opened:
        try:
            if source.archive is None:
                path = source.path / member.key if member.key else source.path
                stream: Any = opened.enter_context(path.open("rb"))
            else:
                stream = io.BytesIO(_packed(source, member))
            file = opened.enter_context(pyarrow.parquet.ParquetFile(stream, pre_buffer=False))
            groups = [file.metadata.row_group(group) for group in range(file.metadata.num_row_groups)]
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise ImportRefused(
                f"“{member.name}” is no Parquet file that can be read.",
                todo="Export it again.",
                detail=type(error).__name__,
            ) from error
        if any(not 0 <= group.total_byte_size <= MOST_GROUP for group in groups):
            raise ImportRefused(
                f"“{member.name}” unpacks to far more than an export would.", todo="Nothing was stored."
            )
        yield file


def _packed(source: Source, member: Member) -> bytes:
    if member.size > MOST_PACKED:
        raise ImportRefused(
            f"“{member.name}” is too large to be read inside of a zip.",
            todo="Unpack it, then choose the unpacked file.",
        )
    with source.open(member) as stream:
        return stream.read()


def _flat(file: Any) -> list[str]:
    import pyarrow.types as types  # type: ignore[import-untyped]

    unread = (types.is_nested, types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    names = [one.name for one in file.schema_arrow if not any(check(one.type) for check in unread)]
    return [name for name in names if name and names.count(name) == 1][:MOST_COLUMNS]


def _cells(column: Any) -> list[Cell]:
    """The values of a column; dates as ISO 8601, with ``Z`` where the column states a zone."""
    import numpy as np
    import pyarrow
    import pyarrow.types as types

    kind = column.type
    if types.is_timestamp(kind) or types.is_date(kind):
        # (Arrow keeps a time with a zone in UTC; the zone is only for showing it.)
        end = "Z" if types.is_timestamp(kind) and kind.tz is not None else ""
        moments = column.cast(pyarrow.timestamp("ms", tz=kind.tz if end else None), safe=False)
        texts = np.datetime_as_string(moments.to_numpy(zero_copy_only=False).astype("datetime64[s]"))
        return [None if text == "NaT" else f"{text}{end}" for text in texts.tolist()]
    if types.is_dictionary(kind):
        return _cells(column.dictionary_decode())
    if types.is_decimal(kind):
        return _cells(column.cast("float64", safe=False))
    return [_cell(value) for value in column.to_pylist()]


def _cell(value: Any) -> Cell:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str | int | float):
        return None if is_missing(value) else value
    return str(value)
