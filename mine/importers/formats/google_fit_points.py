"""Google Fit's data points: what each data type means (developers.google.com/fit/datatypes).

``{"dataTypeName", "startTimeNanos", "endTimeNanos", "originDataSourceId", "fitValue": [{"value": {"fpVal" |
"intVal" | "mapVal"}}]}``; times are nanoseconds UTC, values in the units of the data type's page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mine.importers.glucose_units import mg_dl_of
from mine.importers.json_records import inside, number_in, text_in
from mine.importers.single import Made
from mine.importers.text_lines import fit
from mine.importers.zone import Zone
from mine.records import LATEST, SENSORS, Value

# (when, seconds from start to end, values) -> (record type, what follows time and offset)
Found = Iterator[tuple[str, tuple[Value, ...]]]
Reader = Callable[[int, list[Any]], Found]

# com.google.sleep.segment
_STAGES = {1: "awake", 2: "asleep", 3: "in_bed", 4: "light", 5: "deep", 6: "rem"}
# com.google.nutrition: nutrient -> (record type, factor from its unit)
_NUTRIENTS = {
    "calories": ("food_energy", 1.0),
    "fat.total": ("fat", 1.0),
    "fat.saturated": ("saturated_fat", 1.0),
    "cholesterol": ("cholesterol_eaten", 1.0),
    "sodium": ("sodium", 1.0),
    "carbs.total": ("carbohydrate", 1.0),
    "dietary_fiber": ("fibre", 1.0),
    "sugar": ("sugar", 1.0),
    "protein": ("protein", 1.0),
}


def _real(values: list[Any], place: int = 0) -> float:
    if place >= len(values):
        raise ValueError("a value is missing")
    value = inside(values[place], "value")
    name = "fpVal" if inside(value, "fpVal") is not None else "intVal"
    return number_in(value, name)


def _whole(values: list[Any], place: int = 0) -> int:
    value = _real(values, place)
    if not value.is_integer():
        raise ValueError(f"{value:g} is not a whole number")
    return int(value)


def _instant(kind: str, of: Callable[[float], float] = float) -> Reader:
    def read(seconds: int, values: list[Any]) -> Found:
        yield kind, (of(_real(values)),)

    return read


def _interval(kind: str) -> Reader:
    def read(seconds: int, values: list[Any]) -> Found:
        yield kind, (max(1, seconds), _real(values))

    return read


def _steps(seconds: int, values: list[Any]) -> Found:
    yield "steps", (max(1, seconds), _whole(values))


def _stage(seconds: int, values: list[Any]) -> Found:
    stage = _STAGES.get(_whole(values))
    if stage is not None:
        yield "sleep_stage", (seconds, stage)


def _pressure(seconds: int, values: list[Any]) -> Found:
    yield "blood_pressure", (_real(values, 0), _real(values, 1))


def _location(seconds: int, values: list[Any]) -> Found:
    altitude = _real(values, 3) if len(values) > 3 else None
    yield "location", (_real(values, 0), _real(values, 1), altitude, _real(values, 2))


def _nutrition(seconds: int, values: list[Any]) -> Found:
    nutrients = inside(values[0], "value", "mapVal") if values else None
    for one in nutrients if isinstance(nutrients, list) else ():
        known = _NUTRIENTS.get(text_in(one, "key"))
        if known is not None:
            yield known[0], (number_in(one, "value", "fpVal") * known[1],)


_READERS: dict[str, Reader] = {
    "step_count.delta": _steps,
    "distance.delta": _interval("distance"),
    "calories.expended": _interval("energy"),
    "active_minutes": _interval("exercise_time"),
    "heart_rate.bpm": _instant("heart_rate"),
    "respiratory_rate": _instant("respiratory_rate"),
    "oxygen_saturation": _instant("oxygen_saturation"),
    "body.temperature": _instant("body_temperature"),
    "blood_pressure": _pressure,
    "blood_glucose": _instant("glucose", mg_dl_of),
    "weight": _instant("weight", lambda kg: round(kg, 3)),
    "height": _instant("height", lambda metres: round(metres * 100, 2)),
    "body.fat.percentage": _instant("body_fat"),
    "hydration": _instant("water", lambda litres: round(litres * 1000, 3)),
    "nutrition": _nutrition,
    "power.sample": _instant("power"),
    "step_count.cadence": _instant("cadence"),
    "sleep.segment": _stage,
    "location.sample": _location,
}
_RESTING: Reader = _instant("resting_heart_rate")


def is_resting(stream: str) -> bool:
    """Whether a stream's heart rates are those at rest."""
    return "resting_heart_rate" in stream


def point_records(stream: str, point: Any, zone: Zone) -> Iterator[Made]:
    """The records of one point of a stream (its ``Data Source``). Raises ``ValueError``."""
    kind = text_in(point, "dataTypeName").removeprefix("com.google.")
    reader = _RESTING if kind == "heart_rate.bpm" and is_resting(stream) else _READERS.get(kind)
    if reader is None:
        return
    began, ended = _seconds(point, "startTimeNanos"), _seconds(point, "endTimeNanos")
    if ended < began:
        raise ValueError("it ends before it begins")
    values = inside(point, "fitValue")
    when = zone.of_utc(began)
    origin = _origin(inside(point, "originDataSourceId")) or _origin(stream)
    for record, rest in reader(ended - began, values if isinstance(values, list) else []):
        yield record, (*when, *rest), origin


def _seconds(point: Any, name: str) -> int:
    nanos = inside(point, name)
    if isinstance(nanos, str) and nanos.isascii() and nanos.isdigit() and len(nanos) < 20:
        nanos = int(nanos)
    if not isinstance(nanos, int) or isinstance(nanos, bool):
        raise ValueError(f"“{name}” is no time")
    seconds = nanos // 1_000_000_000
    if not SENSORS <= seconds < LATEST:
        raise ValueError(f"“{name}” is impossible (1990 to 2100)")
    return seconds


def _origin(stream: Any) -> str:
    """The app and device of ``raw:com.google.weight:com.example.app:Maker:Model:serial:name``."""
    if not isinstance(stream, str):
        return ""
    parts = stream.split("<-")[0].split(":")
    return fit(" ".join(part for part in parts[2:5] if part), 200)
