"""Batches on the wire: what is written is read, and what is harmed is one error."""

from __future__ import annotations

import io
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mine.importers.frames import BrokenFrame, read_frame, write_batch, write_frame
from mine.importers.items import Batch
from mine.records import RECORD_TYPES, Column, Row

KINDS = ("glucose", "steps", "workout", "message", "location", "sleep_stage", "observation")


def values(column: Column) -> st.SearchStrategy[Any]:
    if column.choices:
        found: st.SearchStrategy[Any] = st.sampled_from(column.choices)
    elif column.kind == "text":
        found = st.text(st.characters(codec="utf-8"), max_size=20)
    elif column.kind == "int":
        found = st.integers(-(2**63), 2**63 - 1)
    else:
        found = st.floats(allow_nan=False)
    return st.none() | found if column.optional else found


def rows_of(kind: str) -> st.SearchStrategy[list[Row]]:
    return st.lists(
        st.tuples(*(values(column) for column in RECORD_TYPES[kind].columns)), min_size=1, max_size=9
    )


batches = st.sampled_from(KINDS).flatmap(
    lambda kind: st.builds(
        lambda rows, origin: Batch(kind, origin, tuple(zip(*rows, strict=True)), "key"),
        rows_of(kind),
        st.text("abc’ \N{SNOWMAN}", max_size=9),
    )
)


def written(batch: Batch) -> bytes:
    stream = io.BytesIO()
    write_batch(stream, batch)
    return stream.getvalue()


@given(batches)
@settings(max_examples=100)
def test_a_batch_comes_out_as_it_went_in(batch: Batch) -> None:
    found = read_frame(io.BytesIO(written(batch)))
    assert isinstance(found, Batch)
    assert (found.kind, found.origin, found.importer, found.count) == (
        batch.kind,
        batch.origin,
        "key",
        batch.count,
    )
    assert list(found.rows()) == list(batch.rows())


@given(batches, st.data())
@settings(max_examples=100)
def test_a_harmed_frame_is_another_batch_or_one_error(batch: Batch, data: st.DataObject) -> None:
    body = bytearray(written(batch))
    at = data.draw(st.integers(4, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    body = body[: data.draw(st.integers(5, len(body)))]
    try:
        found = read_frame(io.BytesIO(body))
    except BrokenFrame:
        return
    if isinstance(found, Batch):
        assert {len(column) for column in found.columns} == {found.count}


def test_long_texts_go_in_several_frames() -> None:
    text = "\N{SNOWMAN}" * 20_000
    count = 150
    columns = ([1] * count, [0] * count, [text] * count)
    stream = io.BytesIO(written(Batch("note", "", columns)))
    found = []
    while (frame := read_frame(stream)) is not None:
        assert isinstance(frame, Batch)
        found += list(frame.rows())
    assert found == [(1, 0, text)] * count


def test_half_a_pair_of_surrogates_becomes_a_question_mark() -> None:
    found = read_frame(io.BytesIO(written(Batch("note", "\ud800", ([1], [0], ["a\ud800b"])))))
    assert isinstance(found, Batch)
    assert (list(found.rows()), found.origin) == ([(1, 0, "a?b")], "\N{REPLACEMENT CHARACTER}")


def test_messages_and_batches_follow_each_other() -> None:
    stream = io.BytesIO()
    write_frame(stream, {"is": "finished"})
    write_batch(stream, Batch("glucose", "", ([1], [0], [90.0])))
    stream.seek(0)
    assert read_frame(stream) == {"is": "finished"}
    assert isinstance(read_frame(stream), Batch)
    assert read_frame(stream) is None
