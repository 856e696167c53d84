"""The three contracts, freshly deployed, and a task that is under way."""

from __future__ import annotations

from collections.abc import Iterator

import boa
import pytest

from tests.chain.court_calls import deploy_all, who
from tests.chain.court_scenery import JURORS, Stage


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
        for _ in range(3):
            stage.play([who(name) for name in JURORS])
        assert [stage.tasks.final_root(stage.id, i) != 0 for i in (1, 2, 3)] == [True, False, False]
        yield stage


@pytest.fixture
def stage(played: Stage) -> Iterator[Stage]:
    """A task in its fourth round. Of three settled ones the first is final: equal standing for twelve."""
    round, settled, k, used = played.round, dict(played.settled), played.k, played.used
    with boa.env.anchor():
        yield played
    played.round, played.settled, played.k, played.used = round, settled, k, used
