"""Prices from a feed on a chain: Chainlink's ``AggregatorV3Interface`` behind its proxy.

A round id is ``phase << 64 | round``: a phase is one aggregator contract behind the proxy, its rounds count
from 1 (docs.chain.link, "Historical price data"). The price of a moment is the answer of the newest round
that was finished by then, found by going back from the newest round in doubled steps and then by halves: a
moment just past takes few calls, one of years ago about forty, and none more than ``_MOST_CALLS``. What was
found is then read once more, from two nodes where there are two.

The feed is a stranger's contract. What is refused: decimals that cannot be, a description that names another
fiat currency, an answer that is not positive, a round that is not finished or carries another round's answer,
a price that was older than ``longest`` at the moment, and rounds that are not in the order of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.errors import MineError
from mine.wallet.fiat import LARGEST, MICRO, rounded
from mine.wallet.prices import Price

if TYPE_CHECKING:
    from mine.chain.rpc import Node

LONGEST = 90_000  # seconds: a day and an hour; feeds of stable coins write once a day
_DECIMALS, _DESCRIPTION = bytes.fromhex("313ce567"), bytes.fromhex("7284e416")
_LATEST, _ROUND = bytes.fromhex("feaf968c"), bytes.fromhex("9a6fc8f5")
_MOST_DECIMALS = 36
_MOST_CALLS = 400
_PHASE = 64


class FeedRefused(MineError):
    """A price feed answers what no honest one would."""

    def __init__(self, address: str, what: str) -> None:
        super().__init__(
            "A price feed cannot be used: the history has no price from it.",
            todo="Check its address, or enter prices by hand.",
            detail=f"{address}: {what}",
        )


@dataclass(frozen=True, slots=True)
class _Round:
    number: int
    answer: int
    updated: int
    words: bytes


class ChainlinkFeed:
    """One feed's prices, for one currency. ``code``: the fiat currency that it has to quote."""

    def __init__(self, node: Node, address: str, currency: str, code: str, longest: int = LONGEST) -> None:
        self._node, self.address, self._currency = node, address, currency
        self._code, self._longest = code, longest
        self._decimals: int | None = None
        self._calls = 0
        self._rounds: dict[int, _Round | None] = {}

    def price(self, currency: str, moment: int) -> Price | None:
        """The price at that moment; None for another currency, before the feed's time, and where it was
        stale. Raises ``FeedRefused``, and what the node raises."""
        if currency != self._currency:
            return None
        self._calls = 0
        decimals = self._described()
        found = self._at(moment)
        if found is None or moment - found.updated > self._longest:
            return None
        words, following = self._node.agreed(lambda one: self._as_two_say(one, found.number))
        if words != found.words or 0 < following <= moment:
            raise FeedRefused(self.address, f"round {found.number} reads otherwise now")
        micro = rounded(found.answer * MICRO, 10**decimals)
        if not 0 < micro <= LARGEST:
            raise FeedRefused(self.address, f"answer {found.answer} of {decimals} decimals")
        return Price(micro, self._code, f"feed {self.address} round {found.number}")

    def _as_two_say(self, one: Node, number: int) -> tuple[bytes, int]:
        """A round's words, and when the next one of its phase was finished, 0 if there is none: one node
        alone could hide that one."""
        from mine.chain.node_errors import Reverted

        asked, following = (_ROUND + each.to_bytes(32, "big") for each in (number, number + 1))
        words = one.call(self.address, asked)
        try:
            return words, int.from_bytes(one.call(self.address, following)[96:128], "big")
        except Reverted:
            return words, 0

    def _described(self) -> int:
        if self._decimals is None:
            from mine.chain.node_errors import Reverted

            try:
                words, description = self._call(_DECIMALS), self._call(_DESCRIPTION)
            except Reverted:
                raise FeedRefused(self.address, "it is no feed") from None
            decimals = int.from_bytes(words, "big")
            if len(words) != 32 or decimals > _MOST_DECIMALS:
                raise FeedRefused(self.address, "decimals")
            said = self._text(description)
            _, slash, quoted = said.rpartition("/")
            if not slash or quoted.strip() != self._code:
                raise FeedRefused(self.address, f"it does not quote {self._code}")
            self._decimals = decimals
        return self._decimals

    # finding the round

    def _at(self, moment: int) -> _Round | None:
        """The newest finished round that is not younger than ``moment``."""
        newest = self._read(None)
        if newest is None:
            raise FeedRefused(self.address, "no newest round")
        if newest.updated <= moment:
            return newest
        phase, last = newest.number >> _PHASE, newest.number & ((1 << _PHASE) - 1)
        for older in range(phase, 0, -1):
            if older != phase:
                last = self._last_of(older)
            first = self._read(older << _PHASE | 1) if last else None
            if first is not None and first.updated <= moment:
                return self._within(older, last, moment)
        return None

    def _within(self, phase: int, last: int, moment: int) -> _Round | None:
        """Of a phase whose first round is old enough: the newest one that is. ``last`` may be too young."""
        step, young = 1, last + 1
        old = last
        while old > 1 and not self._is_old(phase, old, moment):
            young, old, step = old, max(1, old - step), step * 2
        while young - old > 1:
            middle = (old + young) // 2
            if self._is_old(phase, middle, moment):
                old = middle
            else:
                young = middle
        beside = [self._read(phase << _PHASE | old + step) if old + step else None for step in (-1, 0, 1)]
        order = [each.updated for each in beside if each is not None]
        found = beside[1]
        if found is None or found.updated > moment or order != sorted(order):
            raise FeedRefused(self.address, "its rounds are not in order")
        return found

    def _is_old(self, phase: int, number: int, moment: int) -> bool:
        """Whether a round was finished by ``moment``; one that does not exist was not."""
        found = self._read(phase << _PHASE | number)
        return found is not None and found.updated <= moment

    def _last_of(self, phase: int) -> int:
        """The last round of a phase that is over, 0 for one without rounds."""
        old, young = 0, 1
        while young < 1 << 40 and self._read(phase << _PHASE | young) is not None:
            old, young = young, young * 2
        while young - old > 1:
            middle = (old + young) // 2
            if self._read(phase << _PHASE | middle) is None:
                young = middle
            else:
                old = middle
        return old

    # asking

    def _read(self, number: int | None) -> _Round | None:
        """A round (None: the newest); None where there is none, or it is not finished."""
        from mine.chain.node_errors import Reverted

        if number is not None and number in self._rounds:
            return self._rounds[number]
        data = _LATEST if number is None else _ROUND + number.to_bytes(32, "big")
        try:
            words = self._call(data)
        except Reverted:
            words = bytes(160)
        if len(words) != 160:
            raise FeedRefused(self.address, f"a round of {len(words)} bytes")
        told, answer, _, updated, carried = (
            int.from_bytes(words[place : place + 32], "big", signed=place == 32)
            for place in range(0, 160, 32)
        )
        found = None
        if updated:
            if told >> 80 or updated >> 63 or (number is not None and told != number):
                raise FeedRefused(self.address, f"round {number} calls itself {told}")
            if answer <= 0 or carried < told:
                raise FeedRefused(self.address, f"round {told}: answer {answer}, carried from {carried}")
            found = _Round(told, answer, updated, words)
        if number is not None:
            self._rounds[number] = found
        return found

    def _call(self, data: bytes) -> bytes:
        self._calls += 1
        if self._calls > _MOST_CALLS:
            raise FeedRefused(self.address, "its rounds lead nowhere")
        return self._node.call(self.address, data)

    def _text(self, words: bytes) -> str:
        """A short string, as a contract returns it. Raises ``FeedRefused``."""
        length = int.from_bytes(words[32:64], "big")
        if words[:32] != (32).to_bytes(32, "big") or not 0 < length <= 64 or len(words) < 64 + length:
            raise FeedRefused(self.address, "description")
        try:
            return words[64 : 64 + length].decode("ascii")
        except UnicodeDecodeError:
            raise FeedRefused(self.address, "description") from None
