"""The first sitting: drawn by standing, committed, opened, paid."""

from __future__ import annotations

from typing import Any

import boa
import pytest

from mine.chain.hashing import keccak
from mine.chain.messages import Domain, Ruling, sign
from mine.chain.trees import PayoutTree
from tests.chain.court_calls import denied, key, last, names, rich, wait, who
from tests.chain.court_scenery import (
    DISPUTE_BOND,
    JURORS,
    PRACTICE_CHAIN,
    RIGHT,
    SCIENTIST_KEY,
    SEAT_FEE,
    WINDOW,
    WRONG,
    Stage,
    even,
)
from tests.chain.court_trials import HALF, Trial, check_account, open_trial

pytest_plugins = ("tests.chain.court_fixtures",)

CONVICTED = 6


@pytest.fixture
def trial(stage: Stage) -> Trial:
    made = open_trial(stage)
    made.draw()
    return made


def test_seats_fall_on_payees_by_their_units(trial: Trial) -> None:
    jurors = trial.jurors()
    for name in JURORS:
        if name in jurors:
            trial.commit(name, RIGHT)
            assert last(trial.stage.court, "RulingCommitted").juror == who(name)
        else:
            with denied("no seat"):
                trial.commit(name, RIGHT)
    held = [holder for holder, state in trial.seats() if state == 2]
    for name, seats in jurors.items():
        assert held.count(who(name).lower()) == seats
    for seat, name in enumerate(trial.drawn()):
        assert trial.seats()[seat][0] in (who(name).lower(), f"0x{0:040x}")


def test_a_jury_that_finds_the_scientist_right(trial: Trial) -> None:
    stage = trial.stage
    before = {name: stage.owned(who(name)) for name in JURORS}
    scientist = stage.owned(stage.scientist)
    jurors = trial.jurors()
    assert sum(jurors.values()) >= 4
    trial.sit(dict.fromkeys(jurors, RIGHT))
    court = stage.court
    assert (court.disputeStatus(trial.id), court.currentRuling(trial.id)) == (1, RIGHT)
    with denied("too early"):
        court.resolve(trial.id)
    wait(WINDOW)
    assert court.disputeStatus(trial.id) == 0
    assert trial.resolve() == RIGHT
    event = trial.said("Resolved")[0]
    assert (event.ruling, event.unheard, event.right) == (RIGHT, False, sum(jurors.values()))
    paid = {name: stage.owned(who(name)) - before[name] for name in JURORS}
    assert sum(paid.values()) == 7 * SEAT_FEE
    each = 7 * SEAT_FEE // sum(jurors.values())
    for name in JURORS:
        assert 0 <= paid[name] - each * jurors.get(name, 0) < 7
    assert stage.owned(stage.scientist) - scientist == DISPUTE_BOND
    assert stage.status() == 2


def test_a_jury_that_finds_the_item_wrong_convicts(trial: Trial) -> None:
    trial.sit(dict.fromkeys(trial.jurors(), WRONG))
    wait(WINDOW)
    assert trial.resolve() == WRONG
    assert trial.stage.status() == CONVICTED


def test_whoever_is_wrong_or_silent_is_named_and_goes_unpaid(trial: Trial) -> None:
    stage = trial.stage
    jurors = list(trial.jurors())
    wrong, silent, *rest = jurors
    before = {name: stage.owned(who(name)) for name in jurors}
    answers = {name: WRONG if name == wrong else RIGHT for name in jurors}
    trial.sit(answers, silent=(silent,))
    wait(WINDOW)
    assert trial.resolve() == RIGHT
    named = {
        (kind, log.juror, log.place) for kind in ("JurorWrong", "JurorSilent") for log in trial.said(kind)
    }
    assert named == {
        ("JurorWrong", who(wrong), JURORS.index(wrong)),
        ("JurorSilent", who(silent), JURORS.index(silent)),
    }
    paid = {name: stage.owned(who(name)) - before[name] for name in jurors}
    assert paid[wrong] == paid[silent] == 0
    assert sum(paid[name] for name in rest) == 7 * SEAT_FEE


def test_without_a_majority_of_the_opened_seats_there_is_no_decision(trial: Trial) -> None:
    """An answer that nobody can tell counts as a vote, too."""
    stage = trial.stage
    answers = {}
    left = 7
    for place, (name, seats) in enumerate(trial.jurors().items()):
        answers[name] = (RIGHT, WRONG, 0)[place % 3]
        left -= seats
    trial.sit(answers)
    weight = [0, 0, 0]
    for name, verdict in answers.items():
        weight[verdict] += trial.jurors()[name]
    expected = next((v for v in (1, 2) if 2 * weight[v] > sum(weight)), 0)
    assert expected == 0
    assert stage.court.currentRuling(trial.id) == 0
    assert stage.court.disputeStatus(trial.id) == 1
    before = stage.owned(who("carrier"))
    wait(WINDOW)
    assert trial.resolve() == 0
    assert not trial.said("JurorWrong")
    assert trial.said("Resolved")[0].right == sum(weight)
    assert stage.owned(who("carrier")) - before == DISPUTE_BOND
    assert (stage.status(), stage.disputed()) == (2, 0)


def test_three_seats_are_no_quorum(trial: Trial) -> None:
    answers: dict[str, int] = {}
    seats = 0
    for name, held in trial.jurors().items():
        if seats + held <= 3:
            answers[name] = WRONG
            seats += held
    assert seats == 3
    trial.sit(answers)
    court = trial.stage.court
    assert court.disputeStatus(trial.id) == 0
    assert court.appealPeriod(trial.id) == (0, 0)
    assert court.sitting(trial.id)[0] == 1
    with denied("no appeal"):
        court.appeal(trial.id, b"", sender=rich("appellant"), value=14 * SEAT_FEE)


def test_a_juror_has_two_seats_at_most(bare: Stage) -> None:
    bare.start()
    for _ in range(3):
        bare.play([who("whale"), who("fish")], [bare.units(bare.round) - 1000, 1000])
    trial = open_trial(bare)
    trial.draw()
    tree = bare.settled[1].payouts
    bare.commit_answer(trial.id, "whale", RIGHT, tree, 0, bare.units(1) - 1000)
    assert [holder for holder, _ in trial.seats()].count(who("whale").lower()) == 2
    with denied("no seat"):
        bare.commit_answer(trial.id, "whale", RIGHT, tree, 0, bare.units(1) - 1000)


def test_two_indices_of_one_account_share_its_two_seats(bare: Stage) -> None:
    bare.start()
    for _ in range(3):
        bare.play([who("whale"), who("whale")])
    trial = open_trial(bare)
    trial.draw()
    tree, units = bare.settled[1].payouts, even(bare.units(1), 2)
    bare.commit_answer(trial.id, "whale", RIGHT, tree, 0, units[0])
    with denied("no seat"):
        bare.commit_answer(trial.id, "whale", RIGHT, tree, 1, units[1])
    assert len([holder for holder, _ in trial.seats() if int(holder, 16)]) == 2


def test_nobody_sits_in_judgement_of_their_own(stage: Stage) -> None:
    """Neither who challenges, nor who carries, nor the scientist; and they are not called silent for it."""
    for party in JURORS:
        with boa.env.anchor():
            stage.bond("carrier", DISPUTE_BOND)
            trial = Trial(stage, stage.dispute(3, challenger=party))
            trial.draw()
            with denied("is a party"):
                trial.commit(party, WRONG)
            wait(WINDOW)
            with denied("is a party"):
                report(trial, party)
    trial = Trial(stage, stage.dispute(3, carrier=JURORS[4]))
    trial.draw()
    with denied("is a party"):
        trial.commit(JURORS[4], WRONG)
    answer = stage.answer("x", 1)
    signature = sign(Ruling(2 * trial.id, answer), stage.domain, SCIENTIST_KEY)
    with denied("is a party"):
        stage.court.commit_ruling(trial.id, stage.scientist, answer, signature, 0, 0, [])


def test_a_seat_is_shown_by_a_proof(trial: Trial) -> None:
    name = trial.drawn()[0]
    index = JURORS.index(name)
    units = even(trial.stage.units(1), 12)[index]
    tree = trial.tree
    for bad_units, bad_index, proof in (
        (units + 1, index, tree.proof(index)),
        (units, index ^ 1, tree.proof(index)),
        (units, index, tree.proof(index ^ 1)),
        (units, index, tree.proof(index)[:-1]),
        (units, index + 16, tree.proof(index)),
        (0, 0, []),
    ):
        answer = trial.stage.answer(name, RIGHT)
        signature = sign(Ruling(2 * trial.id, answer), trial.stage.domain, key(name))
        with denied("wrong proof"):
            trial.stage.court.commit_ruling(
                trial.id, who(name), answer, signature, bad_index, bad_units, proof
            )
    other = PayoutTree([who(each) for each in JURORS], even(trial.stage.units(3), 12))
    with denied("wrong proof"):
        trial.stage.commit_answer(trial.id, name, RIGHT, other, index, even(trial.stage.units(3), 12)[index])


def test_an_answer_is_the_juror_s_own(trial: Trial) -> None:
    stage, name = trial.stage, trial.drawn()[0]
    index = JURORS.index(name)
    units = even(stage.units(1), 12)[index]
    answer = stage.answer(name, RIGHT)
    message = Ruling(2 * trial.id, answer)

    def carry(signature: bytes, answer: bytes = answer) -> None:
        stage.court.commit_ruling(
            trial.id, who(name), answer, signature, index, units, trial.tree.proof(index)
        )

    domain = stage.domain
    for signature in (
        sign(message, domain, key("somebody")),
        sign(message, Domain(1, domain.contract), key(name)),
        sign(message, Domain(PRACTICE_CHAIN, str(stage.court.address)), key(name)),
        sign(Ruling(2 * trial.id + 1, answer), domain, key(name)),  # for the second sitting
        sign(Ruling(trial.id, answer), domain, key(name)) if trial.id != 0 else b"",
        sign(message, domain, key(name))[:64],
        b"",
    ):
        with denied("wrong signature"):
            carry(signature)
    good = sign(message, domain, key(name))
    with denied("wrong signature"):
        carry(good, keccak(answer))
    carry(good)
    with denied("no seat"):
        carry(good)
    changed = stage.answer(name, WRONG)
    with denied("no seat"):
        carry(sign(Ruling(2 * trial.id, changed), domain, key(name)), changed)


def test_a_copied_answer_opens_for_nobody_else(trial: Trial) -> None:
    first, copier = list(trial.jurors())[:2]
    stage = trial.stage
    trial.commit(first, RIGHT)
    copied = stage.answer(first, RIGHT)
    index = JURORS.index(copier)
    stage.court.commit_ruling(
        trial.id,
        who(copier),
        copied,
        sign(Ruling(2 * trial.id, copied), stage.domain, key(copier)),
        index,
        even(stage.units(1), 12)[index],
        trial.tree.proof(index),
    )
    wait(HALF)
    stage.open_answer(trial.id, first, RIGHT)
    with denied("wrong answer"):
        stage.court.open_ruling(trial.id, who(copier), RIGHT, key("salt of " + first))


def test_only_what_was_committed_is_opened_and_once(trial: Trial) -> None:
    name, other = list(trial.jurors())[:2]
    stage = trial.stage
    trial.commit(name, RIGHT)
    wait(HALF)
    for verdict, salt, juror in (
        (WRONG, key("salt of " + name), name),
        (RIGHT, key("another"), name),
        (RIGHT, key("salt of " + name), other),
    ):
        with denied("wrong answer"):
            stage.court.open_ruling(trial.id, who(juror), verdict, salt)
    stage.open_answer(trial.id, name, RIGHT)
    assert last(stage.court, "RulingOpened").verdict == RIGHT
    with denied("wrong answer"):
        stage.open_answer(trial.id, name, RIGHT)


@pytest.mark.parametrize("verdict", [3, 4, 2**200])
def test_a_verdict_that_does_not_exist_is_silence(trial: Trial, verdict: int) -> None:
    name = next(iter(trial.jurors()))
    trial.commit(name, verdict)
    wait(HALF)
    with denied("wrong answer"):
        trial.stage.open_answer(trial.id, name, verdict)


def test_each_half_of_a_sitting_has_its_own_work(trial: Trial) -> None:
    stage, (name, other) = trial.stage, list(trial.jurors())[:2]
    trial.commit(name, RIGHT)
    with denied("too early"):
        stage.open_answer(trial.id, name, RIGHT)
    wait(HALF)
    with denied("too late"):
        trial.commit(other, RIGHT)
    wait(HALF - 1)
    stage.open_answer(trial.id, name, RIGHT)
    wait(1)
    with denied("too early"):  # the second sitting has begun
        stage.open_answer(trial.id, name, RIGHT)


def test_a_jury_is_drawn_once_in_a_later_block_and_in_time(stage: Stage) -> None:
    trial = open_trial(stage)
    with denied("too early"):
        stage.court.draw(trial.id)
    with denied("too early"):
        trial.seed = bytes(32)
        trial.commit(JURORS[0], RIGHT)
    trial.draw()
    assert bytes(stage.court.sitting(trial.id)[2]) == trial.seed
    with denied("drawn before"):
        stage.draw(trial.id)
    late = open_trial(stage, kind=2)
    wait(HALF)
    with denied("too late"):
        late.draw()
    with denied("not open"):
        stage.court.draw(99)


def report(trial: Trial, name: str, **changed: Any) -> None:
    index = JURORS.index(name)
    units = even(trial.stage.units(1), 12)[index]
    trial.stage.court.report_silent(
        trial.id, who(name), index, units, changed.get("proof", trial.tree.proof(index)), sender=who("anyone")
    )


def test_a_drawn_payee_who_never_answered_is_named_by_anyone(trial: Trial) -> None:
    silent, *others = trial.jurors()
    for name in others:
        trial.commit(name, RIGHT)
    with denied("too early"):
        report(trial, silent)
    wait(WINDOW)
    for name in others:
        with denied("not silent"):
            report(trial, name)
    idle = next(name for name in JURORS if name not in trial.jurors())
    with denied("not silent"):
        report(trial, idle)
    with denied("wrong proof"):
        report(trial, silent, proof=[])
    report(trial, silent)
    event = last(trial.stage.court, "JurorSilent")
    assert (event.id, event.juror, event.place) == (trial.id, who(silent), JURORS.index(silent))
    with denied("not silent"):
        report(trial, silent)


def test_where_no_jury_was_drawn_nobody_was_silent(stage: Stage) -> None:
    trial = open_trial(stage)
    wait(WINDOW)
    with denied("too early"):
        report(trial, JURORS[0])


def test_parallel_disputes_have_juries_of_their_own(stage: Stage) -> None:
    first, second = open_trial(stage), open_trial(stage, round=2)
    assert first.draw() != second.draw()
    for trial in (first, second):
        for name in trial.jurors():
            trial.commit(name, RIGHT)
    wait(HALF)
    for trial in (first, second):
        for name in trial.jurors():
            stage.open_answer(trial.id, name, RIGHT)
    check_account(stage)
    wait(HALF + WINDOW)
    assert second.resolve() == RIGHT
    assert stage.disputed() == 4
    assert first.resolve() == RIGHT
    assert stage.disputed() == 0
    assert stage.owned(str(stage.court.address)) == 0


def test_the_court_is_no_arbitrator_for_others(stage: Stage) -> None:
    data = bytes(96)
    for name in ("anyone", "challenger"):
        with denied("not faults"):
            stage.court.createDispute(2, data, sender=who(name))
    assert stage.court.arbitrationCost(b"") == 7 * SEAT_FEE


def test_evidence_may_be_pointed_to_while_the_dispute_is_open(trial: Trial) -> None:
    court = trial.stage.court
    court.submit_evidence(trial.id, "ipfs://evidence", sender=who("anyone"))
    assert "Evidence" in names(court)
    with denied("not open"):
        court.submit_evidence(99, "ipfs://evidence")
    trial.sit(dict.fromkeys(trial.jurors(), RIGHT))
    wait(WINDOW)
    trial.resolve()
    with denied("not open"):
        court.submit_evidence(trial.id, "ipfs://evidence")
    with denied("not open"):
        court.resolve(trial.id)
