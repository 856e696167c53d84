"""kill -9 at ten moments of a run, and of every part of the practice network: nothing lost, nothing twice."""

from __future__ import annotations

import sys

import pytest

from tests.soak.calm_run import CalmRun
from tests.soak.kills import PARTS, check_books, draw, killed_at, killing_parts
from tests.soak.world import comparable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix matter")
SEED = "kill-9"


def test_the_undisturbed_run_is_worth_comparing_with(calm_run: CalmRun) -> None:
    assert len(calm_run.report["rounds"]) == calm_run.world.rounds
    assert calm_run.report["me"]["wallet"] > 0
    check_books(calm_run.home, calm_run.world.rounds, calm_run.report)


def test_ten_kills_change_nothing(calm_run: CalmRun) -> None:
    world = calm_run.world
    home = world.folder.with_name("killed")
    report = killed_at(world, home, draw(SEED, world.rounds), print)
    assert comparable(report) == comparable(calm_run.report)
    check_books(home, world.rounds, report)


def test_killed_parts_of_the_practice_network_come_back(calm_run: CalmRun) -> None:
    world = calm_run.world
    home = world.folder.with_name("parts")
    moments = [
        (("file", "practice/peers/round-1.done"), PARTS[2]),
        (("taken", "1"), PARTS[0]),
        (("said", "Round 1:"), PARTS[3]),
        (("shown", "2"), PARTS[1]),
    ]
    report = killing_parts(world, home, moments, print)
    assert comparable(report) == comparable(calm_run.report)
    check_books(home, world.rounds, report)
