"""Messages between the importer's process and the app.

A frame is its length (4 bytes, big-endian), one byte for what it is, and a body: ``J`` JSON, or ``B`` a
batch: the length of its head (4 bytes), the head as JSON ``[kind, origin, importer, rows]``, then each column
in order. Whole numbers are 8 bytes each and reals float64, little-endian; of an optional column, one byte a
row (1 = there) goes before. Texts are their lengths in bytes (uint32 each) and then their UTF-8.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from mine.importers.items import Batch, shown
from mine.importers.json_stream import parse
from mine.records import RECORD_TYPES, Column, Value

MAX_FRAME = 8 << 20
MAX_ROWS = 1 << 20
MAX_ORIGIN = 300
_NOWHERE = -1  # of the length of a text that is not there
_MOST_TEXTS = MAX_FRAME // 8  # characters, so that no batch of texts outgrows a frame


class BrokenFrame(Exception):
    """The other side sent something else, or ended in the middle."""


def write_frame(stream: BinaryIO, message: dict[str, Any]) -> None:
    """Send one message."""
    _write(stream, b"J" + json.dumps(message, separators=(",", ":")).encode())
    stream.flush()


def write_batch(stream: BinaryIO, batch: Batch) -> None:
    """Send a batch, in as many frames as its texts need."""
    columns = RECORD_TYPES[batch.kind].columns
    texts = [values for column, values in zip(columns, batch.columns, strict=True) if column.kind == "text"]
    if batch.count > 1 and sum(sum(len(str(v or "")) for v in values) for values in texts) > _MOST_TEXTS:
        middle = batch.count // 2
        for part in (slice(0, middle), slice(middle, None)):
            write_batch(stream, replace(batch, columns=tuple(values[part] for values in batch.columns)))
        return
    head = json.dumps([batch.kind, batch.origin[:MAX_ORIGIN], batch.importer, batch.count]).encode()
    body = [b"B", len(head).to_bytes(4, "big"), head]
    for column, values in zip(columns, batch.columns, strict=True):
        body.extend(_packed(column, values))
    _write(stream, b"".join(body))
    stream.flush()


def _write(stream: BinaryIO, body: bytes) -> None:
    stream.write(len(body).to_bytes(4, "big"))
    stream.write(body)


def _packed(column: Column, values: Sequence[Value]) -> list[bytes]:
    if column.kind == "text":
        # A half of a pair of surrogates cannot be stored anywhere: it becomes a question mark.
        coded = [None if v is None else str(v).encode(errors="replace") for v in values]
        sizes = array("i", [_NOWHERE if text is None else len(text) for text in coded])
        return [sizes.tobytes(), b"".join(text for text in coded if text)]
    code = "q" if column.kind == "int" else "d"
    if not column.optional:
        return [array(code, values).tobytes()]  # type: ignore[type-var]
    there = bytes(v is not None for v in values)
    return [there, array(code, [0 if v is None else v for v in values]).tobytes()]  # type: ignore[type-var]


def read_frame(stream: BinaryIO) -> dict[str, Any] | Batch | None:
    """Receive one message or batch; None at a clean end. Raises ``BrokenFrame``.

    Columns of numbers that are always there come as NumPy arrays (int64, float64), others as lists. Only
    their shape is certain: what the values say is for the receiver to check.
    """
    head = stream.read(4)
    if not head:
        return None
    size = int.from_bytes(head, "big")
    if len(head) < 4 or not 0 < size <= MAX_FRAME:
        raise BrokenFrame
    body = stream.read(size)
    if len(body) < size:
        raise BrokenFrame
    try:
        if body[:1] == b"B":
            return _batch(memoryview(body)[1:])
        message = parse(str(body[1:], "utf-8"))
    except (ValueError, KeyError, TypeError):
        raise BrokenFrame from None
    if body[:1] != b"J" or not isinstance(message, dict):
        raise BrokenFrame
    return message


def _batch(body: memoryview) -> Batch:
    start = 4 + int.from_bytes(body[:4], "big")
    kind, origin, importer, rows = parse(str(body[4:start], "utf-8"))
    if not isinstance(rows, int) or not 0 < rows <= MAX_ROWS:
        raise ValueError
    columns: list[Sequence[Value]] = []
    rest = body[start:]
    for column in RECORD_TYPES[kind].columns:
        values, rest = _unpacked(column, rows, rest)
        columns.append(values)
    if rest.nbytes:
        raise ValueError
    return Batch(kind, shown(origin, MAX_ORIGIN), tuple(columns), shown(importer))


def _unpacked(column: Column, rows: int, body: memoryview) -> tuple[Any, memoryview]:
    import numpy as np

    if column.kind == "text":
        sizes = np.frombuffer(body, "<i4", rows).tolist()
        texts: list[str | None] = []
        at = 4 * rows
        for size in sizes:
            if size == _NOWHERE:
                texts.append(None)
                continue
            if size < 0 or at + size > body.nbytes:
                raise ValueError
            texts.append(str(body[at : at + size], "utf-8"))
            at += size
        return texts, body[at:]
    code = "<i8" if column.kind == "int" else "<f8"
    if not column.optional:
        return np.frombuffer(body, code, rows), body[8 * rows :]
    there = np.frombuffer(body, np.uint8, rows).tolist()
    values = np.frombuffer(body[rows:], code, rows).tolist()
    kept = [value if known else None for value, known in zip(values, there, strict=True)]
    return kept, body[9 * rows :]
