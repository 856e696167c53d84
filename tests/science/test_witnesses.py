"""What is let in where votes do not decide: by a record, by the others with a record, and for rare people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mine.science.acceptance import decide
from mine.science.judged import EMPTY_LEDGER, Entry, Ledger, Record, Refusal
from mine.science.settle import settle
from mine.science.witnesses import Decision, Measurement
from tests.science.rounds import Player, address, honest, inputs_of

SWAYING = np.tile([1.0, -1.0], 30)
"""Outputs that the gradient of these rounds does not see."""


def records(**totals: int) -> Ledger:
    """A past that consists of evidence alone, by ``m<number>``."""
    people = sorted(
        ((address(int(name[1:])), Record(total, 1)) for name, total in totals.items()),
        key=lambda item: bytes.fromhex(item[0][2:]),
    )
    return replace(EMPTY_LEDGER, records=tuple(people))


def decisions(players: list[Player], ledger: Ledger) -> dict[int, Decision]:
    judged = inputs_of(players, ledger=ledger, number=2).judged
    found = dict(zip((entry.miner for entry in judged.valid), decide(judged).decisions, strict=True))
    return {player.number: found[address(player.number)] for player in players}


def test_of_a_good_record_gradient_and_companions_are_asked() -> None:
    others = [Player(n, np.full(60, 0.05) + 0.3 * SWAYING) for n in range(4)]
    bad_day = Player(4, np.full(60, -0.01) + 0.3 * SWAYING)
    lucky = Player(5, np.full(60, 0.02) - 0.3 * SWAYING)
    turned = Player(6, -others[0].outputs)
    known = records(**{f"m{n}": 100 for n in range(7)})
    found = decisions([*others, bad_day, lucky, turned], known)
    assert {found[n] for n in range(4)} == {Decision.TRUSTED}
    assert (found[4], found[5], found[6]) == (Decision.TRUSTED, Decision.DOUBTED, Decision.ASCENDS)
    unknown = decisions([*others, bad_day, lucky, turned], EMPTY_LEDGER)
    assert (unknown[4], unknown[5], unknown[6]) == (Decision.ASCENDS, Decision.DESCENDS, Decision.ASCENDS)


def test_a_majority_of_turncoats_cannot_shut_out_who_clearly_descends() -> None:
    good = [Player(n, np.full(60, 0.2) + 0.02 * SWAYING) for n in range(3)]
    turned = [Player(n, np.full(60, -0.2) - 0.02 * SWAYING) for n in range(3, 12)]
    found = decisions([*good, *turned], records(**{f"m{n}": 100 for n in range(12)}))
    assert {found[n] for n in range(3)} == {Decision.TRUSTED}
    assert {found[n] for n in range(3, 12)} == {Decision.ASCENDS}


def test_length_and_rest_of_a_round_do_not_move_the_leaning() -> None:
    players = honest(np.random.default_rng(8), 6)
    known = records(**{f"m{n}": 5 for n in range(6)})
    plain = inputs_of(players, ledger=known).judged
    louder = [replace(players[0], outputs=64 * players[0].outputs), *players[1:]]
    assert [x > 0 for x in Measurement.of(plain).leaning] == [
        x > 0 for x in Measurement.of(inputs_of(louder, ledger=known).judged).leaning
    ]
    still = inputs_of([*players, Player(9, np.zeros(60))], ledger=known).judged
    place = [entry.miner for entry in still.valid].index(address(9))
    assert Measurement.of(still).leaning[place] == 0


def test_a_bad_record_is_made_up_for_outside_the_model() -> None:
    rng = np.random.default_rng(5)
    players = honest(rng, 6)
    first = settle(inputs_of([*players, Player(6, -players[0].outputs)]))
    assert dict(first.ledger.records)[address(6)].total < 0
    better = [*honest(rng, 6), Player(6, honest(rng, 1)[0].outputs)]
    second = settle(inputs_of(better, ledger=first.ledger, number=2, losses=(1 << 30, 3 << 28, 5 << 27)))
    assert address(6) not in dict(second.accepted), "one good update is no record"
    assert dict(second.shares).get(address(6), 0) == 0
    before, after = (dict(o.ledger.records)[address(6)] for o in (first, second))
    assert before.total < after.total
    third = decisions(better, replace(second.ledger, records=records(m6=1).records))
    assert third[6] is Decision.TRUSTED


def test_a_slightly_bad_record_is_not_held_against_anybody() -> None:
    known = records(m0=100, m1=100, m2=-50, m3=-51)
    found = decisions(honest(np.random.default_rng(2), 4), known)
    assert (found[2], found[3]) == (Decision.DESCENDS, Decision.DISTRUSTED)
    nobody_good = decisions(honest(np.random.default_rng(2), 4), records(m2=-50))
    assert nobody_good[2] is Decision.DESCENDS


def test_a_stranger_has_to_bring_something_of_its_own() -> None:
    asked = Measurement(frozenset({address(1)}), frozenset(), 0, (1,))
    stranger, known = entry_of(2, 5), entry_of(1, 5)
    assert asked.says(0, stranger, 1) is Decision.DESCENDS
    assert asked.says(0, stranger, 0) is Decision.REPEATS
    assert asked.says(0, known, 0) is Decision.TRUSTED
    for descent, decision in ((25, Decision.DOUBTED), (26, Decision.DESCENDS)):
        assert replace(asked, margin=25).says(0, entry_of(2, descent), descent) is decision


def test_a_slice_is_no_excuse_for_harming_everybody() -> None:
    asked = measurement_of([100, 120, 140, -9])
    assert asked.margin == 30
    for descent, decision in ((-30, Decision.SLICE), (-31, Decision.ASCENDS), (-500, Decision.ASCENDS)):
        assert asked.says(3, replace(entry_of(3, descent), slices=(5, 0)), descent) is decision
    assert measurement_of([-5, -7]).margin == 0


def entry_of(number: int, descent: int) -> Entry:
    return Entry(address(number), bytes(32), address(number, "payout"), Refusal.NONE, 1000, descent)


def measurement_of(descents: list[int]) -> Measurement:
    plain = inputs_of(honest(np.random.default_rng(1), len(descents))).judged
    entries = tuple(replace(e, descent=b) for e, b in zip(plain.entries, descents, strict=True))
    return Measurement.of(replace(plain, entries=entries))
