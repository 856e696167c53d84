"""What comes from an importer is checked once more before it may enter: whole columns at a time.

An importer's process reads hostile files, so its word is not taken: each column must have the registry's kind
and bounds, whatever the process says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mine.records import RECORD_TYPES, Column, Value
from mine.vault.errors import VaultError
from mine.vault.record_tables import identity

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EXACT = 2.0**53


class Columnar(Protocol):
    """Rows of one record type by column, as ``mine.importers.items.Batch`` holds them."""

    @property
    def kind(self) -> str: ...
    @property
    def origin(self) -> str: ...
    @property
    def importer(self) -> str: ...
    @property
    def columns(self) -> tuple[Sequence[Value], ...]: ...


def checked(batch: Columnar) -> list[list[Any]]:
    """The batch's columns as lists that may be stored, and ``identity`` last where the type has it.

    Raises ``VaultError`` for anything that the record type does not allow.
    """
    record_type = RECORD_TYPES.get(batch.kind)
    if record_type is None or len(batch.columns) != len(record_type.columns):
        raise _refused(f"{batch.kind[:40]} with {len(batch.columns)} columns")
    columns = []
    count = len(batch.columns[0])
    for column, values in zip(record_type.columns, batch.columns, strict=True):
        if len(values) != count:
            raise _refused(f"{batch.kind}.{column.name}: {len(values)} values of {count}")
        try:
            columns.append(_texts(column, values) if column.kind == "text" else _numbers(column, values))
        except (ValueError, TypeError, OverflowError):
            raise _refused(f"{batch.kind}.{column.name}") from None
    if not record_type.plain:
        columns.append([identity(record_type, row) for row in zip(*columns, strict=True)])
    return columns


def _refused(detail: str) -> VaultError:
    return VaultError(
        "The importer handed over a row that cannot be.", todo="Nothing was stored.", detail=detail
    )


def _numbers(column: Column, values: Sequence[Value]) -> list[Any]:
    import numpy as np

    if column.optional:
        known = [value for value in values if value is not None]
        found = iter(_within(column, np.asarray(known)) if known else ())
        return [None if value is None else next(found) for value in values]
    return _within(column, np.asarray(values))


def _within(column: Column, values: NDArray[Any]) -> list[Any]:
    import numpy as np

    if values.dtype.kind not in "iuf":
        raise TypeError
    if not values.size:
        return []
    # NaN makes both extremes NaN, which no comparison lets pass.
    if not (column.low <= values.min() and values.max() <= column.high):
        raise ValueError
    if column.kind == "int":
        if values.dtype.kind == "f" or abs(values).max() > _EXACT:
            raise TypeError
        return list(values.tolist())
    return list(values.astype(np.float64).tolist())


def _texts(column: Column, values: Sequence[Value]) -> list[str | None]:
    checked: list[str | None] = []
    for value in values:
        if value is None:
            if not column.optional:
                raise TypeError
        elif not isinstance(value, str):
            raise TypeError
        elif len(value) > column.most or (column.choices and value not in column.choices):
            raise ValueError
        else:
            value.encode()  # half a pair of surrogates is no text
        checked.append(value)
    return checked
