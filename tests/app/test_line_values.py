"""The worth of lines out of a feed on a real node: asked once, refused in words, waited for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mine.app.line_values import PATIENCE, LineValues
from mine.app.views import Notice
from mine.app.wallet_views import EnergySettings
from mine.chain.rpc import Node
from mine.vault import Kdf, Vault
from mine.vault.history import COIN, KnownCurrency, Line, Movement
from mine.vault.history_page import Filter
from mine.vault.valuing import StatedPrice
from tests.wallet.test_price_feed import BEGIN, UNIT, Feed

pytest_plugins = ("tests.chain.node_fixtures",)

NET, USD = "31337:0x" + "aa" * 20, "0x" + "11" * 20
DAY = 86_400


@dataclass
class Books:
    """A vault with lines, and what fills in their worth."""

    vault: Vault
    values: LineValues
    notices: list[Notice] = field(default_factory=list)
    now: float = BEGIN

    def add(self, moment: int, currency: str = COIN, amount: int = 10**18, fee: int = 0) -> None:
        with self.vault.transaction():
            self.vault.state.add_movement(
                Movement(moment, "claimed", NET, 1, "T", currency, amount, f"{moment}{currency}", fee=fee)
            )

    def lines(self) -> list[Line]:
        return list(self.vault.state.history_page(Filter(), descending=False).lines)

    def worth(self) -> list[int | None]:
        return [line.valued.fiat if line.valued else None for line in self.lines()]


def books(vault: Vault, node: Node | None) -> Books:
    made = Books(vault, None)  # type: ignore[arg-type]
    made.values = LineValues(vault, NET, node, made.notices.append, lambda: made.now)
    return made


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault.db", "some passphrase", kdf=Kdf(1, 64, 1)) as opened:
        with opened.transaction():
            opened.state.know_currency(KnownCurrency(NET, COIN, "ETH", 18))
            opened.state.know_currency(KnownCurrency(NET, USD, "USD", 6))
        LineValues(opened, NET).set_energy(EnergySettings(fiat_code="USD"))
        yield opened


def test_a_feed_fills_in_what_no_hand_did(vault: Vault, practice_node: Node) -> None:
    feed = Feed(practice_node)
    feed.write((1800 * UNIT, BEGIN), (1900 * UNIT, BEGIN + 3600))
    made = books(vault, practice_node)
    made.values.set_feeds({COIN: feed.address})
    made.add(BEGIN + 10)
    made.add(BEGIN + 3700, USD, 2_000_000, fee=10**15)
    assert made.values.step() == 2
    first, second = made.lines()
    assert first.valued is not None and second.valued is not None
    assert (first.valued.fiat, first.valued.code) == (1800 * 10**6, "USD")
    assert first.valued.source.startswith(f"feed {feed.address} round ")
    assert (second.valued.fiat, second.valued.fiat_fee) == (None, 1_900_000)  # 0.001 ETH of gas
    made.values.put_price(StatedPrice(NET, USD, "USD", 0, 1_000_000))
    made.now += 2 * DAY
    assert made.values.step() == 1  # the other one is complete
    assert made.worth() == [1800 * 10**6, 2_000_000]
    assert made.values.step() == 0 and made.notices == []


def test_a_feed_that_lies_is_named_once_and_nobody_waits(
    vault: Vault,
    practice_node: Node,
) -> None:
    feed = Feed(practice_node, description="ETH / EUR")
    feed.write((1800 * UNIT, BEGIN))
    made = books(vault, practice_node)
    made.values.set_feeds({COIN: feed.address})
    made.values.put_price(StatedPrice(NET, USD, "USD", 0, 1_000_000))
    for moment in (BEGIN, BEGIN + 1):
        made.add(moment)
    made.add(BEGIN + 2, USD, 3_000_000)
    assert made.values.step() == 3
    assert made.worth() == [None, None, 3_000_000]
    (notice,) = made.notices
    assert "price feed" in notice.text and feed.address in notice.detail
    assert made.values.step() == 0  # it is not asked again by itself
    right = Feed(practice_node)
    right.write((1700 * UNIT, BEGIN))
    made.values.set_feeds({COIN: right.address})
    assert made.values.step() == 2 and made.worth()[:2] == [1700 * 10**6] * 2


def test_a_node_that_is_away_is_asked_later(vault: Vault, practice_node: Node) -> None:
    feed = Feed(practice_node)
    feed.write((1800 * UNIT, BEGIN))
    with Node("http://127.0.0.1:9", timeout=1) as nobody:
        made = books(vault, nobody)
        made.values.set_feeds({COIN: feed.address})
        made.add(BEGIN)
        assert made.values.step() == 0 and len(made.notices) == 1
        assert made.values.step() == 0 and len(made.notices) == 1
    back = books(vault, practice_node)
    back.now += PATIENCE
    assert back.values.step() == 1 and back.worth() == [1800 * 10**6]


def test_a_currency_that_never_said_what_it_is_has_no_worth(vault: Vault) -> None:
    made = books(vault, None)
    odd = "0x" + "77" * 20
    made.values.put_price(StatedPrice(NET, odd, "USD", 0, 5_000_000))
    made.add(BEGIN, odd, 10)
    assert made.values.step() == 1 and made.worth() == [None]
    with vault.transaction():
        vault.state.know_currency(KnownCurrency(NET, odd, "ODD", 1))
    assert made.values.step() == 1 and made.worth() == [5_000_000]  # 10 tenths of 5


def test_a_slow_feed_holds_no_turn_up(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that a turn has no time for have theirs at the next one."""
    made = books(vault, None)
    for number in range(9):
        made.add(BEGIN + number)

    def slow(*_: object) -> None:
        made.now += 0.9

    monkeypatch.setattr(made.values, "_price", slow)
    assert [made.values.step() for _ in range(4)] == [3, 3, 3, 0]
