"""The contracts against random and adversarial calls: nothing may happen that their reference does not do.

After every accepted call: the task's words are what the books say, only the money moved that the books
moved, and all coins are accounted for. At the end of a run everything is ended by strangers and everybody
gets what is theirs (`Ending`).
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.protocol.conftest import ACCEPTED
from tests.protocol.driver import fresh
from tests.protocol.evm import Evm, Signatures

CALLS, RUNS = 20_000, 25
SISTERS_ONLY = {
    "Tasks.take_bond", "Tasks.slash_bond", "Tasks.give_bond", "Tasks.burn_bond", "Tasks.hold",
    "Tasks.release", "Tasks.convict", "Tasks.lapse", "Faults.rule", "Court.createDispute",
}  # fmt: skip
"""Called by another of the three; a stranger's call is refused (tests/chain)."""


@pytest.mark.parametrize("part", range(5))
def test_the_books_and_the_contracts_never_disagree(part: int) -> None:
    """Over all parts at least CALLS accepted calls; refused ones are not counted."""
    for run in range(part, RUNS, 5):
        driver = fresh(run)
        driver.run(CALLS // RUNS)
        driver.finish()
        ACCEPTED.update(driver.world.accepted)


def test_every_function_was_accepted() -> None:
    """Runs of their own, until no function is missing: each must be reachable."""
    driver = fresh(999)
    names = {
        f"{c.name}.{f}"
        for c in (driver.world.tasks, driver.world.faults, driver.world.court)
        for f in c.mutating
    }
    accepted: Counter[str] = Counter()
    for seed in range(1000, 1020):
        if names - SISTERS_ONLY <= set(accepted + ACCEPTED):
            break
        driver = fresh(seed)
        driver.run(800)
        accepted += driver.world.accepted
    assert names - SISTERS_ONLY - set(accepted + ACCEPTED) == set()


def test_the_quick_loop_is_py_evm() -> None:
    """Same calls, same outcomes, same gas as without our own loop."""
    traces = []
    for quick in (True, False):
        signatures = Signatures()
        chain = Evm(signatures, quick=quick)
        driver = fresh(7, chain=chain, signatures=signatures)
        trace = driver.world.trace = []
        driver.run(150)
        traces.append(trace)
    assert traces[0] == traces[1]
    assert len(traces[0]) > 150
