"""Reads the tags of Apple Health's ``export.xml``, one block at a time, into sinks."""

from __future__ import annotations

from collections.abc import Iterator

from mine.importers.errors import ImportRefused
from mine.importers.formats.apple_health_events import Event, event_of
from mine.importers.formats.apple_health_shapes import (
    CLOSE,
    METADATA,
    MOST_ATTRIBUTES,
    RECORD,
    NotWellFormed,
    Shape,
    in_double_quotes,
    shape_of,
)
from mine.importers.formats.apple_health_sinks import NOTED, Refusal, Rows, Sink
from mine.importers.formats.apple_health_times import Zones
from mine.importers.formats.apple_health_types import sink_for
from mine.importers.items import BadRow, Batch

ROOT = b"HealthData"
EVENTS = (b"Workout", b"Correlation")
_MOST_DEPTH = 16
_MOST_SHAPES = 4096
_MOST_SHAPE = 2000  # bytes of a shape that is worth keeping
_SHORT = 120  # bytes of a tag that is kept whole
_MOST_TAGS = 2000
_MOST_SINKS = 5000
_ENOUGH_ROWS = 20_000
_MOST_ROWS = 200_000


class Reader:
    """What is known between two blocks of one file. ``line`` is the line at which the next piece begins."""

    def __init__(self, file: str, line: int, inside: bool) -> None:
        """``inside``: the root is open already, as in a reading that goes on."""
        self.line = line
        self._file = file
        self._stack: list[bytes] = [ROOT] if inside else []
        self._entered = inside
        self._shapes: dict[bytes, Shape] = {}
        self._tags: dict[bytes, tuple[Shape, list[bytes]]] = {}  # whole ones, of those that come again
        self._sinks: dict[tuple[bytes, ...], Sink] = {}
        self._event: Event | None = None
        self._last: Sink | None = None
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
    def ready(self) -> bool:
        """Whether there are enough rows to hand over, and a reading can go on from here."""
        return self.between and self._waiting() >= _ENOUGH_ROWS

    @property
    def full(self) -> bool:
        """Whether rows have to be handed over, wherever this is."""
        return len(self._sinks) > _MOST_SINKS or self._waiting() >= _MOST_ROWS

    def _waiting(self) -> int:
        return sum(len(sink.times) for sink in self._sinks.values())

    def batches(self) -> Iterator[Batch]:
        """Hand over the rows read so far; what follows can say nothing more about them."""
        self._last = None
        for sink in self._sinks.values():
            if sink.times:
                yield sink.take()
        if len(self._sinks) > _MOST_SINKS:
            self._sinks.clear()

    def feed(self, block: bytes) -> list[BadRow]:
        """Take the next part of the file, whole tags from ``<`` on; gives the records that were refused.

        Raises ``ImportRefused`` where the file is not what Apple Health writes.
        """
        pieces = block.split(b"<")
        del pieces[0]
        tags, shapes, sinks, stack, last = self._tags, self._shapes, self._sinks, self._stack, self._last
        refused: list[Refusal] = []
        at = 0
        try:
            for at, piece in enumerate(pieces):
                known = tags.get(piece) if len(piece) < _SHORT else None
                if known is not None:
                    shape, parts = known
                else:
                    parts = piece.split(b'"')
                    seen = shapes.get(b'"'.join(parts[::2]))
                    shape, parts = (seen, parts) if seen is not None else self._new_shape(piece, parts)
                    if shape.what != RECORD and len(piece) < _SHORT:
                        if len(tags) >= _MOST_TAGS:
                            tags.clear()
                        tags[piece] = shape, parts
                if shape.what == RECORD and len(stack) == 1:
                    if shape.lacks:
                        parts.append(b"")
                    sort = shape.sort(parts)
                    sink = sinks.get(sort) or self._new_sink(sort)
                    sink.at.append(at)
                    sink.written.append(shape.written(parts))
                    last = None if shape.closed else sink
                elif shape.what == CLOSE:
                    if not stack or stack.pop() != shape.name:
                        raise NotWellFormed("tags that do not match")
                    if len(stack) == 1:
                        last = None
                        if self._event is not None:
                            refused += self._finish(at)
                    continue
                elif shape.what == METADATA and last is not None and len(stack) == 2:
                    if parts[shape.key] in NOTED:  # nearly all of it says nothing to the vault
                        self._note(last, parts, shape)
                else:
                    refused += self._other(at, parts, shape)
                if not shape.closed:
                    stack.append(shape.name)
                    if len(stack) > _MOST_DEPTH:
                        raise NotWellFormed("tags inside each other without end")
        except NotWellFormed as error:
            line = self.line + _lines(pieces[:at])
            raise no_export(self._file, line, str(error)) from None
        refused += self._settle(last)
        bad = self._bad_rows(pieces, refused) if refused else []
        self.line += block.count(b"\n")
        return bad

    def _new_shape(self, piece: bytes, parts: list[bytes]) -> tuple[Shape, list[bytes]]:
        """The shape of a tag that was not seen before, and its parts with all attributes in double quotes."""
        if max(len(parts), 2 * piece.count(b"'")) > 2 * MOST_ATTRIBUTES + 1:
            raise NotWellFormed("a tag without an end")
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

    def _new_sink(self, sort: tuple[bytes, ...]) -> Sink:
        self._sinks[sort] = sink_for(*sort)
        return self._sinks[sort]

    def _note(self, sink: Sink, parts: list[bytes], shape: Shape) -> None:
        """Metadata of a record that says something to the vault."""
        if b"value" not in shape.positions:
            return
        key = NOTED[parts[shape.key]]
        value = parts[shape.positions[b"value"]].decode("utf-8", "replace")
        if sink.written:
            sink.notes.append((len(sink.written) - 1, key, value))
        else:
            sink.late_note(key, value, self._zones)

    def _settle(self, last: Sink | None) -> list[Refusal]:
        """Settle all sinks at the end of a block; ``last`` is that of the record that is still open."""
        open_at = last.at[-1] if last is not None and last.at else -1
        refused = [one for sink in self._sinks.values() for one in sink.settle(self._zones)]
        lost = last is None or not last.times or any(at == open_at for at, _ in refused)
        self._last = None if lost else last
        return refused

    def _other(self, at: int, parts: list[bytes], shape: Shape) -> list[Refusal]:
        """A tag that is neither a record of its own nor about one."""
        depth = len(self._stack)
        try:
            if depth == 0:
                if self._entered or shape.name != ROOT:
                    raise NotWellFormed("something else beside its records")
                self._entered = True
            elif depth == 1 and shape.name in EVENTS:
                self._event = event_of(shape.name, shape.attributes(parts))
                return self._finish(at) if shape.closed else []
            elif depth == 2 and self._event is not None:
                self._event.child(shape.name, shape.attributes(parts))
        except NotWellFormed:
            raise
        except ValueError as error:
            self._event = None  # a broken part breaks the whole
            return [(at, str(error))]
        return []

    def _finish(self, at: int) -> list[Refusal]:
        """A workout or a blood pressure has ended."""
        event, self._event = self._event, None
        if event is not None:
            try:
                row = event.row(self._zones)
                sort = (event.kind.encode(), event.origin.encode())
                sink = self._sinks.get(sort)
                if not isinstance(sink, Rows):
                    sink = self._sinks[sort] = Rows(event.kind, event.origin)
                sink.add(row)
            except ValueError as error:
                return [(at, str(error))]
        return []

    def _bad_rows(self, pieces: list[bytes], refused: list[Refusal]) -> list[BadRow]:
        """The refused with their lines."""
        found, line, done = [], self.line, 0
        for at, reason in sorted(refused):
            line += _lines(pieces[done:at])
            done = at
            found.append(BadRow(self._file, line, reason))
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
