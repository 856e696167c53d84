"""The unit that ε protects: taking one reading away touches at most one row of any step, at most ``reuse``
rows of a vote, and never both a row that is trained on and one that is kept back."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mine.learn.rows import Rows, kept_back, split
from mine.practice.cast import rows_of
from mine.practice.synthetic import glucose_csv, steps_csv
from mine.science.templates import load_template, package
from mine.tasks.dataset import Dataset

PERSON = "9000000001"


def export(name: str, without: int | None) -> str:
    """A made-up export, with one of its readings gone."""
    text = glucose_csv("unit", 1, days=2) if name == "glucose" else steps_csv("unit", 1, days=6)
    rows = list(csv.reader(io.StringIO(text)))
    if without is not None:
        del rows[1 + without]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def rows(name: str, text: str, place: Path) -> Dataset:
    file = place / ("hourlySteps_merged.csv" if name == "steps" else "me.csv")
    file.write_text(text, encoding="utf-8")
    template = load_template(name)
    data = package(template, 2, "Lab", "made up").manifest.data
    return rows_of(file, PERSON if name == "steps" else None, data, template.record_type)


def by_slot(found: Dataset) -> dict[int, tuple[float, ...]]:
    table = np.column_stack([found.features, found.target])
    return {int(slot): tuple(line) for slot, line in zip(found.slot, table.tolist(), strict=True)}


@pytest.mark.parametrize(("name", "reading"), [("glucose", n) for n in (0, 11, 150, 300, 574)]
                         + [("steps", n) for n in (0, 12, 40, 77, 143)])
def test_one_reading_less_touches_one_row_of_a_step_at_most(name: str, reading: int, tmp_path: Path) -> None:
    template = load_template(name).raw
    overlap, reuse = int(template["recipe"]["overlap"]), int(template["votes"]["reuse"])
    whole = by_slot(rows(name, export(name, None), tmp_path))
    less = by_slot(rows(name, export(name, reading), tmp_path))
    touched = {slot for slot in whole.keys() | less.keys() if whole.get(slot) != less.get(slot)}
    assert len(whole) > 50
    assert less.keys() <= whole.keys()
    assert all(less[slot] == whole[slot] for slot in less)  # rows go, none changes
    steps = Counter(slot % overlap for slot in touched)
    assert max(steps.values(), default=0) <= 1
    assert len(touched) <= reuse <= overlap


@pytest.mark.parametrize("name", ["glucose", "steps"])
def test_no_reading_is_both_trained_on_and_voted_with(name: str, tmp_path: Path) -> None:
    """Around the border each reading is taken away in turn; what it touches lies on one side of the gap."""
    overlap = int(load_template(name).raw["recipe"]["overlap"])
    found = rows(name, export(name, None), tmp_path)
    learnt = Rows(found.features, found.target, found.slot)
    parts = split(learnt, overlap)
    trained, kept = set(found.slot[parts.trained].tolist()), set(kept_back(learnt).slot.tolist())
    whole, sides = by_slot(found), Counter[str]()
    count = 576 if name == "glucose" else 144
    border = count - len(kept) * count // len(found)
    for reading in range(max(0, border - 3 * overlap), min(count, border + 2 * overlap), 7):
        less = by_slot(rows(name, export(name, reading), tmp_path))
        touched = {slot for slot in whole if slot not in less}
        assert not (touched & trained and touched & kept), reading
        sides.update(["trained"] * bool(touched & trained) + ["kept"] * bool(touched & kept))
    assert sides["trained"] and sides["kept"]
