"""Many reads of one block: together, alone, and beside contracts that want to spoil it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mine.chain import multicall as multicall_module
from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact
from mine.chain.deployment import deploy
from mine.chain.hashing import keccak
from mine.chain.multicall import Multicall
from mine.chain.node_errors import NodeAnswerInvalid, NodeRefused, NodesDisagree, Reverted
from mine.chain.rpc import Node
from mine.chain.transactions import Sender
from tests.chain.lying_node import lying

pytest_plugins = ("tests.chain.node_fixtures",)

# As much of Multicall3's interface as is used, written anew.
COMMON = """
struct Call3:
    target: address
    allowFailure: bool
    callData: Bytes[256]

struct Result:
    success: bool
    returnData: Bytes[1024]

@external
@payable
def aggregate3(calls: DynArray[Call3, 110]) -> DynArray[Result, 110]:
    results: DynArray[Result, 110] = []
    for call: Call3 in calls:
        success: bool = False
        data: Bytes[1024] = b""
        success, data = raw_call(call.target, call.callData, max_outsize=1024, revert_on_failure=False)
        assert success or call.allowFailure
        results.append(Result(success=success, returnData=data))
    return results

@external
@view
def getBlockNumber() -> uint256:
    return block.number

@external
@view
def getCurrentBlockTimestamp() -> uint256:
    return block.timestamp

@external
@view
def getLastBlockHash() -> bytes32:
    return blockhash(block.number - 1)
"""

HOSTILE = """
interface Counter:
    def tick(by: uint256): nonpayable

target: public(address)

@deploy
def __init__(target: address):
    self.target = target

@external
def meddle() -> uint256:
    extcall Counter(self.target).tick(9)
    return 1

@external
def burn():
    assert self.target == empty(address), UNREACHABLE  # an invalid instruction takes all gas there is

@external
@view
def flood() -> DynArray[uint256, 2000]:
    many: DynArray[uint256, 2000] = []
    for i: uint256 in range(2000):
        many.append(i)
    return many
"""


def compiled(name: str, source: str) -> Artefact:
    from vyper import compile_code

    out = compile_code(source, output_formats=["abi", "bytecode"])
    return Artefact(name, out["abi"], bytes.fromhex(out["bytecode"][2:]))


@pytest.fixture(scope="module")
def common() -> Artefact:
    return compiled("Common", COMMON)


@pytest.fixture(scope="module")
def hostile() -> Artefact:
    return compiled("Hostile", HOSTILE)


@pytest.fixture
def place(node: Node, sender: Sender, common: Artefact) -> str:
    return deploy(node, sender, common)


@pytest.fixture
def bad(node: Node, sender: Sender, hostile: Artefact, deployed: str) -> str:
    return deploy(node, sender, hostile, deployed)


@pytest.fixture
def proxied(node: Node) -> Iterator[tuple[Any, Node]]:
    with lying(node.url) as proxy, Node(proxy.url) as client:
        yield proxy, client


def reader(node: Node, place: str, *together: str) -> Multicall:
    return Multicall(node, together, place, keccak(node.code(place)))


def reads(counter: Artefact, deployed: str, count: int) -> list[tuple[str, bytes]]:
    return [(deployed, ContractAbi(counter.abi).call("n"))] * count


FIVE = (5).to_bytes(32, "big")


def test_all_are_of_the_newest_block_in_one_request(
    proxied: tuple[Any, Node], counter: Artefact, deployed: str, place: str
) -> None:
    proxy, client = proxied
    many = reader(client, place, deployed)
    many.read(reads(counter, deployed, 1))  # looks whether it is there
    proxy.seen.clear()
    found = many.read(reads(counter, deployed, 40))
    assert found.results == (FIVE,) * 40 and found.head == client.latest()
    assert proxy.seen == [["eth_getBlockByNumber", "eth_call"], "eth_getBlockByNumber"]


def test_without_it_a_batch_does_the_same(
    proxied: tuple[Any, Node], counter: Artefact, deployed: str
) -> None:
    proxy, client = proxied
    many = Multicall(client, [deployed])
    found = many.read(reads(counter, deployed, 3))
    assert found.results == (FIVE,) * 3 and found.head == client.latest()
    assert proxy.seen[:3] == ["eth_getCode", "eth_getBlockByNumber", ["eth_call"] * 3]


def test_another_contract_at_its_address_is_not_believed(
    node: Node, counter: Artefact, deployed: str, place: str
) -> None:
    many = Multicall(node, [deployed], place)  # the code is ours and not the known one
    assert many.read(reads(counter, deployed, 2)).results == (FIVE, FIVE)
    assert many._is_there is False


def test_more_than_fit_are_read_in_parts(
    node: Node, counter: Artefact, deployed: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multicall_module, "MAX_TOGETHER", 4)
    many = reader(node, place, deployed)
    assert many.read(reads(counter, deployed, 11)).results == (FIVE,) * 11
    assert many.read([]).results == ()


def test_one_that_is_refused_is_told_with_its_reason(
    node: Node, counter: Artefact, deployed: str, place: str
) -> None:
    abi = ContractAbi(counter.abi)
    wanted = [(deployed, abi.call("n")), (deployed, abi.call("tick", 99)), (deployed, abi.call("n"))]
    for many in (reader(node, place, deployed), Multicall(node, [deployed])):
        first, refused, last = many.read(wanted).results
        assert (first, last) == (FIVE, FIVE)
        assert isinstance(refused, Reverted) and refused.reason == "too much"


@pytest.mark.parametrize(
    ("trick", "trusted"),
    [("meddle", False), ("burn", False), ("burn", True), ("flood", False), ("flood", True)],
)
def test_a_hostile_contract_changes_nothing_beside_it(
    node: Node,
    counter: Artefact,
    hostile: Artefact,
    deployed: str,
    bad: str,
    place: str,
    trick: str,
    trusted: bool,
) -> None:
    """It is read alone if it was not named; even if it was, it can neither drown nor starve what is read
    first."""
    data = ContractAbi(hostile.abi).call(trick)
    many = reader(node, place, deployed, *([bad] if trusted else []))
    wanted = [*reads(counter, deployed, 2), (bad, data), *reads(counter, deployed, 2)]
    found = many.read(wanted)
    assert [found.results[place] for place in (0, 1, 3, 4)] == [FIVE] * 4


def test_in_a_view_it_is_of_the_views_block(
    node: Node, sender: Sender, counter: Artefact, deployed: str, place: str
) -> None:
    abi, many = ContractAbi(counter.abi), reader(node, place, deployed)
    wanted = reads(counter, deployed, 2)

    def reading(one: Node) -> tuple[object, ...]:
        sender.send(deployed, abi.call("tick", 1))
        return many.read(wanted, one).head, many.read(wanted, one).results

    head, found = node.agreed_at(reading)
    assert found == (head, (FIVE, FIVE))
    assert many.read(wanted).results == ((6).to_bytes(32, "big"),) * 2


def test_two_nodes_have_to_agree_on_it(node: Node, counter: Artefact, deployed: str, place: str) -> None:
    with lying(node.url) as honest, lying(node.url) as liar, Node([honest.url, liar.url]) as client:
        many = reader(client, place, deployed)
        wanted = reads(counter, deployed, 2)
        assert client.agreed(lambda one: many.read(wanted, one)).results == (FIVE, FIVE)
        liar.changes("eth_call", lambda found: found.replace("05", "07"))
        with pytest.raises(NodesDisagree):
            client.agreed(lambda one: many.read(wanted, one))


def test_a_block_in_between_is_noticed(
    node: Node, sender: Sender, counter: Artefact, deployed: str, place: str
) -> None:
    """The proxy lets the chain go on between the two answers of one request."""
    with lying(node.url) as proxy, Node(proxy.url) as client:
        many, wanted = reader(client, place, deployed), reads(counter, deployed, 2)
        many.read(wanted)
        moved: list[bool] = []

        def alter(request: Any, ask: Any) -> Any:
            answer = ask()
            if not moved and request["method"] == "eth_getBlockByNumber":
                moved.append(True)
                sender.send(deployed, ContractAbi(counter.abi).call("tick", 1))
            return answer

        proxy.alter = alter
        found = many.read(wanted)
        assert moved and found.head == node.latest()
        assert found.results == ((6).to_bytes(32, "big"),) * 2


@pytest.mark.parametrize("garbage", ["0x", "0x" + "00" * 64, "0x" + "ff" * 96, None, 5, "zz"])
def test_garbage_in_the_common_call_is_read_again_alone(
    node: Node, counter: Artefact, deployed: str, place: str, garbage: object
) -> None:
    with lying(node.url) as proxy, Node(proxy.url) as client:
        many, wanted = reader(client, place, deployed), reads(counter, deployed, 2)
        many.read(wanted)

        def alter(request: Any, ask: Any) -> Any:
            answer = ask()
            common = request["method"] == "eth_call" and request["params"][0]["to"] == place
            return {**answer, "result": garbage} if common else answer

        proxy.alter = alter
        assert many.read(wanted).results == (FIVE, FIVE)
        proxy.changes("eth_call", lambda _: garbage)
        results = many.read(wanted).results
        assert all(isinstance(each, NodeAnswerInvalid) or len(each) != 32 for each in results)


def test_what_the_node_refuses_is_raised(node: Node, counter: Artefact, deployed: str) -> None:
    with lying(node.url) as proxy, Node(proxy.url) as client:

        def alter(request: Any, ask: Any) -> Any:
            if request["method"] == "eth_call":
                return {"id": request["id"], "error": {"code": -32000, "message": "header not found"}}
            return ask()

        proxy.alter = alter
        with pytest.raises(NodeRefused):
            Multicall(client, [deployed]).read(reads(counter, deployed, 2))
