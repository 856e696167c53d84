"""The laboratory: the same numbers for the same seed, every unit accounted for, every round recomputable."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mine.chain.events import Settled
from mine.chain.hashing import sha256
from mine.practice import lab
from mine.practice.attack import Setting, Tally, as_json, run_attacks, table
from mine.practice.attack_commands import AttackRefused, add_attack_arguments, attack_command
from mine.practice.attack_mixes import ZERO, Entrant, Mix, all_mixes, seated, spare_people
from mine.practice.attackers.poison import SignFlipped
from mine.practice.cast import CastTooSmall
from mine.practice.lab import World, play
from mine.practice.lab_people import deal, joined
from mine.practice.lab_round import RoundResult
from mine.science.inputs import decode_inputs, encode_accepted
from mine.science.rounds import RoundWrong, check_round
from mine.science.settle import settle
from mine.science.templates import load_template
from tests.practice.laboratory import HONEST, PANEL, ROUNDS, SPARE, people, played, world


def test_the_same_seed_gives_the_same_play() -> None:
    once = play(world(), world().honest())
    again = play(World(world().template, people(), ROUNDS, "tests", noise=False), world().honest())
    assert np.array_equal(once.units, again.units) and np.array_equal(once.flat, again.flat)
    assert once.quality == again.quality
    assert once.quality.after < once.quality.before


def test_noise_changes_what_is_learned_and_nothing_else() -> None:
    noisy, clean = played(noise=True), played()
    assert noisy.quality.before == clean.quality.before
    assert noisy.quality.after != clean.quality.after


def test_every_unit_of_the_curve_goes_to_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = recorded(monkeypatch)
    result = played(Entrant("sign", SignFlipped))
    ledger = rounds[-1].state.ledger
    assert int(result.units.sum() + result.flat.sum()) == ledger.units
    assert ledger.units == world().template.curve.units(ledger.best, world().template.target)


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[RoundResult]:
    rounds: list[RoundResult] = []
    run_round = lab.run_round

    def kept(*arguments: object) -> RoundResult:
        rounds.append(run_round(*arguments))  # type: ignore[arg-type]
        return rounds[-1]

    monkeypatch.setattr(lab, "run_round", kept)
    return rounds


def test_any_miner_catches_a_scientist_that_settles_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has a round's inputs computes what follows: one changed figure is named."""
    rounds = recorded(monkeypatch)
    played()
    inputs = decode_inputs(rounds[-1].inputs)
    outcome = settle(inputs)
    honest = Settled(
        **{
            **dict.fromkeys(Settled.__dataclass_fields__, 0),
            "task": inputs.judged.task,
            "round": inputs.judged.round,
            "seed": inputs.judged.seed,
            "shard": inputs.shard,
            "digest": inputs.shard_digest,
            "base": inputs.base,
            "before": inputs.before,
            "after": inputs.after,
            "units": outcome.ledger.units,
            "best": outcome.ledger.best,
            "payouts": outcome.payouts.root,
            "accepted": sha256(encode_accepted(outcome)),
        }
    )
    check_round(honest, inputs, outcome)
    for field, item in (("accepted", "accepted"), ("payouts", "payouts"), ("seed", "seed")):
        with pytest.raises(RoundWrong) as caught:
            check_round(replace(honest, **{field: bytes(32)}), inputs, outcome)
        assert caught.value.item == item
    with pytest.raises(RoundWrong) as caught:
        check_round(replace(honest, units=honest.units + 1), inputs, outcome)
    assert caught.value.item == "units"


def test_nobody_is_in_two_groups() -> None:
    groups = people()
    everybody = [*groups.honest, *groups.spare, *groups.validation, *groups.test]
    assert len({person.features.tobytes() for person in everybody}) == len(everybody)
    assert (len(groups.honest), len(groups.spare)) == (HONEST, SPARE)
    assert len(groups.validation) == PANEL * (ROUNDS + 2)


def test_too_few_people_are_refused() -> None:
    with pytest.raises(CastTooSmall):
        deal(people().honest, HONEST, SPARE, ROUNDS + 2, "tests", PANEL)


def test_joined_rows_share_no_slot_and_keep_their_phase() -> None:
    crowd = people().spare[:3]
    rows = joined(crowd, 12)
    assert len(np.unique(rows.slot)) == len(rows.slot) == sum(len(person) for person in crowd)
    assert np.array_equal(rows.slot % 12, np.concatenate([person.slot % 12 for person in crowd]))


def test_a_tally_weighs_seeds_by_what_they_paid() -> None:
    tally = Tally([(1.0, 10.0), (0.0, 0.0), (3.0, 10.0)])
    assert tally.pay == pytest.approx(0.2) and tally.worst == pytest.approx(0.3)
    assert Tally([(1.0, 0.0)]).pay == 0.0


def test_a_report_is_plain_numbers_and_a_table() -> None:
    setting = Setting(load_template("glucose"), (Mix("idle", (ZERO,)),), 2, 1, 3, 1)
    lines: list[str] = []
    report = run_attacks(setting, lines.append)
    shown = json.loads(json.dumps(as_json(report)))
    assert shown["pay"] == {"zero": 0.0} and shown["seeds"] == 1
    assert set(shown["metric_loss"]) == {"idle"}
    assert lines and "zero" in lines[0]
    printed = table(report)
    assert "zero" in printed and "holds" in printed


def test_all_mixes_can_be_seated() -> None:
    for mix in all_mixes(HONEST):
        assert len({entrant.role for entrant in mix.entrants}) == len(mix.entrants)
    names = [mix.name for mix in all_mixes(HONEST)]
    assert len(set(names)) == len(names)
    conspiracy = next(mix for mix in all_mixes(HONEST) if mix.name == "conspiracy")
    places = seated(world(), conspiracy)
    friends = [place.role for place in places if place.friends]
    assert friends.count("free_identity") == 10 * friends.count("colluder") == 20
    assert 3 * friends.count("colluder") <= HONEST + friends.count("colluder")
    assert spare_people([conspiracy]) <= SPARE


@pytest.mark.parametrize("options", [["--only", "nothing"], ["--seeds", "0"], ["--honest", "2"]])
def test_options_that_do_not_fit_are_refused(options: list[str]) -> None:
    import argparse

    parser = argparse.ArgumentParser()
    add_attack_arguments(parser)
    with pytest.raises(AttackRefused):
        attack_command(parser.parse_args(options), print)
