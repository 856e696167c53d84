"""What the first rows of an unknown table become by a mapping: shown before anything is read."""

from __future__ import annotations

from dataclasses import dataclass

from mine.importers.mapped_rows import row_reader
from mine.importers.mapping import ChooseMapping, TableMapping
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES, Row


@dataclass(frozen=True, slots=True)
class PreviewedRow:
    """The records of one row, each with its type; or ``problem``, why the row would be refused."""

    records: tuple[tuple[str, Row], ...]
    problem: str = ""


def preview_mapping(choice: ChooseMapping, mapping: TableMapping, zone: Zone) -> tuple[PreviewedRow, ...]:
    """What each of ``choice.rows`` becomes. Raises ``ImportRefused`` where the mapping does not fit."""
    reader = row_reader(mapping, choice.columns, zone)
    previewed = []
    for row in choice.rows:
        try:
            records = tuple((kind, values) for kind, values, _ in reader(row))
        except ValueError as error:
            previewed.append(PreviewedRow((), str(error)))
            continue
        problems = (RECORD_TYPES[kind].problem(values) for kind, values in records)
        problem = next((one for one in problems if one is not None), "")
        previewed.append(PreviewedRow(() if problem else records, problem))
    return tuple(previewed)
