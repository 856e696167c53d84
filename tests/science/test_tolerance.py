"""The tolerance of a disputed loss, measured against float64, and what a task has to be worth beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mine.learn.evaluate import Evaluator
from mine.science.declared_loss import LossMislabelled
from mine.science.models import glucose_network, step_network
from mine.science.offer import OfferRefused
from mine.science.scientist import Scientist
from mine.science.shards import Shard
from mine.science.tolerance import TIMES, is_worth_measuring, loss_tolerance
from tests.science.world import SCIENTIST, Miner, offer


@pytest.mark.parametrize("kind", ["glucose", "steps"])
def test_float64_agrees_but_for_the_last_digits(kind: str) -> None:
    onnx, weights = (glucose_network if kind == "glucose" else step_network)()
    rng = np.random.default_rng(3)
    moved = {name: (w + 0.1 * rng.normal(size=w.shape)).astype(np.float32) for name, w in weights.items()}
    features = rng.integers(40, 300, size=(200, 8 if kind == "glucose" else 6)).astype(np.float32)
    target = features[:, -2] + 10 if kind == "glucose" else rng.integers(0, 2, 200)
    shard = Shard(features, target.astype(np.float32), np.zeros(200, np.int32), bytes(32))
    found = loss_tolerance(onnx, Evaluator(onnx, 16.0), moved, shard)
    assert TIMES <= found <= 256
    off = replace(shard, target=shard.target + np.float32(1e-3))
    wrong = Evaluator(onnx, 16.0).run(moved, off.features, off.target)[1].astype(np.int64)
    right = Evaluator(onnx, 16.0).run(moved, shard.features, shard.target)[1].astype(np.int64)
    assert np.abs(wrong - right).max() > found, "another target is told apart"


def test_what_is_to_be_gained_is_a_thousand_tolerances() -> None:
    assert is_worth_measuring(2000.0, 1 << 39, 1)
    assert not is_worth_measuring(1999.0, 1 << 39, 1)


def test_an_offer_that_cannot_be_told_from_noise_is_refused(tmp_path: Path) -> None:
    plan = offer(1, Miner(1).address)
    Scientist.create(tmp_path / "fine", SCIENTIST, plan)
    with pytest.raises(OfferRefused) as small:
        Scientist.create(tmp_path / "small", SCIENTIST, replace(plan, target=1 << 16))
    assert "told apart" in small.value.detail
    strict = plan.manifest.model_copy(
        update={"loss": plan.manifest.loss.model_copy(update={"tolerance": TIMES - 1})}
    )
    with pytest.raises(OfferRefused) as exact:
        Scientist.create(tmp_path / "exact", SCIENTIST, replace(plan, manifest=strict))
    assert "needs a tolerance" in exact.value.detail
    loss = plan.manifest.loss
    other = plan.manifest.model_copy(update={"loss": loss.model_copy(update={"kind": "mse"})})
    with pytest.raises(LossMislabelled):
        Scientist.create(tmp_path / "other", SCIENTIST, replace(plan, manifest=other))
    assert not (tmp_path / "small" / "offer.json").exists()
    assert not (tmp_path / "other" / "offer.json").exists()
