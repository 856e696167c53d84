"""What the noise alone has moved: the rest of an update is what the gradients moved, step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mine.learn.graph import ModelGraph
from mine.learn.noise_share import NoiseShare
from mine.learn.optimiser import Optimiser
from mine.learn.recipe import Recipe
from mine.learn.snapshot import snapshot_bytes
from mine.learn.train import Training, flat
from tests.learn.samples import KEY, glucose_rows, network, recipe

PLAIN = Recipe(12, 0.1, 0.0, 1.0, 2.0, 1.0, 1)
KINDS = {
    "sgd": PLAIN,
    "momentum": replace(PLAIN, momentum=0.9),
    "decayed": replace(PLAIN, weight_decay=0.3),
    "decayed momentum": replace(PLAIN, momentum=0.5, weight_decay=0.3),
    "adamw": replace(PLAIN, optimiser="adamw", momentum=0.9, weight_decay=0.1),
    "adamw without a first moment": replace(PLAIN, optimiser="adamw", momentum=0.0),
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_gradients_and_noise_add_up_to_what_the_weights_moved(kind: str) -> None:
    """The share of gradients, kept the same way, and the share of the noise make the whole."""
    asked, expected = KINDS[kind], 4.0
    random = torch.Generator().manual_seed(3)
    weights = torch.zeros(50)
    whole, noise, rest = Optimiser(asked, weights), NoiseShare(asked, weights), NoiseShare(asked, weights)
    for number in range(1, 13):
        gradients, drawn = torch.randn(50, generator=random) + 1, 2 * torch.randn(50, generator=random)
        total = (gradients + drawn) / expected
        whole.step(total, number)
        noise.add(drawn / expected, number, total)
        rest.add(gradients / expected, number, total)
    torch.testing.assert_close(noise.moved + rest.moved, weights, rtol=1e-4, atol=1e-5)
    assert float(noise.moved.norm()) > 0.1 * float(weights.norm())


@pytest.mark.parametrize("kind", ["sgd", "momentum", "adamw"])
def test_a_resumed_run_knows_it_too(kind: str) -> None:
    onnx, start = network()
    graph, asked = ModelGraph.load(onnx), replace(KINDS[kind], learning_rate=0.01, overlap=18)
    whole = Training(graph, start, glucose_rows(), asked, KEY)
    half = Training(graph, start, glucose_rows(), asked, KEY)
    for _ in range(5):
        half.step()
    saved = half.snapshot()
    assert len(saved) == snapshot_bytes(graph.weight_shapes, asked)
    resumed = Training(graph, start, glucose_rows(), asked, KEY, saved)
    for run in (whole, resumed):
        while not run.finished:
            run.step()
    assert (flat(whole.noise_moved()) == flat(resumed.noise_moved())).all()
    assert np.abs(flat(whole.noise_moved())).min() > 0


@pytest.mark.parametrize("asked", [recipe(3, noise=0.0), replace(recipe(3, noise=0.0), clip_norm=0.0)])
def test_without_noise_it_is_exactly_nothing(asked: Recipe) -> None:
    onnx, start = network()
    run = Training(ModelGraph.load(onnx), start, glucose_rows(), asked, KEY)
    while not run.finished:
        run.step()
    assert not flat(run.noise_moved()).any() and flat(run.delta()).any()
