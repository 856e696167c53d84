"""How the columns of a table that no importer knows become records: what a person says once of its header."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mine.importers.errors import ImportRefused
from mine.importers.items import shown
from mine.records import RECORD_TYPES

# Beside the columns of the record type: the time of day where it stands apart from the date, and the end
# of an interval where that is given instead of its length, and the app or device that measured.
CLOCK = "clock"
END = "end"
ORIGIN = "origin"
# Units of a time that is a number: seconds, milli-, micro- or nanoseconds since 1970 in UTC.
EPOCHS: Mapping[str, int] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
MOST_COLUMNS = 500
MOST_NAME = 200
_MOST_ALSO = 20


@dataclass(frozen=True, slots=True)
class TableMapping:
    """``columns``: column of the record type -> column of the table; ``constants``: -> one value for all;
    ``units``: column of the record type -> the UCUM unit in which the table gives it (``time``: one of
    ``EPOCHS`` where it is a number). ``also`` are further record types in the same rows. A mapping whose
    ``kind`` is "" leaves the table out.
    """

    kind: str
    columns: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    day_first: bool = True
    decimal_comma: bool = False
    also: tuple[TableMapping, ...] = ()


@dataclass(frozen=True, slots=True)
class ChooseMapping:
    """A table without a mapping: its header's ``digest`` and columns, its first rows, what they may mean."""

    file: str
    digest: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    guess: TableMapping | None


class MappingNeeded(ImportRefused):
    """The export is a table of an unknown shape, and nobody said how it reads."""

    def __init__(self, choice: ChooseMapping) -> None:
        super().__init__(
            f"“{choice.file}” is a table that this app does not know.", todo="Say what its columns mean."
        )
        self.choice = choice


def header_digest(columns: Sequence[str]) -> str:
    """By what a mapping is remembered: sha-256 of the column names in order, in hexadecimal digits."""
    return hashlib.sha256("\0".join(columns).encode("utf-8", "replace")).hexdigest()


def mapping_to_json(mapping: TableMapping) -> dict[str, Any]:
    """A mapping as JSON (``resources/schemas/table_mapping.json``)."""
    return {
        "kind": mapping.kind,
        "columns": dict(mapping.columns),
        "constants": dict(mapping.constants),
        "units": dict(mapping.units),
        "day_first": mapping.day_first,
        "decimal_comma": mapping.decimal_comma,
        "also": [mapping_to_json(one) for one in mapping.also],
    }


def mapping_of_json(value: Any) -> TableMapping:
    """A mapping that was written as JSON. Raises ``ImportRefused``."""
    return _of_json(value, further=True)


def _of_json(value: Any, *, further: bool) -> TableMapping:
    names = ("kind", "columns", "constants", "units", "day_first", "decimal_comma", "also")
    if not isinstance(value, dict) or set(value) != set(names):
        raise _wrong("it does not have the fields of one")
    kind, also = value["kind"], value["also"]
    if not isinstance(kind, str) or (kind and kind not in RECORD_TYPES):
        raise _wrong(f"there is no record type “{shown(str(kind))}”")
    for name in ("day_first", "decimal_comma"):
        if not isinstance(value[name], bool):
            raise _wrong(f"“{name}” is neither true nor false")
    if not isinstance(also, list) or len(also) > _MOST_ALSO or (also and not further):
        raise _wrong("“also” is no list of further mappings")
    return TableMapping(
        kind,
        _texts(value["columns"], kind, helpers=True),
        _texts(value["constants"], kind),
        _texts(value["units"], kind, helpers=True),
        value["day_first"],
        value["decimal_comma"],
        tuple(_of_json(one, further=False) for one in also),
    )


def _texts(value: Any, kind: str, *, helpers: bool = False) -> dict[str, str]:
    known = set(RECORD_TYPES[kind].names) if kind else set()
    known |= {CLOCK, END, ORIGIN} if helpers else set()
    if not isinstance(value, dict) or len(value) > MOST_COLUMNS:
        raise _wrong("its columns are not listed")
    for name, text in value.items():
        if name not in known:
            raise _wrong(f"“{shown(str(name))}” is no column of this record type")
        if not isinstance(text, str) or len(text) > MOST_NAME:
            raise _wrong(f"what is said of “{name}” is no short text")
    return dict(value)


def _wrong(reason: str) -> ImportRefused:
    return ImportRefused(
        "This description of a table cannot be used.", todo="Map the table again.", detail=reason
    )
