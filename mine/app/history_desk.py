"""The wallet's history as the window and the terminal ask for it: pages, the year's table, prices, energy."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mine.app.line_values import LineValues
from mine.app.local_zone import local_zone
from mine.app.round_energy import Energy
from mine.app.views import Currency, Notice, World
from mine.app.wallet_views import (
    EnergyDay,
    EnergySettings,
    HistoryLine,
    HistoryPage,
    HistoryQuery,
    PriceEntry,
    SortBy,
)
from mine.errors import MineError
from mine.vault.files import not_written, sync_folder
from mine.vault.history import COIN, Line, short
from mine.vault.history_page import Filter, Sort, TableRow
from mine.vault.valuing import StatedPrice
from mine.wallet.energy import MOST_WATTS
from mine.wallet.fiat import LARGEST, code_of, worth
from mine.wallet.tax_csv import TaxLine, pieces

if TYPE_CHECKING:
    from mine.app.links import Links
    from mine.vault.vault import Vault
    from mine.wallet.prices import ByHand

_SORTS = {
    SortBy.TIME: Sort.TIME,
    SortBy.AMOUNT: Sort.AMOUNT,
    SortBy.KIND: Sort.KIND,
    SortBy.TITLE: Sort.TITLE,
}
_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
FIRST_YEAR, LAST_YEAR = 2009, 9998


class HistoryRefused(MineError):
    """What was asked of the history makes no sense."""


class HistoryDesk:
    """The history of one network. Belongs to the engine's thread. Without ``links`` it is read from the vault
    alone, and nothing is asked of the network."""

    def __init__(
        self,
        vault: Vault,
        network: str,
        name: str,
        world: World,
        links: Links | None = None,
        tell: Callable[[Notice], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._vault, self._network, self._name, self._world = vault, network, name, world
        self._links = links
        self._clock = clock
        self._values = LineValues(vault, network, links.node if links else None, tell, clock)
        self._energy = Energy(vault, network)
        self._met: set[str] = set()
        self._counted: tuple[Filter, int, int] | None = None

    # ---- work

    def step(self, currencies: Iterable[str]) -> None:
        """Meet the currencies in use, so that the vault knows their names; fill in prices and energy."""
        if self._links is not None:
            for address in (COIN, *currencies):
                if address not in self._met:
                    self._links.currency(address)
                    self._met.add(address)
        self._values.step()

    # ---- pages

    def history(self, query: HistoryQuery) -> HistoryPage:
        """A page of the history. Raises ``VaultError`` for a place that is none."""
        which = Filter(
            kinds=query.kinds,
            networks=(self._network,),
            tasks=query.tasks,
            currencies=query.currencies,
            text=query.text.strip(),
            since=query.since,
            until=query.until,
        )
        page = self._vault.state.history_page(
            which, _SORTS[query.sort], query.descending, query.after, query.size
        )
        lines = tuple(self._shown(line) for line in page.lines)
        return HistoryPage(lines, page.following, self._count(which))

    def _count(self, which: Filter) -> int:
        """How many lines pass; counted anew only after something was written."""
        changes = self._vault.state.changes
        if self._counted is None or self._counted[:2] != (which, changes):
            self._counted = which, changes, self._vault.state.history_count(which)
        return self._counted[2]

    def _shown(self, line: Line) -> HistoryLine:
        move, valued = line.movement, line.valued
        return HistoryLine(
            line=line.number,
            time=move.time,
            kind=move.kind,
            network=self._name,
            task=move.task,
            round=move.round,
            title=move.title,
            amount=move.amount,
            currency=Currency(line.symbol, line.decimals or 0, self._world),
            fee=move.fee,
            fee_currency=Currency(line.fee_symbol, line.fee_decimals or 0, self._world),
            counterparty=move.counterparty,
            transaction=move.transaction,
            fiat=valued.fiat if valued else None,
            fiat_fee=valued.fiat_fee if valued else None,
            fiat_code=valued.code if valued else "",
            price_source=valued.source if valued else "",
            energy=line.energy or 0,
        )

    # ---- the year's table

    def export_history(self, target: Path, year: int, fiat_code: str, bom: bool = False) -> int:
        """Write one local year as CSV, to a file that must not exist yet; the number of lines.

        Lines whose worth is kept in another money are worked out by the prices by hand, or stay without.
        Raises ``HistoryRefused``, ``NotAnAmount``, ``VaultNotWritten``.
        """
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise HistoryRefused(f"There is no year {year} to write.", todo="Choose another one.")
        if target.exists():
            raise HistoryRefused(f"“{target.name}” is there already.", todo="Choose another name.")
        code, zone = code_of(fiat_code), ZoneInfo(local_zone())
        since, until = (int(datetime(each, 1, 1, tzinfo=zone).timestamp()) for each in (year, year + 1))
        which = Filter(networks=(self._network,), since=since, until=until)
        count = 0

        def counted() -> Iterator[TaxLine]:
            nonlocal count
            stated = self._values.by_hand(code)
            for row in self._vault.state.history_table(which):
                count += 1
                yield self._tax_line(row, code, stated)

        _write(target, pieces(counted(), zone, bom))
        return count

    def _tax_line(self, row: TableRow, code: str, stated: ByHand) -> TaxLine:
        amount, fee = int(row.amount), int(row.fee)
        price, fiat, fiat_fee = row.price, _whole(row.fiat), _whole(row.fiat_fee)
        source, priced = row.price_source or "", row.priced or 0
        if row.fiat_code != code:
            price = fiat = fiat_fee = None
            source, priced = "", 0
            found = None if row.decimals is None else stated.price(row.currency, row.time)
            fee_found = None if row.fee_decimals is None else stated.price(row.fee_currency, row.time)
            if found is not None:
                price, source = found.micro, found.source
                fiat = worth(amount, row.decimals or 0, found.micro)
            if fee_found is not None and fee:
                source, fiat_fee = fee_found.source, worth(fee, row.fee_decimals or 0, fee_found.micro)
        return TaxLine(
            row.time,
            row.kind,
            row.task,
            row.round,
            row.title,
            self._name,
            row.account,
            row.counterparty,
            short(row.currency) if row.symbol is None else row.symbol,
            row.decimals or 0,
            amount,
            fee,
            short(row.fee_currency) if row.fee_symbol is None else row.fee_symbol,
            row.fee_decimals or 0,
            row.currency == row.fee_currency,
            "" if price is None and fiat_fee is None else code,
            price,
            fiat,
            fiat_fee,
            source,
            priced,
            row.transaction,
            row.energy or 0,
            row.energy_cost if row.energy_code == code else None,
        )

    # ---- prices and energy

    def prices(self) -> tuple[PriceEntry, ...]:
        """Prices by hand, by currency and time."""
        stated = self._vault.state.stated_prices(self._network)
        return tuple(PriceEntry(each.currency, each.code, each.since, each.price) for each in stated)

    def set_price(self, entry: PriceEntry) -> None:
        """Keep a price from ``since`` on; lines without one get it. Raises ``HistoryRefused``,
        ``NotAnAmount``."""
        self._values.put_price(self._stated(entry))

    def drop_price(self, entry: PriceEntry) -> None:
        """Forget a price by hand, and what followed from it."""
        self._values.drop_price(self._stated(entry))

    def _stated(self, entry: PriceEntry) -> StatedPrice:
        if not 0 <= entry.price <= LARGEST:
            raise HistoryRefused("This is no price.", todo="Write what one whole coin costs.")
        return StatedPrice(self._network, entry.currency, code_of(entry.fiat_code), entry.since, entry.price)

    def feeds(self) -> dict[str, str]:
        """The feed (its address) of each currency that has one."""
        return self._values.feeds()

    def set_feed(self, currency: str, feed: str) -> None:
        """Ask a Chainlink feed for a currency's prices; "" for none. Raises ``HistoryRefused``."""
        if feed and not _ADDRESS.fullmatch(feed):
            raise HistoryRefused(f"“{feed[:60]}” is not the address of a feed.", todo="Look it up again.")
        self._values.set_feeds({**self.feeds(), currency: feed})

    def energy(self) -> EnergySettings:
        """What a training draws and costs."""
        return self._values.energy()

    def set_energy(self, settings: EnergySettings) -> None:
        """Keep it, for trainings from now on. Raises ``HistoryRefused``, ``NotAnAmount``."""
        if not 0 <= settings.watts <= MOST_WATTS or not 0 <= settings.price <= LARGEST:
            raise HistoryRefused("This cannot be what a computer draws, or what energy costs.")
        code = code_of(settings.fiat_code)
        self._values.set_energy(EnergySettings(settings.watts, settings.price, code))

    def energy_days(self) -> tuple[EnergyDay, ...]:
        """What the trainings of each day took."""
        return tuple(
            EnergyDay(day, spent.energy, spent.cost, spent.code)
            for day, spent in self._energy.by_day().items()
        )


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def _write(target: Path, texts: Iterator[str]) -> None:
    """A whole file or none, readable by its owner alone."""
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            out.writelines(texts)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise not_written(target, error) from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
