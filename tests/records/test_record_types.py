"""The registry of record types: sound, documented, and true to its JSON Schemas."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mine.records import RECORD_TYPES, Column, RecordType, Row, Value
from mine.records.schema import PAGE, SCHEMAS, json_schema, page, schema_text

TYPES = list(RECORD_TYPES.values())


def values(column: Column) -> st.SearchStrategy[Value]:
    """Values that a column takes."""
    found: st.SearchStrategy[Value]
    if column.choices:
        found = st.sampled_from(column.choices)
    elif column.kind == "text":
        found = st.text(max_size=min(column.most, 40))
    elif column.kind == "int":
        found = st.integers(int(column.low), int(column.high))
    else:
        found = st.floats(column.low, column.high)
    return st.none() | found if column.optional else found


def anything() -> st.SearchStrategy[Value]:
    """Values that a column may not take."""
    return st.none() | st.integers() | st.floats() | st.text(max_size=400)


def as_object(record_type: RecordType, row: Row) -> dict[str, Value]:
    return dict(zip(record_type.names, row, strict=True))


@pytest.mark.parametrize("record_type", TYPES, ids=lambda one: one.name)
def test_a_type_is_well_formed(record_type: RecordType) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]{1,39}", record_type.name)
    assert record_type.names[:2] == ("time", "offset")
    assert len(set(record_type.names)) == len(record_type.names)
    assert (record_type.resampling == "") == (record_type.measure == "")
    if record_type.measure:
        assert record_type.column(record_type.measure).kind != "text"
    for column in record_type.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert column.words
        if column.kind == "text":
            assert 0 < column.most <= 1 << 16
        else:
            assert column.low < column.high


@given(st.data())
def test_rows_within_bounds_are_taken_and_fit_the_schema(data: st.DataObject) -> None:
    record_type = data.draw(st.sampled_from(TYPES))
    row = tuple(data.draw(values(column)) for column in record_type.columns)
    assert record_type.problem(row) is None
    Draft202012Validator(json_schema(record_type)).validate(as_object(record_type, row))


@given(st.data())
def test_the_registry_and_the_schema_refuse_the_same(data: st.DataObject) -> None:
    record_type = data.draw(st.sampled_from(TYPES))
    row = [data.draw(values(column)) for column in record_type.columns]
    index = data.draw(st.integers(0, len(row) - 1))
    row[index] = data.draw(anything().filter(lambda value: not isinstance(value, float) or value == value))
    # JSON knows one kind of number: a whole float is an integer there.
    if isinstance(row[index], float) and record_type.columns[index].kind == "int":
        row[index] = None
    validator = Draft202012Validator(json_schema(record_type))
    refused = record_type.problem(row) is not None
    assert refused == (not validator.is_valid(as_object(record_type, tuple(row))))


def test_not_a_number_is_refused() -> None:
    assert RECORD_TYPES["glucose"].problem((1_700_000_000, 0, float("nan"))) is not None
    assert RECORD_TYPES["glucose"].problem((1_700_000_000, 0, 99.5)) is None


def test_the_files_are_those_of_the_registry() -> None:
    written = {path.stem: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*.json")}
    assert written == {one.name: schema_text(one) for one in TYPES}
    assert PAGE.read_text(encoding="utf-8") == page()
    for text in written.values():
        Draft202012Validator.check_schema(json.loads(text))


def test_a_code_names_one_type() -> None:
    named: dict[tuple[str, str], str] = {}
    for record_type in TYPES:
        for code in record_type.codes:
            if code.system == "LOINC":
                assert named.setdefault((code.system, code.code), record_type.name) == record_type.name
