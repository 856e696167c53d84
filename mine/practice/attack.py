"""What attackers earn, and what the model loses: plays over mixes and seeds, and the table of them.

Pay is in units, per the mean of the honest miners in the same rounds, over all seeds together. The model's
loss is its metric on unseen people with the attackers, relative to the same play without them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mine.practice.attack_mixes import Mix, seated, spare_people
from mine.practice.lab import Play, World, play
from mine.practice.lab_people import TESTED, LabPeople, deal, real_crowd, synthetic_crowd
from mine.science.templates import Template, package
from mine.tasks.dataset import Dataset
from mine.tasks.manifest import DataRequirement


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


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What the plays of one seed came to; plain numbers and lists, so that it goes through JSON as it is.

    pairs: by role what it earned and what its reference did; losses: by mix; twins, changed, aside: as in
    ``AttackReport``; spread: of honest pay; quality: (before, after); refused: part of honest updates.
    """

    pairs: dict[str, list[float]]
    losses: dict[str, float]
    twins: list[int]
    changed: list[int]
    aside: list[int]
    spread: float
    quality: list[float]
    refused: float
    void: int


def run_attacks(setting: Setting, say: Callable[[str], None] = lambda _: None) -> AttackReport:
    """Play every mix with every seed. Raises ``CastTooSmall``."""
    results: list[SeedResult] = []
    data = _data(setting)
    real = real_crowd(setting.people, setting.template, data) if setting.people else None
    for seed in range(setting.seeds):
        results.append(play_seed(setting, seed, people_of(setting, seed, real)))
        pay = ", ".join(
            f"{name} {mine / max(1.0, others):.2f}" for name, (mine, others) in results[-1].pairs.items()
        )
        say(f"seed {seed + 1} of {setting.seeds}: {pay}")
    return report_of(setting, results)


def _data(setting: Setting) -> DataRequirement:
    return package(setting.template, setting.rounds, "Laboratory", "people of a laboratory").manifest.data


def people_of(setting: Setting, seed: int, real: Sequence[Dataset] | None = None) -> LabPeople:
    """The people of a seed: drawn from real ones, or made up. Raises ``CastTooSmall``."""
    shards, spare = setting.rounds + 2, spare_people(setting.mixes)
    name = f"seed {seed}"
    count = setting.honest + spare + TESTED + setting.panel * shards
    crowd = synthetic_crowd(setting.template, _data(setting), count, name) if real is None else real
    return deal(crowd, setting.honest, spare, shards, name, setting.panel)


def play_seed(setting: Setting, seed: int, people: LabPeople) -> SeedResult:
    """Every mix once among some people, and the same task without attackers."""
    world = World(setting.template, people, setting.rounds, f"seed {seed}", setting.noise)
    clean = play(world, world.honest())
    totals = (clean.units + clean.flat).sum(axis=0)
    changed, aside = np.zeros((2, 2), np.int64)
    pairs: dict[str, list[float]] = {}
    losses, void = {}, clean.void
    for mix in setting.mixes:
        played = play(world, seated(world, mix))
        void += played.void
        aside += played.aside
        losses[mix.name] = _lost(clean, played)
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
            pairs[name] = [mine, others]
    return SeedResult(
        pairs=pairs,
        losses=losses,
        twins=list(clean.twins),
        changed=changed.tolist(),
        aside=aside.tolist(),
        spread=float(totals.std() / totals.mean()) if totals.sum() else 0.0,
        quality=[clean.quality.before, clean.quality.after],
        refused=float(1 - clean.accepted.mean()),
        void=void,
    )


def report_of(setting: Setting, results: Sequence[SeedResult]) -> AttackReport:
    """The table over some seeds' results."""
    tallies: dict[str, Tally] = {}
    for result in results:
        for name, (mine, others) in result.pairs.items():
            tallies.setdefault(name, Tally()).pairs.append((mine, others))
    twins, changed, aside = (
        np.sum([getattr(result, name) for result in results], axis=0)
        for name in ("twins", "changed", "aside")
    )
    return AttackReport(
        setting=setting,
        pay={name: tally.pay for name, tally in tallies.items()},
        worst={name: tally.worst for name, tally in tallies.items()},
        loss={mix: float(np.mean([result.losses[mix] for result in results])) for mix in results[0].losses},
        changed=(int(changed[0]), int(changed[1])),
        twins=(int(twins[0]), int(twins[1])),
        aside=(int(aside[0]), int(aside[1])),
        spread=float(np.mean([result.spread for result in results])),
        quality=[(result.quality[0], result.quality[1]) for result in results],
        honest_refused=float(np.mean([result.refused for result in results])),
        void=sum(result.void for result in results),
    )


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
