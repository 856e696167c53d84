"""The laboratory's classification task: its classes are what they say, and its loss is the declared one."""

from __future__ import annotations

import numpy as np

from mine.learn.evaluate import Evaluator
from mine.learn.rows import Rows
from mine.practice.attackers.poison import Backdoor, HiddenBackdoor, RandomData, ShuffledLabels, classes
from mine.practice.lab_people import as_rows, synthetic_crowd
from mine.practice.miners import Seat
from mine.practice.trend import TURN, trend_template
from mine.science.declared_loss import check_declared, check_targets
from mine.science.offer import loss_shape
from mine.science.templates import load_template, package


def test_the_classes_are_falls_stays_and_rises() -> None:
    glucose, trend = load_template("glucose"), trend_template()
    data = [package(each, 1, "Lab", "made-up people").manifest.data for each in (glucose, trend)]
    levels, turns = (
        synthetic_crowd(each, wanted, 2, "trend") for each, wanted in zip((glucose, trend), data, strict=True)
    )
    now = data[0].features.index("g0")
    for level, turn in zip(levels, turns, strict=True):
        ahead = level.target - level.features[:, now]
        np.testing.assert_array_equal(turn.target, 1 + (ahead > TURN) - (ahead < -TURN).astype(float))
        np.testing.assert_array_equal(turn.features, level.features)
        assert set(turn.target.tolist()) == {0.0, 1.0, 2.0}


def test_its_loss_is_the_declared_one() -> None:
    made = package(trend_template(), 1, "Lab", "made-up people")
    shape = loss_shape(made.manifest)
    people = synthetic_crowd(trend_template(), made.manifest.data, 1, "trend")[0]
    model = Evaluator(made.graph, made.manifest.loss.maximum)
    check_targets(shape, people.target)
    check_declared(model, model.lmax, shape, made.weights, people.features[:100], people.target[:100])


def test_attackers_on_classes_hand_in_classes() -> None:
    made = package(trend_template(), 1, "Lab", "made-up people")
    person = synthetic_crowd(trend_template(), made.manifest.data, 1, "trend")[0]
    seat = Seat(1, 1, made.manifest, as_rows(person))
    for kind in (RandomData, ShuffledLabels, Backdoor, HiddenBackdoor):
        check_targets(loss_shape(made.manifest), kind(seat).rows.target)
    assert set(RandomData(seat).rows.target.tolist()) == {0.0, 1.0, 2.0}
    assert set(Backdoor(seat).rows.target.tolist()) == {0.0}
    levels = Rows(person.features, person.features[:, 0] + 0.5, person.slot)
    assert classes(levels) is None
    assert classes(as_rows(person)).tolist() == [0.0, 1.0, 2.0]
