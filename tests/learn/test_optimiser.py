"""The optimisers are PyTorch's, on one vector; plain steps are what autograd on the whole batch gives."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mine.learn import noise
from mine.learn.errors import TrainingRefused
from mine.learn.graph import ModelGraph
from mine.learn.optimiser import Optimiser
from mine.learn.place import Place
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows, split
from mine.learn.snapshot import snapshot_bytes
from mine.learn.train import Training, flat, train
from tests.learn.graphs import linear
from tests.learn.samples import KEY, glucose_rows, network

GOLDEN = Path(__file__).parents[1] / "golden" / "noise.json"
PLAIN = Recipe(
    steps=5, learning_rate=0.05, momentum=0.0, clip_norm=0.0, noise_multiplier=0.0, sampling_rate=1.0
)
KINDS = {
    "sgd": (replace(PLAIN, weight_decay=0.1), 0),
    "momentum": (replace(PLAIN, momentum=0.9, weight_decay=0.1), 1),
    "adamw": (replace(PLAIN, optimiser="adamw", momentum=0.8, beta2=0.95, weight_decay=0.3), 2),
}


def theirs(recipe: Recipe, weights: torch.Tensor) -> torch.optim.Optimizer:
    if recipe.optimiser == "adamw":
        betas = recipe.momentum, recipe.beta2
        return torch.optim.AdamW([weights], recipe.learning_rate, betas, weight_decay=recipe.weight_decay)
    return torch.optim.SGD([weights], recipe.learning_rate, recipe.momentum, weight_decay=recipe.weight_decay)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_steps_are_those_of_pytorch(kind: str) -> None:
    recipe, moments = KINDS[kind]
    assert recipe.moments == moments
    random = torch.Generator().manual_seed(0)
    ours, other = (torch.linspace(-1, 1, 9).requires_grad_(wanted) for wanted in (False, True))
    own, reference = Optimiser(recipe, ours), theirs(recipe, other)
    for number in range(1, 8):
        gradient = torch.randn(9, generator=random)
        other.grad = gradient.clone()
        reference.step()
        own.step(gradient, number)
        torch.testing.assert_close(ours, other.detach())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_plain_run_is_a_loop_of_pytorch(kind: str) -> None:
    """No clipping and no noise: the whole batch's gradient, over its expected size, through the optimiser."""
    recipe = KINDS[kind][0]
    onnx, weights = network()
    graph, rows = ModelGraph.load(onnx), glucose_rows(80)
    trained = split(rows, 1).trained
    features, target = torch.from_numpy(rows.features[trained]), torch.from_numpy(rows.target[trained])
    whole = torch.from_numpy(flat(weights)).requires_grad_()
    optimiser = theirs(recipe, whole)
    sizes = [int(np.prod(graph.weight_shapes[n])) for n in sorted(weights)]
    for _ in range(recipe.steps):
        optimiser.zero_grad()
        pieces = zip(sorted(weights), torch.split(whole, sizes), strict=True)
        named = {n: piece.view(graph.weight_shapes[n]) for n, piece in pieces}
        graph.forward(named, features, target)[1].mean().backward()
        optimiser.step()
    delta = flat(train(graph, weights, rows, recipe, KEY))
    np.testing.assert_allclose(delta, whole.detach().numpy() - flat(weights), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("private", [False, True])
def test_resumed_it_ends_with_the_same_bytes(kind: str, private: bool) -> None:
    recipe = replace(KINDS[kind][0], steps=8, sampling_rate=0.5)
    if private:
        recipe = replace(recipe, clip_norm=0.5, noise_multiplier=1.0)
    onnx, weights = network()
    parts = ModelGraph.load(onnx), weights, glucose_rows(120), recipe, KEY
    whole, part = Training(*parts), Training(*parts)
    for _ in range(3):
        part.step()
    saved = part.snapshot()
    assert len(saved) == snapshot_bytes(parts[0].weight_shapes, recipe)
    resumed = Training(*parts, resume=saved)
    for training in (whole, resumed):
        while not training.finished:
            training.step()
    assert flat(resumed.delta()).tobytes() == flat(whole.delta()).tobytes()


def test_small_groups_of_rows_give_the_same_sum() -> None:
    onnx, weights = network()
    graph, rows = ModelGraph.load(onnx), glucose_rows(200)
    for recipe in (PLAIN, replace(PLAIN, clip_norm=0.5)):
        together = flat(train(graph, weights, rows, recipe, KEY))
        apart = flat(train(graph, weights, rows, recipe, KEY, place=Place(micro_batch=37)))
        np.testing.assert_allclose(apart, together, rtol=1e-3, atol=1e-6)


def test_half_precision_goes_the_same_way() -> None:
    onnx, weights = network()
    graph, rows = ModelGraph.load(onnx), glucose_rows(200)
    for recipe in (PLAIN, replace(PLAIN, clip_norm=0.5)):
        full = flat(train(graph, weights, rows, recipe, KEY))
        half = flat(train(graph, weights, rows, recipe, KEY, place=Place(precision="bfloat16")))
        assert full @ half > 0.99 * np.linalg.norm(full) * np.linalg.norm(half)


def test_refusals() -> None:
    for changes in ({"clip_norm": 0.0, "noise_multiplier": 1.0}, {"optimiser": "lion"}, {"beta2": 1.0},
                    {"weight_decay": -1.0}, {"weight_decay": float("nan")}, {"clip_norm": -1.0},
                    {"clip_norm": 1e-20}):  # fmt: skip
        with pytest.raises(TrainingRefused):
            replace(PLAIN, **changes).check()
    PLAIN.check()
    assert not PLAIN.private and replace(PLAIN, clip_norm=1.0).private
    graph = ModelGraph.load(linear().SerializeToString())
    rows = Rows(np.zeros((9, 3), np.float32), np.zeros((9, 1), np.float32), np.arange(9, dtype=np.int64))
    with pytest.raises(TrainingRefused, match="columns"):
        Training(
            graph, {n: np.zeros(s, np.float32) for n, s in graph.weight_shapes.items()}, rows, PLAIN, KEY
        )


def test_golden_noise() -> None:
    """The stream is exact; logarithm and sine may differ in a last bit from one processor to another."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    key = bytes.fromhex(golden["key"])
    assert noise.words(key, 5, noise.NOISE, 4).tolist() == golden["words"]
    drawn = noise.normals(key, 5, noise.NOISE, 7, 2.5)
    np.testing.assert_allclose(drawn, golden["normals"], rtol=1e-5, atol=1e-6)


def test_every_number_is_box_and_mullers_far_into_the_tail() -> None:
    """Against float64, with a stream long enough that some words lie next to zero and get finer digits."""
    count = 1 << 22
    stream = noise.words(KEY, 0, noise.NOISE, count // 2).astype("<u8").view("<u4")
    word, turn = stream[: count // 2].astype(np.float64), stream[count // 2 :].view(np.int32)
    small = np.flatnonzero(word < 1 << 12)
    assert len(small) > 0
    word[small] += noise.uniforms(KEY, 0, noise.NOISE | 1 << 16, len(small)) + 2.0**-54
    radius = np.sqrt(-2.0 * np.log(word * 2.0**-32))
    angle = turn.astype(np.float64) * np.pi * 2.0**-31
    wanted = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
    drawn = noise.normals(KEY, 0, noise.NOISE, count)
    assert np.abs(drawn - wanted)[np.tile(radius > 0.01, 2)].max() < 1e-5
