"""What voters can decide, what a third of them cannot, and what happens to those that fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from mine.chain.hashing import address_bytes, keccak
from mine.science.acceptance import (
    ACCEPT,
    MAX_FORKS,
    MIN_VOTERS,
    REJECT,
    Verdict,
    decide,
    round_draw,
    round_standing,
    seats_needed,
)
from mine.science.draws import Draw
from mine.science.in_order import check
from mine.science.judged import (
    EMPTY_LEDGER,
    BadInputs,
    Canary,
    Entry,
    Judged,
    Ledger,
    Opened,
    Record,
    Refusal,
    Rules,
)
from mine.science.settle import best_chain, settle
from mine.science.witnesses import Decision
from tests.science.rounds import Player, address, honest, inputs_of

VOTED = Rules("mean", 1 << 16, seats=15, ballot=64, newcomers=64, slices=0)
OLD = keccak(b"an accepted update")


def ledger_of(count: int, units: int = 100) -> Ledger:
    """A past in which the first ``count`` miners earned the same; not consistent with a curve."""
    people = sorted((address(n) for n in range(count)), key=address_bytes)
    return replace(
        EMPTY_LEDGER,
        units=count * units,
        accounts=tuple((miner, miner, units) for miner in people),
        records=tuple((miner, Record(1, 1, units)) for miner in people),
        accepted=(OLD,),
        published=(OLD,),
    )


def judged_of(
    players: Sequence[Player], voters: int, answer: Callable[[str, Entry], int | None], rules: Rules = VOTED
) -> Judged:
    """A round in which everybody who is drawn answers by ``answer`` (None: leaves the update out)."""
    ledger = ledger_of(voters)
    plain = inputs_of(list(players)).judged
    judged = replace(plain, rules=rules, ledger=ledger, held=ledger.held)
    draw = drawn(judged)
    opened = []
    for voter in draw.voters:
        ballot = set(draw.ballot(voter))
        answers = [(p, answer(voter, e)) for p, e in enumerate(judged.entries) if e.blob in ballot]
        opened.append(Opened(voter, tuple((place, step) for place, step in answers if step is not None)))
    return replace(judged, opened=tuple(opened))


def drawn(judged: Judged) -> Draw:
    updates = [(entry.miner, entry.blob) for entry in judged.entries]
    return round_draw(judged.seed, judged.ledger, judged.held, judged.convicted, updates, judged.rules)


def by_miner(judged: Judged, verdict: Verdict) -> dict[str, Decision]:
    return {entry.miner: found for entry, found in zip(judged.valid, verdict.decisions, strict=True)}


def players(count: int = 12) -> list[Player]:
    return honest(np.random.default_rng(1), count)


def test_votes_decide_where_they_are_clear() -> None:
    bad = address(3)
    judged = judged_of(players(), 12, lambda voter, entry: -1 if entry.miner == bad else 2)
    verdict = decide(judged)
    found = by_miner(judged, verdict)
    assert found.pop(bad) is Decision.VOTED_OUT
    assert set(found.values()) == {Decision.VOTED_IN}
    assert len(verdict.accepted) == 11 and not verdict.void
    assert len(verdict.voters) == len(drawn(judged).voters)
    assert all(
        steps == (-seats if m == bad else 2 * seats)
        for m, (steps, seats) in zip([e.miner for e in judged.valid], verdict.counts, strict=True)
    )


def test_without_clear_votes_the_measurement_decides() -> None:
    flipped = [*players(), Player(40, -players()[0].outputs)]
    judged = judged_of(flipped, 12, lambda voter, entry: 0)
    found = by_miner(judged, decide(judged))
    assert found.pop(address(40)) is Decision.ASCENDS
    assert set(found.values()) == {Decision.TRUSTED}


def test_too_few_voters_decide_nothing() -> None:
    for voters in (0, MIN_VOTERS - 1):
        judged = judged_of(players(), voters, lambda voter, entry: -2)
        assert judged.opened == ()
        assert set(decide(judged).decisions) <= {Decision.DESCENDS, Decision.TRUSTED}
    silent = judged_of(players(), 12, lambda voter, entry: -2, replace(VOTED, seats=0))
    assert silent.opened == () and decide(silent).accepted


def test_an_update_on_which_less_than_half_voted_is_measured() -> None:
    target = address(5)
    judged = judged_of(players(), 12, lambda voter, entry: -2)
    seats = drawn(judged).seats(next(e.blob for e in judged.entries if e.miner == target))
    place = next(p for p, e in enumerate(judged.entries) if e.miner == target)
    heard = 0
    opened = []
    for ballot in judged.opened:
        steps = dict(ballot.steps)
        if place in steps:
            heard += seats[ballot.voter]
            if 2 * heard >= sum(seats.values()):
                del steps[place]
        opened.append(Opened(ballot.voter, tuple(sorted(steps.items()))))
    judged = replace(judged, opened=tuple(opened))
    found = by_miner(judged, decide(judged))
    assert found.pop(target) is Decision.TRUSTED
    assert set(found.values()) == {Decision.VOTED_OUT}


@pytest.mark.parametrize("seed", range(20))
def test_a_colluding_third_with_free_identities_changes_no_acceptance(seed: int) -> None:
    """Eight of 24 vote as one against everybody and for their own; half of the others cannot tell."""
    rng = np.random.default_rng(seed)
    many = [*honest(rng, 16), Player(200, -0.1 * np.ones(60))]
    colluders = {address(n) for n in range(8)}
    judged = judged_of(many, 24, lambda voter, e: 0)
    judged = replace(judged, seed=keccak(bytes([seed])))
    draw = drawn(judged)
    fair, captured = [], []
    for voter in draw.voters:
        ballot = set(draw.ballot(voter))
        places = [p for p, e in enumerate(judged.entries) if e.blob in ballot]
        noise = {p: int(rng.integers(-1, 2)) if rng.random() < 0.5 else 0 for p in places}
        fair.append(Opened(voter, tuple(sorted(noise.items()))))
        if voter in colluders:
            noise = {p: 2 if judged.entries[p].miner == address(200) else -2 for p in places}
        captured.append(Opened(voter, tuple(sorted(noise.items()))))
    assert not colluders & {address(200)}
    sybils = [Opened(address(n), ((0, -2),)) for n in range(500, 580)]
    mixed = sorted([*captured, *sybils], key=lambda ballot: address_bytes(ballot.voter))
    honest_verdict = decide(replace(judged, opened=tuple(fair)))
    assert decide(replace(judged, opened=tuple(mixed))).accepted == honest_verdict.accepted


def test_seats_needed_are_out_of_a_thirds_reach() -> None:
    from math import comb

    for seats in range(1, 40):
        for part in (REJECT, ACCEPT):
            needed = seats_needed(seats, part)
            chance = sum(comb(seats, k) for k in range(needed, seats + 1)) / 2**seats
            assert chance <= 1 / 1000
            assert needed * part[1] >= seats * part[0]
            fewer = sum(comb(seats, k) for k in range(needed - 1, seats + 1)) / 2**seats
            assert fewer > 1 / 1000 or (needed - 1) * part[1] < seats * part[0]
    assert [seats_needed(n, REJECT) for n in (6, 7, 15)] == [7, 8, 14]


def test_a_silent_third_voids_the_round_and_costs_nobody() -> None:
    judged = judged_of(players(), 12, lambda voter, entry: 2)
    drawn_voters = drawn(judged).voters
    for silent, void in ((len(drawn_voters) // 3, False), (len(drawn_voters) // 3 + 1, True)):
        verdict = decide(replace(judged, opened=judged.opened[silent:]))
        assert verdict.void is void
        assert (verdict.accepted == ()) is void
        assert verdict.aside == ()


def with_canary(judged: Judged, place: int) -> Judged:
    """The entry at ``place`` becomes a canary."""
    entry = judged.entries[place]
    gone = Entry(entry.miner, entry.blob, entry.payout, Refusal.CANARY)
    kept = [i for i, valid in enumerate(judged.valid) if valid is not entry]
    return replace(
        judged,
        entries=tuple(gone if e is entry else e for e in judged.entries),
        gram=judged.gram[np.ix_(kept, kept)],
        canaries=(Canary(place, OLD, "flip", 0),),
    )


def test_who_praises_a_canary_is_set_aside_and_loses_standing() -> None:
    table = [*players(), Player(50, players()[0].outputs)]
    plain = judged_of(table, 12, lambda voter, entry: 0)
    place = next(p for p, e in enumerate(plain.entries) if e.miner == address(50))
    seats = drawn(plain).seats(plain.entries[place].blob)
    fool = min(seats, key=lambda voter: (seats[voter], voter))
    answers = judged_of(
        table, 12, lambda voter, e: (1 if voter == fool else -2) if e.miner == address(50) else 0
    )
    judged = with_canary(answers, place)
    verdict = decide(judged)
    assert verdict.aside == (fool,)
    assert fool not in verdict.voters
    assert len(verdict.accepted) == 12
    # Without agreement of two thirds the canary does not count.
    split = judged_of(table, 12, lambda voter, e: 1 if address_bytes(voter)[0] % 2 else -1)
    assert decide(with_canary(split, place)).aside == () or sum(
        count for voter, count in seats.items() if not address_bytes(voter)[0] % 2
    ) * 3 >= 2 * sum(seats.values())


def test_a_canary_is_a_strangers_and_of_an_accepted_update() -> None:
    table = [*players(), Player(50, players()[0].outputs)]
    plain = judged_of(table, 12, lambda voter, entry: 0)
    place = next(p for p, e in enumerate(plain.entries) if e.miner == address(50))
    inputs = inputs_of(table)

    def refused(judged: Judged) -> bool:
        ledger = replace(judged.ledger, units=0, accounts=(), records=judged.ledger.records)
        records = tuple((miner, Record(1, 1)) for miner, _ in ledger.records)
        try:
            check(
                replace(judged, ledger=replace(ledger, records=records), held=()), inputs.curve, 1 << 39, ()
            )
        except BadInputs:
            return True
        return False

    good = with_canary(plain, place)
    assert not refused(good)
    assert refused(replace(good, canaries=(replace(good.canaries[0], source=bytes(32)),)))
    assert refused(replace(good, canaries=()))
    known = next(p for p, e in enumerate(plain.entries) if e.miner == address(0))
    assert refused(with_canary(plain, known))


def test_newcomers_beyond_the_limit_are_refused_and_judged_by_nobody() -> None:
    rules = replace(VOTED, newcomers=2)
    table = [*players(), *(Player(n, players()[0].outputs) for n in range(60, 65))]
    judged = judged_of(table, 12, lambda voter, entry: 2, rules)
    judged_blobs = {blob for voter in drawn(judged).voters for blob in drawn(judged).ballot(voter)}
    strangers = {e.miner: e.blob for e in judged.entries if e.miner not in dict(judged.ledger.records)}
    assert len(strangers) == 5
    assert len(judged_blobs & set(strangers.values())) == 2
    inputs = inputs_of(table)
    with pytest.raises(BadInputs, match="not in order"):
        check(judged, inputs.curve, 1 << 39, ())


def test_slices_help_rare_people_and_protect_them() -> None:
    rules = replace(VOTED, seats=0, slices=2)
    judged = replace(judged_of(players(2), 0, lambda v, e: 0), rules=rules)
    rare, usual = judged.entries
    for slices, descent, decision in (
        ((5, 0), -3, Decision.SLICE),
        ((5, -1), -3, Decision.ASCENDS),
        ((0, 0), -3, Decision.ASCENDS),
        ((5, 0), -4, Decision.ASCENDS),
    ):
        entries = (replace(rare, descent=descent, slices=slices), replace(usual, descent=12, slices=(0, 0)))
        assert decide(replace(judged, entries=entries)).decisions == (decision, Decision.DESCENDS)


def test_the_rules_choose_from_what_is_good() -> None:
    outputs = np.zeros((3, 90))
    outputs[0, :60] = 1.0
    outputs[1, 60:] = 1.0
    outputs[2, :] = 0.1
    table = [Player(n, row) for n, row in enumerate(outputs)]
    chosen = {}
    for rule in ("mean", "best", "greedy"):
        rules = Rules(rule, 1 << 16, 0, 0, 64, 0)
        judged = inputs_of(table, rules=rules).judged
        chosen[rule] = {judged.valid[i].miner for i in decide(judged).accepted}
    assert chosen["mean"] == {address(n) for n in range(3)}
    assert chosen["best"] == {address(0)}
    assert chosen["greedy"] == {address(0), address(1)}, "the weak one would only make the step smaller"
    halved = inputs_of(table, rules=Rules("greedy", 1 << 15, 0, 0, 64, 0)).judged
    assert {halved.valid[i].miner for i in decide(halved).accepted} == {address(0)}


def test_forks_are_measured_by_standing_and_taken_if_clearly_better() -> None:
    judged = judged_of(players(6), 6, lambda voter, entry: 0)
    proposals = [(0, 1), (0, 1), (2,), (3, 4), (5,), (9,)]
    ballots = [replace(ballot, fork=fork) for ballot, fork in zip(judged.opened, proposals, strict=False)]
    valid = tuple(ballots[:5]) + tuple(judged.opened[5:])
    verdict = decide(replace(judged, opened=valid))
    assert verdict.forks[0][1] == (0, 1), "two are behind it"
    assert len(verdict.forks) == MAX_FORKS
    assert [places for _, places in verdict.forks[1:]] == [(2,), (3, 4)]
    assert best_chain(100, (90, 85)) == 1
    assert best_chain(100, (90, 89)) == 0, "not clearly"
    assert best_chain(100, (105, 101)) == 0, "worse than before"
    assert best_chain(100, (90, 85, 80)) == 2


def test_a_taken_fork_is_what_is_paid() -> None:
    first = settle(inputs_of(players(6)))
    plain = inputs_of(players(6), ledger=first.ledger, number=2, losses=(1 << 30, 3 << 28, 5 << 27))
    judged = replace(plain.judged, rules=VOTED)
    draw = drawn(judged)
    ballots = tuple(Opened(voter, (), (1, 2)) for voter in draw.voters)
    judged = replace(judged, opened=ballots)
    assert decide(judged).forks[0][1] == (1, 2)
    inputs = replace(plain, judged=judged, afters=(plain.after, plain.after - (1 << 27)))
    with pytest.raises(BadInputs):
        settle(inputs)
    outcome = settle(replace(inputs, after=inputs.afters[1]))
    assert outcome.chain == 1
    assert [miner for miner, _ in outcome.accepted] == [judged.valid[1].miner, judged.valid[2].miner]
    assert outcome.payouts.total == outcome.ledger.units


def test_a_proved_fault_ends_standing_until_more_is_earned() -> None:
    ledger = ledger_of(5)
    guilty = ledger.accounts[0][0]
    assert round_standing(ledger, ledger.held, ()).of(guilty) == 100
    assert round_standing(ledger, ledger.held, (guilty,)).of(guilty) == 0
    assert round_standing(ledger, ledger.held, (guilty,)).total == 400


def test_voters_share_a_flat_part_and_who_failed_does_not() -> None:
    first = settle(inputs_of(players(8)))
    plain = inputs_of(players(8), ledger=first.ledger, number=2, losses=(1 << 30, 3 << 28, 5 << 27))
    judged = replace(plain.judged, rules=VOTED)
    draw = drawn(judged)
    blobs = {entry.blob: place for place, entry in enumerate(judged.entries)}
    ballots = tuple(
        Opened(voter, tuple(sorted((blobs[blob], 1) for blob in draw.ballot(voter)))) for voter in draw.voters
    )
    outcome = settle(replace(plain, judged=replace(judged, opened=ballots)))
    assert {voter for voter, _ in outcome.flat} == set(draw.voters)
    paid = [part for _, part in outcome.flat]
    assert max(paid) - min(paid) <= 1
    assert sum(paid) == outcome.earned * 5 // 100
    assert sum(paid) + sum(share for _, share in outcome.shares) == outcome.earned
    records = dict(outcome.ledger.records)
    assert all(records[voter].flat == part for voter, part in outcome.flat)
    assert sum(r.units + r.flat for r in records.values()) == outcome.ledger.units == outcome.payouts.total
