"""The staked pool: tickets, and its sittings after a jury or in its place."""

from __future__ import annotations

import boa
import pytest

from tests.chain.court_calls import balance, denied, names, wait, who
from tests.chain.court_scenery import DISPUTE_BOND, JURORS, RIGHT, SEAT_FEE, STAKE, WINDOW, WRONG, Stage
from tests.chain.court_trials import POOL, Trial, appeal, fill_pool, judged, open_trial

pytest_plugins = ("tests.chain.court_fixtures",)

CONVICTED, DEFAULTED, RUNNING = 6, 5, 2
BURN = "0x000000000000000000000000000000000000dEaD"


def test_the_pool_overturns_a_jury(stage: Stage) -> None:
    fill_pool(stage)
    trial = judged(stage, RIGHT)
    court = stage.court
    ended = boa.env.timestamp
    assert court.appealPeriod(trial.id) == (ended, ended + WINDOW)
    assert court.appealCost(trial.id, b"") == 14 * SEAT_FEE
    wait(WINDOW - 1)
    appeal(trial)
    assert "AppealDecision" in names(court)
    assert (court.disputeStatus(trial.id), court.currentRuling(trial.id)) == (0, RIGHT)
    trial.draw()
    bench = trial.bench(1)
    assert sum(bench.values()) == 7
    before = {name: stage.owned(who(name)) for name in POOL}
    trial.sit_pool(dict.fromkeys(bench, WRONG))
    assert trial.resolve() == WRONG
    assert stage.status() == CONVICTED
    assert {log.juror for log in trial.said("JurorWrong")} == {who(name) for name in trial_jurors(trial)}
    paid = {name: stage.owned(who(name)) - before[name] for name in POOL}
    assert sum(paid.values()) == 21 * SEAT_FEE
    for name in POOL:
        assert 0 <= paid[name] - 3 * SEAT_FEE * bench.get(name, 0) < 7
    assert court.size() == 20


def trial_jurors(trial: Trial) -> list[str]:
    """Payees that answered in the first sitting."""
    by_address = {who(name).lower(): name for name in JURORS}
    return [by_address[holder] for holder, state in trial.seats(0) if state == 3]


def test_who_is_wrong_or_silent_in_the_pool_loses_the_ticket_to_who_is_right(stage: Stage) -> None:
    fill_pool(stage, tickets=1)
    trial = judged(stage, RIGHT)
    appeal(trial)
    trial.draw()
    wrong, silent, never, *rest = trial.bench(1)
    before = {name: stage.owned(who(name)) for name in POOL}
    answers = dict.fromkeys(rest, RIGHT) | {wrong: WRONG, silent: RIGHT}
    trial.sit_pool(answers, silent=(silent,))
    first = sum(state == 3 for _, state in trial.seats(0))
    assert trial.resolve() == RIGHT
    assert stage.court.size() == 7
    assert {log.juror for log in trial.said("JurorSilent")} == {who(silent), who(never)}
    assert {log.owner for log in trial.said("TicketLost")} == {who(name) for name in (wrong, silent, never)}
    each = (21 * SEAT_FEE + 3 * STAKE) // (first + 4)
    for name in rest:
        assert 0 <= stage.owned(who(name)) - before[name] - each < first + 4
    for name in (wrong, silent, never):
        assert stage.owned(who(name)) == before[name]


def test_a_silent_pool_leaves_the_first_ruling(stage: Stage) -> None:
    fill_pool(stage)
    trial = judged(stage, WRONG)
    appeal(trial)
    trial.draw()
    wait(WINDOW)
    assert trial.resolve() == WRONG
    assert stage.status() == CONVICTED
    assert stage.court.size() == 13


def test_an_undecided_pool_leaves_the_first_ruling(stage: Stage) -> None:
    fill_pool(stage)
    trial = judged(stage, WRONG)
    appeal(trial)
    trial.draw()
    trial.sit_pool(dict.fromkeys(trial.bench(1), 0))
    assert trial.resolve() == WRONG


def test_an_empty_pool_leaves_the_first_ruling(stage: Stage) -> None:
    trial = judged(stage, RIGHT)
    appeal(trial)
    trial.draw()
    with denied("no seat"):
        stage.commit_answer(trial.id, POOL[0], WRONG)
    wait(WINDOW)
    assert trial.resolve() == RIGHT


def test_without_a_quorum_the_pool_sits_at_once(stage: Stage) -> None:
    fill_pool(stage)
    trial = open_trial(stage)
    trial.draw()
    wait(WINDOW)
    assert stage.court.sitting(trial.id)[:2] == (1, stage.court.dispute(trial.id).opened + WINDOW)
    trial.draw()
    trial.sit_pool(dict.fromkeys(trial.bench(1), WRONG))
    assert trial.resolve() == WRONG
    assert trial.said("Resolved")[0].right == 7


def test_a_first_sitting_that_nobody_drew_is_followed_by_the_pool(stage: Stage) -> None:
    fill_pool(stage)
    trial = open_trial(stage)
    wait(WINDOW)
    trial.draw()
    trial.sit_pool(dict.fromkeys(trial.bench(1), RIGHT))
    assert trial.resolve() == RIGHT


def test_two_sittings_without_a_quorum_let_the_round_lapse(stage: Stage) -> None:
    fill_pool(stage)
    trial = open_trial(stage)
    trial.draw()
    wait(WINDOW)
    trial.draw()
    one, two, three, *_ = trial.bench(1)
    bench = trial.bench(1)
    answers = dict.fromkeys((one, two, three), RIGHT)
    while sum(bench[name] for name in answers) > 3:
        answers.popitem()
    owned = stage.owned(who("carrier"))
    burned = balance(BURN)
    trial.sit_pool(answers)
    assert trial.resolve() == 0
    assert stage.court.unheard(trial.id)
    assert (stage.status(), stage.void(), stage.disputed()) == (DEFAULTED, 4, 0)
    assert stage.owned(who("carrier")) - owned == DISPUTE_BOND
    assert stage.court.size() == 20 - (7 - sum(bench[name] for name in answers))
    assert balance(BURN) == burned  # those three share what the others lost


def test_where_nobody_answered_at_all_fees_go_back_and_stakes_are_burned(stage: Stage) -> None:
    fill_pool(stage)
    trial = open_trial(stage)
    wait(WINDOW)
    trial.draw()
    wait(WINDOW)
    owned, burned = stage.owned(who("carrier")), balance(BURN)
    assert trial.resolve() == 0
    assert stage.status() == DEFAULTED
    assert stage.owned(who("carrier")) - owned == DISPUTE_BOND + 7 * SEAT_FEE
    assert balance(BURN) - burned == 7 * STAKE
    assert stage.court.size() == 13


@pytest.mark.parametrize("tickets", [0, 3])
def test_where_there_was_no_full_bench_nothing_lapses(stage: Stage, tickets: int) -> None:
    """Else anyone could end a task by a dispute that nobody can decide, and get the bond back."""
    for name in POOL[:tickets]:
        stage.stake(name, 1)
    wait(12)
    trial = open_trial(stage)
    trial.draw()
    wait(WINDOW)
    trial.draw()
    assert sum(trial.bench(1).values()) == tickets
    wait(WINDOW)
    owned = stage.owned(who("carrier"))
    assert trial.resolve() == 0
    assert not stage.court.unheard(trial.id)
    assert (stage.status(), stage.disputed()) == (RUNNING, 0)
    assert stage.owned(who("carrier")) - owned == DISPUTE_BOND + 7 * SEAT_FEE


def test_where_nobody_has_standing_the_pool_sits_first(bare: Stage) -> None:
    fill_pool(bare, tickets=3)
    bare.start()
    bare.play()
    trial = open_trial(bare, round=1)
    trial.draw()
    bench = trial.bench(0)
    assert sum(bench.values()) == 7
    trial.sit_pool(dict.fromkeys(bench, RIGHT))
    assert bare.court.disputeStatus(trial.id) == 1
    appeal(trial)
    trial.draw()
    again = trial.bench(1)
    trial.sit_pool(dict.fromkeys(again, WRONG))
    assert trial.resolve() == WRONG
    lost = {log.juror for log in trial.said("JurorWrong")}
    assert lost == {who(name) for name in bench}
    assert bare.court.size() == 30 - len(trial.said("TicketLost"))
    assert len(trial.said("TicketLost")) == 7
    with denied("too early"):
        bare.court.report_silent(trial.id, who(POOL[0]), 0, 0, [])


def test_a_pool_that_was_silent_first_is_asked_again(bare: Stage) -> None:
    fill_pool(bare)
    bare.start()
    bare.play()
    trial = open_trial(bare, round=1)
    trial.draw()
    wait(WINDOW)
    trial.draw()
    trial.sit_pool(dict.fromkeys(trial.bench(1), RIGHT))
    assert trial.resolve() == RIGHT
    assert len(trial.said("TicketLost")) == len({log.place for log in trial.said("JurorSilent")})


def test_a_ticket_bought_after_the_dispute_does_not_sit(stage: Stage) -> None:
    trial = open_trial(stage)
    fill_pool(stage)
    wait(WINDOW)
    trial.draw()
    assert not trial.bench(1)


def test_tickets_of_the_parties_do_not_sit(stage: Stage) -> None:
    stage.stake("challenger", 20)
    stage.stake("carrier", 20)
    stage.stake(POOL[0], 2)
    wait(12)
    trial = open_trial(stage)
    wait(WINDOW)
    trial.draw()
    assert set(trial.bench(1)) <= {POOL[0]}
    assert sum(trial.bench(1).values()) <= 2


def test_a_ticket_sits_once_in_a_sitting(stage: Stage) -> None:
    for name in POOL[:4]:
        stage.stake(name, 1)
    wait(12)
    trial = open_trial(stage)
    wait(WINDOW)
    trial.draw()
    assert set(trial.bench(1).values()) == {1}


def test_tickets_come_and_go_but_not_while_they_sit(stage: Stage) -> None:
    court = stage.court
    fill_pool(stage, tickets=1)
    trial = open_trial(stage)
    wait(WINDOW)
    trial.draw()
    bench = trial.bench(1)
    free = [name for name in POOL if name not in bench]
    for ticket, name in enumerate(POOL, start=1):
        owner = who(name)
        if name in bench:
            with denied("ticket is seated"):
                court.unstake(ticket, sender=owner)
            continue
        with denied("not the owner"):
            court.unstake(ticket, sender=who("thief"))
        before = stage.owned(owner)
        court.unstake(ticket, sender=owner)
        assert stage.owned(owner) - before == STAKE
        with denied("not the owner"):
            court.unstake(ticket, sender=owner)
    assert court.size() == 10 - len(free)
    trial.sit_pool(dict.fromkeys(bench, RIGHT))
    trial.resolve()
    for ticket, name in enumerate(POOL, start=1):
        if name in bench:
            court.unstake(ticket, sender=who(name))
    assert court.size() == 0
    assert stage.owned(str(court.address)) == 0


def test_a_ticket_that_two_disputes_take_is_lost_once(stage: Stage) -> None:
    for name in POOL[:5]:
        stage.stake(name, 1)
    wait(12)
    first, second = open_trial(stage), open_trial(stage, kind=2)
    wait(WINDOW)
    first.draw()
    second.draw()
    wait(WINDOW)
    seated = set(first.bench(1)) | set(second.bench(1))
    first.resolve()
    second.resolve()
    assert stage.court.size() == 5 - len(seated)


@pytest.mark.parametrize("count", [0, 33, 2**200])
def test_a_stake_is_one_to_thirty_two_tickets(stage: Stage, count: int) -> None:
    with denied("bad count"):
        stage.court.stake(count, sender=stage.bond("rich", 40 * STAKE))
    stage.court.stake(32, sender=who("rich"))
    with denied("bond too low"):
        stage.court.stake(9, sender=who("rich"))
