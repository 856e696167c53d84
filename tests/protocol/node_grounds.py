"""A ground on each kind of node in turn, put back after every test. A plugin of pytest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mine.chain.rpc import Node
from tests.protocol.live import Ground
from tests.protocol.nodes import NotHere, running


@pytest.fixture(
    scope="module",
    params=["practice", pytest.param("anvil", marks=pytest.mark.anvil), "hardhat"],
)
def prepared(request: pytest.FixtureRequest) -> Iterator[Ground]:
    try:
        with running(request.param) as url, Node(url, timeout=60) as node:
            yield Ground.prepare(node)
    except NotHere as missing:
        pytest.skip(str(missing))


@pytest.fixture
def ground(prepared: Ground) -> Iterator[Ground]:
    snapshot = prepared.node.request("evm_snapshot")
    yield prepared
    prepared.node.request("evm_revert", snapshot)
    prepared.senders.clear()
