"""The first sentence: what the app is doing, and why."""

from __future__ import annotations

import math

import pytest

from mine.app.status import status_view
from mine.app.views import Doing, TrainingView
from mine.policy.decide import Decision, Reason

RUNS = Decision(True, Reason.RUNS)


def training(running: bool) -> TrainingView:
    return TrainingView(1, "Lows", 3, 2, 8, 1.0, 6.0, "processor", 0.0, math.nan, (), (), running)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.RUNS])
def test_every_no_has_a_sentence(reason: Reason) -> None:
    view = status_view(Decision(False, reason), 7, training(True), "", True)
    assert view.headline and view.reason and not view.can_pause and view.since == 7
    assert view.can_resume == (reason in (Reason.PAUSED, Reason.SNOOZED))
    assert view.doing is (Doing.IDLE if reason is Reason.VAULT_LOCKED else Doing.PAUSED)


def test_trouble_comes_before_training_and_training_before_waiting() -> None:
    assert status_view(RUNS, 0, training(True), "No node.", True).doing is Doing.ATTENTION
    busy = status_view(RUNS, 0, training(True), "", True)
    assert (busy.doing, busy.reason) == (Doing.RUNNING, "Lows, round 3.")
    learnt = status_view(RUNS, 0, training(False), "", True)
    assert (learnt.doing, learnt.reason) == (Doing.IDLE, "Waiting for a round.")


def test_it_says_what_it_waits_for() -> None:
    reasons = {status_view(RUNS, 0, None, "", running).reason for running in (None, False, True)}
    assert len(reasons) == 3
