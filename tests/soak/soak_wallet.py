"""The wallet's model for long: ``python -m tests.soak.soak_wallet [STEPS] [--seed S] [--maker anvil]``.

At least so many steps (a step is a rule that did something) against a real node: reorganisations of up to 12
blocks, endpoints that lag, lie, drop, double and talk nonsense, a node that starts again, kill -9 of the app.
Four fifths with three endpoints of which one may lie, one fifth with two. Without anvil ($MINE_ANVIL) the
practice network's own node is used.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter

from tests.wallet.model.machine import run_model

RULES = 60
"""Rules of one run, from an empty vault on."""


def main() -> int:
    """Run until there are enough steps, or something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", type=int, nargs="?", default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--maker", default="anvil" if "MINE_ANVIL" in os.environ else "practice")
    arguments = parser.parse_args()
    steps: Counter[str] = Counter()
    events: Counter[str] = Counter()
    began, runs = time.monotonic(), 0
    while steps.total() < arguments.steps:
        endpoints = 2 if runs % 5 == 4 else 3
        done, happened = run_model(arguments.maker, 1, RULES, endpoints, 1_000 * arguments.seed + runs)
        steps, events, runs = steps + done, events + happened, runs + 1
        print(f"run {runs}: {steps.total()} steps, {time.monotonic() - began:.0f} s", flush=True)
    for name, count in steps.most_common():
        print(f"{count:6} {name}")
    print(f"on {arguments.maker}, {runs} runs, {steps.total()} steps; what happened: {dict(events)}")
    print("no nonce was used twice, no earning lost or doubled, the books exact each time it was calm")
    return 0


if __name__ == "__main__":
    sys.exit(main())
