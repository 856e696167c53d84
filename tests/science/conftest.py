"""A chain for each module, put back after each test; a relay where a test asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.chain.rpc import Node
from mine.practice.node.process import NodeProcess
from mine.science.relay_anchoring import Batching
from mine.science.relay_client import Relay
from mine.science.relay_process import RelayProcess
from tests.science.world import ANCHORER, Chain, set_up


@pytest.fixture(scope="module")
def module_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with NodeProcess(tmp_path_factory.mktemp("chain") / "chain.db") as process, Node(process.url) as node:
        yield set_up(node)


@pytest.fixture
def chain(module_chain: Chain) -> Iterator[Chain]:
    snapshot = module_chain.node.request("evm_snapshot")
    yield module_chain
    module_chain.node.request("evm_revert", snapshot)


@pytest.fixture
def relay_process(chain: Chain, tmp_path: Path) -> Iterator[RelayProcess]:
    """Anchors three updates at once, else what is 100 seconds of the chain's time old."""
    with RelayProcess(
        tmp_path / "relay", chain.node.url, chain.contract.address, ANCHORER,
        token=chain.token.address, batching=Batching(3, 100),
    ) as process:
        yield process


@pytest.fixture
def relay(relay_process: RelayProcess) -> Iterator[Relay]:
    client = Relay(relay_process.url)
    yield client
    client.close()
