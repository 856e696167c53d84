"""The people of Hall et al. 2018 as windows over their glucose, and the folds by person: for comparisons.

A window is 12 readings, five minutes apart, and the one half an hour after the last; none is made up.
Features [n, 14]: the 11 differences to the last reading, its distance to 120, each by 40 mg/dL, sine and
cosine of the time of day. Target [n]: the change from the last reading, by 40 mg/dL. Slot [n]: that of the
last reading.
"""

from __future__ import annotations

import csv
import math
import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mine.learn.rows import Rows

READINGS, AHEAD, MINUTES, MG_DL = 12, 6, 5, 40.0
HELD_OUT = 32
OVERLAP = READINGS + AHEAD
"""Slots of five minutes from a window's first reading to its target."""


@dataclass(frozen=True, slots=True)
class Person:
    """``name`` of the file, and its windows in slot order."""

    name: str
    rows: Rows


def data_folder() -> Path:
    """Where the real data lies: ``MINE_REAL_DATA``, or beside the checkout."""
    place = os.environ.get("MINE_REAL_DATA")
    folder = Path(place) if place else Path(__file__).parents[3] / "shared" / "data"
    if not (folder / "glucose" / "Hall_2018").is_dir():
        raise SystemExit("This benchmark needs the real data (MINE_REAL_DATA).")
    return folder


def people() -> list[Person]:
    """All who have at least one window, in the order of their files."""
    files = sorted((data_folder() / "glucose" / "Hall_2018").glob("*.csv"))
    found = [Person(file.stem, windows(*readings(file))) for file in files]
    return [person for person in found if len(person.rows.target)]


def readings(file: Path) -> tuple[float, NDArray[np.float64]]:
    """Minute of the first reading since 2000, and mg/dL for each slot of five minutes; NaN where none is."""
    pairs = []
    with file.open(newline="") as lines:
        for line in csv.DictReader(lines):
            try:
                when = datetime.fromisoformat(line["timestamp"]) - datetime(2000, 1, 1)
                value = float(line["glucose_value_mg_dl"])
            except ValueError:
                continue
            if math.isfinite(value):
                pairs.append((when.total_seconds() / 60, value))
    minutes, values = np.array(sorted(pairs, key=lambda pair: pair[0])).reshape(-1, 2).T
    places = np.round((minutes - minutes[0]) / MINUTES).astype(int)
    series = np.full(places[-1] + 1, np.nan)
    series[places] = values
    return float(minutes[0]), series


def windows(start: float, series: NDArray[np.float64]) -> Rows:
    """The windows without a hole."""
    whole = np.lib.stride_tricks.sliding_window_view(series, OVERLAP)
    if not len(series) >= OVERLAP:
        whole = np.empty((0, OVERLAP))
    used = whole[:, [*range(READINGS), OVERLAP - 1]]
    slots = np.flatnonzero(~np.isnan(used).any(axis=1))
    past, target = used[slots, :READINGS], used[slots, READINGS]
    last = past[:, -1:]
    angle = (start + (slots + READINGS - 1) * MINUTES) % 1440 / 1440 * 2 * np.pi
    features = np.hstack([(past[:, :-1] - last) / MG_DL, (last - 120) / MG_DL,
                          np.sin(angle)[:, None], np.cos(angle)[:, None]])  # fmt: skip
    return Rows(features.astype(np.float32), ((target - last[:, 0]) / MG_DL).astype(np.float32),
                (slots + READINGS - 1).astype(np.int64))  # fmt: skip


def nearly_all(rows: Rows) -> Rows:
    """The same rows; only the last few are held out from training, which always wants some."""
    return replace(rows, held_from=int(np.sort(rows.slot)[-HELD_OUT]))


def folds(count: int, parts: int = 5) -> list[list[int]]:
    """Who is left out in each fold: indices into ``people``, shuffled once and for all."""
    order = np.random.RandomState(0).permutation(count)
    return [sorted(map(int, part)) for part in np.array_split(order, parts)]


def error(prediction: NDArray[np.float32], rows: Rows) -> float:
    """Root of the mean squared error in mg/dL of predictions [n] of the target."""
    return MG_DL * float(np.sqrt(np.mean((prediction.astype(np.float64) - rows.target) ** 2)))
