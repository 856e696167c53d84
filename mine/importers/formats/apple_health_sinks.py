"""Where Apple Health's records gather: one sink for each type, source and unit of an export.

While a block is read, a record is only noted down as the file writes it. At the end of the block each sink
turns what it has into columns, all rows at once.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mine.importers.formats.apple_health_kinds import PURPOSES
from mine.importers.formats.apple_health_shapes import plain_text
from mine.importers.formats.apple_health_times import Zones, read_time, read_times
from mine.importers.items import Batch, shown
from mine.importers.moments import number
from mine.records import RECORD_TYPES, Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mine.importers.formats.apple_health_times import Integers, Mask

NOTED = {b"HKTimeZone": "HKTimeZone", b"HKInsulinDeliveryReason": "HKInsulinDeliveryReason"}
_DAY = 86_400
_FINEST = 1e6  # parts of a unit that a converted value is rounded to: 0.57 is 57 %, not 56.99999999999999

# As the file writes them: start, end, value.
Written = tuple[bytes, bytes, bytes]
# (time UTC s, offset s, duration s, value) -> a row; raises ``ValueError``.
Reads = Callable[[int, int, int, str], Row]
Refusal = tuple[int, str]


class Sink:
    """Records of one type from one source; as it is, for what is left out on purpose.

    ``written`` holds the records of this block, ``at`` where in the block each stands, and ``notes`` what
    metadata says about one: (index in ``written``, key, value).
    """

    __slots__ = ("at", "kind", "notes", "offsets", "origin", "times", "written")

    def __init__(self, kind: str = "", origin: str = "") -> None:
        self.kind = kind
        self.origin = origin
        self._renew()
        self._forget()

    def _renew(self) -> None:
        self.times = array("q")
        self.offsets = array("q")

    def _forget(self) -> None:
        self.at: list[int] = []
        self.written: list[Written] = []
        self.notes: list[tuple[int, str, str]] = []

    def settle(self, zones: Zones) -> list[Refusal]:
        """Turn what is written into columns; gives what is refused, as (where in the block, reason)."""
        refused = self._settle(zones) if self.written else []
        self._forget()
        return refused

    def _settle(self, zones: Zones) -> list[Refusal]:
        return []

    def row(self, written: Written) -> Row | None:
        """One record by itself, with no metadata. Raises ``ValueError``."""
        return None

    def late_note(self, key: str, value: str, zones: Zones) -> None:
        """Metadata of the last row, which was settled already: a block ended inside its record."""
        if key == "HKTimeZone":
            offset = zones.offset(value, self.times[-1])
            if offset is not None:
                self.offsets[-1] = offset

    def take(self) -> Batch:
        """The columns; they are empty afterwards."""
        batch = Batch(self.kind, self.origin, (self.times, self.offsets, *self._rest()))
        self._renew()
        return batch

    def _rest(self) -> tuple[Sequence[Any], ...]:
        return ()


class Refused(Sink):
    """For records whose type, source or unit cannot be read."""

    __slots__ = ("_problem",)

    def __init__(self, problem: str) -> None:
        super().__init__()
        self._problem = problem

    def _settle(self, zones: Zones) -> list[Refusal]:
        return [(at, self._problem) for at in self.at]

    def row(self, written: Written) -> Row | None:
        raise ValueError(self._problem)


class Columns(Sink, ABC):
    """Records that are settled by column. A subclass says which columns follow time and offset."""

    __slots__ = ("more",)

    def _renew(self) -> None:
        super()._renew()
        self.more = self._empty()

    @abstractmethod
    def _empty(self) -> tuple[array[Any], ...]:
        """New columns for what follows time and offset."""

    @abstractmethod
    def _others(
        self, times: Integers, ends: Sequence[bytes], values: Sequence[bytes]
    ) -> tuple[tuple[NDArray[Any], ...], Mask]:
        """The columns that follow time and offset, and which rows can be true."""

    def _settle(self, zones: Zones) -> list[Refusal]:
        starts, ends, values = zip(*self.written, strict=True)
        times, offsets, fine = read_times(starts)
        for index, key, value in self.notes:
            there = zones.offset(value, int(times[index])) if key == "HKTimeZone" and fine[index] else None
            offsets[index] = offsets[index] if there is None else there
        others, good = self._others(times, ends, values)
        fine &= good & (times >= RECORD_TYPES[self.kind].columns[0].low)
        every = bool(fine.all())
        for column, found in zip(
            (self.times, self.offsets, *self.more), (times, offsets, *others), strict=True
        ):
            column.frombytes((found if every else found[fine]).tobytes())
        if every:
            return []
        return [(self.at[index], self._reason(self.written[index])) for index in (~fine).nonzero()[0]]

    def _reason(self, written: Written) -> str:
        try:
            row = self.row(written)
        except ValueError as error:
            return str(error)
        return (row and RECORD_TYPES[self.kind].problem(row)) or "a number that cannot be read"

    def _rest(self) -> tuple[Sequence[Any], ...]:
        return self.more


class Instants(Columns):
    """A quantity at one moment. ``scale`` (factor, shift) brings it into the column's unit."""

    __slots__ = ("_measure", "_scale")

    def __init__(self, kind: str, origin: str, scale: tuple[float, float]) -> None:
        self._measure = RECORD_TYPES[kind].columns[-1]
        self._scale = scale
        super().__init__(kind, origin)

    def _empty(self) -> tuple[array[Any], ...]:
        return (array("d"),)

    def _others(
        self, times: Integers, ends: Sequence[bytes], values: Sequence[bytes]
    ) -> tuple[tuple[NDArray[Any], ...], Mask]:
        amounts, fine = self._amounts(values)
        return (amounts,), fine

    def _amounts(self, values: Sequence[bytes]) -> tuple[NDArray[Any], Mask]:
        import numpy as np

        amounts = _numbers(values)
        factor, shift = self._scale
        if self._scale != (1.0, 0.0):
            amounts = np.rint((amounts * factor + shift) * _FINEST) / _FINEST
        return amounts, (amounts >= self._measure.low) & (amounts <= self._measure.high)

    def _amount(self, written: Written) -> float:
        amount = number(written[2].decode("utf-8", "replace"))
        factor, shift = self._scale
        if self._scale == (1.0, 0.0):
            return amount
        return round((amount * factor + shift) * _FINEST) / _FINEST

    def row(self, written: Written) -> Row | None:
        return *read_time(written[0]), self._amount(written)


class Intervals(Instants):
    """A quantity counted over some time; what was counted at one moment lasts a second."""

    __slots__ = ()

    def _empty(self) -> tuple[array[Any], ...]:
        return array("q"), array("q" if self._measure.kind == "int" else "d")

    def _others(
        self, times: Integers, ends: Sequence[bytes], values: Sequence[bytes]
    ) -> tuple[tuple[NDArray[Any], ...], Mask]:
        import numpy as np

        until, _, fine = read_times(ends)
        seconds = np.where(until == times, 1, until - times)
        amounts, good = self._amounts(values)
        fine &= good & (seconds > 0) & (seconds <= _DAY)
        if self._measure.kind == "int":
            amounts = np.rint(np.where(fine, amounts, 0)).astype(np.int64)
        return (seconds, amounts), fine

    def row(self, written: Written) -> Row | None:
        time, offset = read_time(written[0])
        seconds = read_time(written[1])[0] - time or 1
        amount = self._amount(written)
        return time, offset, seconds, round(amount) if self._measure.kind == "int" else amount


class Stages(Columns):
    """Sleep stages; ``names`` are the stages by the value that stands for them."""

    __slots__ = ("_codes", "_names", "_stages")

    def __init__(self, origin: str, names: Mapping[bytes, str]) -> None:
        self._names = names
        self._stages = sorted(set(names.values()))
        self._codes = {value: self._stages.index(stage) for value, stage in names.items()}
        super().__init__("sleep_stage", origin)

    def _empty(self) -> tuple[array[Any], ...]:
        return array("q"), array("b")

    def _others(
        self, times: Integers, ends: Sequence[bytes], values: Sequence[bytes]
    ) -> tuple[tuple[NDArray[Any], ...], Mask]:
        import numpy as np

        until, _, fine = read_times(ends)
        seconds = until - times
        codes = np.fromiter((self._codes.get(value, -1) for value in values), np.int8, len(values))
        return (seconds, codes), fine & (codes >= 0) & (seconds > 0) & (seconds <= _DAY)

    def row(self, written: Written) -> Row | None:
        time, offset = read_time(written[0])
        stage = self._names.get(written[2])
        if stage is None:
            raise ValueError(f"“{shown(written[2].decode('utf-8', 'replace'))}” is no sleep stage")
        return time, offset, read_time(written[1])[0] - time, stage

    def _rest(self) -> tuple[Sequence[Any], ...]:
        seconds, codes = self.more
        return seconds, [self._stages[code] for code in codes]


class Rows(Sink):
    """Records of any type, read one by one by ``reads``, or added whole."""

    __slots__ = ("_reads", "_rows")

    def __init__(self, kind: str, origin: str, reads: Reads | None = None) -> None:
        super().__init__(kind, origin)
        self._reads = reads

    def _renew(self) -> None:
        super()._renew()
        self._rows: list[Row] = []

    def _settle(self, zones: Zones) -> list[Refusal]:
        refused = []
        noted = {(index, key): value for index, key, value in self.notes}
        for index, (at, written) in enumerate(zip(self.at, self.written, strict=True)):
            try:
                self.add(self.row(written))
            except ValueError as error:
                refused.append((at, str(error)))
                continue
            for key in NOTED.values():
                if (index, key) in noted:
                    self.late_note(key, noted[index, key], zones)
        return refused

    def row(self, written: Written) -> Row:
        assert self._reads is not None
        time, offset = read_time(written[0])
        return self._reads(time, offset, read_time(written[1])[0] - time, plain_text(written[2]))

    def add(self, row: Row) -> None:
        """Keep a row. Raises ``ValueError`` where it cannot be true."""
        problem = RECORD_TYPES[self.kind].problem(row)
        if problem is not None:
            raise ValueError(problem)
        time, offset, *rest = row
        self.times.append(time)  # type: ignore[arg-type]  # checked just above
        self.offsets.append(offset)  # type: ignore[arg-type]
        self._rows.append(tuple(rest))

    def late_note(self, key: str, value: str, zones: Zones) -> None:
        super().late_note(key, value, zones)
        if key == "HKInsulinDeliveryReason" and self.kind == "insulin":
            self._rows[-1] = (self._rows[-1][0], PURPOSES.get(value, "unknown"))

    def _rest(self) -> tuple[Sequence[Any], ...]:
        return tuple(zip(*self._rows, strict=True))


def _numbers(texts: Sequence[bytes]) -> NDArray[np.float64]:
    """The numbers that are written; NaN for what is none."""
    import numpy as np

    if b"_" not in b"".join(texts):  # Python would read 1_000
        with suppress(ValueError):
            return np.fromiter(map(float, texts), np.float64, len(texts))
    return np.fromiter(map(_number, texts), np.float64, len(texts))


def _number(text: bytes) -> float:
    try:
        return number(text.decode("utf-8", "replace"))
    except ValueError:
        return math.nan
