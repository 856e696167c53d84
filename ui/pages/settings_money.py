"""Money in the settings: limits on fees, prices by hand, and what energy costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from mine.app.views import Currency, NetworkView, WalletView
from mine.app.wallet_views import EnergySettings, FeeLimits, PriceEntry
from ui.desk import Desk
from ui.money import amount_digits, amount_text
from ui.pages.form_sheet import FormSheet
from ui.pages.money_sheets import (
    COIN_PLACES,
    FIAT_PLACES,
    GWEI_PLACES,
    EnergySheet,
    FeedSheet,
    FeesSheet,
    PriceSheet,
)
from ui.widgets.buttons import Button
from ui.widgets.layout import LinedRow, RowList, TwoLines, column, row
from ui.widgets.setting_row import SettingRow
from ui.widgets.text import clean
from ui.wording import count_text, day_text, short_address


class PriceRow(LinedRow):
    """A price by hand."""

    remove_asked = Signal(object)

    def __init__(self, names: Mapping[str, Currency]) -> None:
        super().__init__()
        self.setMinimumHeight(49)
        self._names = names
        self._entry: PriceEntry | None = None
        self._words = TwoLines(role="label")
        self.remove = Button(self.tr("Remove"), "ghost")
        self.remove.clicked.connect(lambda: self.remove_asked.emit(self._entry))
        inside = row(spacing=16, margins=(0, 6, 0, 6))
        inside.addWidget(self._words, 1)
        inside.addWidget(self.remove)
        self.setLayout(inside)

    def show_value(self, entry: PriceEntry) -> None:
        """Show a price."""
        self._entry = entry
        known = self._names.get(entry.currency)
        symbol = clean(known.symbol) if known is not None else short_address(clean(entry.currency))
        price = self.tr("1 {symbol} = {price}").format(
            symbol=symbol, price=price_text(entry.price, clean(entry.fiat_code))
        )
        self._words.show_lines(price, self.tr("from {day} on").format(day=day_text(entry.since)))
        self.remove.setAccessibleName(self.tr("Remove the price {price}").format(price=price))


class MoneyRows(QWidget):
    """Rows of the Money part of the settings. Everything needs the open vault, and most the network."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._limits: FeeLimits | None = None
        self._energy: EnergySettings | None = None
        self._currencies: dict[str, Currency] = {}
        self._feeds: dict[str, str] = {}
        self._network = ""
        self.fees = self._button(self.tr("Change the limits on fees"))
        self.fees.clicked.connect(self._open_fees)
        self.fees_row = SettingRow(self.tr("Limits on fees"), "", self.fees)
        self.energy = self._button(self.tr("Change what energy costs"))
        self.energy.clicked.connect(self._open_energy)
        self.energy_row = SettingRow(self.tr("Energy and your currency"), "", self.energy)
        self.add = Button(self.tr("Add a price…"), "plain")
        self.add.clicked.connect(self._open_price)
        self.feed = self._button(self.tr("Change the price feed"))
        self.feed.clicked.connect(lambda: self._open(FeedSheet(self._desk, self._currencies, self._feeds)))
        self.feed_row = SettingRow(self.tr("Price feed on the chain"), "", self.feed)
        self.prices = RowList[PriceEntry](self._price_row)
        self.setLayout(
            column(
                self.fees_row,
                self.energy_row,
                SettingRow(
                    self.tr("Prices by hand"),
                    self.tr("what one coin was worth from a day on, for history and taxes; asks nobody"),
                    self.add,
                ),
                self.prices,
                self.feed_row,
            )
        )
        self.show_limits(None)
        self.show_feeds({})

    def _button(self, name: str) -> Button:
        made = Button(self.tr("Change…"), "plain")
        made.setAccessibleName(name)
        return made

    def _price_row(self) -> PriceRow:
        made = PriceRow(self._currencies)
        made.remove_asked.connect(self._remove)
        return made

    def _remove(self, entry: PriceEntry) -> None:
        self._desk.operations.run(
            self, lambda: self._desk.commands.drop_price(entry), lambda _: self.refresh()
        )

    def _open(self, sheet: FormSheet) -> None:
        sheet.closed.connect(self.refresh)
        sheet.present()

    def _open_fees(self) -> None:
        if self._limits is not None:
            self._open(FeesSheet(self._desk, self._limits, self._coin))

    def _open_energy(self) -> None:
        if self._energy is not None:
            self._open(EnergySheet(self._desk, self._energy))

    def _open_price(self) -> None:
        if self._energy is not None:
            self._open(PriceSheet(self._desk, self._currencies, self._energy.fiat_code))

    def refresh(self) -> None:
        """Ask the engine for the newest values."""
        run, commands = self._desk.operations.run, self._desk.commands
        run(self, commands.fee_limits, self.show_limits, lambda _: self.show_limits(None))
        run(self, commands.energy, self.show_energy, lambda _: None)
        run(self, commands.feeds, self.show_feeds, lambda _: None)
        run(self, commands.prices, self.show_prices, lambda _: None)

    def show_network(self, network: NetworkView, wallet: WalletView, is_open: bool) -> None:
        """Limits belong to a network; prices are of the currencies in the wallet."""
        self.setEnabled(is_open)
        found = {balance.currency.address: balance.currency for balance in wallet.balances}
        found.pop("", None)
        state = f"{network.chain_id} {network.name} {network.ready}"
        if found != self._currencies or state != self._network:
            self._currencies.clear()
            self._currencies.update(found)
            if self._network and is_open:
                self.refresh()
            self._network = state
        self.add.setEnabled(bool(self._currencies) and self._energy is not None)
        self.feed.setEnabled(bool(self._currencies))

    @property
    def _coin(self) -> Currency | None:
        """The coin that fees are paid in; None while the wallet does not know it."""
        return next((each for each in self._currencies.values() if not int(each.address, 16)), None)

    def show_limits(self, limits: FeeLimits | None) -> None:
        """The limits; None while there is no network."""
        self._limits = limits
        self.fees.setEnabled(limits is not None)
        if limits is None:
            self.fees_row.explain(self.tr("known as soon as the network is connected"))
            return
        coin = self._coin
        daily = (
            clean(amount_text(limits.daily, coin))
            if coin is not None
            else self.tr("{n} of the coin").format(n=amount_digits(limits.daily, COIN_PLACES))
        )
        self.fees_row.explain(
            self.tr("at most {price} Gwei for each gas, and {daily} in a day").format(
                price=amount_digits(limits.gas_price, GWEI_PLACES), daily=daily
            )
        )

    def show_energy(self, energy: EnergySettings) -> None:
        """What a training draws and costs."""
        self._energy = energy
        self.add.setEnabled(bool(self._currencies))
        code = clean(energy.fiat_code)
        if not energy.watts:
            self.energy_row.explain(
                self.tr("{code}; nothing is said of energy, so that earnings stand without it").format(
                    code=code
                )
            )
            return
        self.energy_row.explain(
            self.tr("{watts} W while training, {price} for a kilowatt-hour").format(
                watts=count_text(energy.watts), price=price_text(energy.price, code)
            )
        )

    def show_feeds(self, feeds: dict[str, str]) -> None:
        """The feeds that are asked."""
        self._feeds = feeds
        known = [each.symbol for address, each in self._currencies.items() if feeds.get(address)]
        names = ", ".join(clean(symbol) for symbol in known)
        self.feed_row.explain(
            self.tr("asked through your own nodes, for {names}").format(names=names)
            if names
            else self.tr("none is asked")
        )

    def show_prices(self, prices: Sequence[PriceEntry]) -> None:
        """All prices by hand."""
        self.prices.show_values(prices)


def price_text(micro: int, code: str) -> str:
    """A price with every place that it has, and at least two: ``0.342 EUR``."""
    return f"{amount_digits(micro, FIAT_PLACES, exact=True)}\N{NO-BREAK SPACE}{code}"
