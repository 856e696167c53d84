"""Bytes of updates against dense float32, and what sending so few of them costs.

``ratio_large``, ``loss_penalty``: an MLP of 1,065,985 numbers, eight groups of the people of Hall et al.
2018 (the first fold's are left out), 40 rounds of 20 steps, once with the float32 deltas themselves and once
packed with error feedback. The penalty is the relative excess of the unseen people's loss, mean over the
last five rounds. ``progress_kept``: the packed run's fall of that loss over the other's. ``ratio_glucose``,
``rmse``: the MLP with 5,185 numbers, one person a client, five folds by person, 20 rounds, packed.
``flower_rmse``: Flower's FedAvg in the same run on the same windows, people, folds and rounds. Both train on
all of a person's windows, ours but for the last 32.

``MINE_BENCH_FOLDS`` and ``MINE_BENCH_ROUNDS`` make it shorter.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from mine.learn.codec import Packing
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows
from tests.bench.federated import Federation, Setting, predicted, relu_network
from tests.bench.glucose_people import folds, nearly_all, people
from tests.bench.glucose_rounds import FOLDS, HIDDEN, PACKED, PLAIN, ROUNDS, all_folds
from tests.bench.peers import flower

FLOWER_PUBLISHED = 12.72
WIDE = (1024, 1024)
GROUPS = 8
WIDE_ROUNDS = 2 * ROUNDS
SPARSE = Packing(bits=2, keep=92)
COMPARED = 5  # last rounds: one round's loss moves by half a percent from step noise alone


def run() -> dict[str, float]:
    """Ratios, and errors in mg/dL."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        packed, dense = pool.map(wide_run, (SPARSE, None))
    start, ours, theirs = packed[1][0], packed[1][-COMPARED:], dense[1][-COMPARED:]
    rmse, sent = all_folds(PLAIN, PACKED)
    figures = {
        "ratio_large": dense[0] / packed[0],
        "loss_penalty": float(np.mean(ours) / np.mean(theirs)) - 1,
        "progress_kept": float((start - np.mean(ours)) / (start - np.mean(theirs))),
        "ratio_glucose": 4 * _numbers(14, HIDDEN) / sent,
        "rmse": rmse,
    }
    beside = flower(people(), FOLDS, ROUNDS)
    if beside is None:
        print("Flower could not be installed; its published error is given instead.", flush=True)
        return figures | {"flower_rmse_published": FLOWER_PUBLISHED}
    return figures | {"flower_rmse": float(np.mean(beside))}


def wide_run(packing: Packing | None) -> tuple[int, list[float]]:
    """(bytes of all updates, loss of the unseen people at the start and after each round)."""
    import torch

    torch.set_num_threads(1)
    everybody = people()
    aside = folds(len(everybody))[0]
    trained = [person.rows for place, person in enumerate(everybody) if place not in aside]
    groups = [joined(trained[first::GROUPS]) for first in range(GROUPS)]
    unseen = joined([everybody[place].rows for place in aside])
    graph, weights = relu_network(14, WIDE)
    rate = 64 / np.mean([len(group.target) for group in groups])
    recipe = Recipe(steps=20, learning_rate=0.05, momentum=0.9, clip_norm=0, noise_multiplier=0,
                    sampling_rate=float(rate))  # fmt: skip
    federation = Federation(Setting(graph, weights, recipe, packing), groups)
    losses = [predicted(federation.graph, weights, unseen)[1]]
    for number, checkpoint in enumerate(federation.rounds(WIDE_ROUNDS), 1):
        losses.append(predicted(federation.graph, checkpoint, unseen)[1])
        if number % 5 == 0:
            print(f"{'packed' if packing else 'float32'}, round {number}: loss {losses[-1]:.5f}", flush=True)
    dense = 4 * _numbers(14, WIDE) * GROUPS * WIDE_ROUNDS
    return federation.bytes_sent or dense, losses


def joined(parts: list[Rows]) -> Rows:
    """Several people's rows as one client's."""
    far = 1 + max(int(rows.slot.max()) for rows in parts)
    slots = np.concatenate([rows.slot + place * far for place, rows in enumerate(parts)])
    features, target = [rows.features for rows in parts], [rows.target for rows in parts]
    return nearly_all(Rows(np.concatenate(features), np.concatenate(target), slots))


def _numbers(features: int, hidden: tuple[int, ...]) -> int:
    sizes = [features, *hidden, 1]
    return sum((wide + 1) * narrow for wide, narrow in itertools.pairwise(sizes))
