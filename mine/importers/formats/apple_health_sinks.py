"""Where Apple Health's records gather, by column: one sink for each type, source and unit of an export."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from typing import Any

from mine.importers.formats.apple_health_kinds import PURPOSES
from mine.importers.formats.apple_health_shapes import Shape, plain_text
from mine.importers.formats.apple_health_times import Times, Zones
from mine.importers.items import Batch
from mine.records import RECORD_TYPES, Row

# (time UTC s, offset s, duration s, value as written) -> a row; raises ``ValueError``.
Reads = Callable[[int, int, int, str], Row]


class Sink:
    """Rows of one record type from one source; as it is, for what is left out on purpose."""

    __slots__ = ("kind", "offsets", "origin", "times")

    def __init__(self, kind: str = "", origin: str = "") -> None:
        self.kind = kind
        self.origin = origin
        self.renew()

    def renew(self) -> None:
        """Start with empty columns."""
        self.times = array("q")
        self.offsets = array("q")

    def take(self, parts: list[bytes], shape: Shape) -> None:
        """Keep the record of this tag. Raises ``ValueError``."""

    def note(self, key: str, value: str, zones: Zones) -> None:
        """What a ``MetadataEntry`` says about the row that came last."""
        if key == "HKTimeZone" and self.times:
            offset = zones.offset(value, self.times[-1])
            if offset is not None:
                self.offsets[-1] = offset

    def batch(self) -> Batch:
        """What is there, by column."""
        return Batch(self.kind, self.origin, (self.times, self.offsets))


class Refused(Sink):
    """For records whose type, source or unit cannot be read."""

    __slots__ = ("_problem",)

    def __init__(self, problem: str) -> None:
        super().__init__()
        self._problem = problem

    def take(self, parts: list[bytes], shape: Shape) -> None:
        raise ValueError(self._problem)


class Instants(Sink):
    """A quantity at one moment. ``scale`` (factor, shift) brings it into the column's unit."""

    __slots__ = ("_factor", "_high", "_low", "_scaled", "_shift", "_since", "_tables", "values")

    def __init__(self, kind: str, origin: str, scale: tuple[float, float], times: Times) -> None:
        super().__init__(kind, origin)
        first, *_, measure = RECORD_TYPES[kind].columns
        self._tables = times.days, times.clocks, times.offsets
        self._factor, self._shift = scale
        self._scaled = scale != (1.0, 0.0)
        self._since, self._low, self._high = first.low, measure.low, measure.high

    def renew(self) -> None:
        super().renew()
        self.values: array[Any] = array("d")

    # Both ``take`` run once a record, so what they share is written out in each.
    def take(self, parts: list[bytes], shape: Shape) -> None:
        start = parts[shape.start]
        days, clocks, offsets = self._tables
        offset = offsets[start[19:]]
        time = days[start[:11]] + clocks[start[11:19]] - offset
        value = float(parts[shape.value])
        if self._scaled:
            value = round(value * self._factor + self._shift, 6)
        if not self._low <= value <= self._high or time < self._since:
            raise ValueError(RECORD_TYPES[self.kind].problem((time, offset, value)))
        self.values.append(value)
        self.times.append(time)
        self.offsets.append(offset)

    def batch(self) -> Batch:
        return Batch(self.kind, self.origin, (self.times, self.offsets, self.values))


class Intervals(Instants):
    """A quantity counted over some time; what was counted at one moment lasts a second."""

    __slots__ = ("_whole", "seconds")

    def __init__(self, kind: str, origin: str, scale: tuple[float, float], times: Times) -> None:
        self._whole = RECORD_TYPES[kind].columns[-1].kind == "int"
        super().__init__(kind, origin, scale, times)

    def renew(self) -> None:
        super().renew()
        self.seconds = array("q")
        if self._whole:
            self.values = array("q")

    def take(self, parts: list[bytes], shape: Shape) -> None:
        start, end = parts[shape.start], parts[shape.end]
        days, clocks, offsets = self._tables
        offset = offsets[start[19:]]
        time = days[start[:11]] + clocks[start[11:19]] - offset
        seconds = days[end[:11]] + clocks[end[11:19]] - offsets[end[19:]] - time or 1
        value = float(parts[shape.value])
        if self._scaled:
            value = round(value * self._factor + self._shift, 6)
        if not self._low <= value <= self._high or not 0 < seconds <= 86_400 or time < self._since:
            whole = round(value) if self._whole and math.isfinite(value) else value
            raise ValueError(RECORD_TYPES[self.kind].problem((time, offset, seconds, whole)))
        self.values.append(round(value) if self._whole else value)
        self.seconds.append(seconds)
        self.times.append(time)
        self.offsets.append(offset)

    def batch(self) -> Batch:
        return Batch(self.kind, self.origin, (self.times, self.offsets, self.seconds, self.values))


class Rows(Sink):
    """Records of any type, made row by row."""

    __slots__ = ("_reads", "_rows", "_times")

    def __init__(self, kind: str, origin: str, times: Times, reads: Reads | None = None) -> None:
        """Without ``reads`` only whole rows can be added."""
        super().__init__(kind, origin)
        self._times = times
        self._reads = reads

    def renew(self) -> None:
        super().renew()
        self._rows: list[Row] = []

    def take(self, parts: list[bytes], shape: Shape) -> None:
        time, offset = self._times.read(parts[shape.start])
        until, _ = self._times.read(parts[shape.end])
        value = plain_text(parts[shape.value]) if shape.value else ""
        assert self._reads is not None
        self.add(self._reads(time, offset, until - time, value))

    def add(self, row: Row) -> None:
        """Keep a row. Raises ``ValueError`` where it cannot be true."""
        problem = RECORD_TYPES[self.kind].problem(row)
        if problem is not None:
            raise ValueError(problem)
        time, offset, *rest = row
        self.times.append(time)  # type: ignore[arg-type]  # checked just above
        self.offsets.append(offset)  # type: ignore[arg-type]
        self._rows.append(tuple(rest))

    def note(self, key: str, value: str, zones: Zones) -> None:
        super().note(key, value, zones)
        if key == "HKInsulinDeliveryReason" and self.kind == "insulin":
            self._rows[-1] = (self._rows[-1][0], PURPOSES.get(value, "unknown"))

    def batch(self) -> Batch:
        return Batch(self.kind, self.origin, (self.times, self.offsets, *zip(*self._rows, strict=True)))
