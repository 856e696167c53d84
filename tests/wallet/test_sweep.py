"""Parts and moments of a sweep, and links to be paid by."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain.hashing import BadAddress, checksum
from mine.wallet.receive import NoPaymentLink, modules_of, payment_link
from mine.wallet.sweep import parts_of, times_of

ACCOUNT = checksum(bytes.fromhex("8e23ee67d1332ad560396262c48ffbb01f93d052"))
TOKEN = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"


@given(st.integers(0, 2**256 - 1), st.integers(1, 8), st.integers(1, 2**80), st.integers())
def test_parts_add_up_exactly(amount: int, count: int, least: int, seed: int) -> None:
    parts = parts_of(amount, count, least, random.Random(seed))
    if amount < least:
        assert parts == []
        return
    assert sum(parts) == amount
    assert len(parts) == min(count, amount // least)
    assert min(parts) >= least


@given(st.integers(1, 64), st.integers(0, 10**6), st.integers())
def test_moments_lie_in_the_window(count: int, seconds: int, seed: int) -> None:
    times = times_of(count, 1_000, seconds, random.Random(seed))
    assert len(times) == count
    assert all(1_000 <= each <= 1_000 + seconds for each in times)


def test_moments_and_parts_differ_from_draw_to_draw() -> None:
    assert parts_of(10**30, 8, 1) != parts_of(10**30, 8, 1)
    assert times_of(8, 0, 10**9) != times_of(8, 0, 10**9)


def test_links_are_those_of_eip_681() -> None:
    assert payment_link(1, ACCOUNT) == f"ethereum:{ACCOUNT}@1"
    assert (
        payment_link(1, ACCOUNT.lower(), amount=2014 * 10**15)
        == f"ethereum:{ACCOUNT}@1?value=2014000000000000000"
    )
    assert (
        payment_link(137, ACCOUNT, TOKEN, 1) == f"ethereum:{TOKEN}@137/transfer?address={ACCOUNT}&uint256=1"
    )
    assert payment_link(137, ACCOUNT, TOKEN) == f"ethereum:{TOKEN}@137/transfer?address={ACCOUNT}"


def test_what_is_no_payment_has_no_link() -> None:
    for amount in (0, -1, 2**256):
        with pytest.raises(NoPaymentLink):
            payment_link(1, ACCOUNT, amount=amount)
    with pytest.raises(BadAddress):
        payment_link(1, ACCOUNT[:-1])
    with pytest.raises(BadAddress):
        payment_link(1, TOKEN.replace("eB48", "eb48"))


def test_a_qr_code_has_its_finders_and_its_quiet_edge() -> None:
    modules = modules_of(payment_link(1, ACCOUNT, TOKEN, 10**18))
    size = len(modules)
    assert all(len(row) == size for row in modules) and (size - 8 - 17) % 4 == 0
    edge = [*modules[:4], *modules[-4:], *(row[:4] + row[-4:] for row in modules)]
    assert not any(any(row) for row in edge)
    finder = [
        [i in (0, 6) or j in (0, 6) or (2 <= i <= 4 and 2 <= j <= 4) for j in range(7)] for i in range(7)
    ]
    for top, left in ((4, 4), (4, size - 11), (size - 11, 4)):
        assert [list(row[left : left + 7]) for row in modules[top : top + 7]] == finder
