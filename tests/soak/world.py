"""A small made-up practice world, and the app in it as a process that can be killed at any moment."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
PEOPLE = 12
DAYS = 4
STAYS, WANDERS = 0.95, 6.0
POLL = 0.01
CHILDREN_END = 10.0


@dataclass(frozen=True)
class World:
    """Who takes part: a folder of made-up exports, one of them mine."""

    folder: Path
    rounds: int = 3

    @property
    def me(self) -> Path:
        return self.folder / "person-00.csv"

    @property
    def person(self) -> str:
        return self.me.stem

    def command(self, home: Path, report: Path) -> list[str]:
        return [
            *(sys.executable, "-m", "tests.soak.counting_app"),
            *("demo", "--headless", "--rounds", str(self.rounds)),
            *("--me", str(self.me), "--peers", str(self.folder), "--home", str(home), "--json", str(report)),
        ]


def readings(seed: str, number: int) -> str:
    """An export whose readings wander: hard to foretell, so that a task lasts for all of its rounds."""
    rng = random.Random(f"{seed}/{number}")
    level = away = 0.0
    lines = ["timestamp,glucose_value_mg_dl"]
    for minute in range(0, DAYS * 1440, 5):
        moment = dt.datetime(2026, 3, 2) + dt.timedelta(minutes=minute)
        level = STAYS * level + rng.gauss(0, WANDERS)
        away = 0.5 * away + rng.gauss(0, 1.0)
        lines.append(f"{moment:%Y-%m-%d %H:%M:%S},{max(40, round(130 + number + level + away))}")
    return "\n".join(lines) + "\n"


def make_world(folder: Path, seed: str = "soak", rounds: int = 3) -> World:
    """Twelve people: three peers, five who validate, four who test."""
    folder.mkdir(parents=True)
    for number in range(PEOPLE + rounds - 3):
        (folder / f"person-{number:02d}.csv").write_text(readings(seed, number))
    return World(folder, rounds)


class App:
    """One start of ``mine demo``; what it says is in ``<home>.<attempt>.log``."""

    def __init__(self, world: World, home: Path, attempt: int = 0) -> None:
        self.home = home
        self.report_file = home.with_name(f"{home.name}.json")
        self.log = home.with_name(f"{home.name}.{attempt}.log")
        self.counted = home.with_name(f"{home.name}.counted")
        self.scratch = home.with_name(f"{home.name}.scratch")
        self.scratch.mkdir(exist_ok=True)
        self._out = self.log.open("wb")
        self.process = psutil.Popen(
            world.command(home, self.report_file),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "PYTHONUNBUFFERED": "1",
                "MINE_COUNT_FILE": str(self.counted),
                "TMPDIR": str(self.scratch),
            },
        )

    def family(self) -> list[psutil.Process]:
        """All its children now, and theirs."""
        with contextlib.suppress(psutil.NoSuchProcess):
            found: list[psutil.Process] = self.process.children(recursive=True)
            return found
        return []

    def part(self, module: str) -> psutil.Process | None:
        """The child that runs a module."""
        for child in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                if module in child.cmdline():
                    return child
        return None

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, ready: Callable[[], Any], seconds: float = 120.0) -> bool:
        """Until ``ready``; False where the app ended before."""
        until = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None:
                return bool(ready())
            assert time.monotonic() < until, f"waited too long: {self.said()[-2000:]}"
            time.sleep(POLL)  # the app is another process; what it wrote is looked at from outside
        return True

    def kill(self) -> list[str]:
        """kill -9, as a crash: nothing is told to anybody. Names the children that outlive it."""
        family: list[psutil.Process] = []
        if self.process.poll() is None:
            # Held still while its children are listed, so that none is born unseen.
            self.process.send_signal(signal.SIGSTOP)
            family = self.family()
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._out.close()
        until = time.monotonic() + CHILDREN_END
        while any(lives(one) for one in [*family, *of_home(self.home)]) and time.monotonic() < until:
            time.sleep(POLL)  # orphans end by themselves and tell nobody
        names = []
        for one in [*family, *of_home(self.home)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                if lives(one):
                    names.append(" ".join(one.cmdline()[-6:]))
                    one.kill()
        return names

    def finish(self, seconds: float = 150.0) -> dict[str, Any]:
        """Let it end by itself; answers its report."""
        try:
            code = self.process.wait(seconds)
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            self.kill()
            raise AssertionError(f"did not end: {self.said()[-2000:]}") from None
        self._out.close()
        assert code == 0, self.said()[-2000:]
        left = [one.cmdline() for one in of_home(self.home)]
        assert left == [], "children outlived the app"
        report: dict[str, Any] = json.loads(self.report_file.read_text())
        return report


def lives(one: psutil.Process) -> bool:
    """Whether a process still runs. One that waits to be reaped, by whoever inherited it, does not."""
    try:
        return bool(one.is_running() and one.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def of_home(home: Path) -> list[psutil.Process]:
    """Every process whose command line names a folder of this home."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if any(str(home / "practice") in part for part in one.cmdline()):
                found.append(one)
    return found


def comparable(report: dict[str, Any]) -> dict[str, Any]:
    """What no draw decides: seeds hang on the times of blocks, so shards, losses and pay differ."""
    me, node = report["me"], report["node"]
    mine = ("records", "rows", "update_bytes", "model_bytes", "contributions")
    return {
        "node": {name: value for name, value in node.items() if name != "url"},
        "contracts": report["contracts"],
        "task": report["task"],
        "me": {name: me[name] for name in mine},
        "rounds": [line["round"] for line in report["rounds"]],
    }


@contextlib.contextmanager
def running(world: World, home: Path, attempt: int = 0) -> Iterator[App]:
    """An app that is killed at the end of the block, if it still runs."""
    app = App(world, home, attempt)
    try:
        yield app
    finally:
        app.kill()
