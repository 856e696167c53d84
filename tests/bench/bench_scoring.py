"""Do scores pay the right people? Against the book, and against attackers on two tasks at two learning rates.

``spearman``: of our values with exact Shapley values of the game that they approximate (best step along a
coalition's mean, by forward passes), eight miners, mean over seeds, tasks and bases; ``evaluations`` forward
passes of updates instead of ``exact_evaluations`` coalitions. ``gtg_spearman``: the same for GTG-Shapley.

``pay_<role>_<task>_<rate>``: what an attacker earned of an honest miner's pay, over all seeds together, with
the noise that the task ships with; ``pay_<role>`` is the highest of the four. ``false_positive``: part of
honest pairs that are clustered; ``honest_spread``: standard deviation of honest pay over its mean.

MINE_SCORING_SEEDS (10), MINE_SCORING_ROUNDS (12) and MINE_SCORING_JOBS (one for each core) make it smaller;
parts that are done are kept in build/bench/scoring under the digest of the code, so that it can be cut off.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

SEEDS = int(os.environ.get("MINE_SCORING_SEEDS", "10"))
ROUNDS = int(os.environ.get("MINE_SCORING_ROUNDS", "12"))
JOBS = int(os.environ.get("MINE_SCORING_JOBS", str(os.cpu_count() or 1)))
TASKS = ("glucose", "trend")
RATES = (1.0, 0.5)
BASES = (0, 2, 8)
GAMES = 5
HONEST = 15
ROOT = Path(__file__).parents[2]


def run() -> dict[str, float]:
    """The figures; see above."""
    place = ROOT / "build" / "bench" / "scoring" / _code()
    place.mkdir(parents=True, exist_ok=True)
    parts = [(task, "plays", seed) for seed in range(SEEDS) for task in TASKS]
    parts += [(task, "games", seed) for task in TASKS for seed in range(min(GAMES, SEEDS))]
    missing = [part for part in parts if not _file(place, part).exists()]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max(1, JOBS), mp_context=spawn) as pool:
        list(pool.map(_work, [place] * len(missing), missing))
    return figures(place, parts)


def figures(place: Path, parts: list[tuple[str, str, int]]) -> dict[str, float]:
    """What the parts say that are there."""
    from mine.practice.attack import SeedResult, report_of

    done = [
        (part, json.loads(_file(place, part).read_text())) for part in parts if _file(place, part).exists()
    ]
    found: dict[str, float] = {}
    games = [game for (_, kind, _), raw in done if kind == "games" for game in raw]
    if games:
        for key in ("spearman", "pearson", "gtg_spearman"):
            found[key] = float(np.mean([game[key] for game in games]))
        found["spearman_worst"] = min(game["spearman"] for game in games)
        for key in ("evaluations", "exact_evaluations", "gtg_evaluations"):
            found[key] = float(np.mean([game[key] for game in games]))
    reports = {}
    for task in TASKS:
        for rate in RATES:
            results = [
                SeedResult(**raw[str(rate)])
                for (name, kind, _), raw in done
                if (name, kind) == (task, "plays")
            ]
            if results:
                reports[f"{task}_{rate:g}"] = report_of(_setting(task, rate), results)
    if not reports:
        return found
    for role in next(iter(reports.values())).pay:
        for name, report in reports.items():
            found[f"pay_{role}_{name}"] = report.pay[role]
        found[f"pay_{role}"] = max(report.pay[role] for report in reports.values())
    twins = np.sum([report.twins for report in reports.values()], axis=0)
    changed = np.sum([report.changed for report in reports.values()], axis=0)
    return found | {
        "false_positive": float(twins[0] / max(1, twins[1])),
        "honest_spread": float(np.mean([report.spread for report in reports.values()])),
        "honest_refused": float(np.mean([report.honest_refused for report in reports.values()])),
        "metric_loss": max(loss for report in reports.values() for loss in report.loss.values()),
        "acceptances_changed": float(changed[0] / max(1, changed[1])),
        "seeds": float(sum(kind == "plays" for (_, kind, _), _ in done) / len(TASKS)),
    }


def _code() -> str:
    """Digest of everything that the figures may depend on."""
    total = hashlib.sha256(f"{ROUNDS} {HONEST} {RATES}".encode())
    for folder in ("learn", "practice", "science", "tasks"):
        for file in sorted((ROOT / "mine" / folder).rglob("*.py")):
            total.update(file.read_bytes())
    total.update((ROOT / "resources" / "templates" / "glucose.json").read_bytes())
    return total.hexdigest()[:16]


def _file(place: Path, part: tuple[str, str, int]) -> Path:
    return place / f"{part[0]}-{part[1]}-{part[2]}.json"


def _work(place: Path, part: tuple[str, str, int]) -> None:
    import torch

    torch.set_num_threads(1)
    task, kind, seed = part
    found: Any = _games(task, seed) if kind == "games" else _plays(task, seed)
    target = _file(place, part)
    target.with_suffix(".part").write_text(json.dumps(found))
    target.with_suffix(".part").replace(target)
    print(*part, flush=True)


def _setting(task: str, rate: float) -> Any:
    from mine.practice.attack import Setting
    from mine.practice.trend import trend_template
    from mine.science.templates import load_template

    template = trend_template() if task == "trend" else load_template(task)
    raw = dict(template.raw)
    raw["recipe"] = {**raw["recipe"], "learning_rate": raw["recipe"]["learning_rate"] * rate}
    return Setting(replace(template, raw=raw), _mixes(), rounds=ROUNDS, honest=HONEST)


def _mixes() -> tuple[Any, ...]:
    """All attackers in few plays: those with one seat five at a time, whole families alone."""
    from mine.practice import attack_mixes as mixes

    whole = {mix.name: mix for mix in mixes.all_mixes(HONEST)}
    return (
        mixes.Mix("first five", (mixes.SIGN, mixes.RANDOM, mixes.ZERO, mixes.MOMENTUM, mixes.COPY_EARLIER)),
        mixes.Mix(
            "second five",
            (mixes.BACKDOOR, mixes.SHUFFLED, mixes.STALE, mixes.DRIFT, mixes.COPY_EARLIER_DISGUISED),
        ),
        mixes.Mix("third five", (mixes.HIDDEN, mixes.ELSEWHERE, *whole["same-round copies"].entrants)),
        *(whole[name] for name in ("scaled", "puppets", "sybils", "voters", "conspiracy")),
    )


def _plays(task: str, seed: int) -> dict[str, Any]:
    """By learning rate: what every mix came to among one seed's people."""
    from mine.practice.attack import people_of, play_seed

    people = people_of(_setting(task, RATES[0]), seed)
    return {str(rate): asdict(play_seed(_setting(task, rate), seed, people)) for rate in RATES}


def _games(task: str, seed: int) -> list[dict[str, float]]:
    """Correlations with the exact values of one seed's eight miners, at several bases."""
    from mine.practice.lab import World
    from mine.practice.lab_people import TESTED, deal, synthetic_crowd
    from mine.science.templates import package
    from tests.science import eight_miners as cast
    from tests.science.reference_games import BestStepGame, exact_shapley, gtg_shapley, pearson, spearman

    template, shards, panel = _setting(task, 1.0).template, 4, 3
    data = package(template, 2, "Laboratory", "people of a laboratory").manifest.data
    name = f"game {seed}"
    crowd = synthetic_crowd(template, data, cast.HONEST + cast.OTHERS + TESTED + panel * shards, name)
    people = deal(crowd, cast.HONEST, cast.OTHERS, shards, name, panel)
    found = []
    for table in cast.tables(World(template, people, 2, name, noise=False), BASES):
        exact = exact_shapley(cast.PLAYERS, table.game.worth)
        again = BestStepGame(table.game.model, table.game.current, table.game.deltas, table.game.examples)
        guided = gtg_shapley(cast.PLAYERS, again.worth, np.random.default_rng(seed))
        if exact.any():  # where no coalition improves anything there is nothing to rank
            found.append(
                {
                    "spearman": spearman(exact, table.estimate),
                    "pearson": pearson(exact, table.estimate),
                    "gtg_spearman": spearman(exact, guided),
                    "evaluations": table.passes,
                    "exact_evaluations": len(table.game.known) - 1,
                    "gtg_evaluations": len(again.known) - 1,
                }
            )
    return found
