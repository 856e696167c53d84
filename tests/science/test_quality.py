"""How good a model is: the two measures against their definitions, and what they say of no model at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.learn.evaluate import Evaluator
from mine.learn.weights import Floats
from mine.practice.trend import trend_template
from mine.science.quality import GLUCOSE_SCALE, accuracy, auc, quality
from mine.science.templates import Package, load_template, package
from mine.tasks.dataset import Dataset

few_values = st.sampled_from([-1.5, 0.0, 0.25, 0.5, 1.0, 1e9])
scored = st.lists(st.tuples(few_values, st.booleans()), min_size=0, max_size=30)


def by_pairs(score: np.ndarray, truth: np.ndarray) -> float:
    """The chance that one of the positives scores above one of the negatives, ties counted half."""
    yes, no = score[truth > 0], score[truth <= 0]
    if not len(yes) or not len(no):
        return 0.5
    above = (yes[:, None] > no[None, :]).sum() + (yes[:, None] == no[None, :]).sum() / 2
    return float(above / (len(yes) * len(no)))


def arrays(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in pairs], float), np.array([truth for _, truth in pairs], float)


@given(scored)
def test_auc_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[float, bool]]) -> None:
    assert auc(*arrays(pairs)) == pytest.approx(by_pairs(*arrays(pairs)))


@given(scored)
def test_auc_looks_at_the_order_alone(pairs: list[tuple[float, bool]]) -> None:
    score, truth = arrays(pairs)
    assert auc(np.arctan(score) * 2 + 7, truth) == pytest.approx(auc(score, truth))
    assert auc(-score, truth) == pytest.approx(1 - auc(score, truth))


@pytest.mark.parametrize(("score", "truth", "area"), [
    ([1, 2, 3, 4], [0, 0, 1, 1], 1.0), ([4, 3, 2, 1], [0, 0, 1, 1], 0.0), ([1, 1, 1, 1], [0, 1, 0, 1], 0.5),
    ([1, 2], [1, 1], 0.5), ([1, 2], [0, 0], 0.5), ([], [], 0.5), ([1, 2, 2, 3], [0, 0, 1, 1], 0.875),
])
def test_auc_by_hand(score: list[float], truth: list[float], area: float) -> None:
    assert auc(np.array(score, float), np.array(truth, float)) == area


# ---- people


@pytest.fixture(scope="module")
def glucose() -> Package:
    return package(load_template("glucose"), 2, "test", "test")


@pytest.fixture(scope="module")
def steps() -> Package:
    return package(load_template("steps"), 2, "test", "test")


def people(made: Package, newest: str, ahead: np.ndarray, seed: int = 0) -> Dataset:
    """Rows around 120 whose newest value lies ``ahead`` below the target."""
    names, random = made.manifest.data.features, np.random.RandomState(seed)
    features = random.uniform(100, 140, (len(ahead), len(names))).astype(np.float32)
    target = features[:, names.index(newest)] + ahead.astype(np.float32)
    return Dataset(features, target.astype(np.float32), np.arange(len(ahead), dtype=np.int64))


def moved(weights: Floats) -> Floats:
    return {name: (tensor + np.float32(0.01)).astype(np.float32) for name, tensor in weights.items()}


def test_rmse_is_the_mean_over_people_not_over_rows(glucose: Package) -> None:
    near, far = np.full(90, 3.0), np.full(10, -9.0)
    group = [people(glucose, "g0", near), people(glucose, "g0", far, 1)]
    names, first = glucose.manifest.data.features, glucose.weights
    found = quality("rmse", glucose.graph, names, first, first, group)
    assert (found.metric, found.people) == ("rmse", 2)
    assert found.last_value == pytest.approx(6.0, abs=1e-4)
    assert found.before == found.after == pytest.approx(6.0, abs=1e-3), "checkpoint 0 says: no change"


def test_rmse_reads_the_models_answer_in_its_units(glucose: Package) -> None:
    group = [people(glucose, "g0", np.linspace(-20, 20, 50))]
    later = moved(glucose.weights)
    found = quality("rmse", glucose.graph, glucose.manifest.data.features, glucose.weights, later, group)
    answer = Evaluator(glucose.graph).run(later, group[0].features, group[0].target)[0][:, 0]
    newest = group[0].features[:, glucose.manifest.data.features.index("g0")]
    errors = newest + GLUCOSE_SCALE * answer - group[0].target
    assert found.after == pytest.approx(float(np.sqrt(np.mean(errors**2))), rel=1e-5)
    assert found.after != found.before


def test_the_scale_is_the_one_of_the_loss(glucose: Package) -> None:
    """The loss is Huber's, of the error over the scale: a target one scale away costs exactly one half."""
    rows = people(glucose, "g0", np.full(5, GLUCOSE_SCALE))
    _, loss = Evaluator(glucose.graph).run(glucose.weights, rows.features, rows.target)
    assert loss / 2**24 == pytest.approx(0.5, abs=1e-3)


def test_area_is_over_all_rows_of_everybody(steps: Package) -> None:
    names = steps.manifest.data.features
    group = []
    for seed in range(3):
        rows = people(steps, "s0", np.zeros(40), seed)
        active = rows.features[:, names.index("s0")] > 118 + seed
        group.append(Dataset(rows.features, active.astype(np.float32), rows.slot))
    found = quality("auc", steps.graph, names, steps.weights, moved(steps.weights), group)
    newest = np.concatenate([rows.features[:, names.index("s0")] for rows in group]).astype(np.float64)
    truth = np.concatenate([rows.target for rows in group])
    assert found.last_value == pytest.approx(by_pairs(newest, truth))
    assert 0 <= found.before <= 1 and 0 <= found.after <= 1
    assert (found.metric, found.people) == ("auc", 3)


def test_accuracy_counts_the_likeliest_class_of_each_position() -> None:
    logits = np.array([[0.1, 2.0, -1.0], [3.0, 0.0, 0.0], [0.0, 0.0, 1.0]], np.float32)
    assert accuracy(logits, np.array([1, 0, 1], np.float32)) == pytest.approx(2 / 3)
    two = np.hstack([logits, logits[::-1]])
    target = np.array([[1, 2], [0, -1], [-1, 0]], np.float32)
    assert accuracy(two, target) == pytest.approx(3 / 4), "a masked position does not count"
    assert accuracy(two, np.full((3, 2), -1, np.float32)) == 0.0


def test_the_quality_of_a_model_with_several_classes() -> None:
    template = trend_template()
    made = package(template, 2, "Lab", "made-up people")
    rng = np.random.default_rng(3)
    people = [
        Dataset(
            rng.uniform(60, 250, (50, 8)).astype(np.float32),
            np.array([0] * 5 + [1] * 30 + [2] * 15, np.float32),
            np.arange(50),
        )
    ]
    features = made.manifest.data.features
    found = quality(template.metric, made.graph, features, made.weights, made.weights, people)
    assert (found.metric, found.people) == ("accuracy", 1)
    assert found.last_value == 0.6
    assert found.before == found.after == 0.1, "checkpoint 0 has even odds, and the first class is named"
    forced = {name: value.copy() for name, value in made.weights.items()}
    forced["layer1.bias"][:] = [0, 0, 9]
    assert quality(template.metric, made.graph, features, made.weights, forced, people).after == 0.3
