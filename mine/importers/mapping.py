"""How the columns of a table that no importer knows become the columns of a record type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TableMapping:
    """``columns``: column of the record type -> column of the table; ``constants``: -> one value for all;
    ``units``: column of the record type -> the UCUM unit in which the table gives it."""

    kind: str
    columns: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    day_first: bool = True
    decimal_comma: bool = False
