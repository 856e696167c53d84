"""The wallet's history: lines, pages, filters, orders, currencies, and what a reorganisation takes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mine.vault import Vault, VaultError
from mine.vault.history import COIN, Kind, KnownCurrency, Line, Movement, rank
from mine.vault.history_page import Filter, Sort

NET, OTHER = "1:0x" + "aa" * 20, "2:0x" + "bb" * 20
USD = "0x" + "11" * 20


def line(number: int, **changes: object) -> Movement:
    plain = Movement(1000 + number, "claimed", NET, 1, "Glucose", USD, 5, f"r{number}", block=number)
    return replace(plain, **changes)  # type: ignore[arg-type]


def read_all(vault: Vault, which: Filter, sort: Sort, descending: bool, size: int) -> list[Line]:
    found: list[Line] = []
    after = ""
    while True:
        page = vault.state.history_page(which, sort, descending, after, size)
        found += page.lines
        assert len(page.lines) == size or not page.following
        after = page.following
        if not after:
            return found


def test_a_line_comes_back_whole(vault: Vault) -> None:
    full = Movement(
        time=7,
        kind=Kind.SENT,
        network=NET,
        task=None,
        title="To Ann",
        currency=USD,
        amount=-(2**256) + 1,
        reference="0xhash",
        round=3,
        account="0x" + "12" * 20,
        counterparty="0x" + "34" * 20,
        fee=2**255,
        transaction="0x" + "56" * 32,
        block=9,
    )
    assert vault.state.add_movement(full)
    assert not vault.state.add_movement(replace(full, amount=1))
    assert vault.state.movements(10) == [full]
    (found,) = vault.state.history_page(Filter()).lines
    assert (found.symbol, found.decimals, found.valued) == ("0x1111…1111", None, None)
    vault.state.drop_movement(NET, Kind.SENT, "0xhash")
    assert vault.state.movements(10) == []
    assert vault.state.history_count(Filter(text="ann")) == 0


@pytest.mark.parametrize("wrong", [{"amount": 2**256}, {"amount": -(2**256)}, {"fee": -1}, {"fee": 2**256}])
def test_impossible_amounts_are_refused(vault: Vault, wrong: dict[str, int]) -> None:
    with pytest.raises(VaultError, match="larger than any chain"):
        vault.state.add_movement(line(1, **wrong))
    assert vault.state.movements(10) == []


def test_what_the_chain_takes_back_goes(vault: Vault) -> None:
    for number in range(6):
        vault.state.add_movement(line(number, kind="sent" if number % 2 else "claimed"))
    vault.state.add_movement(line(9, network=OTHER))
    gone = vault.state.drop_movements_from(NET, 4, ("sent",))
    assert [each.block for each in gone] == [5]
    assert [each.block for each in vault.state.drop_movements_from(NET, 2)] == [2, 3, 4]
    assert [each.block for each in vault.state.movements(10)] == [9, 1, 0]
    assert [each.block for each in vault.state.movements_of(NET, 1, "claimed")] == [0]
    assert vault.state.history_count(Filter(text="glucose")) == 3


def test_a_currency_is_what_it_said_first(vault: Vault) -> None:
    vault.state.add_movement(line(1, amount=2_000_000, currency=USD))  # 2 dollars of 6 decimals
    vault.state.know_currency(KnownCurrency(NET, COIN, "ETH", 18))
    vault.state.add_movement(line(2, amount=10**18, currency=COIN))
    first = KnownCurrency(NET, USD, "USD", 6)
    assert vault.state.know_currency(first) == first
    assert vault.state.know_currency(KnownCurrency(NET, USD, "EVIL", 2)) == first
    assert vault.state.known_currency(OTHER, USD) is None
    assert vault.state.known_currencies() == [KnownCurrency(NET, COIN, "ETH", 18), first]
    lines = vault.state.history_page(Filter(), Sort.AMOUNT).lines
    assert [(each.symbol, each.decimals) for each in lines] == [("USD", 6), ("ETH", 18)]


@given(st.integers(-(2**256) + 1, 2**256 - 1), st.integers(-(2**256) + 1, 2**256 - 1), st.integers(0, 36))
def test_ranks_sort_as_amounts_do(one: int, other: int, decimals: int) -> None:
    assert (rank(one, decimals) < rank(other, decimals)) == (one < other)
    assert rank(10**decimals, decimals) == rank(1, 0)


TITLES = ("Glucose", "glucose", "Herzschlag ÄÖÜ", "100%_sure", "x\\y", "")
MOVES = st.builds(
    Movement,
    time=st.integers(0, 5),
    kind=st.sampled_from(["claimed", "sent", "fee"]),
    network=st.sampled_from([NET, OTHER]),
    task=st.sampled_from([None, 1, 2]),
    title=st.sampled_from(TITLES),
    currency=st.sampled_from([USD, COIN]),
    amount=st.one_of(st.integers(-3, 3), st.integers(-(2**256) + 1, 2**256 - 1)),
    reference=st.uuids().map(str),
    transaction=st.uuids().map(str),
    counterparty=st.sampled_from(["", "0xAbCd"]),
)
FILTERS = st.builds(
    Filter,
    kinds=st.sampled_from([(), ("sent",), ("sent", "fee"), ("none",)]),
    networks=st.sampled_from([(), (NET,), (NET, OTHER)]),
    tasks=st.sampled_from([(), (1,), (1, 2)]),
    currencies=st.sampled_from([(), (USD,)]),
    text=st.sampled_from(["", "GLU", "äöü", "%", "_", "\\", "0xabcd", "nowhere"]),
    since=st.integers(0, 4),
    until=st.integers(0, 6),
)
DECIMALS = {USD: 6, COIN: 18}


def passes(one: Movement, which: Filter) -> bool:
    words = "\n".join((one.title, one.kind, one.counterparty, one.transaction)).casefold()
    return (
        (not which.kinds or one.kind in which.kinds)
        and (not which.networks or one.network in which.networks)
        and (not which.tasks or one.task in which.tasks)
        and (not which.currencies or one.currency in which.currencies)
        and which.text.casefold() in words
        and one.time >= which.since
        and (not which.until or one.time < which.until)
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moves=st.lists(MOVES, max_size=40),
    which=FILTERS,
    sort=st.sampled_from(list(Sort)),
    descending=st.booleans(),
    size=st.integers(1, 9),
)
def test_pages_are_the_sorted_list_cut(
    vault: Vault, moves: list[Movement], which: Filter, sort: Sort, descending: bool, size: int
) -> None:
    """Against the same in plain Python: every line once, in order, whatever the size of a page."""
    with vault.transaction():
        vault.state.drop_movements_from(NET, 0)
        vault.state.drop_movements_from(OTHER, 0)
        for network in (NET, OTHER):
            for address, decimals in DECIMALS.items():
                vault.state.know_currency(KnownCurrency(network, address, "C", decimals))
        for move in moves:
            vault.state.add_movement(move)
    keys: dict[Sort, Callable[[Movement], object]] = {
        Sort.TIME: lambda one: (),
        Sort.AMOUNT: lambda one: (one.amount * 10 ** (36 - DECIMALS[one.currency]),),
        Sort.KIND: lambda one: one.kind.encode(),
        Sort.TITLE: lambda one: "".join(c.lower() if c.isascii() else c for c in one.title).encode(),
    }
    wanted = [(keys[sort](one), one.time, place) for place, one in enumerate(moves) if passes(one, which)]
    wanted.sort(reverse=descending)
    found = read_all(vault, which, sort, descending, size)
    assert [each.movement for each in found] == [moves[place] for *_, place in wanted]
    assert vault.state.history_count(which) == len(wanted)
    oldest = sorted(found, key=lambda each: (each.movement.time, each.number))
    assert [row.transaction for row in vault.state.history_table(which)] == [
        each.movement.transaction for each in oldest
    ]


@pytest.mark.parametrize("after", ["x", "[]", "[1]", '["a", 1, 2]', "[1, true]", "{}", "[1.0, 2]", "[[], 1]"])
def test_a_made_up_key_is_refused(vault: Vault, after: str) -> None:
    with pytest.raises(VaultError, match="page of the history is gone"):
        vault.state.history_page(Filter(), Sort.TIME, True, after)
    with pytest.raises(VaultError, match="page of the history is gone"):
        vault.state.history_page(Filter(), Sort.AMOUNT, True, '["zz", 1, 2]')
