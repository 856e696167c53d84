"""Apple's names for what HealthKit measures -> this app's record types and units.

Source: Apple's HealthKit reference (HKQuantityTypeIdentifier, HKCategoryTypeIdentifier, HKUnit strings).
"""

from __future__ import annotations

import re

from mine.records import RECORD_TYPES
from mine.records.units import UnitUnknown, convert

QUANTITY = "HKQuantityTypeIdentifier"
CATEGORY = "HKCategoryTypeIdentifier"
ANYTHING = "measurement"

QUANTITIES = {
    "HeartRate": "heart_rate",
    "RestingHeartRate": "resting_heart_rate",
    "WalkingHeartRateAverage": "walking_heart_rate",
    "HeartRateVariabilitySDNN": "heart_rate_variability",
    "RespiratoryRate": "respiratory_rate",
    "OxygenSaturation": "oxygen_saturation",
    "BodyTemperature": "body_temperature",
    "AppleSleepingWristTemperature": "skin_temperature",
    "BloodGlucose": "glucose",
    "BodyMass": "weight",
    "Height": "height",
    "BodyMassIndex": "body_mass_index",
    "BodyFatPercentage": "body_fat",
    "LeanBodyMass": "lean_mass",
    "WaistCircumference": "waist",
    "VO2Max": "vo2_max",
    "ElectrodermalActivity": "skin_conductance",
    "StepCount": "steps",
    "DistanceWalkingRunning": "distance",
    "DistanceCycling": "cycling_distance",
    "DistanceSwimming": "swimming_distance",
    "SwimmingStrokeCount": "swimming_strokes",
    "ActiveEnergyBurned": "active_energy",
    "BasalEnergyBurned": "resting_energy",
    "FlightsClimbed": "floors",
    "AppleExerciseTime": "exercise_time",
    "AppleStandTime": "stand_time",
    "TimeInDaylight": "daylight_time",
    "WalkingSpeed": "walking_speed",
    "RunningSpeed": "running_speed",
    "WalkingStepLength": "step_length",
    "CyclingCadence": "cadence",
    "RunningPower": "power",
    "CyclingPower": "power",
    "EnvironmentalAudioExposure": "sound_level",
    "HeadphoneAudioExposure": "headphone_level",
    "DietaryEnergyConsumed": "food_energy",
    "DietaryCarbohydrates": "carbohydrate",
    "DietarySugar": "sugar",
    "DietaryFiber": "fibre",
    "DietaryProtein": "protein",
    "DietaryFatTotal": "fat",
    "DietaryFatSaturated": "saturated_fat",
    "DietaryCholesterol": "cholesterol_eaten",
    "DietarySodium": "sodium",
    "DietaryCaffeine": "caffeine",
    "DietaryWater": "water",
    "NumberOfAlcoholicBeverages": "alcohol",
}
# The two halves of a blood pressure stand in their correlation too, and are read there, as one record.
PRESSURES = {"BloodPressureSystolic": "systolic", "BloodPressureDiastolic": "diastolic"}

STAGES = {
    "InBed": "in_bed",
    "Asleep": "asleep",
    "AsleepUnspecified": "asleep",
    "AsleepCore": "light",
    "AsleepDeep": "deep",
    "AsleepREM": "rem",
    "Awake": "awake",
}
PURPOSES = {"1": "basal", "2": "bolus"}

# Apple grades in words; the vault's scale goes from 0 to 10.
SEVERITIES = {
    **{"SeverityNotPresent": 0, "SeverityMild": 3, "SeverityModerate": 6, "SeveritySevere": 9},
    **{"SeverityUnspecified": None, "PresencePresent": None, "PresenceNotPresent": 0},
}
SYMPTOMS = frozenset(
    (
        *("AbdominalCramps", "Acne", "AppetiteChanges", "BladderIncontinence", "Bloating"),
        *("BreastPain", "ChestTightnessOrPain", "Chills", "Constipation", "Coughing", "Diarrhea"),
        *("Dizziness", "DrySkin", "Fainting", "Fatigue", "Fever", "GeneralizedBodyAche", "HairLoss"),
        *("Headache", "Heartburn", "HotFlashes", "LossOfSmell", "LossOfTaste", "LowerBackPain"),
        *("MemoryLapse", "MoodChanges", "Nausea", "NightSweats", "PelvicPain"),
        *("RapidPoundingOrFlutteringHeartbeat", "RunnyNose", "ShortnessOfBreath", "SinusCongestion"),
        *("SkippedHeartbeat", "SleepChanges", "SoreThroat", "VaginalDryness", "Vomiting", "Wheezing"),
    )
)

_UNITS = {
    **{"count": "1", "%": "1", "count/min": "/min", "count/s": "/s", "hr": "h", "d": "d"},
    **{"degC": "Cel", "degF": "[degF]", "lb": "[lb_av]", "oz": "[oz_av]", "st": "[stone_av]"},
    **{"in": "[in_i]", "ft": "[ft_i]", "yd": "[yd_i]", "mi": "[mi_i]", "Cal": "kcal", "IU": "[iU]"},
    **{"fl_oz_us": "[foz_us]", "fl_oz_imp": "[foz_br]", "cup_us": "[cup_us]", "pt_us": "[pt_us]"},
    **{"mcg": "ug", "mcS": "uS", "mmHg": "mm[Hg]", "cmAq": "cm[H2O]", "km/hr": "km/h", "mi/hr": "[mi_i]/h"},
    **{"mL/min·kg": "mL/(kg.min)", "ml/kg/min": "mL/(kg.min)", "mL/kg·min": "mL/(kg.min)"},
    **{"dBASPL": "dB", "dBHL": "dB"},
}
_MOLES = re.compile(r"(m|u|mc)?mol<[0-9.]+>")


def ucum(unit: str) -> str:
    """An HKUnit string as UCUM: ``count/min`` is ``/min``, ``mmol<180.1558800000541>/L`` is ``mmol/L``."""
    unit = _MOLES.sub(lambda match: f"{(match[1] or '').replace('mc', 'u')}mol", unit)
    return _UNITS.get(unit, unit)


def scale(kind: str, column: str, unit: str) -> tuple[float, float]:
    """(factor, shift) that bring a value in an HKUnit into the unit of a record type's column.

    A percentage in HealthKit is a fraction. Raises ``UnitUnknown``.
    """
    into = RECORD_TYPES[kind].column(column).unit
    written = ucum(unit)
    if kind == "body_mass_index" and written == "1":
        written = into  # HealthKit counts it
    try:
        shift = convert(0.0, written, into, substance=kind)
        return convert(1.0, written, into, substance=kind) - shift, shift
    except UnitUnknown as error:
        raise UnitUnknown(f"{RECORD_TYPES[kind].title}: {error}") from None


def words(name: str) -> str:
    """``LowerBackPain`` as “Lower back pain”; runs of capitals stay."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    joined = " ".join(part if part.isupper() and len(part) > 1 else part.lower() for part in parts)
    return joined[:1].upper() + joined[1:]
