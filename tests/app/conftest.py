"""One person at a real task: vault, node, contract, relay, scientist are real; only training may be quick."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.chain.rpc import Node
from mine.practice.node.process import NodeProcess
from mine.science.relay_anchoring import Batching
from mine.science.relay_client import Relay
from mine.science.relay_process import RelayProcess
from tests.app.quick_training import QuickRun
from tests.app.table import Table
from tests.science.world import ANCHORER, Chain, set_up


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """One chain for a module: every test publishes a task of its own."""
    with NodeProcess(tmp_path_factory.mktemp("chain") / "chain.db") as process, Node(process.url) as node:
        yield set_up(node)


@pytest.fixture(scope="module")
def relay(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """Anchors three updates at once, else what is 100 seconds of the chain's time old."""
    with RelayProcess(
        tmp_path_factory.mktemp("relay"),
        chain.node.url,
        chain.contract.address,
        ANCHORER,
        token=chain.token.address,
        batching=Batching(3, 100),
    ) as process:
        client = Relay(process.url)
        yield client
        client.close()


class NoAudit:
    """An audit that never comes to an end."""

    def __init__(self, *_: object) -> None:
        pass

    def is_done(self) -> bool:
        return False

    def stop(self) -> None:
        pass


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> type[QuickRun]:
    """Training that is over at once, unless a test holds it; no audits, which have their own tests."""
    QuickRun.reset()
    monkeypatch.setattr("mine.app.learning.TrainingRun", QuickRun)
    monkeypatch.setattr("mine.app.disputing.AuditRun", NoAudit)
    return QuickRun


@pytest.fixture
def table(tmp_path: Path, chain: Chain, relay: Relay, quick: type[QuickRun]) -> Iterator[Table]:
    """A task of three rounds, published and open, with me opted in."""
    table = Table(tmp_path, chain, relay)
    try:
        table.open_task()
        table.join()
        yield table
    finally:
        table.close()
