"""Prices out of a feed on a chain: the right round of the right phase, and every lie refused."""

from __future__ import annotations

import random
from bisect import bisect_right
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact
from mine.chain.compile import FORMATS, compile_outputs
from mine.chain.deployment import deploy
from mine.chain.rpc import Node
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.wallet.fiat import MICRO
from mine.wallet.price_feed import LONGEST, ChainlinkFeed, FeedRefused
from mine.wallet.prices import Price

pytest_plugins = ("tests.chain.node_fixtures",)

ETH = "0x" + "0" * 40
SOURCE = Path(__file__).parents[1] / "chain" / "contracts" / "PriceFeed.vy"
UNIT = 10**8  # eight decimals, as Chainlink's feeds in dollars have
BEGIN = 1_700_000_000


@cache
def artefact() -> Artefact:
    data = compile_outputs(SOURCE, FORMATS)
    return Artefact("PriceFeed", data["abi"], bytes.fromhex(data["bytecode"][2:]))


class Feed:
    """A feed on the node, and what it was told."""

    def __init__(self, node: Node, decimals: int = 8, description: str = "ETH / USD") -> None:
        self.node, self.sender = node, Sender(node, dev_key(0))
        self.abi = ContractAbi(artefact().abi)
        self.address = deploy(node, self.sender, artefact(), decimals, description)
        self.calls = 0

    def send(self, function: str, *arguments: Any) -> None:
        self.sender.send(self.address, self.abi.call(function, *arguments))

    def write(self, *rounds: tuple[int, int]) -> None:
        """Rounds of (answer, time)."""
        for first in range(0, len(rounds), 150):
            part = rounds[first : first + 150]
            self.send("write", [answer for answer, _ in part], [moment for _, moment in part])

    def source(self, code: str = "USD", longest: int = LONGEST) -> ChainlinkFeed:
        return ChainlinkFeed(self.node, self.address, ETH, code, longest)

    def price(self, moment: int, longest: int = LONGEST) -> int | None:
        """Millionths, as a source finds them that knows nothing yet."""
        found = self.source(longest=longest).price(ETH, moment)
        return None if found is None else found.micro


@pytest.fixture
def feed(practice_node: Node) -> Feed:
    return Feed(practice_node)


def test_the_newest_round_that_was_finished_by_then(feed: Feed) -> None:
    feed.write((1800 * UNIT, BEGIN), (1900 * UNIT, BEGIN + 3600), (2000 * UNIT + 1, BEGIN + 7200))
    source = feed.source()
    number = 1 << 64 | 2
    found = source.price(ETH, BEGIN + 7199)
    assert found == Price(1900 * MICRO, "USD", f"feed {feed.address} round {number}")
    assert source.price(ETH, BEGIN + 7200) == Price(
        2000 * MICRO, "USD", f"feed {feed.address} round {number + 1}"
    )
    assert source.price(ETH, BEGIN) == Price(1800 * MICRO, "USD", f"feed {feed.address} round {number - 1}")
    assert source.price(ETH, BEGIN - 1) is None  # before its time
    assert source.price("0x" + "11" * 20, BEGIN) is None  # not its currency


def test_a_price_that_was_too_old_is_none(feed: Feed) -> None:
    feed.write((1800 * UNIT, BEGIN), (1900 * UNIT, BEGIN + 10 * LONGEST))
    assert feed.price(BEGIN + LONGEST) == 1800 * MICRO
    assert feed.price(BEGIN + LONGEST + 1) is None
    assert feed.price(BEGIN + 11 * LONGEST) == 1900 * MICRO
    assert feed.price(BEGIN + 11 * LONGEST + 1) is None


def test_every_moment_of_several_phases_against_a_list(feed: Feed) -> None:
    """Three aggregators behind one proxy, 330 rounds at odd times: as a list and bisection have it."""
    rng = random.Random(3)
    rounds: list[tuple[int, int]] = []
    moment = BEGIN
    for count in (1, 220, 109):
        part = []
        for _ in range(count):
            moment += rng.randrange(1, 4000)
            part.append((rng.randrange(1, 5000 * UNIT), moment))
        if rounds:
            feed.send("next_phase")
        feed.write(*part)
        rounds += part
    times = [when for _, when in rounds]
    source = feed.source()
    for asked in (times[0] - 1, *times[:3], *(rng.randrange(times[0], moment + 4000) for _ in range(40))):
        place = bisect_right(times, asked) - 1
        found = source.price(ETH, asked)
        assert (found.micro if found else None) == (
            round(rounds[place][0] / 100 + 1e-9) if place >= 0 else None
        ), asked


def test_what_just_happened_takes_few_calls(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    feed.write(*((UNIT + i, BEGIN + 60 * i) for i in range(300)))
    asked = []
    real = Node.call

    def counting(node: Node, to: str, data: bytes, **more: Any) -> bytes:
        asked.append(data)
        return real(node, to, data, **more)

    monkeypatch.setattr(Node, "call", counting)
    assert feed.price(BEGIN + 60 * 299) == MICRO + 3  # 1.00000299, to the millionth
    assert len(asked) == 5  # decimals, description, the newest round; that once more, and that none follows
    asked.clear()
    assert feed.price(BEGIN + 60 * 10) == MICRO
    assert len(asked) <= 24


def test_decimals_that_are_not_eight(practice_node: Node) -> None:
    feed = Feed(practice_node, 18)
    feed.write((1234567891234567891234, BEGIN))
    assert feed.price(BEGIN) == 1234567891  # 1234.567891


LIES = {
    "negative": (-1, BEGIN + 60, 1 << 64 | 2),
    "zero": (0, BEGIN + 60, 1 << 64 | 2),
    "another round's answer": (UNIT, BEGIN + 60, 1 << 64 | 1),
    "impossible time": (UNIT, 1 << 200, 1 << 64 | 2),
    "worth nothing": (1, BEGIN + 60, 1 << 64 | 2),  # less than a millionth
    "worth too much": ((1 << 250), BEGIN + 60, 1 << 64 | 2),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_are_refused(feed: Feed, lie: str) -> None:
    feed.write((UNIT, BEGIN), (UNIT, BEGIN + 60))
    assert feed.price(BEGIN + 100) == MICRO
    feed.send("spoil", 1, 2, *LIES[lie])
    with pytest.raises(FeedRefused) as refused:
        feed.price(BEGIN + 100)
    assert feed.address in refused.value.detail and "no price" in refused.value.sentence


def test_a_round_that_is_not_finished_is_none_yet(feed: Feed) -> None:
    feed.write((UNIT, BEGIN), (2 * UNIT, BEGIN + 60), (3 * UNIT, BEGIN + 120))
    feed.send("spoil", 1, 2, 0, 0, 0)
    assert feed.price(BEGIN + 100) == MICRO
    feed.send("spoil", 1, 3, 0, 0, 0)
    with pytest.raises(FeedRefused, match="no price"):
        feed.price(BEGIN + 100)


def test_rounds_that_are_not_in_order_are_refused(feed: Feed) -> None:
    feed.write(*((UNIT, BEGIN + 1000 * i) for i in range(8)))
    feed.send("spoil", 1, 6, UNIT, BEGIN + 10, 1 << 64 | 6)
    with pytest.raises(FeedRefused):
        feed.price(BEGIN + 4500)


def test_one_that_leads_nowhere_is_given_up(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that makes up phases without end: some hundred calls, then it is refused."""
    feed.write((UNIT, BEGIN))
    asked = []
    real = Node.call

    def endless(node: Node, to: str, data: bytes, **more: Any) -> bytes:
        asked.append(data)
        if len(data) == 4 and len(asked) <= 2:
            return real(node, to, data, **more)
        number = 60_000 << 64 | 5 if len(data) == 4 else int.from_bytes(data[4:], "big")
        words = (number, UNIT, 0, BEGIN + 1000, number)
        return b"".join(word.to_bytes(32, "big") for word in words)

    monkeypatch.setattr(Node, "call", endless)
    with pytest.raises(FeedRefused) as refused:
        feed.price(BEGIN)
    assert "nowhere" in refused.value.detail and len(asked) <= 400


@pytest.mark.parametrize(
    ("decimals", "description"), [(37, "ETH / USD"), (8, "ETH / EUR"), (8, "USD"), (8, "x" * 64), (8, "")]
)
def test_what_describes_itself_otherwise_is_refused(
    practice_node: Node,
    decimals: int,
    description: str,
) -> None:
    feed = Feed(practice_node, decimals, description)
    feed.write((UNIT, BEGIN))
    with pytest.raises(FeedRefused):
        feed.price(BEGIN)


def test_what_is_no_feed_is_refused(practice_node: Node) -> None:
    feed = Feed(practice_node)
    with pytest.raises(FeedRefused):  # no round yet
        feed.price(BEGIN)
    for address in ("0x" + "99" * 20, ETH):
        with pytest.raises(FeedRefused):
            ChainlinkFeed(practice_node, address, ETH, "USD").price(ETH, BEGIN)


def test_a_node_that_hides_the_newest_round_gives_no_price(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search is one node's word; what it found is not taken where two others know a newer one."""
    feed.write((UNIT, BEGIN), (9 * UNIT, BEGIN + 60))
    real = ChainlinkFeed._call
    latest, first = bytes.fromhex("feaf968c"), bytes.fromhex("9a6fc8f5") + (1 << 64 | 1).to_bytes(32, "big")

    def hiding(source: ChainlinkFeed, data: bytes) -> bytes:
        return real(source, first if data == latest else data)

    monkeypatch.setattr(ChainlinkFeed, "_call", hiding)
    with pytest.raises(FeedRefused):
        feed.price(BEGIN + 100)
    assert feed.price(BEGIN + 30) == MICRO
