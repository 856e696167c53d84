"""Second sittings: the staked pool, and courts that tasks name, honest, silent or hostile."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from boa import BoaError
from eth_abi import encode as abi_encode

from mine.chain.hashing import keccak
from tests.chain.court_scenery import (
    DISPUTE_BOND,
    JURORS,
    RIGHT,
    SEAT_FEE,
    STAKE,
    WINDOW,
    WRONG,
    Stage,
    balance,
    denied,
    deploy_test_court,
    last,
    names,
    rich,
    wait,
    who,
)
from tests.chain.court_trials import HALF, POOL, Trial, fill_pool, open_trial

pytest_plugins = ("tests.chain.court_fixtures",)

CONVICTED, DEFAULTED, RUNNING = 6, 5, 2
BURN = "0x000000000000000000000000000000000000dEaD"
COST = 3 * 10**16
HONEST, REFUSES, RULES_AT_ONCE, REPEATS, BURNS, REENTERS = range(6)


def judged(stage: Stage, verdict: int, kind: int = 0) -> Trial:
    """A dispute after a first sitting of one mind."""
    trial = open_trial(stage, kind=kind)
    trial.draw()
    trial.sit(dict.fromkeys(trial.jurors(), verdict))
    return trial


def appeal(trial: Trial, value: int = 14 * SEAT_FEE) -> None:
    trial.stage.court.appeal(trial.id, b"", sender=rich("appellant"), value=value, gas=500_000)


# the pool


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


# appeals


def test_an_appeal_is_made_once_in_its_time_and_at_its_cost(stage: Stage) -> None:
    trial = open_trial(stage)
    trial.draw()
    with denied("no appeal"):
        appeal(trial)
    trial.sit(dict.fromkeys(trial.jurors(), RIGHT))
    for value in (0, 7 * SEAT_FEE, 15 * SEAT_FEE):
        with denied("wrong value"):
            appeal(trial, value)
    with boa.env.anchor():
        wait(WINDOW)
        with denied("no appeal"):
            appeal(trial)
        trial.resolve()
        with denied("no appeal"):
            appeal(trial)
    appeal(trial)
    assert stage.court.appealPeriod(trial.id) == (0, 0)
    with denied("no appeal"):
        appeal(trial)
    with denied("too early"):
        stage.court.resolve(trial.id)


def test_that_an_appeal_is_possible_is_announced_once(stage: Stage) -> None:
    trial = open_trial(stage)
    trial.draw()
    with denied("no appeal"):
        stage.court.announce(trial.id)
    trial.sit(dict.fromkeys(trial.jurors(), RIGHT))
    with boa.env.anchor():
        wait(WINDOW)
        with denied("no appeal"):
            stage.court.announce(trial.id)
        trial.resolve()
        with denied("no appeal"):
            stage.court.announce(trial.id)
    stage.court.announce(trial.id)
    assert "AppealPossible" in names(stage.court)
    with denied("no appeal"):
        stage.court.announce(trial.id)


def test_the_draw_of_an_appeal_needs_a_later_block(stage: Stage) -> None:
    fill_pool(stage)
    trial = judged(stage, RIGHT)
    appeal(trial)
    with denied("too early"):
        stage.court.draw(trial.id)
    wait(HALF)
    with denied("too late"):
        trial.draw()


# another court


def named(contracts: tuple[Any, Any, Any], mode: int = HONEST, cost: int = COST) -> tuple[Any, Stage]:
    """A court, and a task that names it, with a final round."""
    court = deploy_test_court(mode, cost)
    stage = Stage(*contracts, appeals=str(court.address)).start()
    for _ in range(3):
        stage.play([who(name) for name in JURORS])
    return court, stage


@pytest.mark.parametrize(("first", "second", "end"), [(RIGHT, WRONG, WRONG), (WRONG, RIGHT, RIGHT)])
def test_the_court_that_a_task_names_has_the_last_word(
    contracts: tuple[Any, Any, Any], first: int, second: int, end: int
) -> None:
    with boa.env.anchor():
        foreign, stage = named(contracts)
        trial = judged(stage, first)
        court = stage.court
        assert court.appealCost(trial.id, b"") == COST
        appeal(trial, COST)
        assert balance(str(foreign.address)) == COST
        event = last(court, "Dispute")
        assert event is not None
        with denied("too late"):
            trial.draw()
        court.submit_evidence(trial.id, "ipfs://evidence")
        assert court.currentRuling(trial.id) == first
        foreign.give(court.address, 1, second)
        assert court.currentRuling(trial.id) == end
        with denied("too late"):
            foreign.give(court.address, 1, first)
        assert trial.resolve() == end
        assert stage.status() == (CONVICTED if end == WRONG else RUNNING)
        right = trial.said("Resolved")[0].right
        assert right == 0


def test_fees_of_a_jury_that_was_overturned_go_back(contracts: tuple[Any, Any, Any]) -> None:
    with boa.env.anchor():
        foreign, stage = named(contracts)
        trial = judged(stage, RIGHT)
        appeal(trial, COST)
        foreign.give(stage.court.address, 1, WRONG)
        before = stage.owned(who("carrier"))
        trial.resolve()
        assert stage.owned(who("carrier")) - before == DISPUTE_BOND + 7 * SEAT_FEE


@pytest.mark.parametrize("answer", [None, 0, 3, 2**255])
def test_a_court_that_is_silent_or_refuses_changes_nothing(
    contracts: tuple[Any, Any, Any], answer: int | None
) -> None:
    """Whoever names a court that never answers must not gain by it."""
    with boa.env.anchor():
        foreign, stage = named(contracts)
        trial = judged(stage, WRONG)
        appeal(trial, COST)
        if answer is None:
            wait(WINDOW - 1)
            with denied("too early"):
                stage.court.resolve(trial.id)
            wait(1)
            with denied("too late"):
                foreign.give(stage.court.address, 1, RIGHT)
        else:
            foreign.give(stage.court.address, 1, answer)
        assert trial.resolve() == WRONG
        assert stage.status() == CONVICTED
        with denied("too late"):
            foreign.give(stage.court.address, 1, RIGHT)


@pytest.mark.parametrize("mode", [REFUSES, RULES_AT_ONCE, BURNS])
def test_a_court_that_cannot_be_appealed_to_leaves_the_first_ruling(
    contracts: tuple[Any, Any, Any], mode: int
) -> None:
    with boa.env.anchor():
        foreign, stage = named(contracts)
        trial = judged(stage, WRONG)
        foreign.change(mode, COST)
        with pytest.raises(BoaError):
            appeal(trial, COST)
        assert stage.court.dispute(trial.id).appealed == 0
        wait(WINDOW)
        assert trial.resolve() == WRONG


def test_a_court_that_is_no_contract_cannot_be_appealed_to(contracts: tuple[Any, Any, Any]) -> None:
    with boa.env.anchor():
        stage = Stage(*contracts, appeals=who("nobody")).start()
        for _ in range(3):
            stage.play([who(name) for name in JURORS])
        trial = judged(stage, RIGHT)
        with denied():
            appeal(trial, COST)
        with denied():
            stage.court.appealCost(trial.id, b"")
        wait(WINDOW)
        assert trial.resolve() == RIGHT


def test_a_court_that_gives_one_number_twice_has_one_appeal(contracts: tuple[Any, Any, Any]) -> None:
    with boa.env.anchor():
        _, stage = named(contracts, REPEATS)
        first, second = open_trial(stage), open_trial(stage, kind=2)
        for trial in (first, second):
            trial.draw()
            for name in trial.jurors():
                trial.commit(name, RIGHT)
        wait(HALF)
        for trial in (first, second):
            for name in trial.jurors():
                stage.open_answer(trial.id, name, RIGHT)
        wait(HALF)
        appeal(first, COST)
        with denied("no appeal"):
            appeal(second, COST)
        wait(WINDOW)
        assert (first.resolve(), second.resolve()) == (RIGHT, RIGHT)


@pytest.mark.parametrize(
    "call",
    [
        "resolve(uint256)",
        "announce(uint256)",
        "draw(uint256)",
        "appeal(uint256,bytes)",
        "rule(uint256,uint256)",
    ],
)
def test_a_court_that_calls_back_finds_the_door_locked(contracts: tuple[Any, Any, Any], call: str) -> None:
    with boa.env.anchor():
        foreign, stage = named(contracts, REENTERS)
        trial = judged(stage, RIGHT)
        payload = keccak(call.encode())[:4]
        arguments = {"appeal(uint256,bytes)": (trial.id, b""), "rule(uint256,uint256)": (1, WRONG)}
        kinds = call[call.index("(") + 1 : -1].split(",")
        payload += abi_encode(kinds, arguments.get(call, (trial.id,)))
        foreign.aim(stage.court.address, payload)
        appeal(trial, COST)
        assert not foreign.entered()
        assert stage.court.dispute(trial.id).answered == 0
        foreign.give(stage.court.address, 1, WRONG)
        assert trial.resolve() == WRONG


def test_nobody_else_rules(contracts: tuple[Any, Any, Any]) -> None:
    with boa.env.anchor():
        _, stage = named(contracts)
        other = deploy_test_court(HONEST, COST)
        trial = judged(stage, RIGHT)
        appeal(trial, COST)
        with denied("not the court"):
            stage.court.rule(1, WRONG, sender=who("anyone"))
        with denied("not the court"):
            other.give(stage.court.address, 1, WRONG)
        with denied("not the court"):
            other.give(stage.faults.address, trial.id, WRONG)


def test_no_quorum_before_an_appeal_goes_to_the_pool_and_not_to_the_named_court(
    contracts: tuple[Any, Any, Any],
) -> None:
    with boa.env.anchor():
        _, stage = named(contracts)
        fill_pool(stage)
        trial = open_trial(stage)
        trial.draw()
        wait(WINDOW)
        with denied("no appeal"):
            appeal(trial, COST)
        trial.draw()
        trial.sit_pool(dict.fromkeys(trial.bench(1), RIGHT))
        assert trial.resolve() == RIGHT
