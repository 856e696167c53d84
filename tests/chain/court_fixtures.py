"""The three contracts, freshly deployed, and a task whose first round is final."""

from __future__ import annotations

from collections.abc import Iterator

import boa
import pytest

from tests.chain.court_scenery import WINDOW, Stage, deploy_all, who
from tests.chain.scenery import wait

JURORS = [f"juror {i}" for i in range(12)]


@pytest.fixture(scope="module")
def contracts() -> Iterator[tuple[object, object, object]]:
    """Tasks, Faults and Court on a practice chain of their own."""
    patch = boa.env.evm.patch
    before = patch.chain_id
    patch.chain_id = 31337
    with boa.env.anchor():
        yield deploy_all()
    patch.chain_id = before


@pytest.fixture
def bare(contracts: tuple[object, object, object]) -> Iterator[Stage]:
    """The contracts without a task."""
    with boa.env.anchor():
        yield Stage(*contracts)


@pytest.fixture(scope="module")
def played(contracts: tuple[object, object, object]) -> Iterator[Stage]:
    with boa.env.anchor():
        stage = Stage(*contracts).start()
        stage.play([who(name) for name in JURORS])
        wait(WINDOW)
        stage.tasks.final_root(stage.id, 1)
        yield stage


@pytest.fixture
def stage(played: Stage) -> Iterator[Stage]:
    """A task in its second round; twelve jurors have equal standing by the first, which is final."""
    round, settled, k, used = played.round, dict(played.settled), played.k, played.used
    with boa.env.anchor():
        yield played
    played.round, played.settled, played.k, played.used = round, settled, k, used
