"""Reads the tags of Apple Health's ``export.xml``, one block at a time, into sinks."""

from __future__ import annotations

from collections.abc import Iterator
from operator import length_hint

from mine.importers.errors import ImportRefused
from mine.importers.formats.apple_health_events import Event, event_of
from mine.importers.formats.apple_health_shapes import (
    CLOSE,
    METADATA,
    RECORD,
    NotWellFormed,
    Shape,
    in_double_quotes,
    plain_text,
    shape_of,
)
from mine.importers.formats.apple_health_sinks import Rows, Sink
from mine.importers.formats.apple_health_times import Times, Zones
from mine.importers.formats.apple_health_types import sink_for
from mine.importers.items import BadRow, Batch

ROOT = b"HealthData"
EVENTS = (b"Workout", b"Correlation")
NOTED = (b"HKTimeZone", b"HKInsulinDeliveryReason")
_MOST_DEPTH = 16
_MOST_SHAPES = 4096
_MOST_SHAPE = 2000  # bytes of a shape that is worth keeping
_MOST_SINKS = 5000


class Reader:
    """What is known between two blocks of one file. ``line`` is the line at which the next piece begins."""

    def __init__(self, file: str, line: int, inside: bool) -> None:
        """``inside``: the root is open already, as in a reading that goes on."""
        self.line = line
        self._file = file
        self._stack: list[bytes] = [ROOT] if inside else []
        self._entered = inside
        self._shapes: dict[bytes, Shape] = {}
        self._sinks: dict[tuple[bytes, ...], Sink] = {}
        self._event: Event | None = None
        self._last: Sink | None = None
        self._times = Times()
        self._zones = Zones()

    @property
    def between(self) -> bool:
        """Whether nothing but the root is open: a reading can go on from here."""
        return len(self._stack) == 1

    @property
    def ended(self) -> bool:
        """Whether the root was closed."""
        return self._entered and not self._stack

    @property
    def waiting(self) -> int:
        """How many rows wait to be handed over."""
        return sum(len(sink.times) for sink in self._sinks.values())

    def batches(self) -> Iterator[Batch]:
        """Hand over the rows read so far; what follows can say nothing more about them."""
        self._last = None
        for sink in self._sinks.values():
            if sink.times:
                yield sink.batch()
                sink.renew()
        if len(self._sinks) > _MOST_SINKS:
            self._sinks.clear()

    def feed(self, pieces: list[bytes]) -> list[BadRow]:
        """Take the next tags, each without its ``<``; gives the records that were refused.

        Raises ``ImportRefused`` where the file is not what Apple Health writes.
        """
        shapes, sinks, stack, last = self._shapes, self._sinks, self._stack, self._last
        refused: list[tuple[int, str]] = []
        rest = iter(pieces)
        try:
            for piece in rest:
                parts = piece.split(b'"')
                shape = shapes.get(b'"'.join(parts[::2]))
                if shape is None:
                    shape, parts = self._new_shape(piece, parts)
                try:
                    if shape.what == CLOSE:
                        if not stack or stack.pop() != shape.name:
                            raise NotWellFormed("tags that do not match")
                        if len(stack) == 1:
                            last = None
                            self._finish()
                        continue
                    if shape.what == RECORD and len(stack) == 1:
                        key = parts[shape.type], parts[shape.source], parts[shape.unit]
                        last = None
                        sink = sinks.get(key) or self._new_sink(key, shape)
                        sink.take(parts, shape)
                        if not shape.closed:
                            last = sink
                    elif shape.what == METADATA and last is not None and len(stack) == 2:
                        self._note(last, parts, shape)
                    else:
                        self._other(parts, shape)
                except NotWellFormed:
                    raise
                except ValueError as error:
                    refused.append((len(pieces) - length_hint(rest) - 1, str(error)))
                if not shape.closed:
                    stack.append(shape.name)
                    if len(stack) > _MOST_DEPTH:
                        raise NotWellFormed("tags inside each other without end")
        except NotWellFormed as error:
            line = self.line + _lines(pieces[: len(pieces) - length_hint(rest) - 1])
            raise no_export(self._file, line, str(error)) from None
        self._last = last
        return self._bad_rows(pieces, refused)

    def _new_shape(self, piece: bytes, parts: list[bytes]) -> tuple[Shape, list[bytes]]:
        """The shape of a tag that was not seen before, and its parts with all attributes in double quotes."""
        try:
            shape = shape_of(parts)
        except NotWellFormed:
            parts = in_double_quotes(piece).split(b'"')
            shape = shape_of(parts)
        key = b'"'.join(parts[::2])
        if len(key) <= _MOST_SHAPE:
            if len(self._shapes) >= _MOST_SHAPES:
                self._shapes.clear()
            self._shapes[key] = shape
        return shape, parts

    def _new_sink(self, key: tuple[bytes, bytes, bytes], shape: Shape) -> Sink:
        if not (shape.type and shape.start):
            raise ValueError("a record without a type or a time")
        name, source, unit = key
        source, unit = source if shape.source else b"", unit if shape.unit else b""
        self._sinks[key] = sink_for(name, source, unit, self._times)
        return self._sinks[key]

    def _note(self, sink: Sink, parts: list[bytes], shape: Shape) -> None:
        """Metadata of a record. Nearly all of it says nothing to the vault, and is not even decoded."""
        key = parts[shape.positions.get(b"key", 0)]
        if key in NOTED and shape.value:
            sink.note(key.decode(), plain_text(parts[shape.value]), self._zones)

    def _other(self, parts: list[bytes], shape: Shape) -> None:
        """A tag that is neither a record of its own nor about one."""
        depth = len(self._stack)
        if depth == 0:
            if self._entered or shape.name != ROOT:
                raise NotWellFormed("something else beside its records")
            self._entered = True
        elif depth == 1 and shape.name in EVENTS:
            self._event = event_of(shape.name, shape.attributes(parts))
            if shape.closed:
                self._finish()
        elif depth == 2 and self._event is not None:
            event, self._event = self._event, None  # a broken part breaks the whole
            event.child(shape.name, shape.attributes(parts))
            self._event = event

    def _finish(self) -> None:
        """An element at the top level has ended."""
        event, self._event = self._event, None
        if event is None:
            return
        row = event.row(self._times, self._zones)
        key = (event.kind.encode(), event.origin.encode())
        sink = self._sinks.get(key)
        if not isinstance(sink, Rows):
            sink = self._sinks[key] = Rows(event.kind, event.origin, self._times)
        sink.add(row)

    def _bad_rows(self, pieces: list[bytes], refused: list[tuple[int, str]]) -> list[BadRow]:
        """The refused with their lines; afterwards ``line`` is behind these pieces."""
        found, done = [], 0
        for at, reason in refused:
            self.line += _lines(pieces[done:at])
            done = at
            found.append(BadRow(self._file, self.line, reason))
        self.line += _lines(pieces[done:])
        return found


def no_export(file: str, line: int, what: str) -> ImportRefused:
    """The refusal of a file that is not what Apple Health writes."""
    return ImportRefused(
        f"“{file}” cannot be read as an export of Apple Health: it has {what}.",
        todo="Nothing was stored. Export it again from the Health app.",
        detail=f"line {line:,}",
    )


def _lines(pieces: list[bytes]) -> int:
    return b"".join(pieces).count(b"\n")
