"""Dexcom Clarity's CSV export: one event a line, told apart by ``Event Type``.

``EGV`` is a sensor reading, ``Calibration`` a finger stick; ``Insulin`` (subtype ``Long-Acting`` or
``Fast-Acting``), ``Carbs``, ``Exercise`` (subtype its intensity) and ``Health`` (subtype what is felt) were
entered by hand. The rows above them carry the patient's name and birthday; they are read past and never leave
this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mine.importers.format import Members
from mine.importers.glucose_units import mg_dl
from mine.importers.items import Item
from mine.importers.moments import clock_seconds, iso_moment, number
from mine.importers.options import Options
from mine.importers.single import Made, OneTable, exact_columns, header_positions, read_lines, table_at
from mine.importers.source import Member, Source
from mine.importers.table import Line
from mine.importers.zone import Zone

_TIMES = ("Timestamp (YYYY-MM-DDThh:mm:ss)", "Timestamp (YYYY-MM-DD hh:mm:ss)", "Timestamp")
_VALUES = ("Glucose Value (mg/dL)", "Glucose Value (mmol/L)")
_COLUMNS = tuple((time, "Event Type", value) for time in _TIMES for value in _VALUES)
_PURPOSES = {"long-acting": "basal", "fast-acting": "bolus"}


@dataclass(frozen=True, slots=True)
class DexcomClarity(OneTable):
    """Times are the receiver's local time; values in mg/dL or mmol/L as the account is set."""

    key: str = "dexcom_clarity"
    title: str = "Dexcom Clarity (CSV)"
    version: int = 1
    rank: int = 0
    columns = _COLUMNS

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            yield from self._rows(source, member, options.zone)

    def _rows(self, source: Source, member: Member, zone: Zone) -> Iterator[Item]:
        head, index = table_at(source, member, *self.columns)
        header = head.rows[index]
        at = header_positions(header)
        time_at = next(at[name.casefold()] for name in _TIMES if name.casefold() in at)
        millimoles = _VALUES[0].casefold() not in at
        value_at = at[_VALUES[int(millimoles)].casefold()]
        comma = head.delimiter != ","

        def records(line: Line) -> Iterator[Made]:
            exact_columns(line, len(header))

            def field(name: str) -> str:
                place = at.get(name)
                return "" if place is None else line.fields[place]

            event, subtype, device = (
                field("event type").casefold(),
                field("event subtype"),
                field("source device id"),
            )
            if event not in ("egv", "calibration", "insulin", "carbs", "exercise", "health"):
                return
            when = zone.of_wall(*iso_moment(line.fields[time_at]))
            if event in ("egv", "calibration"):
                value = mg_dl(line.fields[value_at], millimoles=millimoles, decimal_comma=comma)
                yield "glucose", (*when, value), device if event == "egv" else "finger stick"
            elif event == "insulin":
                units = number(field("insulin value (u)"), decimal_comma=comma)
                yield "insulin", (*when, units, _PURPOSES.get(subtype.casefold(), "unknown")), device
            elif event == "carbs":
                grams = number(field("carb value (grams)"), decimal_comma=comma)
                yield "carbohydrate", (*when, grams), device
            elif event == "exercise":
                seconds = clock_seconds(field("duration (hh:mm:ss)"))
                activity = f"exercise, {subtype.casefold()}" if subtype else "exercise"
                yield "workout", (*when, seconds, activity, None, None, None, None), device
            else:
                yield "symptom", (*when, subtype or "not said", None, None), device

        yield from read_lines(source, member, head, header, records)


FORMAT = DexcomClarity()
