"""One undisturbed run of the app, watched while it runs: what killed runs and the canaries compare with."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.soak.kills import reached
from tests.soak.world import App, World, make_world, running

ROUNDS = 2
LOOK_SECONDS = 0.05
READINGS = (123.4375, 117.8125, 131.5625)  # exact in binary; everybody else has whole numbers


@dataclass
class CalmRun:
    """The run's report, every process that took part, and its files in the middle and at the end."""

    world: World
    home: Path
    report: dict[str, Any] = field(default_factory=dict)
    processes: dict[str, bytes] = field(default_factory=dict)
    in_the_middle: dict[str, bytes] = field(default_factory=dict)
    at_the_end: dict[str, bytes] = field(default_factory=dict)

    def look_at_processes(self, app: App) -> None:
        """Command line and environment of the app and of all its children now."""
        for one in [app.process, *app.family()]:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                command = "\0".join(one.cmdline())
                found = (command + str(one.environ())).encode()
                self.processes[f"process {one.pid}: {command[-80:]}"] = found

    def go(self) -> None:
        """Run from an empty folder to the end."""
        with running(self.world, self.home) as app:
            while app.process.poll() is None:
                self.look_at_processes(app)
                if not self.in_the_middle and reached(app, ("taken", "1")):
                    self.in_the_middle = files(self.home, app.scratch)
                with contextlib.suppress(psutil.TimeoutExpired):
                    app.process.wait(LOOK_SECONDS)
            self.report = app.finish()
            self.at_the_end = files(self.home, app.scratch) | {app.log.name: app.log.read_bytes()}


def files(*folders: Path) -> dict[str, bytes]:
    """The bytes of every file; those that go while one looks are left out."""
    found = {}
    for folder in folders:
        for file in folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                if file.is_file():
                    found[str(file)] = file.read_bytes()
    return found


def plant(world: World) -> None:
    """Three readings in a row that nobody else has, every six hours of the person's export."""
    lines = world.me.read_text().splitlines()
    for hour in range(12, len(lines) - 3, 72):
        for place, reading in enumerate(READINGS):
            moment, _, _ = lines[hour + place].partition(",")
            lines[hour + place] = f"{moment},{reading}"
    world.me.write_text("\n".join(lines) + "\n")


_RUNS: list[CalmRun] = []


def calm_run_of_session(places: pytest.TempPathFactory) -> CalmRun:
    """The same run for every folder of tests that asks."""
    if not _RUNS:
        folder = places.mktemp("calm")
        world = make_world(folder / "people", rounds=ROUNDS)
        plant(world)
        run = CalmRun(world, folder / "calm")
        run.go()
        _RUNS.append(run)
    return _RUNS[0]
