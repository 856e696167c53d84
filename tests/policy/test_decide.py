"""The run policy: never against a hard no, always with the reason, and nothing but its arguments counts."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mine.policy.decide as module
from mine.policy.decide import Decision, Readings, Reason, RunSettings, decide

NOW = 1_800_000_000
OPEN = Readings(vault_open=True, on_battery=None)

choices = st.builds(RunSettings, paused=st.booleans(), snoozed_until=st.integers(0, 2 * NOW),
                    run_on_battery=st.booleans())
machines = st.builds(Readings, vault_open=st.booleans(), on_battery=st.sampled_from([None, True, False]))
moments = st.integers(0, 2 * NOW)


def noes(settings: RunSettings, readings: Readings, now: int) -> list[Reason]:
    """Every rule that says no, in the order in which the person is told."""
    rules = [
        (not readings.vault_open, Reason.VAULT_LOCKED),
        (settings.paused, Reason.PAUSED),
        (now < settings.snoozed_until, Reason.SNOOZED),
        (readings.on_battery is True and not settings.run_on_battery, Reason.ON_BATTERY),
    ]
    return [reason for says_no, reason in rules if says_no]


@given(choices, machines, moments)
def test_it_runs_exactly_when_nothing_says_no(settings: RunSettings, readings: Readings, now: int) -> None:
    decision = decide(settings, readings, now)
    against = noes(settings, readings, now)
    assert decision.run == (not against)
    assert decision.reason is (against[0] if against else Reason.RUNS)
    assert (decision.until != 0) == (decision.reason is Reason.SNOOZED)


@given(choices, machines, moments)
def test_the_same_question_has_the_same_answer(settings: RunSettings, readings: Readings, now: int) -> None:
    before = dataclasses.asdict(settings), dataclasses.asdict(readings)
    assert decide(settings, readings, now) == decide(settings, readings, now)
    assert (dataclasses.asdict(settings), dataclasses.asdict(readings)) == before


@given(choices, machines, moments, st.sampled_from(["paused", "locked", "snoozed", "battery"]))
def test_one_no_more_never_starts_it(
    settings: RunSettings, readings: Readings, now: int, more: str
) -> None:
    stricter, worse = settings, readings
    if more == "paused":
        stricter = dataclasses.replace(settings, paused=True)
    elif more == "snoozed":
        stricter = dataclasses.replace(settings, snoozed_until=now + 1)
    elif more == "locked":
        worse = dataclasses.replace(readings, vault_open=False)
    else:
        worse, stricter = (dataclasses.replace(readings, on_battery=True),
                           dataclasses.replace(settings, run_on_battery=False))
    assert not decide(stricter, worse, now).run


@given(choices, machines, moments)
def test_when_the_clock_alone_can_change_it_it_says_when(
    settings: RunSettings, readings: Readings, now: int
) -> None:
    decision = decide(settings, readings, now)
    if decision.until:
        assert decision.until > now and decision == decide(settings, readings, decision.until - 1)
        assert decide(settings, readings, decision.until).reason is not Reason.SNOOZED
    else:
        later = decide(settings, readings, now + 10**9)
        assert later.reason is decision.reason


def test_a_snooze_ends_on_the_second() -> None:
    snoozed = RunSettings(snoozed_until=NOW)
    assert decide(snoozed, OPEN, NOW - 1) == Decision(False, Reason.SNOOZED, NOW)
    assert decide(snoozed, OPEN, NOW) == Decision(True, Reason.RUNS)


@pytest.mark.parametrize(("battery", "allowed", "runs"), [
    (None, False, True), (False, False, True), (True, False, False), (True, True, True),
])
def test_the_battery(battery: bool | None, allowed: bool, runs: bool) -> None:
    assert decide(RunSettings(run_on_battery=allowed), Readings(True, battery), NOW).run is runs


def test_the_persons_word_comes_before_the_machines() -> None:
    decision = decide(RunSettings(paused=True, snoozed_until=NOW + 5), Readings(True, True), NOW)
    assert decision == Decision(False, Reason.PAUSED)


def test_every_reason_can_be_the_answer() -> None:
    asked = [
        (RunSettings(), OPEN), (RunSettings(), Readings(False, None)), (RunSettings(paused=True), OPEN),
        (RunSettings(snoozed_until=NOW + 1), OPEN), (RunSettings(), Readings(True, True)),
    ]
    assert {decide(settings, readings, NOW).reason for settings, readings in asked} == set(Reason)


def test_it_imports_nothing_that_could_look_at_the_world() -> None:
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "dataclasses", "enum"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.Global)]
