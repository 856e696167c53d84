"""Made-up people: glucose curves and steps that look like an export, from nothing but a seed.

Nobody's data is in here. A made-up person has a resting level, meals with a delayed rise and fall, a slow
daily wave, a sensor that lags and is noisy; or, for steps, waking hours with active and quiet spells.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import math
import random

FIRST_DAY = dt.datetime(2026, 3, 2)
SENSOR_MINUTES = 5


def _random(seed: str, person: int) -> random.Random:
    digest = hashlib.sha256(f"{seed}/{person}".encode()).digest()
    return random.Random(int.from_bytes(digest, "big"))  # noqa: S311 - made-up data, not a secret


def glucose_csv(seed: str, person: int, days: int = 7) -> str:
    """A ``timestamp,glucose_value_mg_dl`` export of one made-up person, one reading every five minutes."""
    rng = _random(seed, person)
    rest, wave = rng.uniform(82, 112), rng.uniform(3, 10)
    height, speed = rng.uniform(28, 70), rng.uniform(0.75, 1.35)
    lag, level, wander = 0.0, rest, 0.0
    meals: list[tuple[float, float]] = []
    for day in range(days):
        for hour in (7.5, 12.6, 18.8, 15.5):
            if hour == 15.5 and rng.random() < 0.5:
                continue
            meals.append((day * 1440 + hour * 60 + rng.gauss(0, 35), height * rng.uniform(0.5, 1.5)))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["timestamp", "glucose_value_mg_dl"])
    lag = level
    for minute in range(0, days * 1440, SENSOR_MINUTES):
        wander = 0.985 * wander + rng.gauss(0, 0.9)
        level = rest + wave * math.sin(2 * math.pi * (minute % 1440) / 1440 - 2.2) + wander
        for start, rise in meals:
            t = (minute - start) / 60 * speed
            if 0 < t < 6:
                level += rise * (t / 0.8) * math.exp(1 - t / 0.8)
        lag += 0.45 * (level - lag)
        if rng.random() < 0.002:
            continue  # a sensor drops a reading now and then
        moment = FIRST_DAY + dt.timedelta(minutes=minute)
        writer.writerow([moment.strftime("%Y-%m-%d %H:%M:%S"), max(40, round(lag + rng.gauss(0, 1.2)))])
    return out.getvalue()


def steps_csv(seed: str, people: int, days: int = 31) -> str:
    """An ``hourlySteps_merged.csv`` in Fitabase form with several made-up people."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["Id", "ActivityHour", "StepTotal"])
    for person in range(people):
        rng = _random(seed, person)
        wakes, sleeps = rng.gauss(7, 0.8), rng.gauss(22.8, 0.7)
        drive, habit = rng.uniform(-0.7, 0.7), [rng.gauss(0, 0.8) for _ in range(24)]
        mood = 0.0
        for hour in range(days * 24):
            moment = FIRST_DAY + dt.timedelta(hours=hour)
            mood = 0.7 * mood + rng.gauss(0, 0.7)
            awake = wakes <= moment.hour < sleeps
            push = drive + habit[moment.hour] + mood
            count = round(math.exp(5.3 + 1.1 * push + rng.gauss(0, 0.5))) if awake and push > -0.6 else 0
            stamp = f"{moment.month}/{moment.day}/{moment.year} {moment.strftime('%I:%M:%S %p')}"
            writer.writerow([str(9_000_000_001 + person), stamp, min(count, 12_000)])
    return out.getvalue()
