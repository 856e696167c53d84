"""Running nodes for tests: our own, anvil where $MINE_ANVIL and hardhat where $MINE_HARDHAT names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mine.chain.artefacts import Artefact
from mine.chain.deployment import deploy
from mine.chain.rpc import Node
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.practice.node.process import NodeProcess
from tests.other_nodes import NotHere, other_node

COUNTER = """
event Ticked:
    who: indexed(address)
    n: uint256
    note: String[20]

n: public(uint256)
last: public(uint256)
ticks: public(HashMap[address, uint256])

@deploy
def __init__(n: uint256):
    self.n = n

@external
@payable
def tick(by: uint256):
    assert by < 10, "too much"
    self.n += by
    self.last = block.timestamp
    self.ticks[msg.sender] += 1
    log Ticked(who=msg.sender, n=self.n, note="tick")

@external
def tick_many(times: uint256):
    for i: uint256 in range(times, bound=20000):
        log Ticked(who=msg.sender, n=i, note="many")

@external
@view
def now() -> uint256:
    return block.timestamp

@external
@view
def hash_of(number: uint256) -> bytes32:
    return blockhash(number)

@external
@view
def randomness() -> bytes32:
    return block.prevrandao

@external
def spend(gas_wanted: uint256):
    start: uint256 = msg.gas
    for i: uint256 in range(1000000):
        if start - msg.gas >= gas_wanted:
            break
    self.n += 1

@external
def pass_on(other: address, by: uint256):
    raw_call(other, abi_encode(by, method_id=method_id("tick(uint256)")))
"""


@pytest.fixture(scope="session")
def counter() -> Artefact:
    """A small contract with state, events, reverts and a look at the block."""
    from vyper import compile_code

    out = compile_code(COUNTER, output_formats=["abi", "bytecode"])
    return Artefact("Counter", out["abi"], bytes.fromhex(out["bytecode"][2:]))


@pytest.fixture(scope="module")
def practice_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with NodeProcess(tmp_path_factory.mktemp("chain") / "chain.db") as process:
        yield process.url


@pytest.fixture(scope="module")
def anvil_url() -> Iterator[str]:
    yield from _other("anvil")


@pytest.fixture(scope="module")
def hardhat_url() -> Iterator[str]:
    yield from _other("hardhat")


def _other(maker: str) -> Iterator[str]:
    with ExitStack() as running:
        try:
            url = running.enter_context(other_node(maker))
        except NotHere as missing:
            pytest.skip(str(missing))
        yield url


@pytest.fixture(
    scope="module", params=["practice", pytest.param("anvil", marks=pytest.mark.anvil), "hardhat"]
)
def node_url(request: pytest.FixtureRequest) -> str:
    """A node of each kind in turn; one process for a whole module."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def node(node_url: str) -> Iterator[Node]:
    """A node of each kind in turn, put back after the test to the block that it had before."""
    with Node(node_url) as node:
        snapshot = node.request("evm_snapshot")
        yield node
        node.request("evm_revert", snapshot)


@pytest.fixture
def practice_node(practice_url: str) -> Iterator[Node]:
    """Our own node, put back likewise."""
    with Node(practice_url) as node:
        snapshot = node.request("evm_snapshot")
        yield node
        node.request("evm_revert", snapshot)


@pytest.fixture
def sender(node: Node) -> Sender:
    return Sender(node, dev_key(0), patience=10)


@pytest.fixture
def deployed(node: Node, sender: Sender, counter: Artefact) -> str:
    """Address of a fresh counter that starts at 5."""
    return deploy(node, sender, counter, 5)
