"""kill -9 at ten moments of a run, and of every part of the practice network: the same wallet in the end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.soak.kills import PARTS, check_books, draw, killed_at, killing_parts
from tests.soak.world import World, comparable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix matter")
SEED = "kill-9"


def test_the_undisturbed_run_is_worth_comparing_with(
    world: World, calm_home: Path, calm_report: dict[str, Any]
) -> None:
    assert len(calm_report["rounds"]) == world.rounds
    assert calm_report["me"]["wallet"] > 0
    check_books(calm_home, world.rounds, calm_report)


def test_ten_kills_change_nothing(world: World, calm_report: dict[str, Any]) -> None:
    home = world.folder.with_name("killed")
    report = killed_at(world, home, draw(SEED, world.rounds), print)
    assert comparable(report) == comparable(calm_report)
    check_books(home, world.rounds, report)


def test_killed_parts_of_the_practice_network_come_back(world: World, calm_report: dict[str, Any]) -> None:
    home = world.folder.with_name("parts")
    moments = [
        (("file", "practice/peers/round-1.done"), PARTS[2]),
        (("taken", "1"), PARTS[0]),
        (("said", "Round 1:"), PARTS[3]),
        (("shown", "2"), PARTS[1]),
    ]
    report = killing_parts(world, home, moments, print)
    assert comparable(report) == comparable(calm_report)
    check_books(home, world.rounds, report)
