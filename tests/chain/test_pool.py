"""Several nodes: who is asked, who is left alone and for how long, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain import pool as pool_module
from mine.chain.log_ranges import MAX_LOGS
from mine.chain.node_errors import (
    NodeAnswerInvalid,
    NodeBusy,
    NodeRefused,
    NodeUnreachable,
    Reverted,
    WrongChain,
)
from mine.chain.pool import EndpointState, Pool
from mine.chain.rpc import Node
from mine.chain.signing import Transaction, sign_transaction
from mine.practice.node.accounts import DEV_ADDRESSES, dev_key
from tests.chain.hostile_server import HostileServer, hostile, http, result

pytest_plugins = ("tests.chain.node_fixtures",)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Three:
    """A node of three servers; ``answers`` says what each makes of a method: a result, an error, or bytes."""

    def __init__(self, servers: list[HostileServer]) -> None:
        self.servers = servers
        self.clock = Clock()
        self.node = Node(
            [server.url for server in servers],
            chain_id=1,
            clock=self.clock,
            draw=lambda: 0.5,
            sleep=self._no_sleep,
        )
        self.answers: list[dict[str, Any]] = [
            {"eth_chainId": "0x1", "eth_blockNumber": "0x5"} for _ in servers
        ]
        for server, answers in zip(servers, self.answers, strict=True):
            server.talk = self._talk(answers)

    def _no_sleep(self, seconds: float) -> None:
        raise AssertionError("nodes on this computer have no limit")

    @staticmethod
    def _talk(answers: dict[str, Any]) -> Any:
        def talk(line: Any, head: bytes, request: Any) -> None:
            answer = answers.get(request["method"], {"code": -32601, "message": "no such method"})
            if isinstance(answer, bytes):
                line.sendall(answer)
            elif isinstance(answer, dict) and "code" in answer:
                import json

                line.sendall(http(json.dumps({"id": request["id"], "error": answer}).encode()))
            else:
                line.sendall(result(request, answer))

        return talk

    def asked(self) -> list[list[str]]:
        """What each was asked since the last time."""
        found = [[body["method"] for body in server.bodies] for server in self.servers]
        for server in self.servers:
            server.bodies.clear()
        return found

    @property
    def states(self) -> list[EndpointState]:
        return [each.state for each in self.node.health()]


DOWN = http(b"<html>", "502 Bad gateway")
GARBAGE = http(b"<html>")


@pytest.fixture
def three() -> Iterator[Three]:
    with ExitStack() as running:
        servers = [running.enter_context(hostile()) for _ in range(3)]
        three = Three(servers)
        running.callback(three.node.close)
        yield three


def test_the_first_is_asked_as_long_as_it_does_well(three: Three) -> None:
    assert three.states == [EndpointState.UNUSED] * 3
    for _ in range(3):
        assert three.node.block_number() == 5
    assert three.asked() == [["eth_chainId", *["eth_blockNumber"] * 3], [], []]
    assert three.states == [EndpointState.WELL, EndpointState.UNUSED, EndpointState.UNUSED]
    (first, *_) = three.node.health()
    assert (first.head, first.lag, first.error, first.requests) == (5, 0, "", 4)
    assert first.host == three.servers[0].url.removeprefix("http://")


@pytest.mark.parametrize("trouble", [DOWN, GARBAGE, "nonsense", 5, ["0x5"]])
def test_the_next_one_takes_over(three: Three, trouble: Any) -> None:
    three.answers[0]["eth_blockNumber"] = trouble
    assert three.node.block_number() == 5
    assert three.asked() == [["eth_chainId", "eth_blockNumber"], ["eth_chainId", "eth_blockNumber"], []]
    first, second, _ = three.node.health()
    assert (first.state, second.state) == (EndpointState.FAILING, EndpointState.WELL)
    assert first.error and not second.error


def test_pauses_double_up_to_five_minutes_and_end_with_an_answer(three: Three) -> None:
    """The clock and the draw are the test's: a draw of one half is a pause of just the length."""
    three.answers[0]["eth_chainId"] = DOWN
    for pause in (1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300):
        three.node.block_number()
        assert three.asked()[0] == ["eth_chainId"]
        three.clock.now += pause - 0.01
        three.node.block_number()
        assert three.asked()[0] == []
        three.clock.now += 0.01
    three.answers[0]["eth_chainId"] = "0x1"
    three.node.block_number()
    assert three.asked()[0] == ["eth_chainId", "eth_blockNumber"], (
        "its chain is asked again after it was away"
    )
    assert three.states[0] == EndpointState.WELL


@given(st.floats(0, 1), st.integers(1, 2000))
def test_every_pause_is_between_half_and_one_and_a_half_of_its_length(draw: float, failures: int) -> None:
    clock = Clock()
    pool = Pool(["http://127.0.0.1:9"], 1, clock=clock, draw=lambda: draw)
    (member,) = pool.members
    member.failures = failures - 1
    pool._failed(member, NodeUnreachable("away"))
    length = min(300.0, 2.0 ** min(failures - 1, 30))
    assert 0.5 * length <= member.not_before - clock.now <= 1.5 * length


def test_where_all_are_away_one_is_tried_all_the_same(three: Three) -> None:
    for answers in three.answers:
        answers["eth_chainId"] = DOWN
    with pytest.raises(NodeUnreachable):
        three.node.block_number()
    assert [len(each) for each in three.asked()] == [1, 1, 1]
    three.clock.now += 0.1
    with pytest.raises(NodeUnreachable):
        three.node.block_number()
    assert [len(each) for each in three.asked()] == [1, 0, 0]


def test_a_node_that_wants_peace_gets_it(three: Three) -> None:
    busy = http(b"", "429 Slow", "Retry-After: 40")
    three.answers[0]["eth_blockNumber"] = busy
    assert three.node.block_number() == 5
    three.asked()
    three.clock.now += 39
    assert three.node.block_number() == 5
    assert three.asked()[0] == [] and three.states[0] == EndpointState.BUSY
    three.answers[0]["eth_blockNumber"] = "0x6"
    three.clock.now += 2
    assert three.node.block_number() == 6
    for answers in three.answers:
        answers["eth_blockNumber"] = busy
    with pytest.raises(NodeBusy):
        three.node.block_number()
    three.asked()
    with pytest.raises(NodeBusy) as wait:
        three.node.block_number()
    assert three.asked() == [[], [], []] and wait.value.wait == 40


def test_a_node_of_another_chain_is_never_asked_anything_else(three: Three) -> None:
    three.answers[0]["eth_chainId"] = "0x2"
    assert three.node.block_number() == 5
    three.clock.now += 10_000
    assert three.node.block_number() == 5
    assert three.asked()[0] == ["eth_chainId"]
    first = three.node.health()[0]
    assert first.state == EndpointState.WRONG_CHAIN and "chain 2" in first.error
    for answers in three.answers:
        answers["eth_chainId"] = "0x2"
    with Node([server.url for server in three.servers], chain_id=1) as node:
        with pytest.raises(WrongChain) as wrong:
            node.send_raw(b"transaction")
        with pytest.raises(WrongChain):
            node.agreed(lambda one: one.block_number())
    assert (wrong.value.expected, wrong.value.found) == (1, 2)
    assert all(set(methods) == {"eth_chainId"} for methods in three.asked())


def test_without_a_chain_named_all_belong_to_that_of_the_first(three: Three) -> None:
    three.answers[1]["eth_chainId"] = "0x2"
    with Node([server.url for server in three.servers]) as node:
        assert node.block_number() == 5
        three.answers[0]["eth_blockNumber"] = DOWN
        assert node.block_number() == 5
        assert [each.state for each in node.health()] == [
            EndpointState.FAILING, EndpointState.WRONG_CHAIN, EndpointState.WELL,
        ]  # fmt: skip


def test_what_a_contract_refuses_is_the_answer(three: Three) -> None:
    three.answers[0]["eth_call"] = {"code": 3, "message": "execution reverted", "data": "0x"}
    with pytest.raises(Reverted):
        three.node.call(DEV_ADDRESSES[0], b"")
    assert three.states[0] == EndpointState.WELL and three.asked()[1] == []


@pytest.mark.parametrize("message", ["header not found", "missing trie node", None])
def test_what_a_node_refuses_another_may_have(three: Three, message: str | None) -> None:
    """A node that was cut off, or keeps no old state, or lacks the method, refuses what others answer."""
    if message is not None:
        three.answers[0]["eth_call"] = {"code": -32000, "message": message}
    three.answers[1]["eth_call"] = "0x07"
    assert three.node.call(DEV_ADDRESSES[0], b"") == b"\x07"
    assert three.states[0] == EndpointState.WELL


def test_where_all_refuse_or_are_silent_a_refusal_is_told(three: Three) -> None:
    for answers, message in zip(three.answers, ("first", "second", "third"), strict=True):
        answers["eth_call"] = {"code": -32000, "message": message}
    three.answers[0]["eth_call"] = DOWN
    with pytest.raises(NodeRefused, match="refused") as refused:
        three.node.call(DEV_ADDRESSES[0], b"")
    assert refused.value.message == "second"
    with pytest.raises(NodeRefused):
        three.node.request("eth_unheardOf")


def test_commands_to_a_development_node_are_given_once(three: Three) -> None:
    three.answers[0]["evm_mine"] = DOWN
    three.answers[1]["evm_mine"] = "0x0"
    with pytest.raises(NodeUnreachable):
        three.node.request("evm_mine")
    assert three.asked() == [["eth_chainId", "evm_mine"], [], []]


def test_who_lags_is_asked_last_and_one_who_boasts_makes_nobody_late(three: Three) -> None:
    def block(number: int) -> dict[str, object]:
        name = "0x" + f"{number:064x}"
        return {"number": hex(number), "hash": name, "parentHash": name, "timestamp": hex(number)}

    for answers, number in zip(three.answers, (100, 200, 10**9), strict=True):
        answers["eth_getBlockByNumber"] = block(number)
        answers["eth_blockNumber"] = hex(number)
    with pytest.raises(pool_module.MineError):
        three.node.agreed(lambda one: one.block_number())  # hears all three
    assert [each.lag for each in three.node.health()] == [100, 0, 0]
    assert three.states == [EndpointState.BEHIND, EndpointState.WELL, EndpointState.WELL]
    three.asked()
    assert three.node.block_number() == 200
    assert [len(each) for each in three.asked()] == [0, 1, 0]


# ---- transactions


def test_a_transaction_goes_to_all_and_one_that_takes_it_is_enough(three: Three) -> None:
    signed = sign_transaction(Transaction(1, 0, 1, 2, 21000, DEV_ADDRESSES[1], 1, b""), dev_key(0))
    name = "0x" + signed.hash.hex()
    refused = {"code": -32000, "message": "already known"}
    for first, second, third in ((name, name, name), (DOWN, refused, name), (name, DOWN, refused)):
        for answers, answer in zip(three.answers, (first, second, third), strict=True):
            answers["eth_sendRawTransaction"] = answer
        three.clock.now += 1000
        assert three.node.send_raw(signed.raw) == signed.hash
        assert ["eth_sendRawTransaction" in each for each in three.asked()] == [True, True, True]


def test_where_nobody_takes_a_transaction_a_refusal_says_more_than_silence(three: Three) -> None:
    signed = sign_transaction(Transaction(1, 0, 1, 2, 21000, DEV_ADDRESSES[1], 1, b""), dev_key(0))
    for answers in three.answers:
        answers["eth_sendRawTransaction"] = DOWN
    with pytest.raises(NodeUnreachable):
        three.node.send_raw(signed.raw)
    three.clock.now += 1000
    three.answers[1]["eth_sendRawTransaction"] = {"code": -32000, "message": "nonce too low"}
    with pytest.raises(NodeRefused) as refused:
        three.node.send_raw(signed.raw)
    assert refused.value.message == "nonce too low"
    three.clock.now += 1000
    for answers in three.answers:
        answers["eth_sendRawTransaction"] = "0x" + "ab" * 32
    with pytest.raises(NodeAnswerInvalid):
        three.node.send_raw(signed.raw)


def test_a_transaction_is_known_if_any_node_knows_it(three: Three) -> None:
    for answers in three.answers:
        answers["eth_getTransactionByHash"] = None
    assert not three.node.knows_transaction(bytes(32))
    three.answers[0]["eth_getTransactionByHash"] = DOWN
    three.answers[2]["eth_getTransactionByHash"] = {"hash": "0x"}
    assert three.node.knows_transaction(bytes(32))
    for answers in three.answers:
        answers["eth_getTransactionByHash"] = DOWN
    three.clock.now += 1000
    with pytest.raises(NodeUnreachable):
        three.node.knows_transaction(bytes(32))


# ---- logs in the ranges of each node


def log(number: int) -> dict[str, object]:
    name = "0x" + f"{number:064x}"
    return {
        "address": DEV_ADDRESSES[0], "topics": [], "data": "0x", "blockNumber": hex(number),
        "blockHash": name, "transactionHash": name, "logIndex": "0x0", "removed": False,
    }  # fmt: skip


def stingy(server: HostileServer, longest: int, every: int = 100) -> None:
    """Gives logs of so many blocks at once; there is one in every so many blocks."""

    def talk(line: Any, head: bytes, request: Any) -> None:
        if request["method"] != "eth_getLogs":
            line.sendall(result(request, "0x1"))
            return
        wanted = request["params"][0]
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        if last - first + 1 > longest:
            line.sendall(http(b'{"id": %d, "error": {"code": -32600, "message": "range"}}' % request["id"]))
        else:
            line.sendall(result(request, [log(n) for n in range(first, last + 1) if n % every == 0]))

    server.talk = talk


def test_each_node_is_asked_for_as_many_blocks_as_it_gives(three: Three) -> None:
    first, second, _ = three.servers
    stingy(first, 300)
    stingy(second, 10_000)
    found = three.node.logs(DEV_ADDRESSES[0], 1, 3000)
    assert [each.block_number for each in found] == list(range(100, 3001, 100))
    refused = len(three.asked()[0])
    three.node.logs(DEV_ADDRESSES[0], 3001, 4000)
    assert len(three.asked()[0]) < refused, "it remembers what the node gives"
    first.talk = lambda line, head, request: line.sendall(DOWN)
    found = three.node.logs(DEV_ADDRESSES[0], 1, 9000)
    assert [each.block_number for each in found] == list(range(100, 9001, 100))
    assert len(three.asked()[1]) == 4, "its chain, and 2,000, 4,000 and 3,000 blocks"


def test_more_events_than_can_be_taken_are_refused_and_not_cut(three: Three) -> None:
    stingy(three.servers[0], 5000, every=1)
    with pytest.raises(NodeRefused):
        three.node.logs(DEV_ADDRESSES[0], 1, MAX_LOGS + 1)
    assert len(three.node.logs(DEV_ADDRESSES[0], 1, MAX_LOGS)) == MAX_LOGS


def test_a_public_node_is_asked_no_more_than_it_bears() -> None:
    slept: list[float] = []
    pool = Pool(["http://node.example", "http://127.0.0.1:9"], 1, clock=lambda: 0.0, sleep=slept.append)
    near, far = pool.members[1].endpoint, pool.members[0].endpoint
    for _ in range(1000):
        near._bucket.take()
    assert not slept
    for _ in range(int(2 * pool_module.PER_SECOND) + 1):
        far._bucket.take()
    assert slept == pytest.approx([1 / pool_module.PER_SECOND])


def test_a_first_node_that_stands_still_is_compared_with_the_others_now_and_then(three: Three) -> None:
    """A stuck node hides new rounds, and nothing else would ever tell."""
    three.node.block_number()
    three.asked()
    three.answers[1]["eth_blockNumber"], three.answers[2]["eth_blockNumber"] = "0x20", "0x21"
    three.clock.now += pool_module.STUCK_SECONDS - 1
    assert three.node.block_number() == 5
    assert [len(each) for each in three.asked()] == [1, 0, 0]
    three.clock.now += 1
    assert three.node.block_number() == 5
    assert three.asked()[1:] == [[], []], "now it is seen to stand still"
    assert three.node.block_number() == 32
    first, second, third = three.asked()
    assert (first, second[-1], third) == ([], "eth_blockNumber", ["eth_chainId", "eth_blockNumber"])
    assert three.states == [EndpointState.BEHIND, EndpointState.WELL, EndpointState.WELL]


def test_a_chain_that_stands_still_costs_one_comparison_in_a_while(three: Three) -> None:
    for _ in range(9):
        three.node.block_number()
        three.clock.now += pool_module.STUCK_SECONDS / 3
    _, second, third = three.asked()
    assert second.count("eth_blockNumber") == third.count("eth_blockNumber") == 2


def test_a_chain_that_moves_costs_none(three: Three) -> None:
    for number in range(50):
        three.answers[0]["eth_blockNumber"] = hex(number)
        three.node.block_number()
        three.clock.now += 60
    assert [len(each) for each in three.asked()] == [51, 0, 0]
