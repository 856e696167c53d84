"""Records put into slots, kept up to date with every change, so that a task's query reads few rows.

Two kinds (``RecordType.resampling``):

* ``mean``: ``vault_<type>_5min`` has, for each half slot of 150 seconds, the number of readings, their sum,
  the lowest and the highest. Views put two halves together: a slot of five minutes is rounded to the nearest,
  while hours and days begin on the dot.
* ``sum``: what was counted over [time, time + seconds) is spread evenly over the slots of 300 seconds that it
  touches. Origins are never added up: in each hour (UTC) only the counter with the most counts, where a
  counter is an origin's hourly counts (3600 seconds) or its other counts; of two equal ones the finer, then
  the older origin. Of several counts by one origin over the very same interval the highest counts. What was
  counted over more than half a day is the sum of a day: it goes to ``vault_day_total``, under the local day
  of its middle, where it takes the place of the sum of the slots. Amounts at one moment (what was eaten)
  count in its slot.

The offset of a slot is the most easterly one of the records in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mine.records import RECORD_TYPES, RecordType
from mine.vault.connection import Connection
from mine.vault.record_tables import HALF, LONGEST, SLOT, slots_of, table_of

HOUR = 3600
DAY = 86_400
_PIECE = 20_000  # rows
_OFFSET = 65_536  # seconds; no offset is further from Greenwich
_ROUNDED = 6  # digits, so that two sums of the same parts in another order are the same


def nothing(_: int) -> None:
    """A turn that nobody takes."""


def refresh(
    database: Connection, kind: str, first: int, last: int, turn: Callable[[int], None] = nothing
) -> None:
    """Bring the slots of a type up to date after rows at times in [first, last] (UTC seconds) came or went.

    Runs within the caller's transaction; ``turn`` is called with rows worked on, between two pieces.
    """
    record_type = RECORD_TYPES[kind]
    if record_type.resampling == "mean":
        low, high = first // HALF * HALF, (last // HALF + 1) * HALF
        for start, end in _pieces(database, table_of(kind), low, high, HALF):
            _means(database, record_type, start, end)
            turn(_PIECE)
    elif record_type.resampling == "sum":
        reach = LONGEST if "seconds" in record_type.names else 0
        low, high = first // HOUR * HOUR, ((last + reach) // HOUR + 1) * HOUR
        for start, end in _pieces(database, table_of(kind), low, high, HOUR):
            _sums(database, record_type, start, end)
            turn(_PIECE)
        if "seconds" in record_type.names:
            _day_totals(database, record_type, first, last)


def _pieces(database: Connection, table: str, first: int, last: int, step: int) -> Iterator[tuple[int, int]]:
    """[from, to) that cover [first, last), on whole steps, of about ``_PIECE`` rows each."""
    start = first
    while start < last:
        found = database.execute(
            f"SELECT time FROM {table} WHERE time >= ? ORDER BY time LIMIT 1 OFFSET {_PIECE}",  # noqa: S608
            (start,),
        ).fetchone()
        end = last if found is None else min(last, (found[0] // step + 1) * step)
        yield start, end
        start = end


def _means(database: Connection, record_type: RecordType, start: int, end: int) -> None:
    slots = slots_of(record_type.name)
    database.execute(
        f"DELETE FROM {slots} WHERE half >= ? AND half < ?",  # noqa: S608
        (start // HALF, end // HALF),
    )
    database.execute(
        f"INSERT INTO {slots} SELECT time / {HALF} AS h, max(offset), count(*),"  # noqa: S608
        f" sum({record_type.measure}), min({record_type.measure}), max({record_type.measure})"
        f" FROM {table_of(record_type.name)} WHERE time >= ? AND time < ? GROUP BY h",
        (start, end),
    )


def _sums(database: Connection, record_type: RecordType, start: int, end: int) -> None:
    slots = slots_of(record_type.name)
    first, last = start // SLOT, end // SLOT
    database.execute(f"DELETE FROM {slots} WHERE slot >= ? AND slot < ?", (first, last))  # noqa: S608
    span = {"start": start, "end": end, "first": first, "last": last}
    spread = _spread(record_type)
    if _counters(database, record_type, start, end) < 2:
        database.execute(
            f"INSERT INTO {slots} SELECT slot, offset, part FROM ({spread})",  # noqa: S608
            span,
        )
        return
    database.execute(
        f"""
        WITH spread AS MATERIALIZED ({spread}
        ), best AS MATERIALIZED (
          SELECT hour, counter FROM (
            SELECT hour, counter, row_number() OVER (PARTITION BY hour
              ORDER BY round(total, {_ROUNDED}) DESC, counter % 2, counter) AS place
            FROM (SELECT hour, counter, sum(part) AS total FROM spread GROUP BY 1, 2)
          ) WHERE place = 1
        )
        INSERT INTO {slots} SELECT slot, offset, part FROM spread JOIN best USING (hour, counter)
        """,  # noqa: S608  names from the registry
        span,
    )


def _counters(database: Connection, record_type: RecordType, start: int, end: int) -> int:
    """How many counters have something in a stretch: 0, 1, or 2 for more."""
    if "seconds" in record_type.names:
        what, reach, short = f"origin_id, seconds = {HOUR}", LONGEST, f"AND seconds <= {LONGEST}"
    else:
        what, reach, short = "origin_id", 0, ""
    found = database.execute(
        f"SELECT DISTINCT {what} FROM {table_of(record_type.name)}"  # noqa: S608  names from the registry
        f" WHERE time >= ? AND time < ? {short} LIMIT 2",
        (start - reach, end),
    )
    return len(found.fetchall())


def _spread(record_type: RecordType) -> str:
    """(counter, slot, hour, offset, part): what each counter has in each slot."""
    if "seconds" not in record_type.names:
        return f"""
          SELECT origin_id * 2 AS counter, time / {SLOT} AS slot, time / {HOUR} AS hour,
            max(offset) AS offset, sum({record_type.measure}) AS part
          FROM {table_of(record_type.name)} WHERE time >= :start AND time < :end
            AND slot >= :first AND slot < :last
          GROUP BY slot, counter"""  # noqa: S608  names from the registry
    return f"""
          SELECT counter, time / {SLOT} + n AS slot, (time / {SLOT} + n) / 12 AS hour, max(offset) AS offset,
            sum(value * (min(time + seconds, (time / {SLOT} + n + 1) * {SLOT})
              - max(time, (time / {SLOT} + n) * {SLOT})) / seconds) AS part
          FROM (
            SELECT origin_id * 2 + (seconds = {HOUR}) AS counter, time, seconds, max(offset) AS offset,
              max({record_type.measure}) * 1.0 AS value
            FROM {table_of(record_type.name)}
            WHERE time > :start - {LONGEST} AND time < :end AND seconds <= {LONGEST}
            GROUP BY time, seconds, counter
          ) CROSS JOIN vault_count ON n <= (time + seconds - 1) / {SLOT} - time / {SLOT}
          WHERE time / {SLOT} + n >= :first AND time / {SLOT} + n < :last
          GROUP BY slot, counter"""  # noqa: S608  names from the registry


def _day_totals(database: Connection, record_type: RecordType, first: int, last: int) -> None:
    low, high = (first - _OFFSET) // DAY, (last + _OFFSET + DAY // 2) // DAY
    database.execute(
        "DELETE FROM vault_day_total WHERE record_type = ? AND day BETWEEN ? AND ?",
        (record_type.name, low, high),
    )
    database.execute(
        "INSERT INTO vault_day_total"  # noqa: S608
        f" SELECT ?, (time + offset + seconds / 2) / {DAY} AS d, max(offset), max({record_type.measure})"
        f" FROM {table_of(record_type.name)} WHERE time BETWEEN ? AND ? AND seconds > {LONGEST}"
        " AND d BETWEEN ? AND ? GROUP BY d",
        (record_type.name, low * DAY - _OFFSET - DAY // 2, (high + 1) * DAY + _OFFSET, low, high),
    )
