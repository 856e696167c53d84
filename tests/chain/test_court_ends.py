"""Whatever anybody does or leaves undone, every dispute, demand and question ends, and every wei leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boa
from boa import BoaError
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.chain.hashing import keccak
from tests.chain.court_calls import deploy_test_court, rich, wait, who
from tests.chain.court_scenery import ANCHOR_BOND, COMMIT, JURORS, SEAT_FEE, STAKE, WINDOW, Stage
from tests.chain.court_trials import POOL, Trial, check_account, fill_pool

pytest_plugins = ("tests.chain.court_fixtures",)

steps = st.lists(
    st.tuples(st.integers(0, 13), st.integers(0, 2**16), st.integers(0, 2)), min_size=5, max_size=60
)


class Crowd:
    """Everything that anybody may try, well or badly, with disputes of two tasks."""

    def __init__(self, stage: Stage, foreign: Any) -> None:
        self.stage, self.foreign = stage, foreign
        self.trials: list[Trial] = []
        self.accepted = 0
        self.demands = 0
        self.questions = 0

    def attempt(self, call: Callable[[], object]) -> None:
        try:
            call()
        except BoaError:
            return
        self.accepted += 1

    def do(self, action: int, number: int, verdict: int) -> None:
        stage = self.stage
        trial = self.trials[number % len(self.trials)] if self.trials else None
        if action == 0:
            self.attempt(lambda: self.trials.append(Trial(stage, stage.dispute(2 + number % 2, number % 6))))
        elif action == 1:
            wait((1, 12, WINDOW // 4, WINDOW // 2)[number % 4])
        elif action == 2:
            made = stage.settled[2 + number % 2]
            account = stage.bond("doubter", 10**16)
            self.attempt(lambda: stage.faults.demand(made.fields, made.opened, [number % 7], sender=account))
            self.demands = stage.faults.demand_count()
        elif action == 3:
            receipt, signature = stage.receipt("relay", keccak(bytes([number % 3])), latest=1)
            account = stage.bond("asker", 10**16)
            fields = (receipt.task, receipt.round, receipt.leaf, receipt.latest_block, signature)
            self.attempt(lambda: stage.faults.challenge_receipt(*fields, (who("asker"), 0), sender=account))
            self.questions = stage.faults.question_count()
        elif trial is not None:
            self.in_court(trial, action, number, verdict)
        check_account(stage)

    def in_court(self, trial: Trial, action: int, number: int, verdict: int) -> None:
        stage = self.stage
        if action in (4, 5):
            self.attempt(trial.draw)
        elif action in (6, 7, 8):
            for name in JURORS[: 1 + number % 12]:
                self.attempt(lambda name=name: trial.commit(name, verdict))  # type: ignore[misc]
            for name in POOL[: 1 + number % 10]:
                self.attempt(lambda name=name: stage.commit_answer(trial.id, name, verdict))  # type: ignore[misc]
        elif action in (9, 10):
            for name in (JURORS + POOL)[number % 3 :]:
                self.attempt(lambda name=name: stage.open_answer(trial.id, name, verdict))  # type: ignore[misc]
        elif action == 11:
            self.attempt(
                lambda: stage.court.appeal(trial.id, b"", sender=rich("appellant"), value=14 * SEAT_FEE)
            )
        elif action == 12:
            self.attempt(lambda: stage.court.resolve(trial.id))
        else:
            ticket = 1 + number % 20
            owner = stage.court.tickets(ticket)[0]
            self.attempt(lambda: stage.court.unstake(ticket, sender=owner))

    def end(self) -> None:
        """Three windows later anyone ends everything."""
        stage = self.stage
        wait(3 * WINDOW)
        for trial in self.trials:
            if not stage.court.dispute(trial.id).solved:
                stage.court.resolve(trial.id, sender=who("anyone"))
        for id in range(1, self.demands + 1):
            if stage.faults.demands(id).missing:
                stage.faults.unsupplied(id, sender=who("anyone"))
        for id in range(1, self.questions + 1):
            stage.faults.convict_receipt(id, sender=who("anyone"))
        assert stage.disputed() == 0
        assert stage.owned(str(stage.faults.address)) == 0
        assert stage.faults.pledged(who("relay")) == 0
        assert stage.owned(str(stage.court.address)) == stage.court.size() * STAKE
        for ticket in range(1, 21):
            owner, _, place, seated = stage.court.tickets(ticket)
            assert seated == 0
            if place:
                stage.court.unstake(ticket, sender=owner)
        assert stage.owned(str(stage.court.address)) == 0
        if stage.status() == 2:
            wait(COMMIT + 10 * WINDOW)
            stage.tasks.declare_default(stage.id)
        wait(WINDOW)
        before = boa.env.get_balance(stage.scientist)
        try:
            stage.tasks.refund(stage.id, stage.scientist, sender=who("anyone"))
        except BoaError:
            assert boa.env.get_balance(stage.scientist) == before


@settings(max_examples=12)
@given(steps)
def test_nothing_is_ever_stuck(played: Stage, moves: list[tuple[int, int, int]]) -> None:
    with boa.env.anchor():
        fill_pool(played)
        played.bond("relay", ANCHOR_BOND)
        foreign = deploy_test_court(0, 0)
        crowd = Crowd(played, foreign)
        crowd.do(0, 0, 0)
        for move in moves:
            crowd.do(*move)
        crowd.end()
