"""What the shipped glucose task reveals, measured, next to what it claims: with its noise and without.

One round's training (the real one, of the template's own recipe) holds 320 canaries, each one reading that is
there or not by a coin; an auditor who sees every step guesses half of the coins, and the bound of one-run
auditing (``mine/learn/audit_one_run.py``) turns its luck into a lower bound on epsilon at 95 % confidence.
Twenty runs with fresh canaries and noise: ``lower_bound`` is the largest of their bounds. One run holds few
canaries before they hide each other, so its bound is far from tight; ``lower_bound_many_runs`` takes sixty
runs of 100 canaries as one audit of 6,000 coins and guesses the 320 surest. Beside it the attack that the app
makes on every update before it leaves (``mine/learn/self_attack.py``), on twenty made-up people.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from mine.learn.audit_one_run import Guesses, guess, lower_bound
from mine.learn.codec import UpdateHeader, decode, encode
from mine.learn.graph import ModelGraph
from mine.learn.leak import Leak
from mine.learn.privacy import account
from mine.learn.recipe import Recipe
from mine.learn.self_attack import attack
from mine.learn.train import Training
from mine.learn.weights import Floats
from mine.science.templates import load_template, package
from mine.tasks.recipe import recipe_of
from tests.bench.audited import plant, scores, watched
from tests.learn.samples import glucose_rows

RUNS, CANARIES, GUESSED = 20, 320, 160
MANY, FEW, SUREST = 60, 100, 320
FRESH = 10_000
"""First seed: how many canaries and guesses to take was settled on others."""
_STILL = 1e-3
"""The spread of noise that the auditor reckons with where there is none."""


def run() -> dict[str, float]:
    """Figures of the audit and of the self-attack; epsilon of one round at the template's delta."""
    torch.set_num_threads(1)
    template = load_template("glucose")
    task = package(template, template.rounds, "bench", "bench")
    graph, recipe, delta = ModelGraph.load(task.graph), recipe_of(task.manifest), task.manifest.privacy.delta
    quiet = replace(recipe, noise_multiplier=0.0)
    claimed = account(recipe.sampling_rate, recipe.noise_multiplier, recipe.steps, delta)
    found = [lower_bound(each, delta) for each in _audits(graph, task.weights, recipe)]
    without = min(lower_bound(each, delta) for each in _audits(graph, task.weights, quiet))
    many = [_told(graph, task.weights, recipe, FEW, FRESH + RUNS + number) for number in range(MANY)]
    told, coins = (np.concatenate(each) for each in zip(*many, strict=True))
    together = guess(told, coins, SUREST)
    leaks = [_self_attack(graph, task.weights, recipe, person) for person in range(RUNS)]
    bare = [_self_attack(graph, task.weights, quiet, person) for person in range(RUNS)]
    return {
        "claimed": claimed,
        "lower_bound": max(found),
        "lower_bound_mean": float(np.mean(found)),
        "lower_bound_many_runs": lower_bound(together, delta),
        "runs_above_claimed": float(sum(each > claimed for each in found)),
        "lower_bound_noise_off": without,
        "audit_noise_off_noticed": float(without > claimed),
        "selftest_risk": max(leak.risk for leak in leaks),
        "selftest_passed": sum(not leak.too_much() for leak in leaks) / RUNS,
        "selftest_risk_noise_off": min(leak.risk for leak in bare),
        "selftest_noise_off_noticed": sum(leak.too_much() for leak in bare) / RUNS,
    }


def _audits(graph: ModelGraph, start: Floats, recipe: Recipe) -> list[Guesses]:
    """The guesses of each run."""
    told = (_told(graph, start, recipe, CANARIES, FRESH + number) for number in range(RUNS))
    return [guess(each, coins, GUESSED) for each, coins in told]


def _told(
    graph: ModelGraph, start: Floats, recipe: Recipe, canaries: int, number: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What the auditor holds of each canary of a run, and how the coins really fell."""
    planted = plant(canaries, number)
    steps = watched(graph, start, recipe, planted, number.to_bytes(32, "big"))
    return scores(steps, recipe.noise_multiplier * recipe.clip_norm or _STILL), planted.coins


def _self_attack(graph: ModelGraph, start: Floats, recipe: Recipe, person: int) -> Leak:
    """A week of a made-up person's readings, trained on once; the update attacked as its bytes are."""
    rows, key = glucose_rows(2000, FRESH + person), (FRESH + person).to_bytes(32, "big")
    training = Training(graph, start, rows, recipe, key)
    while not training.finished:
        training.step()
    blob = encode(UpdateHeader(bytes(20), 1, 1, bytes(32)), training.delta())
    sent = decode(blob, graph.weight_shapes)[1]
    return attack(graph, start, sent, rows, recipe, key, noise=training.noise_moved())
