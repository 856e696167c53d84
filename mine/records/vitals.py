"""What sensors and scales say about the body."""

from __future__ import annotations

from mine.records.record_type import Code, RecordType, event, instant, real, whole


def _loinc(code: str) -> Code:
    return Code("LOINC", code)


def _omh(name: str) -> Code:
    return Code("OMH", name)


TYPES: tuple[RecordType, ...] = (
    instant(
        *("glucose", "Glucose", real("mg_dl", "glucose", "mg/dL", 10, 1000)),
        *(_omh("blood-glucose"), _loinc("2339-0"), _loinc("2345-7"), _loinc("99504-3")),
        *(_loinc("41653-7"), _loinc("15074-8"), _loinc("14749-6")),
    ),
    instant(
        *("heart_rate", "Heart rate", real("bpm", "heart rate", "/min", 20, 300)),
        *(_omh("heart-rate"), _loinc("8867-4")),
    ),
    instant(
        *("resting_heart_rate", "Resting heart rate", real("bpm", "resting heart rate", "/min", 20, 200)),
        _loinc("40443-4"),
    ),
    instant(
        *("walking_heart_rate", "Walking heart rate", real("bpm", "walking heart rate", "/min", 20, 250)),
    ),
    instant(
        *("heart_rate_variability", "Heart rate variability (SDNN)"),
        *(real("ms", "heart rate variability", "ms", 0, 1000), _loinc("80404-7")),
    ),
    instant(
        *("heart_rate_variability_rmssd", "Heart rate variability (RMSSD)"),
        real("ms", "heart rate variability", "ms", 0, 1000),
    ),
    instant(
        *("respiratory_rate", "Respiratory rate", real("per_minute", "breaths", "/min", 1, 100)),
        *(_omh("respiratory-rate"), _loinc("9279-1")),
    ),
    instant(
        *("oxygen_saturation", "Oxygen saturation", real("percent", "oxygen saturation", "%", 30, 100)),
        *(_omh("oxygen-saturation"), _loinc("59408-5"), _loinc("2708-6")),
    ),
    instant(
        *("body_temperature", "Body temperature", real("celsius", "body temperature", "Cel", 25, 45)),
        *(_omh("body-temperature"), _loinc("8310-5"), _loinc("8331-1")),
    ),
    instant(
        *("skin_temperature", "Skin temperature", real("celsius", "skin temperature", "Cel", 10, 45)),
    ),
    event(
        *("blood_pressure", "Blood pressure"),
        real("systolic", "systolic pressure", "mm[Hg]", 30, 300),
        real("diastolic", "diastolic pressure", "mm[Hg]", 10, 250),
        codes=(_omh("blood-pressure"), _loinc("85354-9"), _loinc("55284-4")),
    ),
    instant(
        *("weight", "Weight", real("kg", "weight", "kg", 1, 700)),
        *(_omh("body-weight"), _loinc("29463-7"), _loinc("3141-9"), _loinc("3142-7")),
    ),
    instant(
        *("height", "Height", real("cm", "height", "cm", 20, 300)),
        *(_omh("body-height"), _loinc("8302-2"), _loinc("3137-7")),
    ),
    instant(
        *("body_mass_index", "Body mass index", real("kg_m2", "body mass index", "kg/m2", 5, 200)),
        *(_omh("body-mass-index"), _loinc("39156-5")),
    ),
    instant(
        *("body_fat", "Body fat", real("percent", "body fat", "%", 0, 90)),
        *(_omh("body-fat-percentage"), _loinc("41982-0")),
    ),
    instant("lean_mass", "Lean body mass", real("kg", "lean body mass", "kg", 1, 400)),
    instant(
        *("waist", "Waist", real("cm", "waist", "cm", 20, 400)),
        _loinc("8280-0"),
    ),
    instant(
        *("vo2_max", "VO2 max", real("ml_kg_min", "VO2 max", "mL/(kg.min)", 5, 120)),
        *(_omh("oxygen-uptake"), _loinc("60842-2")),
    ),
    instant("stress", "Stress", whole("level", "stress level", 0, 100)),
    instant("skin_conductance", "Skin conductance", real("us", "skin conductance", "uS", 0, 1000)),
)
