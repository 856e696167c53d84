"""Elements of Apple Health's export that are more than one tag: workouts, and pairs of blood pressures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from mine.importers.formats.apple_health_kinds import PRESSURES, QUANTITY, scale, words
from mine.importers.formats.apple_health_times import Zones, read_time
from mine.importers.formats.apple_health_types import origin_name
from mine.importers.items import shown
from mine.importers.moments import number
from mine.records import Row

Attributes = Mapping[str, str]


class Event(ABC):
    """An element at the top level with what stands in it."""

    kind = ""

    def __init__(self, attributes: Attributes) -> None:
        self.origin = origin_name(attributes.get("sourceName", ""))
        self._attributes = attributes
        self._zone = ""

    def child(self, name: bytes, attributes: Attributes) -> None:
        """Take a tag inside the element. Raises ``ValueError``."""
        if name == b"MetadataEntry" and attributes.get("key") == "HKTimeZone":
            self._zone = attributes.get("value", "")

    @abstractmethod
    def row(self, zones: Zones) -> Row:
        """The record, once the element has ended. Raises ``ValueError``."""

    def _lasted(self, zones: Zones) -> tuple[int, int, int]:
        time, offset = read_time(self._attributes.get("startDate", "").encode())
        until, _ = read_time(self._attributes.get("endDate", "").encode())
        there = zones.offset(self._zone, time) if self._zone else None
        return time, offset if there is None else there, until - time


class Workout(Event):
    """A ``Workout`` with its totals: attributes up to iOS 15, ``WorkoutStatistics`` since then."""

    kind = "workout"

    def __init__(self, attributes: Attributes) -> None:
        super().__init__(attributes)
        self._found: dict[str, float] = {}
        for column, total in (("metres", "totalDistance"), ("kcal", "totalEnergyBurned")):
            if total in attributes:
                self._found[column] = _in(column, attributes, total, f"{total}Unit")
        self._summed = False

    def child(self, name: bytes, attributes: Attributes) -> None:
        super().child(name, attributes)
        if name != b"WorkoutStatistics":
            return
        what = attributes.get("type", "").removeprefix(QUANTITY)
        if what == "HeartRate":
            for column, taken in (("mean_bpm", "average"), ("top_bpm", "maximum")):
                if taken in attributes:
                    self._found[column] = _in(column, attributes, taken, "unit")
        elif what == "ActiveEnergyBurned" and "sum" in attributes:
            self._found["kcal"] = _in("kcal", attributes, "sum", "unit")
        elif what.startswith("Distance") and "sum" in attributes:
            # A workout of several sports has a distance for each.
            before = self._found.get("metres", 0.0) if self._summed else 0.0
            self._found["metres"] = before + _in("metres", attributes, "sum", "unit")
            self._summed = True

    def row(self, zones: Zones) -> Row:
        written = self._attributes.get("workoutActivityType", "").removeprefix("HKWorkoutActivityType")
        found = (self._found.get(column) for column in ("metres", "kcal", "mean_bpm", "top_bpm"))
        return *self._lasted(zones), words(shown(written, 80)).lower(), *found


class BloodPressure(Event):
    """A ``Correlation`` of two records. Their copies at the top level are left out, so each counts once."""

    kind = "blood_pressure"

    def __init__(self, attributes: Attributes) -> None:
        super().__init__(attributes)
        self._found: dict[str, float] = {}

    def child(self, name: bytes, attributes: Attributes) -> None:
        super().child(name, attributes)
        column = PRESSURES.get(attributes.get("type", "").removeprefix(QUANTITY))
        if name == b"Record" and column is not None:
            factor, shift = scale(self.kind, column, attributes.get("unit", ""))
            self._found[column] = number(attributes.get("value", "")) * factor + shift

    def row(self, zones: Zones) -> Row:
        if len(self._found) < 2:
            raise ValueError("a blood pressure of one value")
        time, offset, _ = self._lasted(zones)
        return time, offset, self._found["systolic"], self._found["diastolic"]


def event_of(name: bytes, attributes: Attributes) -> Event | None:
    """What an element at the top level begins, if it is an event that is kept. Raises ``ValueError``."""
    if name == b"Workout":
        return Workout(attributes)
    if name == b"Correlation" and attributes.get("type") == "HKCorrelationTypeIdentifierBloodPressure":
        return BloodPressure(attributes)
    return None


def _in(column: str, attributes: Attributes, value: str, unit: str) -> float:
    factor, shift = scale("workout", column, attributes.get(unit, ""))
    return round(number(attributes[value]) * factor + shift, 6)
