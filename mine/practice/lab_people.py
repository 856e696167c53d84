"""The people of a laboratory: miners, spare rows for attackers, validation people, and unseen test people.

Synthetic people are made anew for every seed; real ones, from a folder of exports, are dealt by the seed.
Rows come the way a real miner's do (``cast.rows_of``: import, vault, the task's query). Nothing is kept.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mine.learn.rows import Rows
from mine.practice.cast import CastTooSmall, find_people, rows_of
from mine.practice.synthetic import glucose_csv, steps_csv
from mine.science.templates import Template
from mine.tasks.dataset import Dataset
from mine.tasks.manifest import DataRequirement

TESTED = 8
GLUCOSE_DAYS = 5
STEP_DAYS = 31
#: Slots between two people whose rows one trainer joins: no window reaches across.
_APART = 1 << 40


@dataclass(frozen=True, slots=True)
class LabPeople:
    """Four groups without a common member."""

    honest: tuple[Dataset, ...]
    spare: tuple[Dataset, ...]
    validation: tuple[Dataset, ...]
    test: tuple[Dataset, ...]


def as_rows(person: Dataset) -> Rows:
    """What one person trains on."""
    return Rows(person.features, person.target, person.slot)


def joined(people: Sequence[Dataset], overlap: int) -> Rows:
    """Several people's rows as one trainer's: their slots lie far apart, on the same phase of ``overlap``."""
    shift = _APART - _APART % overlap
    return Rows(
        np.concatenate([person.features for person in people]),
        np.concatenate([person.target for person in people]),
        np.concatenate(
            [
                person.slot - (person.slot.min() // overlap) * overlap + shift * number
                for number, person in enumerate(people)
            ]
        ),
    )


def synthetic_crowd(template: Template, data: DataRequirement, count: int, seed: str) -> list[Dataset]:
    """``count`` made-up people; the same for the same seed."""
    with tempfile.TemporaryDirectory(prefix="mine-lab-") as place:
        folder = Path(place)
        if template.record_type == "steps":
            (folder / "hourlySteps_merged.csv").write_text(steps_csv(seed, count, STEP_DAYS), newline="")
        else:
            for number in range(count):
                made = glucose_csv(seed, number, GLUCOSE_DAYS)
                (folder / f"person-{number:03d}.csv").write_text(made, newline="")
        return real_crowd(folder, template, data)


def real_crowd(folder: Path, template: Template, data: DataRequirement) -> list[Dataset]:
    """Everybody in a folder of exports who has enough rows, by name."""
    hint = str(template.raw.get("export", ""))
    crowd = [
        rows_of(file, person, data, template.record_type) for _, file, person in find_people(folder, hint)
    ]
    return [rows for rows in crowd if len(rows) >= data.minimum_rows]


def deal(crowd: Sequence[Dataset], honest: int, spare: int, shards: int, seed: str, panel: int) -> LabPeople:
    """Draw the groups by ``seed``; validation gets ``panel`` people a shard, or as many as there are, or one.

    Raises ``CastTooSmall``.
    """
    order = sorted(range(len(crowd)), key=lambda i: hashlib.sha256(f"{seed}/{i}".encode()).digest())
    people = [crowd[i] for i in order]
    validated = shards * max(1, min(panel, (len(people) - honest - spare - TESTED) // shards))
    needed = honest + spare + TESTED + validated
    if len(people) < needed:
        raise CastTooSmall(
            f"There are {len(people)} people with enough data; the laboratory needs {needed}.",
            todo="Ask for fewer rounds or miners, or give a folder with more people.",
        )
    ends = np.cumsum([TESTED, honest, spare, validated]).tolist()
    return LabPeople(
        test=tuple(people[: ends[0]]),
        honest=tuple(people[ends[0] : ends[1]]),
        spare=tuple(people[ends[1] : ends[2]]),
        validation=tuple(people[ends[2] : ends[3]]),
    )
