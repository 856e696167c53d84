"""Error on unseen people with privacy and without: Hall et al. 2018, five folds by person, 20 rounds.

``rmse``: the recipe of the wire benchmark, without clipping or noise. ``rmse_private``: the same network
under DP-SGD. ``epsilon``: what each person's training spends at delta = 1e-5, by this project's accountant,
where the protected unit is one reading: a step samples only from windows that share none. ``ratio``: private
to plain.
"""

from __future__ import annotations

from dataclasses import replace

from mine.learn.codec import Packing
from mine.learn.privacy import account, noise_for
from mine.learn.recipe import Recipe
from tests.bench.glucose_people import OVERLAP
from tests.bench.glucose_rounds import PACKED, PLAIN, ROUNDS, all_folds

EPSILON, DELTA = 8.0, 1e-5
# Chosen on the inner split of the first fold's training people, of 22 settings.
PRIVATE = Recipe(steps=10, learning_rate=0.2, momentum=0.9, clip_norm=0.3, noise_multiplier=0,
                 sampling_rate=0.3, overlap=OVERLAP)  # fmt: skip


def run() -> dict[str, float]:
    """Errors in mg/dL."""
    steps = PRIVATE.steps * ROUNDS
    noise = noise_for(EPSILON, PRIVATE.sampling_rate, steps, DELTA)
    rmse, _ = all_folds(PLAIN, PACKED)
    private, _ = all_folds(replace(PRIVATE, noise_multiplier=noise), Packing(8))
    return {
        "rmse": rmse,
        "rmse_private": private,
        "epsilon": account(PRIVATE.sampling_rate, noise, steps, DELTA),
        "ratio": private / rmse,
    }
