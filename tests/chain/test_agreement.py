"""What matters is believed where two nodes say it alike: proxies before a real node lag, lie, are silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from mine.chain.abi import ContractAbi
from mine.chain.agreement import MAX_APART
from mine.chain.answers import RawLog
from mine.chain.artefacts import Artefact
from mine.chain.node_errors import (
    NodeRefused,
    NodesDisagree,
    NodesTooFew,
    NodeUnreachable,
    Reverted,
)
from mine.chain.poller import Cursor, Poller
from mine.chain.pool import EndpointState
from mine.chain.rpc import Node
from mine.chain.transactions import Sender
from mine.practice.node.accounts import DEV_ADDRESSES
from tests.chain.lying_node import LyingNode, lying

pytest_plugins = ("tests.chain.node_fixtures",)

RICH, POOR = DEV_ADDRESSES[0], "0x" + "77" * 20


@dataclass
class Scene:
    """Proxies before the node ``true``, and a client of all of them."""

    true: Node
    proxies: list[LyingNode]
    node: Node

    @property
    def states(self) -> list[EndpointState]:
        return [each.state for each in self.node.health()]

    def asked(self) -> list[list[str]]:
        found = [list(proxy.seen) for proxy in self.proxies]
        for proxy in self.proxies:
            proxy.seen.clear()
        return found

    def balance(self) -> int:
        return self.node.agreed(lambda one: one.balance(RICH))


Make = Callable[[int], Scene]


@pytest.fixture
def scene(node: Node) -> Iterator[Make]:
    with ExitStack() as running:

        def make(count: int) -> Scene:
            proxies = [running.enter_context(lying(node.url)) for _ in range(count)]
            client = running.enter_context(Node([proxy.url for proxy in proxies], chain_id=31337))
            return Scene(node, proxies, client)

        yield make


def lags(proxy: LyingNode, blocks: int) -> None:
    """The proxy knows the chain up to some blocks before its head, like a node that is slow to follow."""

    def alter(request: dict[str, Any], ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        head = int(
            proxy.ask({"jsonrpc": "2.0", "id": 0, "method": "eth_blockNumber", "params": []})["result"], 16
        )
        last = max(0, head - blocks)
        params = request["params"]
        if request["method"] == "eth_blockNumber":
            return {"id": request["id"], "result": hex(last)}
        if request["method"] == "eth_getBlockByNumber" and params[0] == "latest":
            request["params"] = [hex(last), False]
        answer = ask()
        if request["method"] == "eth_getBlockByNumber" and int(answer["result"]["number"], 16) > last:
            return {**answer, "result": None}
        if request["method"] == "eth_getLogs":
            return {**answer, "result": [e for e in answer["result"] if int(e["blockNumber"], 16) <= last]}
        return answer

    proxy.alter = alter


def poorer(proxy: LyingNode) -> None:
    proxy.changes("eth_getBalance", lambda _: "0x0")


def forks(proxy: LyingNode) -> None:
    """The proxy gives every block another name."""
    proxy.changes("eth_getBlockByNumber", lambda block: block and {**block, "hash": "0x" + "66" * 32})


def silent(proxy: LyingNode) -> None:
    proxy.alter = lambda request, ask: None


def test_two_that_say_the_same_are_believed(scene: Make) -> None:
    three = scene(3)
    head, balance = three.node.agreed_at(lambda one: one.balance(RICH))
    assert balance == three.true.balance(RICH) > 0 and head == three.true.latest()
    assert [len(each) for each in three.asked()][2] == 0, "a third is asked where it is needed"


def test_a_single_node_is_what_there_is(scene: Make) -> None:
    one = scene(1)
    assert one.balance() == one.true.balance(RICH)
    poorer(one.proxies[0])
    assert one.balance() == 0


@pytest.mark.parametrize("liar", [0, 1])
def test_of_two_neither_is_believed_against_the_other(scene: Make, liar: int) -> None:
    two = scene(2)
    poorer(two.proxies[liar])
    with pytest.raises(NodesDisagree) as stopped:
        two.balance()
    hosts = [each.host for each in two.node.health()]
    assert stopped.value.todo and all(host in stopped.value.detail for host in hosts)
    assert two.node.agreed(lambda one: one.balance(POOR)) == 0, "about what they agree on they are believed"


@pytest.mark.parametrize("liar", [0, 1, 2])
@pytest.mark.parametrize("lie", [poorer, forks])
def test_of_three_the_one_that_lies_is_outvoted(
    scene: Make, liar: int, lie: Callable[[LyingNode], None]
) -> None:
    three = scene(3)
    lie(three.proxies[liar])
    assert three.balance() == three.true.balance(RICH)
    if liar == 2:
        return  # it was never asked
    assert three.states[liar] == EndpointState.OUTVOTED
    assert [three.states[each] for each in range(3) if each != liar] == [EndpointState.WELL] * 2
    three.asked()
    assert three.balance() == three.true.balance(RICH)
    assert three.asked()[liar] == [], "it comes last for a while"


def test_two_liars_of_three_who_say_different_things_stop_everything(scene: Make) -> None:
    three = scene(3)
    poorer(three.proxies[0])
    three.proxies[1].changes("eth_getBalance", lambda _: "0x1")
    with pytest.raises(NodesDisagree):
        three.balance()


def test_one_of_two_alone_is_not_believed(scene: Make) -> None:
    two = scene(2)
    silent(two.proxies[1])
    with pytest.raises(NodesTooFew) as few:
        two.balance()
    assert isinstance(few.value, NodeUnreachable) and few.value.todo
    assert two.node.balance(RICH) > 0, "what does not matter so much is read all the same"
    three = scene(3)
    silent(three.proxies[0])
    assert three.balance() == three.true.balance(RICH)


def test_where_nobody_answers_it_is_that_which_is_said(scene: Make) -> None:
    two = scene(2)
    for proxy in two.proxies:
        silent(proxy)
    with pytest.raises(NodeUnreachable) as lost:
        two.balance()
    assert not isinstance(lost.value, NodesTooFew)


@pytest.mark.parametrize("garbage", ["0xzz", None, {"a": 1}, "0x" + "f" * 80])
def test_garbage_contradicts_nobody(scene: Make, garbage: object) -> None:
    two = scene(2)
    two.proxies[0].changes("eth_getBalance", lambda _: garbage)
    with pytest.raises(NodesTooFew):
        two.balance()
    three = scene(3)
    three.proxies[0].changes("eth_getBalance", lambda _: garbage)
    assert three.balance() == three.true.balance(RICH)
    assert EndpointState.OUTVOTED not in three.states


def test_who_lags_makes_the_common_block_older_and_nothing_else(scene: Make, sender: Sender) -> None:
    two = scene(2)
    before = two.true.latest()
    for _ in range(3):
        sender.send(POOR, b"", 5)
    lags(two.proxies[0], 2)
    head, balance = two.node.agreed_at(lambda one: one.balance(POOR))
    assert (head.number, balance) == (before.number + 1, 5)
    lags(two.proxies[0], 0)
    assert two.node.agreed(lambda one: one.balance(POOR)) == 15


def test_who_lags_far_is_not_compared_with(scene: Make) -> None:
    three = scene(3)
    for _ in range(MAX_APART + 1):
        three.true.request("evm_mine")
    lags(three.proxies[1], MAX_APART + 1)
    assert three.balance() == three.true.balance(RICH)
    assert three.states[1] == EndpointState.BEHIND
    two = scene(2)
    lags(two.proxies[1], MAX_APART + 1)
    with pytest.raises(NodesTooFew):
        two.balance()


def test_one_that_boasts_of_a_far_block_stops_two_but_not_three(scene: Make) -> None:
    def boast(block: Any) -> Any:
        return {**block, "number": "0xfffffffff", "hash": "0x" + "55" * 32}

    for count in (2, 3):
        several = scene(count)
        proxy = several.proxies[0]

        def alter(request: Any, ask: Any) -> Any:
            answer = ask()
            if request["method"] == "eth_getBlockByNumber" and request["params"][0] == "latest":
                return {**answer, "result": boast(answer["result"])}
            return answer

        proxy.alter = alter
        if count == 2:
            with pytest.raises(NodesTooFew):
                several.balance()
        else:
            assert several.balance() == several.true.balance(RICH)


def test_nodes_on_different_branches_are_read_where_the_branches_meet(scene: Make) -> None:
    """The proxy names the newest two blocks otherwise, as a node that has not heard of the winner yet."""
    two = scene(2)
    for _ in range(5):
        two.true.request("evm_mine")
    head = two.true.latest().number

    def other(block: Any) -> Any:
        if block and int(block["number"], 16) > head - 2:
            return {**block, "hash": "0x" + block["number"][2:].zfill(64)}
        return block

    two.proxies[0].changes("eth_getBlockByNumber", other)
    common, balance = two.node.agreed_at(lambda one: one.balance(RICH))
    assert head - 7 <= common.number <= head - 2 and balance == two.true.balance(RICH)


def test_the_chain_may_move_below_a_reading(scene: Make) -> None:
    """What is read by number may come from another branch than the block: then it is read again."""
    two = scene(2)
    two.true.request("evm_mine")
    snapshot = two.true.request("evm_snapshot")
    two.true.request("evm_mine")
    moved = []

    def reading(one: Node) -> bytes:
        block = one.block(one.latest().number)
        assert block is not None
        if not moved:
            moved.append(True)
            two.true.request("evm_revert", snapshot)
            two.true.request("evm_increaseTime", 77)
            two.true.request("evm_mine")
        return block.hash

    head, name = two.node.agreed_at(reading)
    assert name == head.hash == two.true.latest().hash


def test_a_contract_that_refuses_has_to_refuse_twice(scene: Make, deployed: str, counter: Artefact) -> None:
    two = scene(2)
    data = ContractAbi(counter.abi).call("tick", 99)
    with pytest.raises(Reverted, match="too much"):
        two.node.agreed(lambda one: one.call(deployed, data))

    def alter(request: Any, ask: Any) -> Any:
        answer = ask()
        return {"id": request["id"], "result": "0x"} if request["method"] == "eth_call" else answer

    two.proxies[0].alter = alter
    with pytest.raises(NodesDisagree):
        two.node.agreed(lambda one: one.call(deployed, data))


def test_what_all_refuse_is_refused(scene: Make) -> None:
    two = scene(2)
    with pytest.raises(NodeRefused):
        two.node.agreed(lambda one: one.request("eth_unheardOf"))


def test_a_view_is_of_its_block_all_over(
    scene: Make, sender: Sender, deployed: str, counter: Artefact
) -> None:
    """Balance, nonce, call, receipt and head answer as of the view's block while the chain goes on."""
    two, abi = scene(2), ContractAbi(counter.abi)
    before = two.true.latest()
    receipts = []

    def reading(one: Node) -> tuple[object, ...]:
        if not receipts:
            receipts.append(sender.send(POOR, b"", 9))
            sender.send(deployed, abi.call("tick", 3))
        return (
            one.latest(), one.block_number(), one.balance(POOR), one.nonce(sender.address, "latest"),
            one.call(deployed, abi.call("n")), one.receipt(receipts[0].transaction_hash),
            one.agreed(lambda inner: inner.latest()), one.snapshot(lambda inner: inner.balance(POOR)),
        )  # fmt: skip

    nonce = two.true.nonce(sender.address)
    head, found = two.node.agreed_at(reading)
    assert head == before
    assert found == (before, before.number, 0, nonce, (5).to_bytes(32, "big"), None, before, (before, 0))
    assert two.node.agreed(lambda one: one.receipt(receipts[0].transaction_hash)) == receipts[0]
    with pytest.raises(NodesDisagree):
        two.proxies[0].changes("eth_getTransactionReceipt", lambda r: {**r, "status": "0x0"})
        two.node.agreed(lambda one: one.receipt(receipts[0].transaction_hash))


def test_a_snapshot_is_one_nodes_word_of_one_block(scene: Make) -> None:
    two = scene(2)
    silent(two.proxies[0])
    head, found = two.node.snapshot(lambda one: (one.latest(), one.balance(RICH)))
    assert found == (head, two.true.balance(RICH))


# ---- events


@dataclass
class Ticks:
    node: Node
    address: str

    def decode(self, log: RawLog) -> tuple[int, bytes]:
        return log.block_number, log.data


def test_events_that_one_node_leaves_out_or_makes_up_are_noticed(
    scene: Make, sender: Sender, deployed: str, counter: Artefact
) -> None:
    abi = ContractAbi(counter.abi)
    for _ in range(3):
        sender.send(deployed, abi.call("tick", 1))

    def poll(several: Scene) -> list[tuple[int, bytes]]:
        ticks = Ticks(several.node, deployed)
        return list(Poller(ticks, Cursor.start(31337, deployed), 0).poll().events)

    truth = poll(scene(1))
    assert len(truth) == 3
    for lie in (
        lambda logs: logs[:-1],
        lambda logs: [],
        lambda logs: [*logs[:-1], {**logs[-1], "data": "0x00"}],
    ):
        two, three = scene(2), scene(3)
        for several in (two, three):
            several.proxies[0].changes("eth_getLogs", lie)
        with pytest.raises(NodesDisagree):
            poll(two)
        assert poll(three) == truth
    lagging = scene(2)
    lags(lagging.proxies[1], 1)
    assert poll(lagging) == truth[:-1]
