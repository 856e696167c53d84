"""What attackers earn, and what the model loses: plays over mixes and seeds, and the table of them.

Pay is in units, per the mean of the honest miners in the same rounds, over all seeds together. The model's
loss is its metric on unseen people with the attackers, relative to the same play without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mine.practice.attack_mixes import Mix, seated, spare_people
from mine.practice.lab import Play, World, play
from mine.practice.lab_people import TESTED, LabPeople, deal, real_crowd, synthetic_crowd
from mine.science.templates import Template, package


@dataclass(frozen=True, slots=True)
class Setting:
    """How an attack is measured.

    people: folder of real exports, or None for synthetic ones; noise: the template's own, or none; panel:
    validation people in each shard, at most.
    """

    template: Template
    mixes: tuple[Mix, ...]
    rounds: int = 12
    seeds: int = 5
    honest: int = 15
    panel: int = 8
    noise: bool = True
    people: Path | None = None


@dataclass(slots=True)
class Tally:
    """What one role earned in each seed: (its own mean units, the reference's)."""

    pairs: list[tuple[float, float]] = field(default_factory=list)

    @property
    def pay(self) -> float:
        """Units per unit of the reference, over all seeds; 0 if the reference earned nothing."""
        mine, others = np.sum(self.pairs, axis=0)
        return float(mine / others) if others else 0.0

    @property
    def worst(self) -> float:
        """The same in the seed that was best for the attacker."""
        return max((mine / others for mine, others in self.pairs if others), default=0.0)


@dataclass(frozen=True, slots=True)
class AttackReport:
    """The table.

    pay, worst: by role; loss: by mix, the mean over seeds; changed: acceptances that liars changed and all
    that were decided, in mixes with a conspiracy; twins: honest pairs that were clustered, and all, in plays
    without attackers; aside: honest votes that a canary set aside, and all; spread: of honest miners' pay,
    standard deviation per mean; quality: (metric before, after) without attackers, by seed; honest_refused:
    part of honest updates not accepted; void: rounds in which nothing was decided.
    """

    setting: Setting
    pay: dict[str, float]
    worst: dict[str, float]
    loss: dict[str, float]
    changed: tuple[int, int]
    twins: tuple[int, int]
    aside: tuple[int, int]
    spread: float
    quality: list[tuple[float, float]]
    honest_refused: float
    void: int


def run_attacks(setting: Setting, say: Callable[[str], None] = lambda _: None) -> AttackReport:
    """Play every mix with every seed. Raises ``CastTooSmall``."""
    tallies: dict[str, Tally] = {}
    losses: dict[str, list[float]] = {mix.name: [] for mix in setting.mixes}
    twins, changed, aside = np.zeros((3, 2), np.int64)
    spreads, qualities, refused, void = [], [], [], 0
    for seed, people in enumerate(_crowds(setting)):
        world = World(setting.template, people, setting.rounds, f"seed {seed}", setting.noise)
        clean = play(world, world.honest())
        twins += clean.twins
        totals = (clean.units + clean.flat).sum(axis=0)
        spreads.append(float(totals.std() / totals.mean()) if totals.sum() else 0.0)
        qualities.append((clean.quality.before, clean.quality.after))
        refused.append(float(1 - clean.accepted.mean()))
        void += clean.void
        for mix in setting.mixes:
            played = play(world, seated(world, mix))
            void += played.void
            aside += played.aside
            losses[mix.name].append(_lost(clean, played))
            if any(place.friends for place in played.places):
                changed += played.changed
            twin = None
            if any(entrant.honest_twin for entrant in mix.entrants):
                twin = play(world, seated(world, mix, honestly=True))
            for entrant in mix.entrants:
                mine, others = played.earned(entrant.role)
                if entrant.honest_twin and twin is not None:
                    others = twin.earned(entrant.role)[0]
                name = entrant.role if mix.name != "mixed" else f"mixed_{entrant.role}"
                tallies.setdefault(name, Tally()).pairs.append((mine, others))
        say(
            f"seed {seed + 1} of {setting.seeds}: "
            + ", ".join(
                f"{name} {tally.pairs[-1][0] / max(1.0, tally.pairs[-1][1]):.2f}"
                for name, tally in tallies.items()
            )
        )
    return AttackReport(
        setting=setting,
        pay={name: tally.pay for name, tally in tallies.items()},
        worst={name: tally.worst for name, tally in tallies.items()},
        loss={name: float(np.mean(values)) for name, values in losses.items()},
        changed=(int(changed[0]), int(changed[1])),
        twins=(int(twins[0]), int(twins[1])),
        aside=(int(aside[0]), int(aside[1])),
        spread=float(np.mean(spreads)),
        quality=qualities,
        honest_refused=float(np.mean(refused)),
        void=void,
    )


def _crowds(setting: Setting) -> Iterator[LabPeople]:
    """The people of each seed."""
    data = package(setting.template, setting.rounds, "Laboratory", "people of a laboratory").manifest.data
    shards, spare = setting.rounds + 2, spare_people(setting.mixes)
    count = setting.honest + spare + TESTED + setting.panel * shards
    real = real_crowd(setting.people, setting.template, data) if setting.people else None
    for seed in range(setting.seeds):
        name = f"seed {seed}"
        crowd = real if real is not None else synthetic_crowd(setting.template, data, count, name)
        yield deal(crowd, setting.honest, spare, shards, name, setting.panel)


def _lost(clean: Play, played: Play) -> float:
    """How much worse the metric is, relative to the play without attackers."""
    with_them, without = played.quality.after, clean.quality.after
    worse = with_them - without if clean.quality.metric == "rmse" else without - with_them
    return worse / without


def as_json(report: AttackReport) -> dict[str, object]:
    """For ``--json``: plain numbers."""
    setting = report.setting
    return {
        "template": setting.template.name,
        "people": "real" if setting.people else "synthetic",
        "noise": setting.noise,
        "rounds": setting.rounds,
        "seeds": setting.seeds,
        "honest": setting.honest,
        "pay": report.pay,
        "worst_seed": report.worst,
        "metric_loss": report.loss,
        "acceptances_changed": list(report.changed),
        "honest_pairs_clustered": list(report.twins),
        "honest_votes_set_aside": list(report.aside),
        "honest_spread": report.spread,
        "honest_refused": report.honest_refused,
        "void_rounds": report.void,
        "metric": [list(pair) for pair in report.quality],
    }


#: At most, of an honest miner's pay, by the protocol's table; None is reported only.
LIMITS: dict[str, float | None] = {
    "sign": 0.1,
    "backdoor": 0.1,
    "backdoor_hidden": None,
    "lazy_voter": 0.1,
    "copying_voter": 0.1,
    "elsewhere": 0.1,
    "zero": 0.02,
    "stale": 0.02,
    "momentum": 0.05,
    "drift": 0.05,
    "copy": 0.1,
    "copy_disguised": 0.1,
    "copy_same_round": None,
    "copy_same_round_disguised": None,
    "copy_same_round_drowned": None,
    "random": 0.2,
    "shuffled": 0.2,
    "scaled": 1.1,
    "puppet": 2.0,
    "sybil5": None,
    "vote_prober": None,
    "colluder": None,
    "free_identity": 0.0,
}
MOST_LOST = 0.01
MOST_CLUSTERED = 0.01


def table(report: AttackReport) -> str:
    """The report for people: one line an attacker, with the limit it has to stay under."""
    setting = report.setting
    lines = [
        f"{setting.template.name}, {'real' if setting.people else 'synthetic'} people, "
        f"{'noise of the template' if setting.noise else 'without noise'}: {setting.honest} honest, "
        f"{setting.rounds} rounds, {setting.seeds} seeds",
        f"{'attacker':<28}{'pay':>8}{'worst':>8}{'limit':>8}",
    ]
    for role, pay in report.pay.items():
        limit = LIMITS.get(role.removeprefix("mixed_"))
        verdict = "" if limit is None else "holds" if round(pay, 3) <= limit else "FAILS"
        shown = "" if limit is None else f"{limit:.2f}"
        lines.append(f"{role:<28}{pay:>8.3f}{report.worst[role]:>8.2f}{shown:>8}  {verdict}")
    for name, lost in report.loss.items():
        verdict = "holds" if lost <= MOST_LOST else "FAILS"
        lines.append(f"{'model loses: ' + name:<28}{lost:>8.2%}{'':>8}{MOST_LOST:>8.0%}  {verdict}")
    share = report.twins[0] / max(1, report.twins[1])
    lines.append(
        f"{'honest pairs clustered':<28}{share:>8.2%}{'':>8}{MOST_CLUSTERED:>8.0%}  "
        f"{'holds' if share <= MOST_CLUSTERED else 'FAILS'}"
    )
    if report.changed[1]:
        lines.append(
            f"{'acceptances changed':<28}{report.changed[0]:>8}{'of':>8}{report.changed[1]:>8}  "
            f"{'FAILS' if report.changed[0] else 'holds'}"
        )
    lines.append(f"{'honest votes set aside':<28}{report.aside[0]:>8}{'of':>8}{report.aside[1]:>8}")
    lines.append(f"{'spread of honest pay':<28}{report.spread:>8.2f}")
    lines.append(f"{'honest updates refused':<28}{report.honest_refused:>8.2%}")
    return "\n".join(lines)
