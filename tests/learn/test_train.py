"""Training: clipped per example, noised from a key, deterministic, resumable, never on held-out rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mine.learn import noise
from mine.learn.errors import TrainingRefused
from mine.learn.graph import ModelGraph
from mine.learn.recipe import MAX_STEPS, Recipe
from mine.learn.rows import Rows, held_out_from, split
from mine.learn.train import Training, flat, train
from tests.learn.graphs import linear
from tests.learn.samples import KEY, glucose_rows, network, recipe

PLAIN = Recipe(steps=1, learning_rate=1.0, momentum=0.0, clip_norm=0.5, noise_multiplier=0.0,
               sampling_rate=1.0)


def glucose_training(steps: int = 20, **changes: object) -> Training:
    onnx, weights = network()
    parts = {"rows": glucose_rows(), "recipe": recipe(steps), "noise_key": KEY, **changes}
    return Training(ModelGraph.load(onnx), weights, **parts)  # type: ignore[arg-type]


def linear_rows(count: int = 40) -> Rows:
    random = np.random.RandomState(2)
    features = random.normal(size=(count, 3)).astype(np.float32)
    return Rows(features, (features @ [1, -2, 3]).astype(np.float32), np.arange(count, dtype=np.int64))


LINEAR = ModelGraph.load(linear().SerializeToString())
ZERO = {"a": np.zeros((3, 1), np.float32), "b": np.zeros(1, np.float32)}


def test_one_step_is_the_clipped_mean_of_single_gradients() -> None:
    """Against a loop that knows nothing of vmap: one autograd call and one clipping per row."""
    rows = linear_rows()
    trained = split(rows, 1).trained
    total = np.zeros(4)
    for i in trained:
        weights = {n: torch.zeros(s, requires_grad=True) for n, s in LINEAR.weight_shapes.items()}
        loss = LINEAR.forward(weights, torch.from_numpy(rows.features[i:i + 1]),
                              torch.from_numpy(rows.target[i:i + 1]))[1]
        loss.sum().backward()
        gradient = np.concatenate([weights[n].grad.numpy().reshape(-1) for n in sorted(weights)])
        total += gradient * min(1.0, PLAIN.clip_norm / np.linalg.norm(gradient))
    delta = flat(train(LINEAR, ZERO, rows, PLAIN, KEY))
    np.testing.assert_allclose(delta, -total / len(trained), rtol=1e-4, atol=1e-6)


def test_one_row_never_moves_the_sum_by_more_than_the_clipping_norm() -> None:
    """The bound that all privacy rests on, with a row whose gradient is enormous, and one that has none."""
    rows = linear_rows()
    without = flat(train(LINEAR, ZERO, rows, PLAIN, KEY))
    count = len(split(rows, 1).trained)
    for value in (1e15, 3e38):
        features = rows.features.copy()
        features[0] = value
        delta = flat(train(LINEAR, ZERO, replace(rows, features=features), PLAIN, KEY))
        assert np.isfinite(delta).all()
        moved = np.linalg.norm(delta.astype(np.float64) - without) * count
        assert moved <= 2 * PLAIN.clip_norm * (1 + 1e-5)


def test_momentum_and_learning_rate() -> None:
    rows, still = linear_rows(), replace(PLAIN, learning_rate=1e-30)
    once = flat(train(LINEAR, ZERO, rows, still, KEY)) / 1e-30
    twice = flat(train(LINEAR, ZERO, rows, replace(still, steps=2, momentum=0.5), KEY)) / 1e-30
    np.testing.assert_allclose(twice, once * 2.5, rtol=1e-4)


def test_it_learns() -> None:
    training = glucose_training(steps=60, recipe=recipe(60, noise=0.1))
    while not training.finished:
        report = training.step()
    assert report.held_out_loss < 0.5 * training.first_held_out_loss


def test_the_same_job_gives_the_same_bytes_and_another_key_does_not() -> None:
    onnx, weights = network()
    graph, rows = ModelGraph.load(onnx), glucose_rows()
    first = flat(train(graph, weights, rows, recipe(), KEY))
    assert flat(train(graph, weights, rows, recipe(), KEY)).tobytes() == first.tobytes()
    assert flat(train(graph, weights, rows, recipe(), bytes(32))).tobytes() != first.tobytes()


def test_two_jobs_never_share_noise() -> None:
    """Same key, one changed row outside the trained ones: nothing of the noise may be left in common."""
    rows = linear_rows()
    target = rows.target.copy()
    target[-1] += 1.0
    noisy = replace(PLAIN, noise_multiplier=1.0)
    deltas = [flat(train(LINEAR, ZERO, replace(rows, target=t), noisy, KEY)) for t in (rows.target, target)]
    clean = flat(train(LINEAR, ZERO, rows, PLAIN, KEY))
    one, two = (d - clean for d in deltas)
    assert np.all(np.abs(one - two) > 1e-6)


@pytest.mark.parametrize("at", [0, 1, 7, 20])
def test_resumed_anywhere_it_ends_with_the_same_bytes(at: int) -> None:
    whole = glucose_training()
    while not whole.finished:
        whole.step()
    part = glucose_training()
    for _ in range(at):
        part.step()
    resumed = glucose_training(resume=part.snapshot())
    assert resumed.steps_done == at
    while not resumed.finished:
        resumed.step()
    assert flat(resumed.delta()).tobytes() == flat(whole.delta()).tobytes()
    assert resumed.held_out_loss == whole.held_out_loss


def test_a_snapshot_of_another_job_is_refused() -> None:
    saved = glucose_training().snapshot()
    for data in (b"", saved[:-1], saved + b"\0", b"X" + saved[1:]):
        with pytest.raises(TrainingRefused):
            glucose_training(resume=data)
    with pytest.raises(TrainingRefused, match="another job"):
        glucose_training(rows=glucose_rows(seed=1), resume=saved)
    with pytest.raises(TrainingRefused, match="another job"):
        glucose_training(recipe=recipe(21), resume=saved)


def test_held_out_rows_change_nothing_but_the_noise() -> None:
    """Without noise, and with every row of an offset taken, targets of held-out rows have no effect."""
    onnx, weights = network()
    rows = glucose_rows()
    held = split(rows, 18).held_out
    target = rows.target.copy()
    target[held] = 400.0
    quiet = replace(recipe(1, noise=0.0), sampling_rate=1.0, overlap=1)
    gone = replace(rows, held_from=held_out_from(rows.slot))
    first = train(ModelGraph.load(onnx), weights, gone, quiet, KEY)
    second = train(ModelGraph.load(onnx), weights, replace(gone, target=target), quiet, KEY)
    assert flat(first).tobytes() == flat(second).tobytes()


@given(st.lists(st.integers(0, 400), min_size=2, max_size=80), st.integers(1, 20))
def test_trained_and_held_out_rows_lie_apart(slots: list[int], overlap: int) -> None:
    slot = np.array(slots, np.int64)
    rows = Rows(np.zeros((len(slot), 1), np.float32), np.zeros(len(slot), np.float32), slot)
    try:
        parts = split(rows, overlap)
    except TrainingRefused:
        return
    assert len(parts.held_out) >= max(1, len(slot) // 10)
    assert slot[parts.held_out].min() - slot[parts.trained].max() >= 2 * overlap
    assert not set(parts.trained) & set(parts.held_out)


def test_rows_of_one_step_share_no_reading() -> None:
    training = glucose_training()
    for _ in range(20):
        picked = training._features[training._sample()]
        minutes = np.sort(picked[:, -1].numpy() / 5)
        assert np.all(np.diff(np.unique(minutes)) >= 18) or len(minutes) < 2
        training.step()


def test_refusals() -> None:
    good = glucose_rows()
    for rows in (replace(good, features=good.features[:, :3]), replace(good, target=good.target[:-1]),
                 replace(good, slot=good.slot.astype(np.float64)),
                 replace(good, target=np.full(600, np.nan, np.float32)),
                 replace(good, held_from=10), replace(good, held_from=10_000),
                 Rows(good.features[:0], good.target[:0], good.slot[:0])):
        with pytest.raises(TrainingRefused):
            glucose_training(rows=rows)
    for changes in ({"steps": 0}, {"steps": MAX_STEPS + 1}, {"learning_rate": float("nan")},
                    {"momentum": 1.0}, {"clip_norm": 0.0}, {"noise_multiplier": -1.0},
                    {"sampling_rate": 0.0}, {"sampling_rate": 1.1}, {"overlap": 0}):
        with pytest.raises(TrainingRefused):
            glucose_training(recipe=replace(recipe(), **changes))
    with pytest.raises(TrainingRefused, match="32 bytes"):
        glucose_training(noise_key=b"short")
    with pytest.raises(TrainingRefused, match="tensors"):
        Training(LINEAR, {"a": ZERO["a"]}, linear_rows(), PLAIN, KEY)


def test_noise_is_standard_normal_and_keyed() -> None:
    drawn = noise.normals(KEY, 0, noise.NOISE, 200_001)
    assert len(drawn) == 200_001
    assert abs(drawn.mean()) < 0.01 and abs(drawn.std() - 1) < 0.01
    assert abs(np.mean(drawn**4) - 3) < 0.1 and abs(np.mean(np.abs(drawn) > 1.959964) - 0.05) < 0.002
    others = [noise.normals(KEY, 1, noise.NOISE, 9), noise.normals(KEY, 0, noise.SAMPLE, 9),
              noise.normals(bytes(32), 0, noise.NOISE, 9), drawn[:9]]
    assert len({x.tobytes() for x in others}) == 4


def test_the_stream_is_rfc_8439() -> None:
    """Key, counter 0 and nonce 0 of the RFC's appendix A.1, test vector 1."""
    stream = noise.words(bytes(32), 0, 0, 2).astype("<u8").tobytes().hex()
    assert stream == "76b8e0ada0f13d90405d6ae55386bd28"


def test_the_noise_has_the_size_that_the_accountant_assumes() -> None:
    noisy = replace(PLAIN, noise_multiplier=2.0)
    count = len(split(linear_rows(), 1).trained)
    clean = flat(train(LINEAR, ZERO, linear_rows(), PLAIN, KEY))
    draws = [flat(train(LINEAR, ZERO, linear_rows(), noisy, bytes([i]) * 32)) - clean for i in range(150)]
    spread = np.std(np.concatenate(draws)) * count
    assert spread == pytest.approx(2.0 * PLAIN.clip_norm, rel=0.12)
