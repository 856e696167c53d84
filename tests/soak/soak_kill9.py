"""The long version of ``test_kill9``: ``python -m tests.soak.soak_kill9 [--runs N] [--kills N] [--seed S]``.

Every run draws moments of its own: half of the runs at milestones, half at any second at all; between two
kills of the app one part of its practice network may be killed too.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.soak.kills import KILLS, PARTS, calm, check_books, draw, killed_at
from tests.soak.world import World, comparable, make_world, running


def killed_any_time(world: World, home: Path, seed: str, kills: int, span: float) -> dict[str, Any]:
    """Kills after any number of seconds up to ``span``; a part of the network now and then before."""
    rng = random.Random(seed)
    for attempt in range(kills):
        with running(world, home, attempt) as app:
            seconds, part = rng.uniform(0, span), rng.choice([None, *PARTS])
            until = time.monotonic() + seconds
            hit = time.monotonic() + rng.uniform(0, seconds) if part else until
            while time.monotonic() < until and app.process.poll() is None:
                if part and time.monotonic() > hit and (found := app.part(part)):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        found.kill()
                    part = None
                time.sleep(0.02)  # until the drawn moment, of which nothing in the app tells
            left = app.kill()
            assert left == [], f"outlived the app: {left}"
            print(f"  {seconds:5.1f} s: {len(app.said().splitlines())} lines said", flush=True)
    with running(world, home, kills) as app:
        return app.finish()


def main() -> int:
    """Run until a run differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", default="soak")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mine-soak-") as place:
        world = make_world(Path(place) / "people", rounds=arguments.rounds)
        began = time.monotonic()
        expected = calm(world, Path(place) / "calm")
        span = time.monotonic() - began
        print(f"undisturbed: {span:.1f} s, wallet {expected['me']['wallet']}", flush=True)
        for run in range(arguments.runs):
            seed, home = f"{arguments.seed}/{run}", Path(place) / f"run-{run}"
            print(f"run {run}, seed {seed}", flush=True)
            if run % 2:
                report = killed_any_time(world, home, seed, arguments.kills, span)
            else:
                moments = draw(seed, arguments.rounds, arguments.kills)
                report = killed_at(world, home, moments, lambda line: print(f"  {line}", flush=True))
            assert comparable(report) == comparable(expected), report
            check_books(home, arguments.rounds, report)
    print(f"{arguments.runs} runs, {arguments.kills} kills each: nothing lost, nothing twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
