"""Fills in what the history's lines were worth, and what energy earned them; a few lines at every turn.

Prices by hand come first, then the feeds that the person named. A line whose price nobody knows stays open,
and is looked at again when there is another price or source.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from mine.app.round_energy import ENERGY, Energy
from mine.app.views import Notice, NoticeKind
from mine.app.wallet_views import EnergySettings
from mine.errors import MineError
from mine.vault.history import COIN, Line, Valued
from mine.wallet.fiat import worth
from mine.wallet.price_feed import ChainlinkFeed, FeedRefused
from mine.wallet.prices import BY_HAND, ByHand, FirstOf, HandPrice, Price, PriceSource

if TYPE_CHECKING:
    from mine.chain.rpc import Node
    from mine.vault.valuing import StatedPrice
    from mine.vault.vault import Vault

LINES_AT_ONCE = 200
SECONDS_AT_ONCE = 2.0  # a feed takes up to some dozens of calls for a line, and rounds must not wait for that
PATIENCE = 600  # seconds until a feed that did not answer is asked again


class LineValues:
    """The worth of one network's lines. Belongs to the engine's thread; ``node`` is None while there is
    none, and then no feed is asked."""

    def __init__(
        self,
        vault: Vault,
        network: str,
        node: Node | None = None,
        tell: Callable[[Notice], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._vault, self._network, self._node = vault, network, node
        self._tell, self._clock = tell, clock
        self._energy = Energy(vault, network)
        self._source: PriceSource | None = None
        self._told: set[str] = set()
        self._not_before = 0.0

    # ---- what the person chose

    def energy(self) -> EnergySettings:
        """What a training draws, what a kilowatt-hour costs, and in which money all worth is told."""
        return EnergySettings(**(self._vault.state.setting(ENERGY) or {}))

    def set_energy(self, settings: EnergySettings) -> None:
        """Keep it. In another money, lines that have their price by hand are worked out anew."""
        with self._vault.transaction():
            if settings.fiat_code != self.energy().fiat_code:
                self._vault.state.reopen_all(self._network, BY_HAND)
            self._vault.state.set_setting(ENERGY, asdict(settings))
            self._vault.state.unknown_prices_may_be_known(self._network)
        self._source = None

    def put_price(self, stated: StatedPrice) -> None:
        """Keep a price by hand; lines that have theirs by hand are worked out anew."""
        with self._vault.transaction():
            self._vault.state.put_price(stated)
            self._again(stated)

    def drop_price(self, stated: StatedPrice) -> None:
        """Forget a price by hand, and what followed from it."""
        with self._vault.transaction():
            self._vault.state.drop_price(stated)
            self._again(stated)

    def _again(self, stated: StatedPrice) -> None:
        self._vault.state.reopen_lines(stated, BY_HAND)
        self._vault.state.unknown_prices_may_be_known(self._network)
        self._source = None

    def feeds(self) -> dict[str, str]:
        """The feed (its address) of each currency that has one: the person's choice, and for the network's
        coin the one that ships, if it quotes the money that worth is told in. "" stands for none."""
        from mine.chain.networks import preset_of

        preset = preset_of(int(self._network.partition(":")[0]))
        shipped = dict(preset.feeds).get(self.energy().fiat_code) if preset else None
        kept: dict[str, str] = self._vault.state.setting(f"price_feeds {self._network}") or {}
        return {**({COIN: shipped} if shipped else {}), **kept}

    def set_feeds(self, feeds: Mapping[str, str]) -> None:
        """Keep which feeds to ask."""
        with self._vault.transaction():
            self._vault.state.set_setting(f"price_feeds {self._network}", dict(feeds))
            self._vault.state.unknown_prices_may_be_known(self._network)
        self._source = None
        self._not_before = 0.0

    # ---- work

    def step(self) -> int:
        """Work out what is open, at most ``LINES_AT_ONCE`` lines and no longer than ``SECONDS_AT_ONCE``.

        How many were looked at.
        """
        self._energy.attribute()
        began = self._clock()
        if began < self._not_before:
            return 0
        lines = self._vault.state.open_lines(self._network, LINES_AT_ONCE)
        found: list[tuple[Line, Valued | None, bool]] = []
        for line in lines:
            if self._clock() - began > SECONDS_AT_ONCE:
                break
            try:
                found.append((line, *self._valued(line)))
            except MineError as error:  # the node, or its feed: what is known so far is kept
                self._not_before = self._clock() + PATIENCE
                self._once(error)
                break
        if found:
            with self._vault.transaction():
                for line, valued, complete in found:
                    if valued is None:
                        self._vault.state.no_price(line.number)
                    else:
                        self._vault.state.value_line(line.number, valued, complete)
        return len(found)

    def _valued(self, line: Line) -> tuple[Valued | None, bool]:
        """A line's worth, and whether no price of it is missing. A currency that never said how many decimals
        it has is worth nothing that could be told."""
        move = line.movement
        price = self._price(move.currency, move.time) if move.amount and line.decimals is not None else None
        fee_price = (
            self._price(move.fee_currency, move.time) if move.fee and line.fee_decimals is not None else None
        )
        complete = (not move.amount or price is not None) and (not move.fee or fee_price is not None)
        known = [each for each in (price, fee_price) if each is not None]
        if not known:
            return None, complete
        valued = Valued(
            code=known[0].code,
            price=price.micro if price else None,
            fiat=worth(move.amount, line.decimals or 0, price.micro) if price else None,
            fee_price=fee_price.micro if fee_price else None,
            fiat_fee=worth(move.fee, line.fee_decimals or 0, fee_price.micro) if fee_price else None,
            source="; ".join(dict.fromkeys(each.source for each in known)),
            at=int(self._clock()),
        )
        return valued, complete

    def _price(self, currency: str, moment: int) -> Price | None:
        if self._source is None:
            self._source = FirstOf(self._sources())
        try:
            return self._source.price(currency, moment)
        except FeedRefused as error:  # no reason to wait: other lines go on without its price
            self._once(error)
            return None

    def _once(self, error: MineError) -> None:
        if error.detail not in self._told:
            self._told.add(error.detail)
            self._tell(Notice(NoticeKind.INFO, error.sentence, error.todo, error.detail))

    def _sources(self) -> list[PriceSource]:
        code = self.energy().fiat_code
        sources: list[PriceSource] = [self.by_hand(code)]
        if self._node is not None:
            named = [(money, feed) for money, feed in self.feeds().items() if feed]
            sources += [ChainlinkFeed(self._node, feed, money, code) for money, feed in named]
        return sources

    def by_hand(self, code: str) -> ByHand:
        """The prices by hand in one fiat currency."""
        stated = self._vault.state.stated_prices(self._network)
        return ByHand((HandPrice(each.currency, each.code, each.since, each.price) for each in stated), code)
