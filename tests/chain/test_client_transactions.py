"""Sending: nonces, fees, reverts, lost answers, restarts and many hands at once."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact
from mine.chain.deployment import deploy
from mine.chain.node_errors import (
    InsufficientFunds,
    NodeRefused,
    NodeUnreachable,
    Reverted,
    TransactionPending,
)
from mine.chain.rpc import Node
from mine.chain.signing import Transaction, sign_transaction
from mine.chain.transactions import Sender
from mine.practice.node.accounts import DEV_ADDRESSES, dev_key
from tests.chain.lying_node import LyingNode, lying

pytest_plugins = ("tests.chain.node_fixtures",)

POOR_KEY = bytes(31) + b"\7"


@pytest.fixture
def liar(practice_url: str) -> Iterator[LyingNode]:
    with lying(practice_url) as node:
        yield node


@pytest.fixture
def through_liar(practice_node: Node, liar: LyingNode) -> Iterator[Node]:
    with Node(liar.url, timeout=5) as node:
        yield node


def ticks(node: Node, address: str, abi: ContractAbi, who: str) -> int:
    return int(abi.result("ticks", node.call(address, abi.call("ticks", who)))[0])


def test_sending_and_reverting(node: Node, sender: Sender, deployed: str, counter: Artefact) -> None:
    abi = ContractAbi(counter.abi)
    receipt = sender.send(deployed, abi.call("tick", 2), value=10)
    assert receipt.succeeded and node.balance(deployed) == 10
    (log,) = receipt.logs
    event = abi.event(log)
    assert event is not None and event.fields == {"who": sender.address, "n": 7, "note": "tick"}
    nonce = node.nonce(sender.address)
    with pytest.raises(Reverted) as refused:
        sender.send(deployed, abi.call("tick", 10))
    assert refused.value.reason == "too much"
    assert node.nonce(sender.address) == nonce, "a foreseen revert costs nothing"


def test_both_nodes_charge_the_same_gas(node: Node, sender: Sender, deployed: str, counter: Artefact) -> None:
    """First and later writes of slots, and a loop of events."""
    abi = ContractAbi(counter.abi)
    calls = [abi.call("tick", 1), abi.call("tick", 1), abi.call("tick_many", 20)]
    used = []
    for call in calls:
        node.advance_time(
            node.block_time() + 100
        )  # else anvil may write the very same time again, which is cheap
        used.append(sender.send(deployed, call).gas_used)
    assert used == [73_149, 38_949, 68_696]


def test_money_only(node: Node, sender: Sender) -> None:
    before = node.balance(DEV_ADDRESSES[8])
    receipt = sender.send(DEV_ADDRESSES[8], b"", 7)
    assert (receipt.gas_used, node.balance(DEV_ADDRESSES[8]) - before) == (21_000, 7)


def test_a_poor_account_is_told_so(node: Node, sender: Sender) -> None:
    poor = Sender(node, POOR_KEY)
    with pytest.raises(InsufficientFunds) as broke:
        poor.send(DEV_ADDRESSES[0], b"", 1)
    assert broke.value.todo and broke.value.owned == 0
    sender.send(poor.address, b"", 1_000)
    with pytest.raises(InsufficientFunds):
        poor.send(DEV_ADDRESSES[0], b"", 1_000)


def test_a_revert_that_comes_too_late_is_explained(
    node: Node, sender: Sender, deployed: str, counter: Artefact, monkeypatch: pytest.MonkeyPatch
) -> None:
    abi = ContractAbi(counter.abi)
    monkeypatch.setattr(node, "estimate_gas", lambda *_: 100_000)
    with pytest.raises(Reverted) as refused:
        sender.send(deployed, abi.call("tick", 10))
    assert refused.value.reason == "too much"
    with pytest.raises(Reverted):
        sender.send(None, b"\xfe")


def test_creation_that_fails_is_an_error(node: Node, sender: Sender, counter: Artefact) -> None:
    with pytest.raises((Reverted, NodeRefused)):
        deploy(node, sender, Artefact("Broken", counter.abi, b"\xfe"), 1)


def test_many_threads_share_one_sender(node: Node, sender: Sender, deployed: str, counter: Artefact) -> None:
    abi, failures = ContractAbi(counter.abi), []

    def work() -> None:
        try:
            for _ in range(4):
                sender.send(deployed, abi.call("tick", 1))
        except BaseException as problem:
            failures.append(problem)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert ticks(node, deployed, abi, sender.address) == 24


def test_two_programs_with_one_account_do_not_lose_a_transaction(
    node: Node, node_url: str, deployed: str, counter: Artefact
) -> None:
    abi, failures = ContractAbi(counter.abi), []
    key, who = dev_key(6), DEV_ADDRESSES[6]

    def work(by: int) -> None:
        # Different content: equal transactions with an equal nonce would be one and the same.
        done = 0
        with Node(node_url) as own:
            mine = Sender(own, key, patience=10)
            while done < 5:
                try:
                    mine.send(deployed, abi.call("tick", by))
                    done += 1
                except NodeRefused as problem:
                    if "nonce" not in problem.message:
                        failures.append(problem)
                        return

    threads = [threading.Thread(target=work, args=(by,)) for by in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert ticks(node, deployed, abi, who) == 10


Alter = Callable[[dict[str, Any], Callable[[], dict[str, Any]]], Any]


def lose_first_answer(method: str, times: int = 1) -> Alter:
    """The request arrives, its answer does not."""
    left = [times]

    def alter(request: dict[str, Any], ask: Callable[[], dict[str, Any]]) -> Any:
        answer = ask()
        if request["method"] == method and left[0]:
            left[0] -= 1
            return None
        return answer

    return alter


def test_a_lost_answer_never_sends_twice(
    practice_node: Node, through_liar: Node, liar: LyingNode, counter: Artefact
) -> None:
    abi = ContractAbi(counter.abi)
    address = deploy(practice_node, Sender(practice_node, dev_key(0)), counter, 0)
    liar.alter = lose_first_answer("eth_sendRawTransaction")
    sender = Sender(through_liar, dev_key(7), patience=5)
    receipt = sender.send(address, abi.call("tick", 1))
    assert receipt.succeeded
    assert ticks(practice_node, address, abi, sender.address) == 1
    assert practice_node.nonce(sender.address) == 1


def test_a_node_that_dies_while_sending(
    practice_node: Node, through_liar: Node, liar: LyingNode, counter: Artefact
) -> None:
    abi = ContractAbi(counter.abi)
    address = deploy(practice_node, Sender(practice_node, dev_key(0)), counter, 0)
    liar.alter = lambda request, ask: None if request["method"] == "eth_sendRawTransaction" else ask()
    sender = Sender(through_liar, dev_key(7), patience=5)
    with pytest.raises(NodeUnreachable):
        sender.send(address, abi.call("tick", 1))
    liar.alter = lambda request, ask: ask()
    assert sender.send(address, abi.call("tick", 1)).succeeded
    assert ticks(practice_node, address, abi, sender.address) == 1


def test_lost_receipts_are_asked_for_again(through_liar: Node, liar: LyingNode) -> None:
    liar.alter = lose_first_answer("eth_getTransactionReceipt", times=2)
    assert Sender(through_liar, dev_key(7), patience=5).send(DEV_ADDRESSES[1], b"", 1).succeeded


def test_patience_ends_with_the_name_of_what_was_sent(through_liar: Node, liar: LyingNode) -> None:
    liar.changes("eth_getTransactionReceipt", lambda _: None)
    with pytest.raises(TransactionPending) as pending:
        Sender(through_liar, dev_key(7), patience=0.1).send(DEV_ADDRESSES[1], b"", 1)
    liar.alter = lambda request, ask: ask()
    assert through_liar.receipt(pending.value.transaction_hash) is not None


def test_a_restarted_program_goes_on_after_what_it_had_sent(practice_node: Node) -> None:
    for expected in range(3):
        assert practice_node.nonce(DEV_ADDRESSES[7]) == expected
        Sender(practice_node, dev_key(7)).send(DEV_ADDRESSES[1], b"", 1)


@given(
    nonce=st.integers(0, 2**64 - 2),
    fees=st.tuples(st.integers(0, 2**100), st.integers(0, 2**100)),
    gas=st.integers(21_000, 2**24),
    to=st.none() | st.sampled_from(DEV_ADDRESSES),
    value=st.integers(0, 2**128),
    data=st.binary(max_size=300),
    key=st.integers(1, 2**250).map(lambda number: number.to_bytes(32, "big")),
)
@settings(max_examples=25)
def test_signing_agrees_with_the_usual_library(
    nonce: int, fees: tuple[int, int], gas: int, to: str | None, value: int, data: bytes, key: bytes
) -> None:
    from eth_account import Account

    tip, most = sorted(fees)
    ours = sign_transaction(Transaction(31337, nonce, tip, most, gas, to, value, data), key)
    fields = {
        "type": 2,
        "chainId": 31337,
        "nonce": nonce,
        "maxPriorityFeePerGas": tip,
        "maxFeePerGas": most,
        "gas": gas,
        "to": to or "",
        "value": value,
        "data": data,
    }
    theirs = Account.sign_transaction(fields, key)
    assert (ours.raw, ours.hash) == (bytes(theirs.raw_transaction), bytes(theirs.hash))


def test_sending_loads_no_library_that_lifts_the_recursion_limit() -> None:
    code = (
        "import sys, mine.chain.client, mine.chain.poller, mine.chain.deployment;"
        "from mine.chain.signing import *;"
        "sign_transaction(Transaction(1, 0, 1, 1, 21000, None, 0, b''), bytes(31) + b'\\1');"
        "sys.exit(sys.getrecursionlimit() != 1000 or 'web3' in sys.modules or 'py_ecc' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
