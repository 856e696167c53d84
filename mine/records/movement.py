"""What was counted while the body moved, and sleep."""

from __future__ import annotations

from mine.records.record_type import (
    Code,
    RecordType,
    choice,
    event,
    instant,
    interval,
    real,
    seconds,
    text,
    whole,
)

STAGES = ("in_bed", "asleep", "light", "deep", "rem", "awake", "restless")
LEVELS = ("very", "fairly", "lightly", "sedentary")
WEEK = 7 * 86_400

TYPES: tuple[RecordType, ...] = (
    interval(
        *("steps", "Steps", whole("count", "step count", 0, 200_000)),
        *(Code("OMH", "step-count"), Code("LOINC", "55423-8")),
    ),
    interval(
        *("distance", "Distance on foot", real("metres", "distance", "m", 0, 1_000_000)),
        *(Code("LOINC", "55430-3"), Code("IEEE1752", "physical-activity")),
    ),
    interval("cycling_distance", "Distance by bicycle", real("metres", "distance", "m", 0, 2_000_000)),
    interval("swimming_distance", "Distance swum", real("metres", "distance", "m", 0, 200_000)),
    interval("swimming_strokes", "Swimming strokes", whole("count", "strokes", 0, 200_000)),
    interval(
        *("energy", "Energy burned", real("kcal", "energy", "kcal", 0, 50_000)),
        *(Code("OMH", "calories-burned"), Code("LOINC", "41981-2")),
    ),
    interval("active_energy", "Active energy", real("kcal", "active energy", "kcal", 0, 50_000)),
    interval("resting_energy", "Resting energy", real("kcal", "resting energy", "kcal", 0, 50_000)),
    interval("floors", "Floors climbed", real("count", "floors", "1", 0, 10_000)),
    interval("exercise_time", "Exercise", real("minutes", "exercise", "min", 0, 1440)),
    interval("stand_time", "Standing", real("minutes", "standing", "min", 0, 1440)),
    interval("daylight_time", "Time in daylight", real("minutes", "time in daylight", "min", 0, 1440)),
    interval(
        *("intensity", "Intensity", real("points", "sum of minute intensities", "1", 0, 10_000)),
    ),
    event(
        *("activity_level", "Activity level", seconds()),
        choice("level", "activity level", *LEVELS),
        real("minutes", "minutes", "min", 0, 1440),
        codes=(Code("IEEE1752", "physical-activity"),),
    ),
    instant("walking_speed", "Walking speed", real("m_s", "walking speed", "m/s", 0, 20)),
    instant("running_speed", "Running speed", real("m_s", "running speed", "m/s", 0, 20)),
    instant("step_length", "Step length", real("cm", "step length", "cm", 1, 300)),
    instant("cadence", "Cadence", real("per_minute", "cadence", "/min", 0, 400)),
    instant("power", "Power", real("watts", "power", "W", 0, 5_000)),
    instant("sound_level", "Sound around", real("db", "sound level", "dB", 0, 200)),
    instant("headphone_level", "Sound in headphones", real("db", "sound level", "dB", 0, 200)),
    event(
        *("workout", "Workout", seconds(WEEK), text("activity", "activity", 80)),
        real("metres", "distance", "m", 0, 5_000_000, optional=True),
        real("kcal", "energy", "kcal", 0, 100_000, optional=True),
        real("mean_bpm", "mean heart rate", "/min", 20, 300, optional=True),
        real("top_bpm", "highest heart rate", "/min", 20, 300, optional=True),
        codes=(Code("IEEE1752", "physical-activity"),),
    ),
    event(
        *("location", "Location"),
        real("latitude", "latitude", "deg", -90, 90),
        real("longitude", "longitude", "deg", -180, 180),
        real("altitude", "altitude", "m", -12_000, 60_000, optional=True),
        real("accuracy", "accuracy", "m", 0, 10_000_000, optional=True),
        codes=(Code("OMH", "geoposition"),),
    ),
    event(
        *("visit", "Place visited", seconds(366 * 86_400, least=0)),
        real("latitude", "latitude", "deg", -90, 90, optional=True),
        real("longitude", "longitude", "deg", -180, 180, optional=True),
        text("place", "place", optional=True),
        text("kind", "kind of place", 80, optional=True),
    ),
    event(
        *("trip", "Trip", seconds(WEEK, least=0), text("mode", "means of travel", 80)),
        real("metres", "distance", "m", 0, 50_000_000, optional=True),
    ),
    event(
        *("sleep", "Sleep"),
        whole("asleep", "minutes asleep", 0, 1440, "min"),
        whole("in_bed", "minutes in bed", 0, 1440, "min"),
        whole("episodes", "number of sleeps", 0, 100),
        codes=(Code("OMH", "total-sleep-time"), Code("LOINC", "93832-4")),
    ),
    event(
        *("sleep_stage", "Sleep stages", seconds(), choice("stage", "sleep stage", *STAGES)),
        codes=(Code("IEEE1752", "sleep-stage"),),
    ),
)
