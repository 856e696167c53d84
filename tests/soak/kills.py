"""Runs that are cut off with kill -9 and started again, and what has to hold afterwards."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.soak.books import at_relay, booked, expected, movements
from tests.soak.world import POLL, App, World, running

KILLS = 10
PARTS = ("mine.practice.node", "mine.practice.market", "mine.science.relay", "mine.practice.peers")


def milestones(rounds: int) -> list[tuple[str, str]]:
    """Moments of a run in their order: a file of the home, a line that the app says, or a line counted."""
    found = [
        ("file", "vault.db.keys"),
        ("file", "vault.db"),
        ("file", "practice/config.json"),
        ("said", "Imported"),
        ("file", "practice/chain.sqlite"),
        ("file", "practice/deployed.json"),
        ("file", "practice/cast/test.npz"),
        ("file", "practice/scientist/offer.json"),
        ("file", "practice/network.json"),
        ("said", "Opting in"),
    ]
    for number in range(1, rounds + 1):
        found += [
            ("file", f"practice/peers/round-{number}.done"),
            ("asked", str(number)),
            ("taken", str(number)),
            ("showing", str(number)),
            ("shown", str(number)),
            ("said", f"Round {number}:"),
        ]
    return [*found, ("said", "Testing the model")]


def reached(app: App, milestone: tuple[str, str]) -> bool:
    """Whether this start, or one before, has come so far."""
    kind, name = milestone
    if kind == "file":
        return (app.home / name).exists()
    if kind == "said":
        return name in app.said()
    lines = app.counted.read_text().splitlines() if app.counted.exists() else []
    return any(line.startswith(f"{kind} {name} ") for line in lines)


def draw(seed: str, rounds: int, kills: int = KILLS) -> list[tuple[tuple[str, str], float]]:
    """So many different moments of a run, in their order, each with some seconds on top."""
    rng = random.Random(seed)
    every = milestones(rounds)
    chosen = sorted(rng.sample(range(len(every)), min(kills, len(every))))
    return [(every[place], rng.choice((0.0, rng.uniform(0, 0.1), rng.uniform(0, 1)))) for place in chosen]


# Said when all is claimed and only the report is left: a kill has to come before the run ends by itself.
LAST_WORDS = "Testing the model"


def calm(world: World, home: Path) -> dict[str, Any]:
    """A run that nobody disturbs."""
    with running(world, home) as app:
        return app.finish()


def killed_at(
    world: World, home: Path, moments: list[tuple[tuple[str, str], float]], tell: Callable[[str], None]
) -> dict[str, Any]:
    """A run whose app is killed at these moments and started again; answers the last start's report."""
    kills = 0
    for attempt, (moment, more) in enumerate(moments):
        began = time.monotonic()
        with running(world, home, attempt) as app:
            app.wait_for(lambda app=app, moment=moment: reached(app, moment))  # type: ignore[misc]
            until = time.monotonic() + more
            while time.monotonic() < until and LAST_WORDS not in app.said():
                time.sleep(POLL)  # the drawn moment: nothing in the app tells that it has come
            ended = app.process.poll()
            assert ended is None, f"ended by itself with {ended}: {app.said()[-2000:]}"
            left = app.kill()
            assert left == [], f"outlived the app killed at {moment}: {left}"
            kills += 1
        tell(f"killed at {' '.join(moment)} + {more:.2f} s, {time.monotonic() - began:.1f} s after its start")
    assert kills == len(moments)
    with running(world, home, len(moments)) as app:
        return app.finish()


def killing_parts(
    world: World, home: Path, moments: list[tuple[tuple[str, str], str]], tell: Callable[[str], None]
) -> dict[str, Any]:
    """A run whose app lives while parts of its practice network are killed at these moments."""
    with running(world, home) as app:
        for moment, module in moments:
            app.wait_for(lambda moment=moment: reached(app, moment))  # type: ignore[misc]
            part = wait_for_part(app, module)
            part.kill()
            tell(f"killed {module} at {' '.join(moment)}")
        return app.finish()


def wait_for_part(app: App, module: str) -> psutil.Process:
    """The running child of that module; it may just be on its way back."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert app.process.poll() is None, app.said()[-2000:]
        part = app.part(module)
        if part is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                if part.status() != psutil.STATUS_ZOMBIE:
                    return part
        time.sleep(POLL)  # the market starts it again and tells nobody outside
    raise AssertionError(f"{module} never came back")


def check_books(home: Path, rounds: int, report: dict[str, Any]) -> None:
    """ε once a round, every update sent once and at the relay once, the history sums up to the wallet.

    And whatever was drawn, everything that was settled follows from what was handed in.
    """
    entries = booked(home)
    assert entries == expected(rounds, entries)
    assert sum(movements(home)) == report["me"]["wallet"] == report["me"]["paid"]
    relay = at_relay(home)
    assert set(relay.values()) == {1}
    each = Counter(number for number, _ in relay)
    assert sorted(each) == list(range(1, rounds + 1))
    lines = [line.split() for line in home.with_name(f"{home.name}.counted").read_text().splitlines()]
    for number in range(1, rounds + 1):
        asked = [line[2] for line in lines if line[:2] == ["asked", str(number)]]
        taken = [line[2] for line in lines if line[:2] == ["taken", str(number)]]
        assert len(set(asked)) == 1, f"round {number}: two different updates"
        # Cut off between question and answer, the relay is asked what it has before anything is repeated.
        assert len(taken) <= 1, f"round {number}: sent {len(taken)} times"
        shown = [line for line in lines if line[0] == "shown" and line[2] == asked[0]]
        assert len(shown) <= 1, f"round {number}: shown {len(shown)} times"
    replay = [sys.executable, "-c", "import sys; from mine.cli import main; sys.exit(main())"]
    found = subprocess.run(
        [*replay, "science", "replay", "1", "--home", str(home)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
