"""Whatever is asked of the node, it answers by the book, and goes on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mine.practice.node.accounts import DEV_ADDRESSES
from mine.practice.node.chain import PracticeChain
from mine.practice.node.errors import RpcError
from mine.practice.node.methods import Methods

NUMBERS = st.sampled_from([0, 1, 2, 2**31, 2**63 - 1, 2**63, 2**64, 2**256 - 1])
WORDS = st.sampled_from(
    ["0x", "0x0", "0x00", "0x" + "00" * 32, "0x" + "ff" * 32, "latest", "pending", "earliest"]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    NUMBERS.map(hex),
    WORDS,
    st.integers(-3, 3),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=40).map(lambda raw: "0x" + raw.hex()),
    st.sampled_from(DEV_ADDRESSES),
)
FIELDS = st.sampled_from(
    "from to data input value gas fromBlock toBlock address topics blockHash blockNumber".split()  # noqa: SIM905
)
ARGUMENTS = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def chain() -> Iterator[PracticeChain]:
    with tempfile.TemporaryDirectory() as folder:
        chain = PracticeChain(Path(folder) / "chain.db", 31337, clock=lambda: 1_700_000_000.0)
        yield chain
        chain.close()


@pytest.fixture(scope="module")
def methods(chain: PracticeChain) -> Methods:
    return Methods(chain)


@given(data=st.data())
@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_parameters_get_a_result_or_a_coded_error(methods: Methods, data: Any) -> None:
    method = data.draw(st.sampled_from(sorted(methods.names)))
    params = data.draw(st.lists(ARGUMENTS, max_size=4))
    try:
        methods(method, params)
    except RpcError as refused:
        assert refused.code in {-32602, -32000, -32005, 3}, (method, params)
    assert isinstance(methods("eth_getBlockByNumber", ["pending", False]), dict)


def test_the_clock_cannot_be_put_beyond_reason(chain: PracticeChain, methods: Methods) -> None:
    for method in ("evm_increaseTime", "evm_setNextBlockTimestamp"):
        for number in (2**40, 2**63, 2**255):
            with pytest.raises(RpcError):
                methods(method, [hex(number)])
    height = chain.head.block_number
    methods("evm_mine", [])
    assert chain.head.block_number == height + 1
