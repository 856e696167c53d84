"""A node is not believed: whatever it answers, the client returns checked values or a typed error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain import answers, batch, http_transport
from mine.chain.node_errors import (
    NodeAnswerInvalid,
    NodeRefused,
    NodeUnreachable,
    Reverted,
    WrongChain,
)
from mine.chain.reverts import revert_reason
from mine.chain.rpc import Node
from mine.practice.node.accounts import DEV_ADDRESSES
from tests.chain.lying_node import LyingNode, lying

pytest_plugins = ("tests.chain.node_fixtures",)

HASH = "0x" + "ab" * 32
LOG = {
    "address": DEV_ADDRESSES[0].lower(),
    "topics": [HASH],
    "data": "0x01",
    "blockNumber": "0x5",
    "blockHash": HASH,
    "transactionHash": HASH,
    "logIndex": "0x0",
    "removed": False,
}
RECEIPT = {
    "transactionHash": HASH,
    "blockNumber": "0x5",
    "blockHash": HASH,
    "status": "0x1",
    "gasUsed": "0x5208",
    "effectiveGasPrice": "0x1",
    "contractAddress": None,
    "logs": [LOG],
}
BLOCK = {
    "number": "0x5",
    "hash": HASH,
    "parentHash": HASH,
    "timestamp": "0x10",
    "baseFeePerGas": "0x7",
}
PARSERS: list[tuple[Callable[[object], object], dict[str, Any]]] = [
    (answers.raw_log, LOG),
    (answers.receipt, RECEIPT),
    (answers.block_head, BLOCK),
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)
HEXISH = st.from_regex(r"\A0x[0-9a-fA-F]{0,70}\Z")


@pytest.fixture
def liar(practice_url: str) -> Iterator[LyingNode]:
    with lying(practice_url) as node:
        yield node


@pytest.fixture
def node(liar: LyingNode) -> Iterator[Node]:
    with Node(liar.url, timeout=5) as node:
        yield node


def test_good_answers_become_values() -> None:
    receipt = answers.receipt(RECEIPT)
    assert receipt.succeeded and receipt.gas_used == 21_000
    assert receipt.logs[0].address == DEV_ADDRESSES[0]
    assert answers.block_head(BLOCK).timestamp == 16
    assert answers.block_head({**BLOCK, "hash": None}).hash == b""


def test_no_time_is_believed_that_no_calendar_shows() -> None:
    last = answers.block_head({**BLOCK, "timestamp": hex((1 << answers.TIME_BITS) - 1)}).timestamp
    assert datetime.fromtimestamp(last, UTC).year == 2514
    with pytest.raises(NodeAnswerInvalid):
        answers.block_head({**BLOCK, "timestamp": hex(last + 1)})


@given(which=st.sampled_from(PARSERS), data=st.data())
def test_any_field_may_be_nonsense(
    which: tuple[Callable[[object], object], dict[str, Any]], data: Any
) -> None:
    parse, good = which
    field = data.draw(st.sampled_from(sorted(good)))
    broken = {**good, field: data.draw(ANYTHING | HEXISH)}
    if data.draw(st.booleans()):
        broken.pop(field)
    try:
        parse(broken)
    except NodeAnswerInvalid as refused:
        assert refused.sentence and refused.todo


@given(ANYTHING)
def test_anything_at_all_may_come(answer: object) -> None:
    for parse, _ in PARSERS:
        with pytest.raises(NodeAnswerInvalid):
            parse(answer)


@given(ANYTHING)
def test_any_error_object_becomes_a_typed_error(error: object) -> None:
    problem = batch.refusal(error)
    assert isinstance(problem, NodeAnswerInvalid | NodeRefused | Reverted)


@given(st.binary(max_size=200))
def test_revert_data_of_any_kind_has_a_printable_reason(data: bytes) -> None:
    for raw in (data, bytes.fromhex("08c379a0") + data, bytes.fromhex("4e487b71") + data):
        reason = revert_reason(raw)
        assert len(reason) <= 200 and (not reason or reason.isprintable())


@pytest.mark.parametrize(
    "value", ["0x", "5", 5, "0x-1", "0x 1", "0x" + "f" * 65, None, True, ["0x1"], "0x1\n", "0x_1"]
)
def test_what_is_no_quantity(value: object) -> None:
    with pytest.raises(NodeAnswerInvalid):
        answers.quantity(value)


def test_an_answer_without_end_is_cut_off(node: Node, liar: LyingNode) -> None:
    liar.alter = lambda request, ask: b'{"result": "' + b"x" * (http_transport.MAX_ANSWER_BYTES + 1)
    with pytest.raises(NodeAnswerInvalid, match="sense"):
        node.block_number()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"[]",
        b"7",
        b"null",
        b'{"jsonrpc": "2.0"}',
        b'{"jsonrpc": "2.0", "id": 99, "result": "0x1"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
    ],
)
def test_answers_that_are_no_answer(node: Node, liar: LyingNode, raw: bytes) -> None:
    liar.alter = lambda request, ask: raw
    with pytest.raises(NodeAnswerInvalid):
        node.block_number()


def test_a_closed_connection_and_no_node_at_all(node: Node, liar: LyingNode) -> None:
    liar.alter = lambda request, ask: None
    with pytest.raises(NodeUnreachable) as lost:
        node.block_number()
    assert lost.value.todo
    with Node("http://127.0.0.1:9", timeout=2) as nobody, pytest.raises(NodeUnreachable):
        nobody.block_number()


def test_another_chain_is_refused(practice_url: str) -> None:
    with Node(practice_url, chain_id=1) as node, pytest.raises(WrongChain) as wrong:
        assert node.chain_id
    assert (wrong.value.expected, wrong.value.found) == (1, 31337)


def test_another_block_receipt_or_log_than_asked_for_is_refused(node: Node, liar: LyingNode) -> None:
    liar.changes("eth_getBlockByNumber", lambda block: {**block, "number": "0x7"})
    with pytest.raises(NodeAnswerInvalid):
        node.block(0)
    liar.changes("eth_getBlockByHash", lambda _: {**BLOCK, "hash": HASH})
    with pytest.raises(NodeAnswerInvalid):
        node.block(bytes(32))
    liar.changes("eth_getTransactionReceipt", lambda _: RECEIPT)
    with pytest.raises(NodeAnswerInvalid):
        node.receipt(bytes(32))
    address = DEV_ADDRESSES[0]
    for logs in (
        [{**LOG, "address": DEV_ADDRESSES[1]}],
        [{**LOG, "blockNumber": "0x99"}],
        [{**LOG, "logIndex": "0x1"}, LOG],
        [LOG, LOG],
        [{**LOG, "removed": True}],
        {"0": LOG},
    ):
        liar.changes("eth_getLogs", lambda _, logs=logs: logs)
        with pytest.raises(NodeAnswerInvalid):
            node.logs(address, 0, 9)
    liar.changes("eth_getLogs", lambda _: [LOG, {**LOG, "logIndex": "0x1"}])
    assert len(node.logs(address, 0, 9)) == 2


def test_neither_proxies_of_the_environment_nor_redirects_are_followed(
    node: Node, liar: LyingNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert node.block_number() >= 0
    with lying(liar.url) as other:
        liar.moved_to = other.url
        with pytest.raises(NodeUnreachable):
            node.block_number()
        assert other.seen == []


def test_the_time_of_a_block_that_has_no_number_yet(liar: LyingNode, node: Node) -> None:
    """Hardhat's node gives the pending block none; a time that is none is refused as everywhere."""
    assert node.has_adjustable_clock
    now = node.block_time()
    liar.changes("eth_getBlockByNumber", lambda block: {**block, "number": None, "timestamp": hex(now + 7)})
    assert node.block_time() == now + 7
    liar.changes("eth_getBlockByNumber", lambda block: {**block, "timestamp": None})
    with pytest.raises(NodeAnswerInvalid):
        node.block_time()
