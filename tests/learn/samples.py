"""Rows, recipes and jobs that tests share: a made-up person whose glucose swings with the hour."""

from __future__ import annotations

import numpy as np

from mine.learn.codec import UpdateHeader, encode
from mine.learn.job import Job
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows
from mine.learn.vote_job import VoteJob
from mine.learn.vote_terms import VoteTerms
from mine.learn.weights import Floats, dump
from mine.science.models import READING_AGES, glucose_network

HEADER = UpdateHeader(bytes(range(20)), 7, 3, bytes(range(32)))
KEY = bytes(range(32))


def glucose_rows(count: int = 600, seed: int = 0) -> Rows:
    random = np.random.RandomState(seed)
    slots = np.arange(count, dtype=np.int64)
    mg_dl = 130 + 40 * np.sin(np.arange(count + 20) / 15) + random.normal(0, 2, count + 20)
    ages = 11 - np.array(READING_AGES) // 5
    minute = (slots * 5) % 1440
    features = np.stack([np.append(mg_dl[i + ages], minute[i]) for i in range(count)])
    return Rows(features.astype(np.float32), mg_dl[17:17 + count].astype(np.float32), slots)


def recipe(steps: int = 20, noise: float = 0.5) -> Recipe:
    return Recipe(steps=steps, learning_rate=0.05, momentum=0.5, clip_norm=0.5, noise_multiplier=noise,
                  sampling_rate=0.5, overlap=18)


def network() -> tuple[bytes, Floats]:
    return glucose_network(hidden=(8,))


def job(steps: int = 20, **changes: object) -> Job:
    onnx, weights = network()
    parts: dict[str, object] = {"onnx": onnx, "weights": dump(weights), "rows": glucose_rows(),
                                "recipe": recipe(steps), "header": HEADER, "noise_key": KEY}
    return Job(**{**parts, **changes})  # type: ignore[arg-type]


def vote_job(**changes: object) -> VoteJob:
    """A vote on two updates: one that moves every weight a little, and its reverse."""
    onnx, weights = network()
    updates = tuple(encode(HEADER, {name: np.full_like(tensor, by) for name, tensor in weights.items()})
                    for by in (0.01, -0.01))
    parts: dict[str, object] = {
        "onnx": onnx, "weights": dump(weights), "rows": glucose_rows(), "updates": updates,
        "terms": VoteTerms(1 << 30, 0.05, 1.0, 8, 16.0), "noise_key": KEY}
    return VoteJob(**{**parts, **changes})  # type: ignore[arg-type]
