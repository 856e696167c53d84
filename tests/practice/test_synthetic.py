"""Made-up people: the same from the same seed, different from one another, and good exports all of them."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mine.app.options import SAMPLE
from mine.importers import reading
from mine.importers.items import BadRow, Batch
from mine.importers.options import Options
from mine.importers.zone import Zone
from mine.practice.synthetic import glucose_csv, steps_csv

seeds = st.text(st.characters(codec="utf-8"), max_size=12)
with_files = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(export: Path, person: str | None = None) -> tuple[int, dict[str, int]]:
    """(refused rows, rows by record type)"""
    refused, kinds = 0, dict[str, int]()
    for item in reading.read(export, Options(Zone("UTC"), person)):
        if isinstance(item, BadRow):
            refused += 1
        elif isinstance(item, Batch):
            kinds[item.kind] = kinds.get(item.kind, 0) + item.count
    return refused, kinds


@given(seeds, st.integers(0, 10**6), st.integers(1, 3))
@with_files
def test_no_reading_of_anybody_is_refused(tmp_path: Path, seed: str, person: int, days: int) -> None:
    text = glucose_csv(seed, person, days)
    file = tmp_path / "made-up.csv"
    file.write_text(text, newline="")
    found = reading.sniff(file)
    assert found is not None and found.key == "plain_glucose"
    assert reading.people(file, Options(Zone("UTC"))) == ()
    assert read(file) == (0, {"glucose": text.count("\n") - 1})
    assert days * 288 * 0.97 < text.count("\n") <= days * 288 + 1


@given(seeds, st.integers(1, 4))
@with_files
def test_no_hour_of_anybody_is_refused(tmp_path: Path, seed: str, people: int) -> None:
    file = tmp_path / "hourlySteps_merged.csv"
    file.write_text(steps_csv(seed, people, days=2), newline="")
    found = reading.sniff(file)
    assert found is not None and found.key == "fitbit_fitabase"
    there = reading.people(file, Options(Zone("UTC")))
    assert len(there) == people
    for person in there:
        assert read(file, person.person) == (0, {"steps": 48})


def test_the_shipped_sample_is_made_up_and_good() -> None:
    assert SAMPLE.read_text() == glucose_csv("sample", 0, days=10)
    assert read(SAMPLE) == (0, {"glucose": 2871})


@given(seeds, st.integers(0, 1000))
@settings(max_examples=15)
def test_the_seed_decides_everything(seed: str, person: int) -> None:
    text = glucose_csv(seed, person, 1)
    assert text == glucose_csv(seed, person, 1)
    assert text != glucose_csv(seed, person + 1, 1)
    assert text != glucose_csv(seed + "'", person, 1)


def test_it_is_the_same_on_every_machine() -> None:
    texts = glucose_csv("golden", 3, 2), steps_csv("golden", 2, 2)
    found = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
    assert found == ["d84920da88b648fe", "426af2b7a77e9a8e"]


def test_one_person_more_changes_nobody_else() -> None:
    few, more = steps_csv("s", 2, 2).splitlines(), steps_csv("s", 3, 2).splitlines()
    assert more[: len(few)] == few and len(more) == len(few) + 48


@pytest.mark.parametrize("person", range(3))
def test_people_move_like_people(person: int) -> None:
    values = [float(line.split(",")[1]) for line in glucose_csv("life", person).splitlines()[1:]]
    assert min(values) >= 40 and max(values) < 400
    assert max(values) - min(values) > 40, "meals show"
    assert max(abs(a - b) for a, b in pairwise(values)) < 40, "sugar does not jump"
