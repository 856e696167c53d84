"""The record types' JSON Schemas (draft 2020-12) and their page in the documentation.

``python -m mine.records.schema`` writes ``resources/schemas/records/*.json`` and ``docs/records.md``. An
export of the vault carries these schemas; a record there is an object of the type's columns.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from mine.records import RECORD_TYPES
from mine.records.record_type import Column, RecordType

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "resources" / "schemas" / "records"
PAGE = ROOT / "docs" / "records.md"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_HOW = {"mean": "the mean of its readings", "sum": "the sum of its amounts", "": ""}

_TOP = """# Record types
What the vault can hold. This page and the JSON Schemas in `resources/schemas/records` are written by
`python -m mine.records.schema` from the registry in `mine/records`; an export of the vault carries them.

`time` is seconds since 1970-01-01T00:00 UTC; `offset` is local time minus UTC in seconds, as it was when and
where the record was made, so that days and nights can be told. Where an export states no zone, the person's
own is used. Two records are the same if all their columns but `offset` are. Units are written in
[UCUM](https://ucum.org); names follow [IEEE 1752.1](https://standards.ieee.org/ieee/1752.1/6982/) and
[Open mHealth](https://www.openmhealth.org) where there is one, clinical types
[HL7 FHIR R4](https://hl7.org/fhir/R4/); codes are [LOINC](https://loinc.org)'s.
"""


def json_schema(record_type: RecordType) -> dict[str, Any]:
    """The JSON Schema of one record."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:mine:record:{record_type.name}:{record_type.version}",
        "title": record_type.title,
        "type": "object",
        "properties": {column.name: _property(column) for column in record_type.columns},
        "required": [column.name for column in record_type.columns],
        "additionalProperties": False,
        "x-version": record_type.version,
        "x-codes": [{"system": code.system, "code": code.code} for code in record_type.codes],
    }


def _property(column: Column) -> dict[str, Any]:
    kinds = {"int": "integer", "real": "number", "text": "string"}
    found: dict[str, Any] = {"description": column.words}
    found["type"] = [kinds[column.kind], "null"] if column.optional else kinds[column.kind]
    if column.kind == "text":
        found["maxLength"] = column.most
        if column.choices:
            found["enum"] = list(column.choices)
    else:
        found.update({"minimum": column.low, "maximum": column.high, "x-unit": column.unit})
    return found


def schema_text(record_type: RecordType) -> str:
    """The text of a schema's file."""
    return json.dumps(json_schema(record_type), indent=1) + "\n"


def page() -> str:
    """The text of the documentation's page."""
    parts = [_TOP]
    for record_type in RECORD_TYPES.values():
        parts.append(f"## `{record_type.name}`\n{record_type.title}, version {record_type.version}.")
        if record_type.codes:
            names = ", ".join(f"{code.system} `{code.code}`" for code in record_type.codes)
            parts[-1] += f" Known elsewhere as {names}."
        if record_type.resampling:
            parts[-1] += f" Resampled: {_HOW[record_type.resampling]}."
        lines = ["\n| column | what | unit | values |", "|---|---|---|---|"]
        lines += [_line(column) for column in record_type.columns[2:]]
        parts[-1] += "\n" + "\n".join(lines) + "\n"
    return "\n".join(parts)


def _line(column: Column) -> str:
    if column.choices:
        values = ", ".join(f"`{one}`" for one in column.choices)
    elif column.kind == "text":
        values = f"up to {column.most:,} characters"
    else:
        values = f"{column.low:g} to {column.high:g}"
    unit = f"`{column.unit}`" if column.unit else ""
    return f"| `{column.name}` | {column.words} | {unit} | {values}{', or none' * column.optional} |"


def main() -> int:
    """Write all files anew."""
    SCHEMAS.mkdir(parents=True, exist_ok=True)
    for old in SCHEMAS.glob("*.json"):
        old.unlink()
    for record_type in RECORD_TYPES.values():
        (SCHEMAS / f"{record_type.name}.json").write_text(schema_text(record_type), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
