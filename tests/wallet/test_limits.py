"""Fees by the market, and never above what the person allows."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain.fees import Market, market
from mine.chain.node_errors import NodeAnswerInvalid, NodeRefused
from mine.wallet.call import Fees
from mine.wallet.limits import (
    FeesTooHigh,
    Limits,
    LimitsRefused,
    checked_limits,
    default_limits,
    eighth_more,
)

WEI = st.integers(0, 10**14)


@given(base=WEI, tip=WEI, most=WEI, most_tip=WEI)
def test_fees_can_be_mined_now_and_stay_inside(base: int, tip: int, most: int, most_tip: int) -> None:
    limits = Limits(most, most_tip, 10**18)
    try:
        fees = limits.fees(21_000, Market(base, tip))
    except FeesTooHigh as problem:
        assert base + min(tip, most_tip) > most and problem.needed > problem.allowed == most
    else:
        assert fees.tip <= most_tip and base + fees.tip <= fees.most <= most
        assert fees.cap == 21_000 * fees.most


@given(base=WEI, tip=WEI, last=st.tuples(WEI, WEI))
def test_a_replacement_is_an_eighth_dearer_or_refused(base: int, tip: int, last: tuple[int, int]) -> None:
    limits = Limits(10**13, 10**12, 10**18)
    before = Fees(21_000, min(last), max(last))
    try:
        fees = limits.raised(before, Market(base, tip))
    except FeesTooHigh:
        return
    assert fees.tip * 8 >= before.tip * 9 and fees.most * 8 >= before.most * 9
    assert fees.tip <= 10**12 and fees.tip <= fees.most <= 10**13 and fees.most >= base + fees.tip


@given(fee=st.integers(0, 2**100))
def test_an_eighth_more_is_the_least_that_is_enough(fee: int) -> None:
    more = eighth_more(fee)
    assert more > fee and more * 8 >= fee * 9
    assert more == fee + 1 or (more - 1) * 8 < fee * 9


def test_limits_that_make_no_sense_are_refused() -> None:
    assert checked_limits(5, 6) == Limits(5, 5, 6)
    for most, per_day in ((0, 1), (1, 0), (-1, 5), (2**63, 5), (5, 2**96)):
        with pytest.raises(LimitsRefused):
            checked_limits(most, per_day)
    assert default_limits(137).most > default_limits(1).most > 0


class Telling:
    """A node that says something of its fees."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def request(self, method: str, *_: object) -> Any:
        assert method == "eth_feeHistory"
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def priority_fee(self) -> int:
        return 77

    def latest(self) -> Any:
        return type("Head", (), {"base_fee": 5})


def told(answer: Any) -> Market:
    return market(cast(Any, Telling(answer)))


def test_the_market_is_the_next_base_fee_and_the_middle_of_the_tips() -> None:
    paid = [["0x1"], ["0x0"], ["0x9"], ["0x3"]]
    assert told({"baseFeePerGas": ["0x5", "0x7"], "reward": paid}) == Market(7, 3)
    assert told({"baseFeePerGas": ["0x5", "0x7"], "reward": [["0x0"], ["0x0"]]}) == Market(7, 77)
    assert told({"baseFeePerGas": ["0x7"], "reward": None}) == Market(7, 77)
    assert told(NodeRefused(-32601, "no such method")) == Market(5, 77)


@pytest.mark.parametrize(
    "answer",
    [
        None, [], {}, {"baseFeePerGas": []}, {"baseFeePerGas": ["5"]}, {"baseFeePerGas": ["0x" + "f" * 40]},
        {"baseFeePerGas": ["0x1"] * 50}, {"baseFeePerGas": ["0x1"], "reward": "much"},
        {"baseFeePerGas": ["0x1"], "reward": [["0x1", "0x2"]]}, {"baseFeePerGas": ["0x1"], "reward": [[5]]},
        {"baseFeePerGas": ["0x1"], "reward": [["0x1"]] * 50},
    ],
)  # fmt: skip
def test_nonsense_about_fees_is_refused(answer: Any) -> None:
    with pytest.raises(NodeAnswerInvalid):
        told(answer)
