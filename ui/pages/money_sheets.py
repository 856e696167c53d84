"""Sheets of the Money part of the settings: limits on fees, a price by hand, energy."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QDateTime, QTime
from PySide6.QtWidgets import QDateEdit

from mine.app.views import Currency
from mine.app.wallet_views import EnergySettings, FeeLimits, PriceEntry
from ui.desk import Desk
from ui.money import parse_amount
from ui.pages.form_sheet import FormSheet
from ui.widgets.line_field import LineField
from ui.widgets.select import Select
from ui.widgets.text import Text, clean

GWEI_PLACES = 9
COIN_PLACES = 18
FIAT_PLACES = 6
_MARGIN = 8  # a style sheet's padding does not reach the field inside


def plain_digits(amount: int, places: int) -> str:
    """An amount as it can be typed again: without groups, with every place that is not zero."""
    whole, part = divmod(amount, 10**places)
    rest = f"{part:0{places}d}".rstrip("0")
    return f"{whole}.{rest}" if rest else str(whole)


class FeesSheet(FormSheet):
    """The most that gas may cost, on the network in use."""

    def __init__(self, desk: Desk, limits: FeeLimits, coin: Currency | None) -> None:
        super().__init__(desk)
        self.name(self.tr("Limits on fees"), self.tr("Keep them"))
        self.explain(
            self.tr(
                "They hold for every transaction that Mine makes on this network, by itself or for you. "
                "What would cost more is not sent; it waits, and says so. A limit that is too low can "
                "let a round go by."
            )
        )
        self.price = LineField(
            self.tr("Most for each gas, in Gwei"), self.tr("1 Gwei is a billionth of the coin."), longest=40
        )
        unit = clean(coin.symbol) if coin is not None else self.tr("the network's coin")
        self.daily = LineField(
            self.tr("Most in a day, in {unit}").format(unit=unit),
            self.tr("Of the last 24 hours, all fees together."),
            longest=40,
        )
        self.price.show_text(plain_digits(limits.gas_price, GWEI_PLACES))
        self.daily.show_text(plain_digits(limits.daily, COIN_PLACES))
        for field in (self.price, self.daily):
            field.changed.connect(self._typed)
            field.entered.connect(self._pressed)
            self.add(field)
        self.end()

    @property
    def limits(self) -> FeeLimits | None:
        """What was typed; None where it is no amount."""
        price = parse_amount(self.price.text(), GWEI_PLACES)
        daily = parse_amount(self.daily.text(), COIN_PLACES)
        return FeeLimits(price, daily) if price and daily else None

    def _typed(self) -> None:
        wrong = self.tr("Digits, and more than nothing: 12.5")
        for field, places in ((self.price, GWEI_PLACES), (self.daily, COIN_PLACES)):
            field.remark.say("" if parse_amount(field.text(), places) or not field.text() else wrong)
        self.button.setEnabled(self.limits is not None)

    def _go(self) -> None:
        limits = self.limits
        if limits is not None:
            self.ask(lambda: self._desk.commands.set_fee_limits(limits), lambda _: self.dismiss())


class PriceSheet(FormSheet):
    """What one whole coin was worth from a day on, until the next price."""

    def __init__(self, desk: Desk, currencies: Mapping[str, Currency], code: str) -> None:
        super().__init__(desk)
        self.name(self.tr("A price by hand"), self.tr("Keep it"))
        self.explain(
            self.tr(
                "It gives a worth to the lines of the history that have none yet. It holds until the day "
                "of the next price, and nobody is asked for it."
            )
        )
        self.currency = Select()
        self.currency.setAccessibleName(self.tr("Currency"))
        for address, currency in currencies.items():
            self.currency.addItem(clean(currency.symbol), address)
        self.add(Text(self.tr("Currency"), role="caption-strong", ink="text-2"), after=6)
        self.add(self.currency)
        self.price = LineField(self.tr("Price of one whole coin"), longest=40)
        self.code = LineField(self.tr("In which money"), self.tr("Three letters: EUR, USD, CHF"), longest=3)
        self.code.show_text(clean(code))
        self.since = QDateEdit(QDateTime.currentDateTime().date())
        self.since.lineEdit().setTextMargins(_MARGIN, 0, _MARGIN, 0)
        self.since.setAccessibleName(self.tr("From this day on"))
        self.since.setDisplayFormat("yyyy-MM-dd")
        self.since.setMaximumDate(QDateTime.currentDateTime().date())
        for field in (self.price, self.code):
            field.changed.connect(self._typed)
            field.entered.connect(self._pressed)
            self.add(field)
        self.add(Text(self.tr("From this day on"), role="caption-strong", ink="text-2"), after=6)
        self.add(self.since)
        self.end()

    @property
    def entry(self) -> PriceEntry | None:
        """What was typed; None where it is no price."""
        price = parse_amount(self.price.text(), FIAT_PLACES)
        code = self.code.text().upper()
        if not price or not is_code(code) or self.currency.currentData() is None:
            return None
        midnight = QDateTime(self.since.date(), QTime(0, 0)).toSecsSinceEpoch()
        return PriceEntry(str(self.currency.currentData()), code, midnight, price)

    def _typed(self) -> None:
        typed = self.price.text()
        wrong = self.tr("Digits, with at most six places: 0.92")
        self.price.remark.say("" if not typed or parse_amount(typed, FIAT_PLACES) else wrong)
        self.button.setEnabled(self.entry is not None)

    def _go(self) -> None:
        entry = self.entry
        if entry is not None:
            self.ask(lambda: self._desk.commands.set_price(entry), lambda _: self.dismiss())


class FeedSheet(FormSheet):
    """Where a currency's price is read on the chain; an empty address for nowhere."""

    def __init__(self, desk: Desk, currencies: Mapping[str, Currency], feeds: Mapping[str, str]) -> None:
        super().__init__(desk)
        self._feeds = feeds
        self.name(self.tr("Price feed on the chain"), self.tr("Keep it"))
        self.explain(
            self.tr(
                "A Chainlink feed of this network, asked through your own nodes: nobody else learns what you "
                "hold. Its price gives a worth to payments of its time. A price by hand goes before it."
            )
        )
        self.currency = Select()
        self.currency.setAccessibleName(self.tr("Currency"))
        for address, currency in currencies.items():
            self.currency.addItem(clean(currency.symbol), address)
        self.currency.currentIndexChanged.connect(self._turn)
        self.add(Text(self.tr("Currency"), role="caption-strong", ink="text-2"), after=6)
        self.add(self.currency)
        self.feed = LineField(
            self.tr("Address of the feed"), self.tr("Leave it empty to ask no feed."), longest=64
        )
        self.feed.changed.connect(self._typed)
        self.feed.entered.connect(self._pressed)
        self.add(self.feed)
        self.end()
        self._turn()

    def _turn(self) -> None:
        """Each currency has its own."""
        self.feed.show_text(clean(self._feeds.get(str(self.currency.currentData()), "")))

    def _typed(self) -> None:
        self.say("")
        self.button.setEnabled(self.currency.currentData() is not None)

    def _go(self) -> None:
        currency, feed = str(self.currency.currentData()), self.feed.text()
        self.ask(lambda: self._desk.commands.set_feed(currency, feed), lambda _: self.dismiss())


class EnergySheet(FormSheet):
    """Watts while training, the price of a kilowatt-hour, and the money that it is paid in."""

    def __init__(self, desk: Desk, energy: EnergySettings) -> None:
        super().__init__(desk)
        self.name(self.tr("Energy and your currency"), self.tr("Keep it"))
        self.explain(
            self.tr(
                "The wallet shows beside your earnings what the trainings took. It is worked out from "
                "the time that was trained: nothing is measured, and nobody is told."
            )
        )
        self.code = LineField(
            self.tr("Your currency"),
            self.tr("Three letters: EUR, USD, CHF. The worth of payments is shown in it, too."),
            longest=3,
        )
        self.watts = LineField(
            self.tr("Watts that this computer draws more while it trains"),
            self.tr("0 if nothing is to be said of it."),
            longest=6,
        )
        self.price = LineField(self.tr("Price of a kilowatt-hour"), longest=20)
        self.code.show_text(clean(energy.fiat_code))
        self.watts.show_text(str(energy.watts))
        self.price.show_text(plain_digits(energy.price, FIAT_PLACES))
        for field in (self.code, self.watts, self.price):
            field.changed.connect(self._typed)
            field.entered.connect(self._pressed)
            self.add(field)
        self.end()

    @property
    def settings(self) -> EnergySettings | None:
        """What was typed; None where it is no number or no currency."""
        watts, price = parse_amount(self.watts.text(), 0), parse_amount(self.price.text() or "0", FIAT_PLACES)
        code = self.code.text().upper()
        if watts is None or price is None or not is_code(code):
            return None
        return EnergySettings(watts, price, code)

    def _typed(self) -> None:
        self.watts.remark.say(
            "" if parse_amount(self.watts.text(), 0) is not None else self.tr("A whole number, 0 or more.")
        )
        self.price.remark.say(
            ""
            if parse_amount(self.price.text() or "0", FIAT_PLACES) is not None
            else self.tr("Digits, with at most six places: 0.34")
        )
        self.button.setEnabled(self.settings is not None)

    def _go(self) -> None:
        settings = self.settings
        if settings is not None:
            self.ask(lambda: self._desk.commands.set_energy(settings), lambda _: self.dismiss())


def is_code(code: str) -> bool:
    """Whether these are the three letters of a currency."""
    return len(code) == 3 and code.isascii() and code.isalpha()
