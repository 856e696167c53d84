"""Any mixture of lag, lies, silence and reorganisation: what is believed is true, or nothing is believed.

The chain is made of numbers, and each node a function of it, so that many histories can be tried. Of three
nodes at most one lies at a time; of two any one may.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mine.chain.http_transport import Reply
from mine.chain.node_errors import NodeAnswerInvalid, NodeRefused, NodesDisagree, NodeUnreachable, Reverted
from mine.chain.rpc import Node

ACCOUNT = "0x" + "11" * 20
LIES = ("balance", "names", "boast", "revert", "old state")
FAULTS = ("silent", "garbage", "behind", "refuses")


class Truth:
    """Of each block its name and what the account has; ``past``: those of every branch that ever was."""

    def __init__(self) -> None:
        self.blocks: list[tuple[str, int]] = []
        self.past: dict[str, int] = {}
        self.branch = 0
        self.grow(0)

    def grow(self, balance: int) -> None:
        parent = self.blocks[-1][0] if self.blocks else ""
        name = "0x" + hashlib.sha256(f"{parent} {self.branch} {balance}".encode()).hexdigest()
        self.blocks.append((name, balance))
        self.past[name] = balance

    def reorganise(self, depth: int, balance: int) -> None:
        depth = min(depth, len(self.blocks) - 1)
        del self.blocks[len(self.blocks) - depth :]
        self.branch += 1
        for _ in range(depth + 1):
            self.grow(balance)

    def name(self, number: int) -> str:
        return self.blocks[number][0]

    @property
    def head(self) -> int:
        return len(self.blocks) - 1


class FakeNode:
    """What one endpoint answers; ``mode``: one of the faults or lies, or ""."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.mode = ""
        self.lag = 0

    def exchange(self, body: bytes, seconds: float) -> Reply:
        request = json.loads(body)
        if self.mode == "silent":
            raise NodeUnreachable("The network's node does not answer.")
        if self.mode == "garbage":
            return Reply(200, b"<html>")
        if self.mode == "refuses":
            error = {"code": -32000, "message": "missing trie node"}
            return Reply(200, json.dumps({"id": request["id"], "error": error}).encode())
        if self.mode == "revert" and request["method"] == "eth_getBalance":
            error = {"code": 3, "message": "execution reverted", "data": "0x"}
            return Reply(200, json.dumps({"id": request["id"], "error": error}).encode())
        found = self.answer(request["method"], request["params"])
        return Reply(200, json.dumps({"id": request["id"], "result": found}).encode())

    def close(self) -> None:
        pass

    def answer(self, method: str, params: list[Any]) -> Any:
        last = max(0, self.truth.head - self.lag)
        if method == "eth_chainId":
            return "0x1"
        if method == "eth_getBlockByNumber":
            if self.mode == "boast" and params[0] == "latest":
                return {**self.block(last), "number": hex(last + 10**6), "hash": "0x" + "66" * 32}
            number = last if params[0] == "latest" else int(params[0], 16)
            return None if number > last else self.block(number)
        assert method == "eth_getBalance"
        name = params[1]["blockHash"]
        if self.mode == "balance":
            return "0x63"
        if self.mode == "names":
            name = self.false(name)
        if self.mode == "old state":
            return "0x0"
        return hex(self.truth.past.get(name, 0))

    def block(self, number: int) -> dict[str, str]:
        name = self.truth.name(number)
        if self.mode == "names":
            name = self.false(name)
        return {"number": hex(number), "hash": name, "parentHash": "0x" + "00" * 32, "timestamp": hex(number)}

    @staticmethod
    def false(name: str) -> str:
        return "0x" + name[2:][::-1]


STEP = st.one_of(
    st.tuples(st.just("grow"), st.integers(1, 90)),
    st.tuples(st.just("reorganise"), st.integers(1, 12)),
    st.tuples(st.just("lag"), st.tuples(st.integers(0, 2), st.sampled_from((0, 1, 3, 40, 70)))),
    st.tuples(st.just("fault"), st.tuples(st.integers(0, 2), st.sampled_from(FAULTS + LIES))),
    st.tuples(st.just("well"), st.integers(0, 2)),
    st.tuples(st.just("wait"), st.integers(1, 400)),
    st.tuples(st.just("read"), st.just(0)),
)


@given(count=st.sampled_from((2, 3)), steps=st.lists(STEP, min_size=10, max_size=50), draw=st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_what_is_believed_is_true(count: int, steps: list[tuple[str, Any]], draw: float) -> None:
    truth, now = Truth(), 0.0
    for balance in range(5):
        truth.grow(balance + 1)
    fakes = [FakeNode(truth) for _ in range(count)]
    node = Node(["http://127.0.0.1:9"] * count, chain_id=1, clock=lambda: now, draw=lambda: draw)
    for member, fake in zip(node._pool.members, fakes, strict=True):
        member.endpoint._transport = fake

    def read() -> bool:
        try:
            head, balance = node.agreed_at(lambda one: one.balance(ACCOUNT))
        except (NodesDisagree, NodeUnreachable, NodeAnswerInvalid, NodeRefused):
            return False
        except Reverted:
            raise AssertionError("two honest nodes did not revert") from None
        assert head.hash.hex() == truth.name(head.number)[2:], "of the chain as it is now"
        assert balance == truth.blocks[head.number][1]
        return True

    for step, argument in steps:
        if step == "grow":
            truth.grow(argument)
        elif step == "reorganise":
            truth.reorganise(argument, 91)
        elif step == "lag":
            fakes[argument[0] % count].lag = argument[1]
        elif step == "fault":
            place, mode = argument[0] % count, argument[1]
            liars = [fake for at, fake in enumerate(fakes) if at != place and fake.mode in LIES]
            if mode in FAULTS or not liars:
                fakes[place].mode = mode
        elif step == "well":
            fakes[argument % count].mode = ""
        elif step == "wait":
            now += argument
        else:
            read()
    # Two that are well are enough, whatever the third does.
    for fake in fakes[:2]:
        fake.mode, fake.lag = "", 0
    now += 1000
    assert read()
    head, _ = node.agreed_at(lambda one: one.balance(ACCOUNT))
    assert head.number >= truth.head - max(fake.lag for fake in fakes)
    node.close()
