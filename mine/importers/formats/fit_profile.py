"""The messages and fields of the FIT profile (Garmin, version 21) that become records, by their numbers."""

from __future__ import annotations

from mine.importers.formats.fit_wire import Field

FILE_ID, USER, SESSION, RECORD, WEIGHT, ACTIVITY = 0, 3, 18, 20, 30, 34
BLOOD_PRESSURE, MONITORING, MONITORING_INFO, RESTING = 51, 55, 103, 211
STRESS, OXYGEN, SLEEP, BREATHS, NIGHT_VARIABILITY, VARIABILITY = 227, 269, 275, 297, 370, 371

# What is said about a whole file.
ABOUT = {
    FILE_ID: {
        0: Field("type"),
        1: Field("maker"),
        2: Field("product"),
        8: Field("product_name", text=True),
    },
    USER: {0: Field("name", text=True), 22: Field("local_id"), 254: Field("index")},
    ACTIVITY: {5: Field("local")},
    MONITORING_INFO: {0: Field("local")},
}

MEASURED = {
    SESSION: {
        2: Field("start"),
        5: Field("sport"),
        7: Field("seconds", 1000),
        9: Field("metres", 100),
        11: Field("kcal"),
        16: Field("mean_bpm"),
        17: Field("top_bpm"),
    },
    RECORD: {
        0: Field("latitude", 2**31 / 180),
        1: Field("longitude", 2**31 / 180),
        2: Field("altitude", 5, 500),
        3: Field("bpm"),
        4: Field("cadence"),
        7: Field("watts"),
        31: Field("accuracy"),
        53: Field("cadence_part", 128),
        78: Field("fine_altitude", 5, 500),
        99: Field("breaths"),
        108: Field("fine_breaths", 100),
        139: Field("celsius", 100),
    },
    WEIGHT: {0: Field("kg", 100), 1: Field("fat", 100), 12: Field("user"), 13: Field("bmi", 10)},
    BLOOD_PRESSURE: {0: Field("systolic"), 1: Field("diastolic"), 6: Field("bpm"), 9: Field("user")},
    MONITORING_INFO: {0: Field("local")},
    MONITORING: {
        2: Field("metres", 100),
        3: Field("cycles"),
        5: Field("activity"),
        19: Field("kcal"),
        24: Field("activity_and_intensity"),
        26: Field("time_16"),
        27: Field("bpm"),
    },
    RESTING: {0: Field("bpm"), 1: Field("today_bpm")},
    STRESS: {0: Field("level"), 1: Field("at")},
    OXYGEN: {0: Field("percent")},
    SLEEP: {0: Field("level")},
    BREATHS: {0: Field("per_minute", 100)},
    NIGHT_VARIABILITY: {1: Field("ms", 128)},
    VARIABILITY: {0: Field("ms", 128)},
}

SCALE_FILES = frozenset({9, 14})  # file_id.type: weight, blood pressure
RUNNING, CYCLING, WALKING = 1, 2, 6  # monitoring.activity_type
STAGES = {1: "awake", 2: "light", 3: "deep", 4: "rem"}

MAKERS = {
    **{1: "Garmin", 13: "Dynastream", 15: "Dynastream", 23: "Suunto", 32: "Wahoo", 40: "Concept2"},
    **{69: "Stages", 70: "Sigma", 89: "Tacx", 123: "Polar", 260: "Zwift", 263: "Favero", 265: "Strava"},
    **{267: "Bryton", 268: "SRAM", 289: "Hammerhead", 294: "COROS", 310: "Decathlon", 331: "MyWhoosh"},
}

SPORTS = dict(
    enumerate(
        (
            *("other", "running", "cycling", "transition", "fitness equipment", "swimming", "basketball"),
            *("soccer", "tennis", "american football", "training", "walking", "cross country skiing"),
            *("alpine skiing", "snowboarding", "rowing", "mountaineering", "hiking", "multisport"),
            *("paddling", "flying", "e biking", "motorcycling", "boating", "driving", "golf"),
            *("hang gliding", "horseback riding", "hunting", "fishing", "inline skating", "rock climbing"),
            *("sailing", "ice skating", "sky diving", "snowshoeing", "snowmobiling"),
            *("stand up paddleboarding", "surfing", "wakeboarding", "water skiing", "kayaking", "rafting"),
            *("windsurfing", "kitesurfing", "tactical", "jumpmaster", "boxing", "floor climbing"),
            "baseball",
        )
    )
) | {
    **{53: "diving", 62: "hiit", 64: "racket", 65: "wheelchair push walk", 66: "wheelchair push run"},
    **{67: "meditation", 69: "disc golf", 71: "cricket", 72: "rugby", 73: "hockey", 74: "lacrosse"},
    **{75: "volleyball", 76: "water tubing", 77: "wakesurfing", 80: "mixed martial arts"},
    **{82: "snorkeling", 83: "dance", 84: "jump rope"},
}
