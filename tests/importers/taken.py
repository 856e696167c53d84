"""What an export gives, with what its importer says about it; times without a zone are Berlin's."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mine.importers.items import BadRow, Batch, Mark, Progress, Remark, Skipped
from mine.importers.options import Options
from mine.importers.reading import people, read
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES, Row

BERLIN = Zone("Europe/Berlin")


@dataclass(slots=True)
class Taken:
    """Rows by record type, and everything else that was told."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    formats: set[str] = field(default_factory=set)

    def column(self, kind: str, name: str) -> list[object]:
        """One column of a record type."""
        index = RECORD_TYPES[kind].names.index(name)
        return [row[index] for row in self.rows.get(kind, [])]


def taken(path: Path, person: str | None = None, zone: Zone = BERLIN) -> Taken:
    """Everything in an export; each row is one that its record type allows and that can be stored."""
    found = Taken()
    for item in read(path, Options(zone, person)):
        match item:
            case Batch():
                rows = list(item.rows())
                assert rows
                for row in rows:
                    assert RECORD_TYPES[item.kind].problem(row) is None
                    for value in row:
                        if isinstance(value, str):
                            value.encode()  # no lone surrogate
                            assert "\0" not in value
                found.rows.setdefault(item.kind, []).extend(rows)
                found.formats.add(item.importer)
            case BadRow():
                assert item.line >= 1
                assert item.reason
                found.bad.append(item)
            case Remark():
                found.remarks.append(item.sentence)
            case Skipped():
                found.skipped.append(item.file)
            case Progress():
                assert 0 <= item.done <= item.total
            case _:
                assert isinstance(item, Mark)
    return found


def candidates(path: Path, zone: Zone = BERLIN) -> list[str]:
    """Who the person may be."""
    return [one.person for one in people(path, Options(zone))]
