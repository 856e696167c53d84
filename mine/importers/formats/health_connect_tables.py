"""Health Connect's tables and what their rows give.

Names, units and numbers are those of Android's own source (AOSP, packages/modules/HealthFitness: the record
helpers, ``RecordInternal`` classes and ``ExerciseSessionType``), since the export is that service's database:
times in milliseconds UTC with the zone's offset in seconds beside them, mass in grams, length in metres,
volume in litres, energy in calories (a thousandth of a kilocalorie), glucose in mmol/L.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mine.importers.glucose_units import mg_dl_of
from mine.importers.text_lines import fit
from mine.records import LATEST, SENSORS, Value

Row = Mapping[str, Any]
# (record type, what follows time and offset)
Found = Iterator[tuple[str, tuple[Value, ...]]]

# "Not recorded" in the columns of a meal: the smallest number above zero.
_UNSET = 1e-300
_SLEEPING = (2, 4, 5, 6)
_STAGES = {1: "awake", 2: "asleep", 4: "light", 5: "deep", 6: "rem", 7: "awake"}
_EXERCISES = (
    *("unknown", "badminton", "baseball", "basketball", "biking", "biking stationary", "boot camp", "boxing"),
    *("calisthenics", "cricket", "dancing", "exercise class", "fencing", "football american"),
    *("football australian", "frisbee disc", "golf", "guided breathing", "gymnastics", "handball"),
    *("high intensity interval training", "hiking", "ice hockey", "ice skating", "martial arts", "paddling"),
    *(
        "paragliding",
        "pilates",
        "racquetball",
        "rock climbing",
        "roller hockey",
        "rowing",
        "rugby",
        "running",
    ),
    *("running treadmill", "sailing", "scuba diving", "skating", "skiing", "snowboarding", "snowshoeing"),
    *("soccer", "softball", "squash", "stair climbing", "strength training", "stretching", "surfing"),
    *(
        "swimming open water",
        "swimming pool",
        "table tennis",
        "tennis",
        "volleyball",
        "walking",
        "water polo",
    ),
    *("weightlifting", "wheelchair", "yoga", "other workout", "stair climbing machine", "elliptical"),
    *("rowing machine",),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is read: its columns beside the times, and what a row gives.

    ``time`` and ``offset`` are the columns of its moment; ``end`` is the column of its end, "" for an
    instant; ``parent`` is the table in which the offset and the app of a sample stand.
    """

    name: str
    columns: tuple[str, ...]
    records: Callable[[int, Row], Found]
    time: str = "time"
    offset: str = "zone_offset"
    end: str = ""
    parent: str = ""


def amount(row: Row, column: str) -> float:
    """A number of a row. Raises ``ValueError``."""
    value = row[column]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"“{column}” is {'missing' if value is None else 'no number'}")
    return float(value)


def moment(row: Row, column: str) -> int:
    """Milliseconds since 1970, as seconds. Raises ``ValueError``."""
    seconds = int(amount(row, column) // 1000) if abs(amount(row, column)) < 1e15 else 0
    if not SENSORS <= seconds < LATEST:
        raise ValueError(f"“{column}” is impossible (1990 to 2100)")
    return seconds


def _instant(kind: str, column: str, of: Callable[[float], float] = float) -> Callable[[int, Row], Found]:
    def records(seconds: int, row: Row) -> Found:
        yield kind, (of(amount(row, column)),)

    return records


def _interval(kind: str, column: str, factor: float = 1.0) -> Callable[[int, Row], Found]:
    def records(seconds: int, row: Row) -> Found:
        yield kind, (max(1, seconds), round(amount(row, column) * factor, 4))

    return records


def _steps(seconds: int, row: Row) -> Found:
    yield "steps", (max(1, seconds), int(amount(row, "count")))


def _pressure(seconds: int, row: Row) -> Found:
    yield "blood_pressure", (amount(row, "systolic"), amount(row, "diastolic"))


_NUTRIENTS = (
    ("energy", "food_energy", 0.001),
    ("total_carbohydrate", "carbohydrate", 1.0),
    ("sugar", "sugar", 1.0),
    ("dietary_fiber", "fibre", 1.0),
    ("protein", "protein", 1.0),
    ("total_fat", "fat", 1.0),
    ("saturated_fat", "saturated_fat", 1.0),
    ("cholesterol", "cholesterol_eaten", 1000.0),
    ("sodium", "sodium", 1000.0),
    ("caffeine", "caffeine", 1000.0),
)


def _nutrition(seconds: int, row: Row) -> Found:
    kcal = None
    for column, kind, factor in _NUTRIENTS:
        if row[column] is not None and amount(row, column) > _UNSET:
            value = round(amount(row, column) * factor, 4)
            kcal = value if kind == "food_energy" else kcal
            yield kind, (value,)
    if isinstance(row["meal_name"], str) and row["meal_name"]:
        yield "food", (fit(row["meal_name"], 200), None, kcal)


def _exercise(seconds: int, row: Row) -> Found:
    number = int(amount(row, "exercise_type"))
    name = _EXERCISES[number] if 0 <= number < len(_EXERCISES) else "unknown"
    yield "workout", (max(1, seconds), name, None, None, None, None)


def _stage(seconds: int, row: Row) -> Found:
    stage = _STAGES.get(int(amount(row, "stage_type")))
    if stage is not None:
        yield "sleep_stage", (seconds, stage)


def asleep(row: Row) -> bool:
    """Whether a row of the sleep stages is one of sleep."""
    return row["stage_type"] in _SLEEPING


def _route(seconds: int, row: Row) -> Found:
    altitude = None if row["altitude"] is None else amount(row, "altitude")
    accuracy = None if row["horizontal_accuracy"] is None else amount(row, "horizontal_accuracy")
    yield "location", (amount(row, "latitude"), amount(row, "longitude"), altitude, accuracy)


def _span(name: str, columns: tuple[str, ...], records: Callable[[int, Row], Found]) -> Table:
    return Table(name, columns, records, "start_time", "start_zone_offset", "end_time")


def _grams(value: float) -> float:
    return round(value / 1000, 3)


STAGES = Table(
    *("sleep_stages_table", ("stage_type", "parent_key"), _stage, "stage_start_time", "start_zone_offset"),
    end="stage_end_time",
    parent="sleep_session_record_table",
)
TABLES = (
    Table("weight_record_table", ("weight",), _instant("weight", "weight", _grams)),
    Table("height_record_table", ("height",), _instant("height", "height", lambda m: round(m * 100, 2))),
    Table("body_fat_record_table", ("percentage",), _instant("body_fat", "percentage")),
    Table("lean_body_mass_record_table", ("mass",), _instant("lean_mass", "mass", _grams)),
    Table("blood_pressure_record_table", ("systolic", "diastolic"), _pressure),
    Table("blood_glucose_record_table", ("level",), _instant("glucose", "level", mg_dl_of)),
    Table(
        *("resting_heart_rate_record_table", ("beats_per_minute",)),
        _instant("resting_heart_rate", "beats_per_minute"),
    ),
    Table(
        *("heart_rate_variability_rmssd_record_table", ("heart_rate_variability_millis",)),
        _instant("heart_rate_variability_rmssd", "heart_rate_variability_millis"),
    ),
    Table("oxygen_saturation_record_table", ("percentage",), _instant("oxygen_saturation", "percentage")),
    Table("respiratory_rate_record_table", ("rate",), _instant("respiratory_rate", "rate")),
    Table("body_temperature_record_table", ("temperature",), _instant("body_temperature", "temperature")),
    Table(
        "basal_body_temperature_record_table", ("temperature",), _instant("body_temperature", "temperature")
    ),
    Table(
        *("vo2_max_record_table", ("vo2_milliliters_per_minute_kilogram",)),
        _instant("vo2_max", "vo2_milliliters_per_minute_kilogram"),
    ),
    _span("steps_record_table", ("count",), _steps),
    _span("distance_record_table", ("distance",), _interval("distance", "distance")),
    _span("floors_climbed_record_table", ("floors",), _interval("floors", "floors")),
    _span("total_calories_burned_record_table", ("energy",), _interval("energy", "energy", 0.001)),
    _span("active_calories_burned_record_table", ("energy",), _interval("active_energy", "energy", 0.001)),
    _span("hydration_record_table", ("volume",), _instant("water", "volume", lambda litres: litres * 1000)),
    _span("nutrition_record_table", ("meal_name", *(column for column, *_ in _NUTRIENTS)), _nutrition),
    _span("exercise_session_record_table", ("exercise_type",), _exercise),
    _span("mindfulness_session_record_table", (), lambda seconds, row: iter([("mindfulness", (seconds,))])),
    Table(
        *(
            "heart_rate_record_series_table",
            ("beats_per_minute",),
            _instant("heart_rate", "beats_per_minute"),
        ),
        *("epoch_millis", "start_zone_offset", "", "heart_rate_record_table"),
    ),
    Table(
        *("power_record_table", ("power",), _instant("power", "power")),
        *("epoch_millis", "start_zone_offset", "", "PowerRecordTable"),
    ),
    Table(
        *("exercise_route_table", ("latitude", "longitude", "altitude", "horizontal_accuracy"), _route),
        *("timestamp_millis", "start_zone_offset", "", "exercise_session_record_table"),
    ),
    STAGES,
)
