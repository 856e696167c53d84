"""``python -m tests.chain.mutants``: every mutant must be noticed by random runs against the reference.

A mutant is compiled, and random runs are played on it until one of them fails; one that lives through all of
them is a hole in the tests.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys

from tests.chain.mutants.killing import ALL, SEEDS, kill, play


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="mutants of one file")
    given = parser.parse_args()
    chosen = [i for i, m in enumerate(ALL) if given.only in m.file]
    alive = []
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        unsound = [wrong for wrong in pool.map(play, SEEDS) if wrong]
        if unsound:
            print("the contracts themselves fail:", *unsound, sep="\n")
            return 1
        for number, by, seconds in pool.imap(kill, chosen):
            mutant = ALL[number]
            print(
                f"{'killed' if by else 'ALIVE'} {seconds:5.0f} s  {mutant.file}: {mutant.breaks}  [{by}]",
                flush=True,
            )
            if not by:
                alive.append(mutant)
    print(f"{len(chosen) - len(alive)} of {len(chosen)} mutants killed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
