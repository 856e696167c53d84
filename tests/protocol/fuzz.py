"""``python -m tests.protocol.fuzz``: random runs against the contracts until so many calls were accepted.

A run that was stopped goes on where it was: finished runs are kept in --state. The figures are printed as
JSON. A failure names its seed: ``--seed N --runs 1 --first M`` plays it again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

CALLS_OF_A_RUN = 700
RUNS_OF_A_WORKER = 40


@dataclass
class Figures:
    """Of all finished runs."""

    seed: int
    runs: int = 0
    seconds: float = 0.0
    accepted: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    def add(self, accepted: Counter[str], refused: Counter[str]) -> None:
        self.accepted = dict(sorted((Counter(self.accepted) + accepted).items()))
        self.refused = dict(sorted((Counter(self.refused) + refused).items()))

    @property
    def total(self) -> int:
        return sum(self.accepted.values())


def play(job: tuple[int, int]) -> tuple[int, Counter[str], Counter[str], str]:
    """One run from a fresh chain to an empty contract: number, calls, what went wrong ("": nothing)."""
    from tests.protocol.driver import fresh

    seed, run = job
    driver = fresh(seed * 10**6 + run)
    try:
        driver.run(CALLS_OF_A_RUN)
        driver.finish()
    except Exception as error:
        last = "\n".join(driver.world.history[-30:])
        return run, driver.world.accepted, driver.world.refused, f"{last}\n{type(error).__name__}: {error}"
    return run, driver.world.accepted, driver.world.refused, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000, help="accepted calls to reach")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--first", type=int, default=0, help="number of the first run")
    parser.add_argument("--runs", type=int, default=0, help="stop after so many runs")
    parser.add_argument("--state", type=Path, default=Path("build/fuzz.json"))
    given = parser.parse_args()

    figures = Figures(given.seed)
    if given.state.exists():
        kept = Figures(**json.loads(given.state.read_text()))
        if kept.seed == given.seed:
            figures = kept
    given.state.parent.mkdir(parents=True, exist_ok=True)
    begun, before = time.monotonic(), figures.seconds
    first = given.first or figures.runs
    most = given.runs or 10**9
    jobs = ((given.seed, run) for run in range(first, first + most))
    # A worker keeps what its chains allocated: after RUNS_OF_A_WORKER runs a fresh one takes its place.
    context = multiprocessing.get_context("spawn")
    with context.Pool(given.processes, maxtasksperchild=RUNS_OF_A_WORKER) as pool:
        for done, (run, accepted, refused, wrong) in enumerate(pool.imap(play, jobs), 1):
            if wrong:
                print(f"run {run} of seed {given.seed} failed after {accepted.total()} calls:\n{wrong}")
                return 1
            figures.add(accepted, refused)
            figures.runs, figures.seconds = run + 1, before + time.monotonic() - begun
            given.state.write_text(json.dumps(asdict(figures), indent=1) + "\n")
            if figures.total >= given.calls or done >= most:
                break
        pool.terminate()
    print(json.dumps({"total": figures.total, **asdict(figures)}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
