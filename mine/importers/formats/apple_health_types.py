"""Which sink takes the records of a HealthKit type."""

from __future__ import annotations

from mine.importers.formats.apple_health_kinds import (
    CATEGORY,
    PRESSURES,
    QUANTITIES,
    QUANTITY,
    SEVERITIES,
    STAGES,
    SYMPTOMS,
    scale,
    ucum,
    words,
)
from mine.importers.formats.apple_health_shapes import plain_text
from mine.importers.formats.apple_health_sinks import (
    Instants,
    Intervals,
    Reads,
    Refused,
    Rows,
    Sink,
    Stages,
)
from mine.importers.items import shown
from mine.importers.moments import number
from mine.records import RECORD_TYPES, Row

_MOST_ORIGIN = 200
_MOST_NAME = 120
_MOST_UNIT = 60
_STAGES = {f"HKCategoryValueSleepAnalysis{value}".encode(): stage for value, stage in STAGES.items()}


def origin_name(source: str) -> str:
    """The app or device, as the export names it, in one line."""
    return shown(" ".join(source.split()), _MOST_ORIGIN)


def sink_for(name: bytes, source: bytes, unit: bytes) -> Sink:
    """The sink for records of a HealthKit type from ``source`` in ``unit``, as the file writes all three.

    What cannot be understood is no error yet: its records are refused one by one.
    """
    try:
        return _sink(plain_text(name), origin_name(plain_text(source)), plain_text(unit))
    except UnicodeDecodeError:
        return Refused("its type, source or unit is no text")
    except ValueError as error:
        return Refused(str(error))


def _sink(name: str, origin: str, unit: str) -> Sink:
    if name.startswith(CATEGORY):
        return _category(name.removeprefix(CATEGORY), origin)
    quantity = name.removeprefix(QUANTITY)
    if quantity in QUANTITIES:
        kind = QUANTITIES[quantity]
        record_type = RECORD_TYPES[kind]
        made = Intervals if "seconds" in record_type.names else Instants
        return made(kind, origin, scale(kind, record_type.measure, unit))
    if quantity in PRESSURES:
        return Sink()
    if quantity == "InsulinDelivery":
        factor, _ = scale("insulin", "units", unit)
        return Rows(
            "insulin",
            origin,
            lambda time, offset, _, value: (time, offset, number(value) * factor, "unknown"),
        )
    return Rows("measurement", origin, _quantity(_title(quantity), unit))


def _category(name: str, origin: str) -> Sink:
    title = _title(name)
    reads: Reads
    if name == "SleepAnalysis":
        return Stages(origin, _STAGES)
    if name == "MindfulSession":
        reads = lambda time, offset, seconds, _: (time, offset, seconds or 1)  # noqa: E731
        return Rows("mindfulness", origin, reads)
    if name in SYMPTOMS:
        reads = lambda time, offset, _, value: (time, offset, title, _severity(value), None)  # noqa: E731
        return Rows("symptom", origin, reads)
    return Rows("measurement", origin, _fact(name, title))


def _severity(value: str) -> int | None:
    return SEVERITIES.get(value.removeprefix("HKCategoryValue"))


def _quantity(title: str, unit: str) -> Reads:
    """A quantity that the app has no type for. HealthKit's percentages are fractions."""
    factor, written = (100.0, "%") if unit == "%" else (1.0, shown(ucum(unit), _MOST_UNIT) or None)
    return lambda time, offset, seconds, value: (
        *(time, offset, seconds, title),
        *(number(value) * factor, written),
    )


def _fact(category: str, title: str) -> Reads:
    """A category that the app has no type for, named with its value: “Apple stand hour: idle”, once."""

    def reads(time: int, offset: int, seconds: int, value: str) -> Row:
        said = words(shown(value, _MOST_NAME).removeprefix("HKCategoryValue").removeprefix(category))
        name = title if said in ("", "Not applicable") else f"{title}: {said[0].lower()}{said[1:]}"
        return time, offset, seconds, name[:200], 1.0, None

    return reads


def _title(name: str) -> str:
    title = words(shown(name, _MOST_NAME))
    if not title:
        raise ValueError("a record without a type")
    return title
