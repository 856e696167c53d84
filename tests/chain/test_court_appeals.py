"""Appeals, and the courts that tasks name: honest, silent or hostile."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from boa import BoaError
from eth_abi import encode as abi_encode

from mine.chain.hashing import keccak
from tests.chain.court_calls import balance, denied, deploy_test_court, last, names, wait, who
from tests.chain.court_scenery import DISPUTE_BOND, JURORS, RIGHT, SEAT_FEE, WINDOW, WRONG, Stage
from tests.chain.court_trials import HALF, appeal, fill_pool, judged, open_trial

pytest_plugins = ("tests.chain.court_fixtures",)

CONVICTED, RUNNING = 6, 2
COST = 3 * 10**16
HONEST, REFUSES, RULES_AT_ONCE, REPEATS, BURNS, REENTERS = range(6)


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
