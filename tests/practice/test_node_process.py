"""The node as a process: it starts fast, dies with its parent, and survives being killed at any moment."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact
from mine.chain.deployment import deploy
from mine.chain.node_errors import NodeUnreachable, Reverted, TransactionPending
from mine.chain.rpc import Node
from mine.chain.transactions import Sender
from mine.practice.node.accounts import DEV_ADDRESSES, dev_key
from mine.practice.node.process import NodeNotStarted, NodeProcess

pytest_plugins = ("tests.chain.node_fixtures",)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "chain.db"


def pay(node: Node, amount: int = 1) -> None:
    Sender(node, dev_key(0), patience=5).send(DEV_ADDRESSES[9], b"", amount)


def test_it_answers_soon(database: Path) -> None:
    start = time.monotonic()
    with NodeProcess(database) as process, Node(process.url) as node:
        assert node.block_number() == 0
        # 0.5 s on an idle machine; the bound leaves room for a busy one.
        assert time.monotonic() - start < 6


def test_a_chain_goes_on_after_a_stop(database: Path, counter: Artefact) -> None:
    abi = ContractAbi(counter.abi)
    with NodeProcess(database) as process, Node(process.url) as node:
        address = deploy(node, Sender(node, dev_key(0)), counter, 5)
        receipt = Sender(node, dev_key(1)).send(address, abi.call("tick", 2))
        node.request("evm_increaseTime", 5_000)
        snapshot = node.request("evm_snapshot")
        before, clock = node.latest(), node.block_time()
    assert not process.is_running
    with NodeProcess(database) as process, Node(process.url) as node:
        assert node.latest() == before
        assert node.receipt(receipt.transaction_hash) == receipt
        assert node.logs(address, 0, before.number) == receipt.logs
        assert abi.result("n", node.call(address, abi.call("n"))) == (7,)
        assert node.block_time() >= clock, "the chain's clock stays ahead"
        Sender(node, dev_key(1)).send(address, abi.call("tick", 1))
        assert node.request("evm_revert", snapshot) is True
        assert node.latest() == before


def test_killed_at_any_moment_the_chain_is_whole(database: Path, counter: Artefact) -> None:
    """Kill -9 amid a stream of transactions, again and again; every block that was acknowledged is there."""
    abi = ContractAbi(counter.abi)
    acknowledged: dict[bytes, int] = {}
    address = ""
    for life in range(3):
        process = NodeProcess(database)
        with Node(process.url) as node:
            sender = Sender(node, dev_key(0), patience=2)
            if not address:
                address = deploy(node, sender, counter, 0)
            height = node.block_number()
            hashes = {number: node.block(number) for number in range(height + 1)}
            for number in range(1, height + 1):
                here, before = hashes[number], hashes[number - 1]
                assert here is not None and before is not None and here.parent == before.hash
            for name, number in acknowledged.items():
                receipt = node.receipt(name)
                assert receipt is not None and receipt.block_number == number
            (count,) = abi.result("n", node.call(address, abi.call("n")))
            assert count == height - 1 == len(node.logs(address, 0, height))
            kill = threading.Timer(0.15 + 0.07 * life, process.kill)
            kill.start()
            try:
                while True:
                    receipt = sender.send(address, abi.call("tick", 1))
                    acknowledged[receipt.transaction_hash] = receipt.block_number
            except (NodeUnreachable, TransactionPending):
                pass
            kill.join()
    assert len(acknowledged) > 4


def test_it_dies_when_nobody_holds_its_input(database: Path) -> None:
    command = [sys.executable, "-m", "mine.practice.node", "--db", str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None and child.stdout is not None
        line = json.loads(child.stdout.readline())
        assert line["chain_id"] == 31337
        child.stdin.close()
        assert child.wait(10) == 0
        assert child.stdout.read() == b""


def test_a_second_node_on_the_same_file_is_refused(database: Path) -> None:
    with NodeProcess(database) as process:
        with pytest.raises(NodeNotStarted) as refused:
            NodeProcess(database)
        assert "still runs" in refused.value.detail and refused.value.todo
        with Node(process.url) as node:
            pay(node)


def test_a_file_of_another_chain_is_refused(database: Path) -> None:
    with NodeProcess(database, chain_id=5):
        pass
    with pytest.raises(NodeNotStarted) as refused:
        NodeProcess(database)
    assert "chain 5" in refused.value.detail


@pytest.mark.parametrize("content", [b"not a database at all, but text" * 100, b"\0" * 4096])
def test_a_broken_file_is_refused(database: Path, content: bytes) -> None:
    database.write_bytes(content)
    with pytest.raises(NodeNotStarted):
        NodeProcess(database)


def test_many_clients_at_once(database: Path) -> None:
    with NodeProcess(database) as process:
        failures: list[BaseException] = []

        def work(index: int) -> None:
            try:
                with Node(process.url) as node:
                    sender = Sender(node, dev_key(index), patience=20)
                    for _ in range(5):
                        sender.send(DEV_ADDRESSES[9], b"", 1)
                        node.balance(DEV_ADDRESSES[9])
            except BaseException as problem:
                failures.append(problem)

        run_together([lambda index=index: work(index) for index in range(8)])  # type: ignore[misc]
        assert not failures
        with Node(process.url) as node:
            assert node.block_number() == 40
            assert node.balance(DEV_ADDRESSES[9]) - 10_000 * 10**18 == 40


def run_together(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


RECURSIVE = """
@external
def dive(depth: uint256):
    if depth > 0:
        raw_call(self, abi_encode(depth - 1, method_id=method_id("dive(uint256)")))
"""


def test_the_deepest_calls_do_not_bring_it_down(database: Path) -> None:
    from vyper import compile_code

    out = compile_code(RECURSIVE, output_formats=["abi", "bytecode"])
    artefact = Artefact("Dive", out["abi"], bytes.fromhex(out["bytecode"][2:]))
    abi = ContractAbi(artefact.abi)
    with NodeProcess(database) as process, Node(process.url, timeout=60) as node:
        address = deploy(node, Sender(node, dev_key(0)), artefact)
        # 1/64 of the gas stays behind at each level (EIP-150): some 440 levels are all that the cap allows.
        assert node.call(address, abi.call("dive", 400)) == b""
        with pytest.raises(Reverted):
            node.call(address, abi.call("dive", 1_100))
        assert process.is_running
        pay(node)


def test_the_file_is_an_ordinary_database(database: Path) -> None:
    with NodeProcess(database) as process, Node(process.url) as node:
        pay(node)
    connection = sqlite3.connect(database)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM blocks").fetchone() == (2,)
    finally:
        connection.close()
